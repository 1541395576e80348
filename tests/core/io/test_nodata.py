"""Pixels without data: the file's own value, NaN and markers at the rim are found, what only looks like them is not."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io import images
from unet_core.io.nodata import find_valid

Array = NDArray[Any]
RNG = np.random.default_rng(0)
HEIGHTS: Array = RNG.uniform(100, 900, (20, 24)).astype(np.float32)
RIM = np.zeros((20, 24), bool)
RIM[:4] = True
LOWEST = float(np.finfo(np.float32).min)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(pixels: Array, nodata: str | None = None, **how: Any) -> Path:
        path, data = tmp_path / "dem.tif", io.BytesIO()
        tags = [] if nodata is None else [(42113, "s", 0, nodata, True)]
        tifffile.imwrite(data, pixels, extratags=tags, **how)
        path.write_bytes(data.getvalue())
        return path

    return write


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}])
@pytest.mark.parametrize(
    ("dtype", "value", "tag"),
    [
        *((dtype, -9999, tag) for dtype in (np.float32, np.float64, np.int16, np.int32) for tag in ("-9999", None)),
        (np.float32, np.nan, "nan"),
        (np.float32, np.nan, None),
        (np.float32, np.inf, None),
        (np.float32, LOWEST, "-3.4028234663852886e+38"),
        (np.float32, LOWEST, "-3.40282e+38"),
        (np.float32, LOWEST, None),
        (np.float64, -1.7976931348623157e308, None),
        (np.int16, -32768, "-32768"),
        (np.int16, -32768, None),
        (np.float32, -99999, None),
        (np.float32, 0, "0"),
        (np.uint8, 0, "0"),
        (np.uint16, 65535, "65535"),
    ],
)
def test_what_holds_no_data_is_found_and_filled(
    file: Callable[..., Path], dtype: type, value: float, tag: str | None, how: dict[str, Any]
) -> None:
    heights = (HEIGHTS / (4 if dtype is np.uint8 else 1)).astype(dtype)
    stored = heights.copy()
    stored[RIM] = value
    path = file(stored, tag, **how)
    pixels, valid = images.read_valid(path)
    assert valid is not None
    np.testing.assert_array_equal(valid, ~RIM)
    np.testing.assert_array_equal(pixels[~RIM][:, 0], heights[~RIM].astype(pixels.dtype))
    mean = heights[~RIM].astype(pixels.dtype).mean(dtype=np.float64)
    np.testing.assert_array_equal(pixels[RIM][:, 0], np.rint(mean) if pixels.dtype != np.float32 else np.float32(mean))
    np.testing.assert_array_equal(images.read(path), pixels)
    np.testing.assert_array_equal(images.decode_valid(path.read_bytes(), "upload")[1], valid)
    (remark,) = images.remarks(path)
    assert remark.startswith(f"{path}: 96 of 480 pixels (20.0%) hold no data (")
    assert remark.endswith("They are filled with the mean of the others.")


@pytest.mark.parametrize(
    ("pixels", "why"),
    [
        (np.where(RIM, 0, HEIGHTS).astype(np.float32), "0 is no marker unless the file says so"),
        (np.where(RIM, 0, HEIGHTS / 4).astype(np.uint8), "0 is no marker unless the file says so"),
        (np.where(RIM, -9999, HEIGHTS * 40 - 15_000).astype(np.float32), "within reach of the others"),
        (np.where(RIM, -32768, HEIGHTS * 60 - 32_760).astype(np.int32), "within reach of the others"),
        (np.where(RIM, -1024, HEIGHTS).astype(np.int16), "air of a CT scan"),
        (HEIGHTS, "nothing there"),
    ],
)
def test_what_may_be_measured_stays(file: Callable[..., Path], pixels: Array, why: str) -> None:
    found, valid = images.read_valid(path := file(pixels))
    assert valid is None, why
    np.testing.assert_array_equal(found[:, :, 0], pixels.astype(found.dtype))
    assert images.remarks(path) == ()


def test_a_marker_inside_is_told_without_the_rim(file: Callable[..., Path]) -> None:
    pixels = HEIGHTS.copy()
    pixels[8:10, 5:9] = -9999
    (remark,) = images.remarks(file(pixels))
    assert "8 of 480 pixels (1.7%) hold no data (-9999, far from all other values)" in remark
    pixels[0, 0] = -9999
    (remark,) = images.remarks(file(pixels))
    assert "9 of 480 pixels (1.9%) hold no data (-9999 at the rim, far from all other values)" in remark


def test_a_pixel_of_many_bands(file: Callable[..., Path]) -> None:
    """Of unsigned bands all must be the value, as a band may be dark; of others one is enough, as it has no number."""
    bands = RNG.integers(5, 250, (20, 24, 3), np.uint8)
    bands[RIM], bands[10, 10, 1] = 0, 0
    how = {"photometric": "rgb"}
    valid = images.read_valid(file(bands, "0", **how))[1]
    assert valid is not None
    np.testing.assert_array_equal(valid, ~RIM)
    numbers = bands.astype(np.float32)
    numbers[RIM], numbers[10, 10, 1] = np.nan, np.nan
    pixels, valid = images.read_valid(file(numbers, **how))
    assert valid is not None
    assert int((~valid).sum()) == int(RIM.sum()) + 1
    np.testing.assert_allclose(pixels[10, 10], numbers[valid].mean(0, dtype=np.float64), rtol=1e-6)


def test_several_reasons_are_told_together(file: Callable[..., Path]) -> None:
    pixels = np.where(RIM, -9999, HEIGHTS).astype(np.float32)
    pixels[15, 15] = np.nan
    (remark,) = images.remarks(file(pixels, "-9999"))
    assert "97 of 480 pixels (20.2%) hold no data (NaN or infinite or -9999, which the file calls no data)" in remark


@pytest.mark.parametrize(("value", "tag"), [(np.nan, None), (-9999.0, "-9999"), (-9999.0, None)])
def test_an_image_without_any_data_is_refused(file: Callable[..., Path], value: float, tag: str | None) -> None:
    with pytest.raises(ImageError, match=r"dem\.tif: no pixel holds data .*; leave the image out"):
        images.read(file(np.full((9, 11), value, np.float32), tag))


@pytest.mark.parametrize("tag", ["", "none", "-9999 1", "\0"])
def test_a_tag_that_is_no_number_is_as_good_as_none(file: Callable[..., Path], tag: str) -> None:
    assert images.read_valid(file(HEIGHTS, tag))[1] is None


def test_no_time_is_spent_on_unsigned_pixels() -> None:
    assert find_valid(np.zeros((2, 3, 1), np.uint8), None) == (None, "")
