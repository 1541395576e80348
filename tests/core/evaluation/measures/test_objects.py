"""Objects matched: by hand, and against pycocotools, scipy, torchmetrics and scikit-image on random pairs."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pycocotools import mask as coco
from scipy.optimize import linear_sum_assignment
from skimage.metrics import adapted_rand_error, variation_of_information
from torchmetrics.functional.detection import panoptic_quality

from tests.helpers.mask_pairs import random_pairs
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.measures.objects import (
    PERCENTS,
    ObjectScores,
    compact,
    measure_objects,
    measure_regions,
)
from unet_core.postprocessing import objects

Array = NDArray[np.uint8]


def squares(*boxes: tuple[int, int, int], size: int = 24) -> NDArray[np.int32]:
    """(size, size) with squares (top, left, side), numbered from 1."""
    numbers = np.zeros((size, size), np.int32)
    for number, (top, left, side) in enumerate(boxes, 1):
        numbers[top : top + side, left : left + side] = number
    return numbers


def mask_of(numbers: NDArray[np.int32]) -> Array:
    return (numbers > 0).astype(np.uint8)


def pairs_with_numbers(seed: int) -> Iterator[tuple[Array, Array, NDArray[np.int32]]]:
    """Binary pairs; true objects are cut at a random row, so that some of them touch."""
    rng = np.random.default_rng(seed)
    for pred, target, classes in random_pairs(150, seed):
        if classes == 1:
            numbers = objects.label(np.where(target == IGNORE, 0, target).astype(np.uint8))
            numbers[int(rng.integers(len(numbers))) :] += 1000
            yield pred, target, np.where((target == 1), numbers, 0).astype(np.int32)


def coco_ious(predicted: NDArray[np.integer], true: NDArray[np.integer]) -> NDArray[np.float64]:
    """(P, T) by pycocotools."""
    sides = [
        [coco.encode(np.asfortranarray(labels == n, np.uint8)) for n in np.unique(labels[labels > 0])]
        for labels in (predicted, true)
    ]
    if not all(sides):
        return np.zeros((len(sides[0]), len(sides[1])))
    return np.asarray(coco.iou(*sides, [0] * len(sides[1])))


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_500_pairs_have_the_largest_matching_of_the_ious_that_pycocotools_computes(seed: int, split: bool) -> None:
    for pred, target, numbers in pairs_with_numbers(seed):
        scores = measure_objects(pred, target, numbers, split=split)
        ious = coco_ious(np.where(target == IGNORE, 0, objects.label(pred, split)), numbers)
        assert (scores.predicted, scores.true) == ious.shape
        for percent, matched in zip(PERCENTS, scores.matched, strict=True):
            above = ious > percent / 100 + 1e-9
            assert matched == above[linear_sum_assignment(-above.astype(float))].sum()
        assert scores.iou == pytest.approx(ious[ious > 0.5 + 1e-9].sum(), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_panoptic_quality_is_that_of_torchmetrics(seed: int) -> None:
    for pred, target, numbers in pairs_with_numbers(seed + 10):
        if (target == IGNORE).any():
            continue  # it has another rule there: predicted objects that lie mostly in ignored areas do not count
        predicted = objects.label(pred)
        scores = measure_objects(pred, target, numbers)
        stacked = [
            torch.from_numpy(np.stack([labels > 0, labels], -1).astype(np.int64))[None]
            for labels in (predicted, numbers)
        ]
        expected = panoptic_quality(*stacked, things={1}, stuffs={0}, return_sq_and_rq=True, return_per_class=True)
        values = [scores.panoptic_quality, scores.segmentation_quality, scores.recognition_quality]
        # Where there is nothing torchmetrics says 0, here it is undefined.
        assert np.nan_to_num(values).tolist() == pytest.approx(expected[0].tolist(), abs=1e-6)


@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_regions_are_as_in_scikit_image(seed: int, split: bool) -> None:
    for pred, target, numbers in pairs_with_numbers(seed + 20):
        scores = measure_regions(pred, target, numbers, split=split)
        if not (numbers > 0).any():
            assert math.isnan(scores.v_rand)
            assert math.isnan(scores.v_info)
            continue
        predicted = objects.label(pred, split)
        if (numbers > 0).sum() > 1 and scores.rand_merge + scores.rand_split > 0:
            error, precision, recall = adapted_rand_error(numbers, predicted, ignore_labels=(0,))
            if not np.isnan([precision, recall]).any():  # 0/0 of pairs, where no fault is possible
                assert scores.v_rand == pytest.approx(1 - error, abs=1e-9)
                assert sorted([scores.rand_merge, scores.rand_split]) == pytest.approx(sorted([precision, recall]))
        split_bits, merge_bits = variation_of_information(numbers, predicted, ignore_labels=(0,))
        inside = mask_of(numbers)
        of_true, of_pred = (
            variation_of_information(inside, part, ignore_labels=(0,))[0] for part in (numbers, predicted)
        )
        if of_true + of_pred > 1e-9:
            information = of_true - merge_bits
            assert information == pytest.approx(of_pred - split_bits, abs=1e-9)
            assert scores.v_info == pytest.approx(2 * information / (of_true + of_pred), abs=1e-9)
        else:
            assert scores.v_info == 1


def test_a_merge_lowers_merge_and_a_cut_lowers_split() -> None:
    truth = squares((1, 1, 6), (1, 8, 6))
    merged = mask_of(truth)
    merged[1:7, 7] = 1
    scores = measure_regions(merged, mask_of(truth), truth)
    assert scores.rand_split == 1
    assert scores.rand_merge == pytest.approx((2 * 36 * 35) / (72 * 71))
    assert (scores.info_merge, scores.info_split) == (0, 1)
    cut = mask_of(squares((1, 1, 6)))
    cut[1:7, 3] = 0
    scores = measure_regions(cut, mask_of(squares((1, 1, 6))))
    assert scores.rand_merge == 1
    assert scores.rand_split == pytest.approx((12 * 11 + 18 * 17 + 6 * 5) / (36 * 35))


def test_counts_by_hand() -> None:
    truth = squares((1, 1, 6), (1, 12, 6), (12, 1, 6))
    pred = mask_of(squares((1, 1, 6), (2, 12, 6), (18, 18, 4)))  # IoU 1 and 30 / 42 = 0.71, and one that is wrong
    scores = measure_objects(pred, mask_of(truth), truth)
    assert scores == ObjectScores(3, 3, (2, 2, 2, 2, 2, 1, 1, 1, 1, 1), pytest.approx(1 + 30 / 42))
    assert (scores.f1(50), scores.f1(75)) == (4 / 6, 2 / 6)
    assert (scores.ap(50), scores.ap(75)) == (2 / 4, 1 / 5)
    assert scores.mean_ap == pytest.approx((5 * 2 / 4 + 5 * 1 / 5) / 10)
    assert scores.segmentation_quality == pytest.approx((1 + 30 / 42) / 2)
    assert scores.panoptic_quality == pytest.approx(scores.segmentation_quality * scores.recognition_quality)
    assert scores.count_error == 0


@pytest.mark.parametrize(("side", "percent"), [(9, 90), (8, 80), (7, 70), (6, 60), (5, 50)])
def test_an_iou_of_exactly_the_threshold_is_no_match_at_any_threshold(side: int, percent: int) -> None:
    truth, pred = np.zeros((12, 12), np.int32), np.zeros((12, 12), np.uint8)
    truth[:10, :10], pred[:10, :side] = 1, 1
    scores = measure_objects(pred, mask_of(truth), truth)
    assert scores.matched == tuple(int(percent > at) for at in PERCENTS)


def test_touching_objects_are_told_apart_on_request() -> None:
    rows, columns = np.mgrid[:40, :60]
    truth = np.where((rows - 20) ** 2 + (columns - 18) ** 2 < 144, 1, 0).astype(np.int32)
    truth[((rows - 20) ** 2 + (columns - 39) ** 2 < 144) & (truth == 0)] = 2
    whole, parts = (measure_objects(mask_of(truth), mask_of(truth), truth, split=split) for split in (False, True))
    assert (whole.predicted, whole.f1(), whole.count_error) == (1, 2 / 3, -1)  # the one covers half of both
    assert (parts.predicted, parts.f1()) == (2, 1)
    assert measure_regions(mask_of(truth), mask_of(truth), truth).v_rand < 0.7
    assert measure_regions(mask_of(truth), mask_of(truth), truth, split=True).v_rand > 0.95


def test_adding_pools_objects() -> None:
    truth = squares((1, 1, 6), (1, 12, 6))
    first = measure_objects(mask_of(truth), mask_of(truth), truth)
    second = measure_objects(np.zeros_like(mask_of(truth)), mask_of(truth), truth)
    total = first + second
    assert (total.true, total.predicted, total.f1(), total.panoptic_quality) == (4, 2, 4 / 6, 2 * 2 / 6)


def test_without_objects_all_is_undefined() -> None:
    nothing = np.zeros((4, 4), np.uint8)
    scores = measure_objects(nothing, nothing, nothing.astype(np.int32))
    values = (scores.f1(), scores.ap(75), scores.mean_ap, scores.panoptic_quality, scores.segmentation_quality)
    assert all(math.isnan(value) for value in values)
    assert scores.count_error == 0
    one_sided = measure_objects(np.ones_like(nothing), nothing, nothing.astype(np.int32))
    assert (one_sided.f1(), one_sided.panoptic_quality, one_sided.count_error) == (0, 0, 1)
    assert math.isnan(one_sided.segmentation_quality)


def test_compact_keeps_the_order() -> None:
    numbers = np.array([[0, 500_000, 7], [7, 0, 9]])
    assert compact(numbers).tolist() == [[0, 3, 1], [1, 0, 2]]
    numbers[0, 1] = 2**40
    assert compact(numbers).tolist() == [[0, 3, 1], [1, 0, 2]]
    assert compact(np.zeros((0, 3), np.int32)).shape == (0, 3)
