"""YOLO text, parsed back and filled: the objects without their holes."""

import io

import cv2
import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes

from tests.helpers.made import empty, result
from unet_core.export import yolo


@pytest.mark.parametrize("num_classes", [1, 4])
def test_a_line_an_object_and_filled_the_same_pixels(num_classes: int) -> None:
    each = result(num_classes=num_classes)
    height, width = each.mask.shape
    lines = yolo.encode(each).decode().splitlines()
    assert len(lines) == len(each.objects)
    for index, line in enumerate(lines, 1):
        first, *rest = line.split()
        assert int(first) == each.objects.table["class"][index - 1] - 1
        shares = np.array(rest, float).reshape(-1, 2)
        assert ((shares >= 0) & (shares <= 1)).all()
        assert len(shares) >= 4
        # drawn eight times as large, so that lines along edges fall between the pixels that are looked at
        corners = np.rint(shares * (width * 8, height * 8)).astype(np.int32)
        large = cv2.fillPoly(np.zeros((height * 8 + 1, width * 8 + 1), np.uint8), [corners], 1)
        own = binary_fill_holes(each.objects.labels == index)
        assert (large[4::8, 4::8] == own).all()


def test_an_empty_file_for_no_object() -> None:
    assert yolo.encode(empty()) == b""


def test_the_class_names() -> None:
    names, file = yolo.ClassNames(), io.BytesIO()
    names.add(empty(num_classes=3, class_names=("none", "a cell", "line\nbreak")))
    names.add(empty(num_classes=3))
    names.write(file)
    assert file.getvalue() == b"a cell\nline break\n"
