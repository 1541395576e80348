"""Repairs of class indices and object numbers: exact pixels, against a slow and plain counting of pieces."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import encode_value
from unet_core.data.recipe import classes
from unet_core.data.recipe.recipe import Repair, make_repair
from unet_core.errors import DataError

BINARY = MaskCoding("binary", ((encode_value((0,)), 0), (encode_value((255,)), 1)))
THREE = MaskCoding("classes", tuple((encode_value((value,)), value) for value in range(3)))
INSTANCES = MaskCoding("instances", ((0, 0),))


def repaired(mask: Any, *repairs: Repair, objects: Any = None, binary: bool = True) -> tuple[Any, Any]:
    numbers = None if objects is None else np.array(objects, np.int32)
    result, changed = classes.repair(np.array(mask, np.uint8), numbers, repairs, IGNORE, binary)
    assert result.dtype == np.uint8
    assert changed is None or changed.dtype == np.int32
    return result.tolist(), None if changed is None else changed.tolist()


def test_foreground_and_background_are_swapped_and_what_does_not_count_stays() -> None:
    assert repaired([[0, 1, IGNORE]], make_repair("invert")) == ([[1, 0, IGNORE]], None)
    assert repaired([[0, 1]], make_repair("invert"), make_repair("invert"), objects=[[0, 5]]) == ([[0, 1]], None)


def test_several_classes_cannot_be_inverted() -> None:
    with pytest.raises(DataError, match=r"^a\.png: only binary masks can be inverted"):
        classes.repair(np.zeros((1, 1), np.uint8), None, [make_repair("invert")], IGNORE, False, "a.png")


def test_small_pieces_of_each_class_become_background() -> None:
    mask = [
        [1, 0, 0, 0, 2],
        [0, 1, 0, 0, 2],
        [0, 0, 0, 0, 2],
        [1, 2, 0, 1, IGNORE],
    ]
    expected = [
        [0, 0, 0, 0, 2],
        [0, 0, 0, 0, 2],
        [0, 0, 0, 0, 2],
        [0, 0, 0, 0, IGNORE],
    ]
    assert repaired(mask, make_repair("remove_specks", area=3))[0] == expected
    expected[0][0] = expected[1][1] = 1
    assert repaired(mask, make_repair("remove_specks", area=2))[0] == expected


def test_pieces_of_numbered_objects_count_apart() -> None:
    mask, objects = [[1, 1, 1, 1, 0, 1]], [[4, 4, 4, 9, 0, 4]]
    assert repaired(mask, make_repair("remove_specks", area=3), objects=objects) == (
        [[1, 1, 1, 0, 0, 0]],
        [[4, 4, 4, 0, 0, 0]],
    )
    assert repaired(mask, make_repair("remove_specks", area=3))[0] == [[1, 1, 1, 1, 0, 0]]


def test_holes_are_filled_by_what_encloses_them() -> None:
    mask = [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 2, 2, 2],
        [0, 1, 0, 1, 0, 2, 0, 2],
        [0, 1, 1, 1, 0, 2, 2, 2],
        [0, 1, 0, 1, 1, 0, 0, 2],
        [0, 1, 1, 1, 2, 2, 2, 2],
    ]
    filled = [list(row) for row in mask]
    filled[2][2] = filled[4][2] = 1
    filled[2][6] = 2
    assert repaired(mask, make_repair("fill_holes", area=2))[0] == filled
    # the hole of two pixels lies between classes 1 and 2, so that nobody knows whose it is
    assert repaired(mask, make_repair("fill_holes", area=99))[0] == filled


@pytest.mark.parametrize(
    "mask",
    [
        [[1, 0, 1], [1, 1, 1]],  # open at the border
        [[1, 1, 1], [1, 0, IGNORE], [1, 1, 1]],  # who knows what is there
        [[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1]],  # as large as the area
    ],
)
def test_what_is_no_small_hole_stays(mask: list[list[int]]) -> None:
    assert repaired(mask, make_repair("fill_holes", area=2))[0] == mask


def test_a_gap_between_touching_objects_is_no_hole() -> None:
    mask = [[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]]
    objects = [[3, 3, 3, 3], [3, 0, 3, 3], [3, 3, 0, 8], [8, 8, 8, 8]]
    filled, numbers = repaired(mask, make_repair("fill_holes", area=5), objects=objects)
    assert (filled[1][1], filled[2][2]) == (1, 0)
    assert (numbers[1][1], numbers[2][2]) == (3, 0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("area", [2, 5, 40])
def test_against_plain_counting(seed: int, area: int) -> None:
    rng = np.random.default_rng(seed)
    mask = (ndimage.gaussian_filter(rng.random((40, 50)), 1.2) > 0.5).astype(np.uint8)
    without, filled = mask.copy(), mask.copy()
    pieces, count = ndimage.label(mask, np.ones((3, 3)))
    for number in range(1, count + 1):
        if (pieces == number).sum() < area:
            without[pieces == number] = 0
    holes, count = ndimage.label(mask == 0)
    for number in range(1, count + 1):
        rows, columns = np.nonzero(holes == number)
        at_border = rows.min() == 0 or columns.min() == 0 or rows.max() == 39 or columns.max() == 49
        if len(rows) < area and not at_border:
            filled[holes == number] = 1
    assert repaired(mask, make_repair("remove_specks", area=area))[0] == without.tolist()
    assert repaired(mask, make_repair("fill_holes", area=area))[0] == filled.tolist()


def raw_of(values: Any, *repairs: Repair, **more: Any) -> RawMask:
    array: NDArray[Any] = np.array(values, np.uint16 if np.max(values) > 255 else np.uint8)
    return RawMask(array, repairs=repairs, **more)


def test_a_coding_carries_them_out_on_masks_and_objects() -> None:
    raw = raw_of([[255, 0, 255, 255]], make_repair("remove_specks", area=2))
    assert BINARY.apply(raw).tolist() == [[0, 0, 1, 1]]
    assert BINARY.objects(raw) is None
    raw = raw_of([[0, 7, 300, 300]], make_repair("remove_specks", area=2))
    assert INSTANCES.apply(raw).tolist() == [[0, 0, 1, 1]]
    numbers = INSTANCES.objects(raw)
    assert numbers is not None
    assert [number > 0 for number in numbers[0]] == [False, False, True, True]
    joined = raw_of([[255, 255, 255]], make_repair("remove_specks", area=2), objects=np.array([[1, 2, 2]], np.int32))
    assert BINARY.apply(joined).tolist() == [[0, 1, 1]]
    numbers = BINARY.objects(joined)
    assert numbers is not None
    assert numbers.tolist() == [[0, 2, 2]]
    assert BINARY.apply_apart(joined).tolist() == [[0, 1, 1]]


def test_a_coding_of_classes_refuses_to_invert() -> None:
    with pytest.raises(DataError, match="only binary masks can be inverted"):
        THREE.apply(raw_of([[0, 1, 2]], make_repair("invert")), "a.png")
    assert BINARY.apply(raw_of([[0, 255]], make_repair("invert"), ignored=np.array([[True, False]]))).tolist() == [
        [IGNORE, 0]
    ]
