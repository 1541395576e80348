"""Objects matched, missed and made up, against counts by hand."""

import math

import numpy as np
import pytest

from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.object_scores import ObjectCounts, match_objects


def squares(*boxes: tuple[int, int, int]) -> np.ndarray:
    """(24, 24) with squares (top, left, side), numbered from 1."""
    numbers = np.zeros((24, 24), np.int32)
    for number, (top, left, side) in enumerate(boxes, 1):
        numbers[top : top + side, left : left + side] = number
    return numbers


TRUTH = squares((1, 1, 6), (1, 12, 6), (12, 1, 6))


@pytest.mark.parametrize(
    ("pred", "expected"),
    [
        (squares((1, 1, 6), (1, 12, 6), (12, 1, 6)), (3, 0, 0)),
        (squares((1, 1, 6)), (1, 2, 0)),
        (squares((1, 1, 6), (18, 18, 4)), (1, 2, 1)),
        (squares((3, 1, 6)), (0, 3, 1)),  # 24 of 48 pixels: a half is no match
        (squares((2, 1, 6)), (1, 2, 0)),  # 30 of 42
        (squares((1, 1, 17)), (0, 3, 1)),  # all in one
        (squares(), (0, 3, 0)),
    ],
)
def test_counts_by_hand(pred: np.ndarray, expected: tuple[int, int, int]) -> None:
    counts = match_objects((pred > 0).astype(np.uint8), (TRUTH > 0).astype(np.uint8), TRUTH)
    assert counts == ObjectCounts(*expected)


def test_touching_objects_are_two_in_the_truth_and_one_in_a_mask() -> None:
    truth = squares((1, 1, 6), (1, 7, 6))
    assert match_objects((truth > 0).astype(np.uint8), (truth > 0).astype(np.uint8), truth) == ObjectCounts(0, 2, 1)


def test_numbers_may_have_gaps_and_be_large() -> None:
    pred = (TRUTH > 0).astype(np.uint8)
    assert match_objects(pred, pred, TRUTH * 100_000) == ObjectCounts(3, 0, 0)


def test_ignored_pixels_count_for_neither() -> None:
    pred, target = (TRUTH > 0).astype(np.uint8), (TRUTH > 0).astype(np.uint8)
    target[:9] = IGNORE
    assert match_objects(pred, target, TRUTH) == ObjectCounts(1, 0, 0)


def test_another_class_is_no_match() -> None:
    target = (TRUTH > 0).astype(np.uint8)
    pred = target.copy()
    pred[TRUTH == 1] = 2
    assert match_objects(pred, target, TRUTH) == ObjectCounts(2, 1, 1)


def test_thousands_of_specks_need_no_table_of_all_pairs() -> None:
    pred = np.zeros((1200, 1200), np.uint8)
    pred[::2, ::2] = 1  # 360,000 objects, beside 360,000 others: a table of all pairs would take a terabyte
    numbers = np.zeros(pred.shape, np.int32)
    numbers[1::2, 1::2] = np.arange(1, 360_001).reshape(600, 600)
    numbers[0, 0] = 360_001
    assert match_objects(pred, (numbers > 0).astype(np.uint8), numbers) == ObjectCounts(1, 360_000, 359_999)


def test_f1() -> None:
    assert (ObjectCounts(3, 1, 0) + ObjectCounts(1, 0, 1)).f1 == 2 * 4 / (8 + 1 + 1)
    assert math.isnan(ObjectCounts(0, 0, 0).f1)
