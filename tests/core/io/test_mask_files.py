"""Mask files in every coding: the values that were planted come back, with what is needed to understand them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from unet_core.errors import ImageError
from unet_core.io import images

Array = NDArray[Any]
RNG = np.random.default_rng(0)
LABELS: Array = RNG.integers(0, 4, (16, 32), np.uint8)
OBJECT: Array = (LABELS > 1).astype(np.uint8)
PHOTO: Array = RNG.integers(0, 256, (16, 32, 3), np.uint8)
COLORS: Array = np.array([[0, 0, 0], [200, 10, 20], [30, 210, 40], [50, 60, 220]], np.uint8)


def saved(pixels: Array, kind: str = "PNG", mode: str | None = None, **how: Any) -> bytes:
    file, image = io.BytesIO(), Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(file, kind, **how)
    return file.getvalue()


def tiff(pixels: Array, **how: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


def npy(pixels: Array) -> bytes:
    file = io.BytesIO()
    np.save(file, pixels)
    return file.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "mask.png"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (saved(LABELS), LABELS),
        (saved(LABELS, "BMP"), LABELS),
        (saved(LABELS, "TIFF"), LABELS),
        (saved(LABELS, "PPM"), LABELS),
        (saved(np.dstack([LABELS] * 3)), LABELS),
        (saved(np.dstack([LABELS] * 3 + [LABELS * 0 + 255])), LABELS),
        (saved(OBJECT * np.uint8(255)), OBJECT * np.uint8(255)),
        (saved(OBJECT * np.uint8(255), mode="1"), OBJECT),
        (saved(OBJECT * np.uint8(255), "TIFF", mode="1"), OBJECT),
        (saved(OBJECT * np.uint8(255), "TIFF", mode="1", compression="group4"), OBJECT),  # fax: white is stored as 0
        (saved(LABELS.astype(np.uint16) * 300), LABELS.astype(np.uint16) * 300),
        (tiff(LABELS.astype(np.uint16) * 300, compression="zlib"), LABELS.astype(np.uint16) * 300),
        (tiff(LABELS.astype(np.uint32) * 30_000), LABELS.astype(np.uint32) * 30_000),
        (tiff(LABELS.astype(np.int32) * 30_000), LABELS.astype(np.uint32) * 30_000),
        (tiff(LABELS.astype(np.int32)), LABELS.astype(np.uint16)),
        (tiff(LABELS.astype(np.int8)), LABELS),
        (tiff(LABELS.astype(np.float32)), LABELS.astype(np.uint16)),
        (tiff(LABELS.astype(np.float64) * 30_000), LABELS.astype(np.uint32) * 30_000),
        (tiff(LABELS[None], imagej=True, metadata={"axes": "CYX"}), LABELS),
        (tiff(LABELS, ome=True, metadata={"axes": "YX"}), LABELS),
        (npy(LABELS), LABELS),
        (npy(OBJECT > 0), OBJECT),
        (npy(LABELS.astype(np.int64)), LABELS.astype(np.uint16)),
        (npy(LABELS.astype(np.float32)), LABELS.astype(np.uint16)),
        (npy(LABELS[:, :, None]), LABELS),
        (npy(LABELS[None]), LABELS),
        (npy(COLORS[LABELS]), COLORS[LABELS]),
        (saved(COLORS[LABELS]), COLORS[LABELS]),
        (saved(np.dstack([COLORS[LABELS], LABELS * 0 + 255])), COLORS[LABELS]),
        (tiff(COLORS[LABELS], photometric="rgb", compression="zlib"), COLORS[LABELS]),
    ],
)
def test_values_come_back_as_they_were_stored(file: Callable[[bytes], Path], data: bytes, expected: Array) -> None:
    mask = images.read_mask_file(file(data))
    assert mask.pixels.dtype == expected.dtype
    np.testing.assert_array_equal(mask.pixels, expected)
    assert (mask.palette, mask.lossy, mask.source, mask.invalid) == (None, False, "", None)


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_a_palette_is_given_with_its_indices(file: Callable[[bytes], Path], kind: str) -> None:
    image = Image.fromarray(LABELS).convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette(COLORS.ravel().tolist())
    data = io.BytesIO()
    image.save(data, kind)
    mask = images.read_mask_file(file(data.getvalue()))
    assert mask.palette is not None
    assert (mask.palette.shape, mask.palette.dtype) == ((256, 3), np.uint8)
    np.testing.assert_array_equal(mask.palette[mask.pixels], COLORS[LABELS])
    if kind in ("PNG", "TIFF"):
        np.testing.assert_array_equal(mask.pixels, LABELS)


@pytest.mark.parametrize(("inverted", "source"), [(False, ""), (True, "inverting LUT")])
def test_a_palette_of_gray_levels_is_none(file: Callable[[bytes], Path], inverted: bool, source: str) -> None:
    """ImageJ writes PNG with a table of gray levels, which its inverting table turns around."""
    levels = np.arange(255, -1, -1) if inverted else np.arange(256)
    image = Image.fromarray(OBJECT * np.uint8(255)).convert("P")
    image.putdata((OBJECT * 255).ravel().tolist())
    image.putpalette(np.repeat(levels, 3).tolist())
    data = io.BytesIO()
    image.save(data, "PNG")
    mask = images.read_mask_file(file(data.getvalue()))
    np.testing.assert_array_equal(mask.pixels, OBJECT * np.uint8(255))
    assert (mask.palette, mask.source) == (None, source)


def test_the_transparency_of_a_palette_of_one_color_is_the_mask(file: Callable[[bytes], Path]) -> None:
    image = Image.fromarray(OBJECT).convert("P")
    image.putdata(OBJECT.ravel().tolist())
    image.putpalette([255] * 6)
    data = io.BytesIO()
    image.save(data, "PNG", transparency=bytes([0, 255]))
    mask = images.read_mask_file(file(data.getvalue()))
    np.testing.assert_array_equal(mask.pixels, OBJECT * np.uint8(255))
    assert (mask.palette, mask.source) == (None, "alpha")


def test_the_transparency_of_class_colors_says_nothing(file: Callable[[bytes], Path]) -> None:
    image = Image.fromarray(LABELS).convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette(COLORS.ravel().tolist())
    data = io.BytesIO()
    image.save(data, "PNG", transparency=0)
    mask = images.read_mask_file(file(data.getvalue()))
    np.testing.assert_array_equal(mask.pixels, LABELS)
    assert mask.source == "" and mask.palette is not None


@pytest.mark.parametrize(("colors", "dtype"), [(1, np.uint8), (3, np.uint8), (3, np.uint16)])
@pytest.mark.parametrize("level", [0, 255, 90])
def test_a_mask_in_the_alpha_channel(file: Callable[[bytes], Path], colors: int, level: int, dtype: type) -> None:
    alpha = (OBJECT * 255).astype(dtype)
    pixels = np.dstack([np.full((16, 32), level, dtype)] * colors + [alpha])
    data = saved(pixels) if dtype is np.uint8 else cv2.imencode(".png", pixels)[1].tobytes()
    mask = images.read_mask_file(file(data))
    np.testing.assert_array_equal(mask.pixels, alpha)
    assert mask.source == "alpha"


def test_the_alpha_of_a_cut_out_photo_is_its_mask(file: Callable[[bytes], Path]) -> None:
    mask = images.read_mask_file(file(saved(np.dstack([PHOTO, OBJECT * np.uint8(255)]))))
    np.testing.assert_array_equal(mask.pixels, OBJECT * np.uint8(255))
    assert mask.source == "alpha"


@pytest.mark.parametrize("alpha", [OBJECT * np.uint8(255), OBJECT * 0 + 7])
def test_colors_that_say_something_are_the_mask_whatever_their_alpha(
    file: Callable[[bytes], Path], alpha: Array
) -> None:
    mask = images.read_mask_file(file(saved(np.dstack([COLORS[LABELS], alpha]))))
    np.testing.assert_array_equal(mask.pixels, COLORS[LABELS])
    assert mask.source == ""


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}])
def test_an_inverting_table_leaves_the_stored_values(
    file: Callable[[bytes], Path], dtype: type, how: dict[str, Any]
) -> None:
    """Fiji: objects are 255 and shown black, which TIFF calls "0 is white"; an image is read as it is seen."""
    path = file(tiff(OBJECT.astype(dtype) * 255, photometric="miniswhite", **how))
    mask = images.read_mask_file(path)
    np.testing.assert_array_equal(mask.pixels, OBJECT.astype(dtype) * 255)
    assert mask.source == "inverting LUT"
    seen = np.iinfo(dtype).max - OBJECT.astype(dtype) * 255
    np.testing.assert_array_equal(images.read(path)[:, :, 0], seen)
    np.testing.assert_array_equal(images.read_mask(path), seen)


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}])
def test_true_of_tifffile_is_1(file: Callable[[bytes], Path], how: dict[str, Any]) -> None:
    """The trap: it stores True as 1 under "0 is white", so that every viewer shows a bool mask inverted."""
    path = file(tiff(OBJECT > 0, **how))
    mask = images.read_mask_file(path)
    np.testing.assert_array_equal(mask.pixels, OBJECT)
    assert mask.source == "inverting LUT"


@pytest.mark.parametrize(
    ("data", "lossy"),
    [
        (saved(OBJECT * np.uint8(255), "JPEG", quality=100), True),
        (saved(np.dstack([OBJECT * np.uint8(255)] * 3), "JPEG", quality=100), True),
        (saved(np.dstack([OBJECT * np.uint8(255)] * 3), "WEBP", quality=80), True),
        (saved(np.dstack([OBJECT * np.uint8(255)] * 3), "WEBP", lossless=True), False),
        (saved(np.dstack([OBJECT * np.uint8(255)] * 3), "TIFF", compression="jpeg", quality=95), True),
        (saved(np.dstack([OBJECT * np.uint8(255)] * 3), "TIFF", compression="tiff_lzw"), False),
    ],
)
def test_a_lossy_file_is_named_as_such(file: Callable[[bytes], Path], data: bytes, lossy: bool) -> None:
    mask = images.read_mask_file(file(data))
    assert mask.lossy is lossy
    gray = mask.pixels if mask.pixels.ndim == 2 else mask.pixels.mean(2)
    assert ((gray > 127) == (OBJECT > 0)).mean() > 0.95


@pytest.mark.parametrize(
    ("stored", "tag", "expected", "marked"),
    [
        (np.where(OBJECT, LABELS, 255).astype(np.uint8), "255", np.where(OBJECT, LABELS, 255), OBJECT == 0),
        (np.where(OBJECT, LABELS.astype(np.int16), -9999), "-9999", np.where(OBJECT, LABELS, 0), OBJECT == 0),
        (np.where(OBJECT, LABELS, np.nan).astype(np.float32), "nan", np.where(OBJECT, LABELS, 0), OBJECT == 0),
        (LABELS, "0", LABELS, None),
        (LABELS, "77", LABELS, None),
    ],
)
def test_the_no_data_tag_of_a_mask(
    file: Callable[[bytes], Path], stored: Array, tag: str, expected: Array, marked: Array | None
) -> None:
    mask = images.read_mask_file(file(tiff(stored, extratags=[(42113, "s", 0, tag, True)])))
    np.testing.assert_array_equal(mask.pixels, expected)
    if marked is None:
        assert mask.invalid is None
    else:
        np.testing.assert_array_equal(mask.invalid, marked)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (tiff(LABELS.astype(np.int16) - 2), "the mask value -2 is not in 0 to 4294967295; renumber the labels"),
        (tiff(LABELS.astype(np.float64) * 2**40), r"the mask value \d+ is not in 0 to 4294967295; renumber"),
        (tiff(LABELS.astype(np.float32) / 2), "mask values must be whole numbers, but 0.5|1.5 is among them"),
        (tiff(np.where(LABELS, np.nan, 0).astype(np.float32)), "mask values must be whole numbers, but nan is among"),
        (npy(np.eye(4, dtype=np.uint8)[LABELS]), r"the mask has 4 channels, but one value a pixel is expected.*argmax"),
        (tiff(np.stack([LABELS] * 2), metadata={"axes": "CYX"}), "the mask has 2 channels"),
        (tiff(PHOTO.astype(np.uint16), photometric="rgb"), "masks with 16-bit colors are not supported"),
        (tiff(LABELS.astype(np.complex64)), "the mask's pixel type complex64 is not supported"),
        (tiff(np.stack([LABELS] * 2), metadata={"axes": "ZYX"}), "contains 2 images, but one is expected"),
    ],
)
def test_what_is_no_mask_is_refused(file: Callable[[bytes], Path], data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=rf"mask\.png: ({message})"):
        images.read_mask_file(file(data))


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("miniswhite", [False, True])
def test_masks_are_turned_as_their_own_tag_says(
    file: Callable[[bytes], Path], orientation: int, miniswhite: bool
) -> None:
    how: dict[str, Any] = {"photometric": "miniswhite"} if miniswhite else {}
    path = file(tiff(LABELS, extratags=[(274, 3, 1, orientation, True)], **how))
    turned = np.rot90(LABELS, {3: 2, 6: 3, 8: 1}[orientation])
    np.testing.assert_array_equal(images.read_mask_file(path).pixels, turned)
    assert images.size(path) == turned.shape
    assert images.orientation(path) == orientation
