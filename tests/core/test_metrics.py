"""Scores: tables by hand, torchmetrics on random masks, and what every entry of METRICS must keep to."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics import functional as tm

from unet_core.data.masks.coding import IGNORE
from unet_core.metrics import METRICS, Counts, count, mean, scores

Mask = NDArray[np.uint8]
NAN = math.nan
every_metric = pytest.mark.parametrize("name", METRICS)


def mask(*rows: str) -> Mask:
    """Digits are class indices, a dot is an ignored pixel."""
    return np.array([[IGNORE if cell == "." else int(cell) for cell in row] for row in rows], np.uint8)


def random_masks(classes: int, ignored: float, seed: int) -> tuple[Mask, Mask]:
    rng = np.random.default_rng(seed)
    pred, target = rng.integers(max(classes, 2), size=(2, 17, 13)).astype(np.uint8)
    target[rng.random(target.shape) < ignored] = IGNORE
    return pred, target


def test_counts_of_a_binary_mask_by_hand() -> None:
    c = count(mask("1100", "1011"), mask("1010", "1.01"), 1)
    assert [part.tolist() for part in (c.tp, c.fp, c.fn, c.tn)] == [[3], [2], [1], [1]]
    assert not c.empty


def test_counts_of_several_classes_by_hand() -> None:
    c = count(mask("0122", "0120"), mask("0112", "00.2"), 3)
    assert c.tp.tolist() == [2, 1, 1]
    assert c.fp.tolist() == [1, 1, 1]
    assert c.fn.tolist() == [1, 1, 1]
    assert c.tn.tolist() == [3, 4, 4]


@pytest.mark.parametrize(
    ("pred", "target", "expected"),
    [
        # 3 right, 2 found wrongly, 1 missed, 1 rightly left
        ("11001011", "10101.01", {"dice": 6 / 9, "iou": 3 / 6, "precision": 3 / 5, "recall": 3 / 4, "accuracy": 4 / 7}),
        ("0110", "0110", {"dice": 1, "iou": 1, "precision": 1, "recall": 1, "accuracy": 1}),
        ("1001", "0110", {"dice": 0, "iou": 0, "precision": 0, "recall": 0, "accuracy": 0}),
        ("0100", "0000", {"dice": 0, "iou": 0, "precision": 0, "recall": NAN, "accuracy": 3 / 4}),
        ("0000", "0100", {"dice": 0, "iou": 0, "precision": NAN, "recall": 0, "accuracy": 3 / 4}),
        ("0000", "0000", {"dice": NAN, "iou": NAN, "precision": NAN, "recall": NAN, "accuracy": 1}),
        ("0100", "0.00", {"dice": NAN, "iou": NAN, "precision": NAN, "recall": NAN, "accuracy": 1}),
        ("0101", "....", dict.fromkeys(("dice", "iou", "precision", "recall", "accuracy"), NAN)),
    ],
)
def test_binary_table_by_hand(pred: str, target: str, expected: dict[str, float]) -> None:
    found = scores(count(mask(pred), mask(target), 1))
    assert {name: found[name] for name in expected} == pytest.approx(expected, nan_ok=True)


def test_table_of_several_classes_by_hand() -> None:
    c = count(mask("000112"), mask("001112"), 4)  # class 3 is nowhere
    each = {name: metric.function(c).tolist() for name, metric in METRICS.items()}
    assert each["dice"] == pytest.approx([4 / 5, 4 / 5, 1, NAN], nan_ok=True)
    assert each["iou"] == pytest.approx([2 / 3, 2 / 3, 1, NAN], nan_ok=True)
    assert each["precision"] == pytest.approx([2 / 3, 1, 1, NAN], nan_ok=True)
    assert each["recall"] == pytest.approx([1, 2 / 3, 1, NAN], nan_ok=True)
    assert each["accuracy"] == pytest.approx([5 / 6])
    assert scores(c)["dice"] == pytest.approx((4 / 5 + 4 / 5 + 1) / 3)  # the class that is nowhere is left out


@pytest.mark.parametrize(
    ("pred", "target", "classes", "empty"),
    [
        ("0000", "0000", 1, True),
        ("0000", "00..", 1, True),
        ("1111", "....", 1, True),
        ("0001", "0000", 1, False),
        ("0000", "0001", 1, False),
        ("0000", "0000", 3, False),  # class 0 is a class like any other
        ("0120", "....", 3, True),
    ],
)
def test_empty_is_nothing_to_find_and_nothing_found(pred: str, target: str, classes: int, empty: bool) -> None:
    assert count(mask(pred), mask(target), classes).empty is empty


BINARY_REFERENCES: dict[str, Callable[..., torch.Tensor]] = {
    "dice": tm.classification.binary_f1_score,
    "iou": tm.classification.binary_jaccard_index,
    "precision": tm.classification.binary_precision,
    "recall": tm.classification.binary_recall,
    "accuracy": tm.classification.binary_accuracy,
}
MULTICLASS_REFERENCES: dict[str, Callable[..., torch.Tensor]] = {
    "dice": tm.classification.multiclass_f1_score,
    "iou": tm.classification.multiclass_jaccard_index,
    "precision": tm.classification.multiclass_precision,
    "recall": tm.classification.multiclass_recall,
}


@pytest.mark.parametrize("name", BINARY_REFERENCES)
@pytest.mark.parametrize(("ignored", "seed"), [(0.0, 0), (0.3, 1), (0.9, 2)])
def test_binary_scores_equal_torchmetrics(name: str, ignored: float, seed: int) -> None:
    pred, target = random_masks(1, ignored, seed)
    expected = BINARY_REFERENCES[name](torch.from_numpy(pred), torch.from_numpy(target).long(), ignore_index=IGNORE)
    assert METRICS[name].function(count(pred, target, 1)).tolist() == pytest.approx([expected.item()], abs=1e-6)


@pytest.mark.parametrize("name", MULTICLASS_REFERENCES)
@pytest.mark.parametrize(("classes", "ignored", "seed"), [(2, 0.0, 0), (3, 0.3, 1), (7, 0.2, 2)])
def test_scores_of_each_class_equal_torchmetrics(name: str, classes: int, ignored: float, seed: int) -> None:
    pred, target = random_masks(classes, ignored, seed)
    masks = torch.from_numpy(pred).long(), torch.from_numpy(target).long()
    expected = MULTICLASS_REFERENCES[name](*masks, num_classes=classes, average="none", ignore_index=IGNORE)
    assert METRICS[name].function(count(pred, target, classes)).tolist() == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize(("classes", "ignored"), [(2, 0.0), (5, 0.3)])
def test_accuracy_counts_each_pixel_once_as_torchmetrics_does(classes: int, ignored: float) -> None:
    pred, target = random_masks(classes, ignored, 3)
    masks = torch.from_numpy(pred).long(), torch.from_numpy(target).long()
    expected = tm.classification.multiclass_accuracy(*masks, num_classes=classes, average="micro", ignore_index=IGNORE)
    assert scores(count(pred, target, classes))["accuracy"] == pytest.approx(expected.item(), abs=1e-6)


@every_metric
@pytest.mark.parametrize("classes", [1, 2, 4])
def test_a_score_is_1_for_the_truth_less_for_another_and_counts_no_ignored_pixel(name: str, classes: int) -> None:
    pred, target = random_masks(classes, 0.3, 4)
    truth = np.where(target == IGNORE, 0, target).astype(np.uint8)
    assert METRICS[name].function(count(truth, target, classes)) == pytest.approx(1)
    value = METRICS[name].function(count(pred, target, classes))
    assert ((value >= 0) & (value < 1)).all()
    turned = np.where(target == IGNORE, (pred + 1) % max(classes, 2), pred).astype(np.uint8)
    assert np.array_equal(METRICS[name].function(count(turned, target, classes)), value)


@every_metric
@pytest.mark.parametrize("classes", [1, 3])
def test_a_score_of_nothing_is_undefined_and_never_an_error(name: str, classes: int) -> None:
    nothing = count(np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8), classes)
    assert np.isnan(METRICS[name].function(nothing)).all()
    assert math.isnan(scores(nothing)[name])


@every_metric
def test_pooled_counts_give_the_score_of_all_pixels_together(name: str) -> None:
    parts = [random_masks(3, 0.2, seed) for seed in range(3)]
    pooled: Counts = sum((count(*part, 3) for part in parts[1:]), count(*parts[0], 3))
    together = count(np.vstack([pred for pred, _ in parts]), np.vstack([target for _, target in parts]), 3)
    assert np.array_equal(METRICS[name].function(pooled), METRICS[name].function(together))
    assert pooled.tp.sum() + pooled.fn.sum() == sum((target != IGNORE).sum() for _, target in parts)


def test_many_classes_fit() -> None:
    target = np.arange(254, dtype=np.uint8).reshape(2, 127)
    assert count(target, target, 254).tp.tolist() == [1] * 254


def test_masks_of_different_sizes_are_no_scores() -> None:
    with pytest.raises(ValueError, match=r"pred has shape \(2, 3\), target \(3, 2\)"):
        count(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8), 1)


def test_mean_leaves_out_what_is_undefined() -> None:
    assert mean(np.array([0.25, NAN, 0.75])) == 0.5
    assert math.isnan(mean(np.array([NAN, NAN])))
    assert math.isnan(mean(np.array([])))
