"""The channels of several files as one image."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from unet_core.errors import ImageError
from unet_core.io import channels
from unet_core.io.channels import Kind
from unet_core.io.pixels import encode_png

GRAY = np.arange(20, dtype=np.uint8).reshape(4, 5)


def test_files_are_channels_in_their_order(tmp_path: Path) -> None:
    files = [tmp_path / f"cell_000{number}.png" for number in range(3)]
    for number, path in enumerate(files):
        path.write_bytes(encode_png(GRAY + number))
    expected = np.stack([GRAY, GRAY + 1, GRAY + 2], 2)
    np.testing.assert_array_equal(channels.read(files), expected)
    assert channels.describe(files) == Kind(3, (), stacked=True)
    assert channels.describe(files[:1]).is_color
    assert not channels.describe(files).is_color


def test_another_size_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a_0000.png").write_bytes(encode_png(GRAY))
    (tmp_path / "a_0001.png").write_bytes(encode_png(GRAY[:3]))
    with pytest.raises(ImageError, match=r"a_0001\.png: this channel is 5 x 3 pixels, that of a_0000\.png 5 x 4\. All"):
        channels.read([tmp_path / "a_0000.png", tmp_path / "a_0001.png"])


def test_a_pixel_is_valid_where_all_channels_have_data(tmp_path: Path) -> None:
    first, second = np.ones((4, 5), np.float32), np.ones((4, 5), np.float32)
    first[0, 0] = second[1, 2] = np.nan
    for name, pixels in (("a", first), ("b", second), ("c", np.ones((4, 5), np.float32))):
        tifffile.imwrite(tmp_path / f"{name}.tif", pixels)
    pixels, valid = channels.read_valid([tmp_path / f"{name}.tif" for name in "abc"])
    assert valid is not None
    assert np.argwhere(~valid).tolist() == [[0, 0], [1, 2]]
    assert (pixels == 1).all(), "filled by the mean of the channel"
    assert channels.read_valid([tmp_path / "c.tif"])[1] is None


def test_bit_depths_are_brought_together() -> None:
    eight, sixteen = np.full((1, 1, 1), 255, np.uint8), np.full((1, 1, 1), 400, np.uint16)
    real = np.full((1, 1, 1), -0.5, np.float32)
    both = channels.stack([eight, sixteen], ["a", "b"])
    assert (both.dtype, both.tolist()) == (np.uint16, [[[65535, 400]]])
    mixed = channels.stack([sixteen, real, eight], ["a", "b", "c"])
    assert (mixed.dtype, mixed.tolist()) == (np.float32, [[[400, -0.5, 255]]])
    assert channels.stack([eight], ["a"]) is eight


@pytest.mark.parametrize(
    ("names", "expected"), [((), True), (("Red", "g", "BLUE"), True), (("red", "GFP", "b"), False)]
)
def test_colors_are_known_by_their_names(names: tuple[str, ...], expected: bool) -> None:
    assert channels.are_colors(names) == expected
    assert Kind(3, names).is_color == expected
