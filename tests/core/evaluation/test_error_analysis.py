"""A set with known faults: each is named, with the share of the Dice that was counted by hand."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.mask_pairs import random_pairs
from unet_core import metrics
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.error_analysis import CAUSES, NUMBER, ErrorAnalysis, explain_errors

Array = NDArray[np.uint8]


def boxes(*places: tuple[int, int, int, int], size: int = 100) -> Array:
    """(size, size) of 0 and 1: (top, left, height, width)."""
    mask = np.zeros((size, size), np.uint8)
    for top, left, height, width in places:
        mask[top : top + height, left : left + width] = 1
    return mask


LARGE = [(5, 5, 20, 20), (5, 40, 20, 20), (40, 5, 20, 20), (40, 40, 20, 20)]


def costs(pred: Array, target: Array, classes: int = 1) -> tuple[ErrorAnalysis, dict[str, float]]:
    """The analysis, and the wrong pixels of each cause by hand's measure: shares times 2 TP + FP + FN, binary."""
    analysis, causes = explain_errors(pred, target, classes)
    assert sum(analysis.shares.values()) == pytest.approx(1 - analysis.dice, abs=1e-12)
    assert ((causes > 0) == ((pred != target) & (target != IGNORE))).all()
    total = float((pred == 1).sum() + (target == 1).sum())
    return analysis, {name: share * total for name, share in analysis.shares.items() if share}


def test_three_missed_objects() -> None:
    small = [(80, 10, 7, 8), (80, 30, 6, 6), (80, 50, 5, 5)]  # 56, 36, 25 pixels
    analysis, wrong = costs(boxes(*LARGE), boxes(*LARGE, *small))
    assert wrong == {"missed": pytest.approx(56 + 36 + 25)}
    assert sorted(analysis.missed) == [25, 36, 56]
    share = (56 + 36 + 25) / (2 * 1600 + 56 + 36 + 25)
    assert analysis.shares["missed"] == pytest.approx(share)
    assert analysis.sentence == f"Dice {1 - share:.2f}: lost {share:.2f} to 3 of 7 objects missed, all under 60 px."


def test_missed_objects_of_all_sizes_are_not_called_small() -> None:
    analysis, _ = costs(boxes(LARGE[0], LARGE[1]), boxes(*LARGE))
    assert analysis.sentence == "Dice 0.67: lost 0.33 to 2 of 4 objects missed."


def test_a_false_object() -> None:
    analysis, wrong = costs(boxes(*LARGE, (80, 80, 10, 10)), boxes(*LARGE))
    assert wrong == {"false": pytest.approx(100)}
    assert analysis.false == (100,)
    assert analysis.sentence == "Dice 0.97: lost 0.03 to 1 false object."


@pytest.mark.parametrize("height", [1, 3, 8])
def test_a_merge_costs_its_bridge(height: int) -> None:
    analysis, wrong = costs(boxes(*LARGE, (12, 25, height, 15)), boxes(*LARGE))
    assert wrong == {"merge": pytest.approx(15 * height)}
    assert analysis.merges == (2,)
    assert analysis.shares["merge"] == pytest.approx(15 * height / (3200 + 15 * height))
    assert analysis.sentence.endswith("1 merge of 2 objects.")


def test_a_merge_of_near_objects_is_no_matter_of_the_outline() -> None:
    truth = boxes((10, 10, 20, 20), (10, 33, 20, 20))
    analysis, wrong = costs(boxes((10, 10, 20, 43)), truth)
    assert wrong == {"merge": pytest.approx(60)}
    assert analysis.merges == (2,)


def test_touching_objects_merged_cost_nothing_and_are_told() -> None:
    truth = boxes((10, 10, 20, 40))
    numbers = truth.astype(np.int32)
    numbers[:, 30:] *= 2
    analysis, _ = explain_errors(truth, truth, 1, numbers)
    assert (analysis.dice, analysis.merges) == (1, (2,))
    assert analysis.sentence == "Dice 1.00, but 1 merge of 2 objects."


