"""PPM and its family as stored, HEIC by its plug-in, Lab; the other formats of Pillow are in `test_images`."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from unet_core.errors import ImageError
from unet_core.io import images

Array = NDArray[Any]
RNG = np.random.default_rng(0)
BITS: Array = RNG.integers(0, 2, (5, 11), np.uint8)


def plain(kind: int, pixels: Array, most: int | None) -> bytes:
    """A PBM, PGM or PPM whose numbers are text (P1 to P3) or bytes (P4 to P6)."""
    size = f"P{kind}\n# a comment\n{pixels.shape[1]} {pixels.shape[0]}\n" + (f"{most}\n" if most else "")
    if kind <= 3:
        return (size + "\n".join(" ".join(map(str, row.ravel())) for row in pixels)).encode()
    packed = np.packbits(pixels, axis=1) if kind == 4 else pixels.astype(">u2" if most and most > 255 else "u1")
    return size.encode() + packed.tobytes()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "image.ppm"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("text", [True, False], ids=["text", "bytes"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("most", [255, 256, 1023, 4095, 65535])
def test_ppm_gives_what_is_stored(file: Callable[[bytes], Path], most: int, channels: int, text: bool) -> None:
    """Pillow cuts 16-bit colors to 8 and stretches 12 bits to 16."""
    pixels = RNG.integers(0, most, (5, 11, channels), endpoint=True).astype(np.uint16 if most > 255 else np.uint8)
    path = file(plain((2 if channels == 1 else 3) + (0 if text else 3), pixels, most))
    found = images.read(path)
    assert found.dtype == pixels.dtype
    np.testing.assert_array_equal(found, pixels)
    info = images.describe(path)
    assert (info.height, info.width, info.channels, info.dtype) == (*pixels.shape, pixels.dtype.name)
    if channels == 1 or most <= 255:
        np.testing.assert_array_equal(images.read_mask_file(path).pixels, pixels.squeeze())
        np.testing.assert_array_equal(images.read_mask(path), pixels.squeeze())


@pytest.mark.parametrize("text", [True, False], ids=["text", "bytes"])
@pytest.mark.parametrize("most", [1, 3, 100])
def test_few_gray_levels_are_stretched_in_an_image_and_kept_in_a_mask(
    file: Callable[[bytes], Path], most: int, text: bool
) -> None:
    pixels = RNG.integers(0, most, (5, 11), np.uint8, endpoint=True)
    path = file(plain(2 if text else 5, pixels, most))
    np.testing.assert_allclose(images.read(path)[:, :, 0], pixels * (255 / most), atol=0.51)
    for found in (images.read_mask_file(path).pixels, images.read_mask(path)):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("kind", [1, 4])
def test_one_bit_is_taken_as_it_is_seen(file: Callable[[bytes], Path], kind: int) -> None:
    """In PBM 1 is black ink."""
    path = file(plain(kind, BITS, None).replace(b" ", b" "))
    np.testing.assert_array_equal(images.read(path)[:, :, 0], (1 - BITS) * 255)
    np.testing.assert_array_equal(images.read_mask_file(path).pixels, 1 - BITS)


@pytest.mark.parametrize("cut", [0.4, 0.9])
@pytest.mark.parametrize("kind", [2, 3, 5, 6])
@pytest.mark.parametrize("most", [255, 4095])
def test_a_ppm_that_is_cut_off_is_refused(file: Callable[[bytes], Path], kind: int, most: int, cut: float) -> None:
    data = plain(kind, RNG.integers(9, 100, (50, 50, 1 if kind in (2, 5) else 3)), most)
    with pytest.raises(ImageError, match=r"image\.ppm: the image is damaged"):
        images.read(file(data[: int(cut * len(data))]))


@pytest.mark.parametrize("turn", [1, 6])
def test_heic_is_read_upright_by_its_plug_in(file: Callable[[bytes], Path], turn: int) -> None:
    smooth = np.add.outer(np.arange(0, 128, 2), np.arange(96)).astype(np.uint8)
    colors = np.dstack([smooth, 255 - smooth, smooth // 2])
    exif, data = Image.Exif(), io.BytesIO()
    exif[0x112] = turn
    pillow_heif.register_heif_opener()
    Image.fromarray(colors).save(data, "HEIF", quality=100, exif=exif)
    path = file(data.getvalue())
    found = images.read(path)
    expected = np.asarray(Image.open(path).convert("RGB"))
    np.testing.assert_array_equal(found, expected)
    assert images.size(path) == found.shape[:2]
    assert (images.pages(path), images.orientation(path), images.describe(path).channels) == (1, 1, 3)
    assert images.read_mask_file(path).lossy


def test_without_its_plug_in_heic_is_refused_with_the_install_command(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = file(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    with pytest.raises(ImageError) as refusal:
        images.read(path)
    assert str(refusal.value) == (
        f"{path}: HEIC files need pillow-heif; run pip install pillow-heif, or save the image as JPEG or PNG."
    )


def test_lab_looks_as_it_does_in_other_viewers(file: Callable[[bytes], Path]) -> None:
    colors = RNG.integers(100, 160, (8, 9, 3), np.uint8)  # none beyond what 8 bits of Lab tell apart
    data = io.BytesIO()
    Image.fromarray(colors).convert("LAB").save(data, "TIFF")
    assert np.abs(images.read(file(data.getvalue())).astype(int) - colors).max() <= 4
