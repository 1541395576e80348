"""Stored pixels: run lengths of every kind, against pycocotools and vectors made by hand."""

import base64
import zlib
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as reference

from tests.helpers.annotated import brush, packed_png
from unet_core.data.annotations.bitmaps import Bitmap, decode, from_lengths
from unet_core.export import coco


@pytest.mark.parametrize("seed", range(10))
def test_the_text_of_coco_is_read_as_by_pycocotools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((37, 23)) < rng.random()).astype(np.uint8)
    text: Any = reference.encode(np.asfortranarray(mask))["counts"]
    assert (decode(Bitmap("coco", text, (37, 23)), 37, 23) == mask).all()


def test_the_text_that_this_project_writes_is_read() -> None:
    labels = np.zeros((40, 50), np.int32)
    labels[3:20, 4:30], labels[25:, 10:45] = 1, 2
    for number, text in enumerate(coco.encode(labels, 2), 1):
        assert (decode(Bitmap("coco", text, (40, 50)), 40, 50) == (labels == number)).all()


def test_lengths_in_columns_and_in_rows() -> None:
    assert decode(from_lengths("columns", [1, 2, 3], (2, 3)), 2, 3).astype(int).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert decode(from_lengths("rows", [1, 2, 3], (2, 3)), 2, 3).astype(int).tolist() == [[0, 1, 1], [0, 0, 0]]


def test_a_part_of_the_image() -> None:
    bitmap = from_lengths("rows", [0, 4], (2, 2), top=3, left=5)
    assert decode(bitmap, 5, 7).all()
    with pytest.raises(ValueError, match="does not fit the image of 6 x 5"):
        decode(bitmap, 5, 6)


def test_pairs_of_start_and_length() -> None:
    """Kaggle's own example: '1 3 10 5' are pixels 1, 2, 3, 10, 11, 12, 13, 14."""
    mask = decode(from_lengths("starts", [1, 3, 10, 5], None), 4, 5)
    assert (np.flatnonzero(mask.T.ravel()) + 1).tolist() == [1, 2, 3, 10, 11, 12, 13, 14]
    assert not decode(from_lengths("starts", [], None), 4, 5).any()
    assert decode(from_lengths("starts", [20, 1], None), 4, 5)[3, 4]


def test_brush_strokes() -> None:
    mask = np.zeros((9, 13), np.uint8)
    mask[2:5, 3:9], mask[7, 1] = 1, 1
    assert (decode(Bitmap("brush", bytes(brush(mask)), (9, 13)), 9, 13) == (mask > 0)).all()


def test_a_png_by_its_alpha_or_its_value() -> None:
    mask = np.eye(5, dtype=np.uint8)
    assert (decode(Bitmap("png", base64.b64decode(packed_png(mask))), 5, 5) == (mask > 0)).all()


@pytest.mark.parametrize(
    ("bitmap", "message"),
    [
        (from_lengths("columns", [1, 2], (2, 3)), "run lengths for 3 pixels, but the mask has 6"),
        (from_lengths("rows", [9, 2], (2, 3)), "run lengths for 11 pixels"),
        (from_lengths("starts", [0, 2], None), "from 0"),
        (from_lengths("starts", [6, 2], None), "reach pixel 7"),
        (Bitmap("coco", b"", (2, 3)), "run lengths for 0 pixels"),
        (Bitmap("coco", b"6", (3, 3)), "run lengths for 6 pixels"),
        (Bitmap("coco", b"6o", (2, 3)), "end within a number"),
        (Bitmap("coco", b"oooooooooo0", (2, 3)), "over 32 bits"),
        (Bitmap("coco", b"\x016", (2, 3)), "not a character"),
        (Bitmap("coco", b"L:", (2, 3)), "run lengths"),
        (Bitmap("brush", b"", (2, 3)), "cut short"),
        (Bitmap("brush", bytes(brush(np.eye(4, dtype=np.uint8))), (2, 3)), "for 16 pixels, but the image has 6"),
        (Bitmap("brush", bytes(brush(np.eye(4, dtype=np.uint8)))[:-3], (4, 4)), "cut short"),
        (Bitmap("png", b"no"), "cannot be decoded"),
        (Bitmap("png", zlib.compress(b"no")), "cannot be decoded"),
    ],
)
def test_damaged_pixels_are_told(bitmap: Bitmap, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(bitmap, 2, 3) if bitmap.size is None else decode(bitmap, *bitmap.size)


def test_lengths_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(OverflowError):
        from_lengths("rows", [-1, 2], (1, 1))