@pytest.mark.parametrize("width", [1, 2, 6])
def test_a_split_costs_its_gap(width: int) -> None:
    pred = boxes(*LARGE)
    pred[5:25, 14 : 14 + width] = 0
    analysis, wrong = costs(pred, boxes(*LARGE))
    assert wrong == {"split": pytest.approx(20 * width)}
    assert analysis.splits == (2,)


def test_a_shifted_border_is_a_matter_of_the_outline() -> None:
    analysis, wrong = costs(np.roll(boxes(*LARGE), 2, 1), boxes(*LARGE))
    assert wrong == {"outline": pytest.approx(4 * 2 * 2 * 20)}
    assert (analysis.missed, analysis.false, analysis.merges, analysis.splits) == ((), (), (), ())
    assert analysis.sentence == "Dice 0.90: lost 0.10 to outlines."


def test_a_part_that_is_missing_is_no_matter_of_the_outline_beyond_the_band() -> None:
    pred = boxes(*LARGE)
    pred[5:25, 15:25] = 0
    _, wrong = costs(pred, boxes(*LARGE))
    assert wrong == {"partial": pytest.approx(8 * 16), "outline": pytest.approx(200 - 8 * 16)}


def test_a_wrong_class_is_named_before_all_else() -> None:
    truth = boxes(*LARGE)
    truth[40:60, 40:60] = 2
    pred = truth.copy()
    pred[40:60, 40:60] = 1
    analysis, _ = explain_errors(pred, truth, 3)
    assert analysis.shares["wrong_class"] == pytest.approx((0 + 400 / 2800 + 1) / 3)
    assert analysis.shares["wrong_class"] == pytest.approx(1 - analysis.dice)
    assert analysis.confused == 1
    assert analysis.sentence == f"Dice {analysis.dice:.2f}: lost 0.38 to 1 of 4 objects with a wrong class."


def test_all_faults_at_once_keep_their_shares() -> None:
    small = [(80, 10, 7, 8), (80, 30, 6, 6), (80, 50, 5, 5)]
    truth = boxes(*LARGE, *small)
    pred = boxes((5, 5, 20, 55), (42, 5, 20, 20), LARGE[3], (80, 80, 10, 10))  # a merge, a shift, a false object
    analysis, wrong = costs(pred, truth)
    expected = {"missed": 117, "merge": 15 * 20, "outline": 80, "false": 100}
    assert wrong == {name: pytest.approx(pixels) for name, pixels in expected.items()}
    causes = ("merges of 2", "3 of 7 objects missed, all under 60 px", "1 false object", "outlines")
    places = [analysis.sentence.find(cause.replace("merges", "merge")) for cause in causes]
    assert places == sorted(places)
    assert places[0] > 0


@pytest.mark.parametrize("seed", range(5))
def test_shares_of_500_random_pairs_add_up_to_what_is_missing(seed: int) -> None:
    for pred, target, classes in random_pairs(100, seed):
        analysis, causes = explain_errors(pred, target, classes)
        dice = metrics.scores(metrics.count(pred, target, classes))["dice"]
        assert analysis.dice == pytest.approx(dice, nan_ok=True)
        if math.isnan(dice):
            assert analysis.sentence == "Nothing to find, and nothing predicted."
        else:
            assert sum(analysis.shares.values()) == pytest.approx(1 - dice, abs=1e-9)
            assert analysis.sentence.startswith(f"Dice {dice:.2f}: ")
        assert ((causes > 0) == ((pred != target) & (target != IGNORE))).all()


def test_numbers_in_the_map_are_those_of_the_causes() -> None:
    assert list(NUMBER) == list(CAUSES)
    _, causes = explain_errors(boxes(LARGE[0]), boxes(*LARGE[:2]), 1)
    assert np.unique(causes).tolist() == [0, NUMBER["missed"]]


def test_a_right_mask_has_no_errors() -> None:
    analysis, causes = explain_errors(boxes(*LARGE), boxes(*LARGE), 1)
    assert analysis.sentence == "Dice 1.00: no errors."
    assert not causes.any()
