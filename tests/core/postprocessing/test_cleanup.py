"""Holes and small objects, on masks small enough to see."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.postprocessing.cleanup import clean, present

Array = NDArray[np.uint8]


def picture(*lines: str) -> Array:
    """Rows of digits; "." is 0, "#" is IGNORE."""
    return np.array(
        [[{".": 0, "#": IGNORE}.get(c, int(c) if c.isdigit() else 0) for c in line] for line in lines], np.uint8
    )


def test_holes_inside_are_filled_and_open_ones_are_not() -> None:
    mask = picture(
        "1111111",
        "1.11..1",
        "1111..1",
        "11.1111",
        "11.1111",
    )
    filled = mask.copy()
    filled[1, 1] = 1
    filled[1:3, 4:6] = 1
    assert clean(mask, fill_holes=True).tolist() == filled.tolist()  # the bay at the lower border stays open
    small = mask.copy()
    small[1, 1] = 1
    assert clean(mask, fill_holes=True, max_hole=3).tolist() == small.tolist()
    assert clean(mask).tolist() == mask.tolist()


def test_a_hole_is_closed_by_corners() -> None:
    """Background hangs together by 4 neighbors, so that a ring of pixels that meet at corners encloses it."""
    ring = picture(".....", "..1..", ".1.1.", "..1..", ".....")
    assert clean(ring, fill_holes=True).sum() == 5


def test_a_hole_takes_its_class_and_one_between_two_classes_stays() -> None:
    mask = picture("222111", "2.2111", "222111", "221111", "22.111", "221111")
    expected = mask.copy()
    expected[1, 1] = 2
    assert clean(mask, fill_holes=True).tolist() == expected.tolist()


def test_a_hole_beside_ignored_pixels_stays() -> None:
    mask = picture("1111", "1.#1", "1111")
    assert clean(mask, min_area=100, fill_holes=True).tolist() == picture("....", "..#.", "....").tolist()
    assert clean(mask, fill_holes=True).tolist() == mask.tolist()


def test_a_hole_in_ignored_pixels_is_no_hole_in_an_object() -> None:
    mask = picture("###", "#.#", "###")
    assert clean(mask, fill_holes=True).tolist() == mask.tolist()


@pytest.mark.parametrize("turns", range(4))
def test_a_bay_at_any_border_is_no_hole(turns: int) -> None:
    mask = np.ascontiguousarray(np.rot90(picture("11111", "11111", "11.11"), turns))
    assert clean(mask, fill_holes=True).tolist() == mask.tolist()


def test_small_objects_go_and_corners_join() -> None:
    mask = picture("11....", "11..1.", ".....1", "1.....")
    assert clean(mask, min_area=2).tolist() == picture("11....", "11..1.", ".....1", "......").tolist()
    assert clean(mask, min_area=3).tolist() == picture("11....", "11....", "......", "......").tolist()
    assert not clean(mask, min_area=5).any()


def test_holes_are_filled_before_small_objects_are_dropped() -> None:
    ring = picture("......", ".111..", ".1.1..", ".111..", "......")
    assert clean(ring, min_area=9).sum() == 0
    assert clean(ring, min_area=9, fill_holes=True).sum() == 9


def test_a_small_object_among_classes_becomes_what_lies_nearest() -> None:
    mask = picture("1111..", "1121..", "1111..", "......", ".....2")
    assert clean(mask, min_area=2).tolist() == picture("1111..", "1111..", "1111..", "......", "......").tolist()


def test_all_small_leaves_background_and_ignored_pixels() -> None:
    mask = picture("1#2")
    assert clean(mask, min_area=9).tolist() == [[0, IGNORE, 0]]
    assert mask.tolist() == [[1, IGNORE, 2]]  # the argument is left as it was


@pytest.mark.parametrize("value", [0, 1])
def test_empty_and_full_masks_stay(value: int) -> None:
    mask = np.full((5, 4), value, np.uint8)
    assert clean(mask, min_area=3, fill_holes=True).tolist() == mask.tolist()


def test_the_values_of_a_mask() -> None:
    assert present(picture("31#", "113")) == [1, 3, IGNORE]
    assert present(np.zeros((2, 2), np.uint8)) == [0]
