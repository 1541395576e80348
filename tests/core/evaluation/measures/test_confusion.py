"""Confusion matrices and class means: by hand, and against torchmetrics on 500 random pairs with corner cases."""

import math

import numpy as np
import pytest
import torch
from torchmetrics import functional as tm

from tests.helpers.mask_pairs import random_pairs
from unet_core import metrics
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.measures.confusion import (
    average_classes,
    measure_confusion,
    shares_of_truth,
    sum_tables,
)

BINARY = {
    "dice": tm.classification.binary_f1_score,
    "iou": tm.classification.binary_jaccard_index,
    "precision": tm.classification.binary_precision,
    "recall": tm.classification.binary_recall,
    "accuracy": tm.classification.binary_accuracy,
}


@pytest.mark.parametrize("seed", range(5))
def test_500_pairs_are_as_torchmetrics_has_them(seed: int) -> None:
    """Each class against the rest, so that one reference serves all; where it says 0 for 0/0, here it is undefined."""
    for pred, target, classes in random_pairs(100, seed):
        confusion = measure_confusion(pred, target, classes)
        tensors = torch.from_numpy(pred).long(), torch.from_numpy(target).long()
        labels = max(classes, 2)
        if (target != IGNORE).any():
            expected = tm.classification.multiclass_confusion_matrix(*tensors, labels, ignore_index=IGNORE)
            assert confusion.table.tolist() == expected.tolist()
        for item in average_classes([metrics.count(pred, target, classes)]):
            counted = torch.from_numpy(target != IGNORE)
            one, other = ((tensor[counted] == item.index).long() for tensor in tensors)
            for name, reference in BINARY.items():
                value = item.pooled[name]
                assert item.mean[name] == pytest.approx(value, nan_ok=True)
                assert item.undefined[name] == math.isnan(value)
                if math.isnan(value):
                    part = {"precision": one, "recall": other}.get(name, one | other)
                    assert not part.any() if name != "accuracy" else not counted.any()
                else:
                    assert value == pytest.approx(reference(one, other).item(), abs=1e-6)


def test_per_image_and_pooled_by_hand() -> None:
    pairs = [("0122", "0112"), ("0000", "0001")]
    masks = [[np.array([[int(cell) for cell in text]], np.uint8) for text in pair] for pair in pairs]
    counts = [metrics.count(pred, target, 3) for pred, target in masks]
    background, first, second = average_classes(counts)
    assert background.mean["dice"] == pytest.approx((1 + 6 / 7) / 2)
    assert background.pooled["dice"] == pytest.approx(8 / 9)
    assert first.mean["recall"] == pytest.approx((0.5 + 0) / 2)
    assert first.pooled["recall"] == pytest.approx(1 / 3)
    assert (first.mean["precision"], first.undefined["precision"]) == (1, 1)
    assert (second.mean["dice"], second.undefined["dice"]) == (pytest.approx(2 / 3), 1)
    assert first.pooled["accuracy"] == pytest.approx(6 / 8)
    table = sum_tables([measure_confusion(pred, target, 3) for pred, target in masks])
    assert table.tolist() == [[4, 0, 0], [1, 1, 1], [0, 0, 1]]
    assert shares_of_truth(table)[1].tolist() == pytest.approx([1 / 3] * 3)


def test_a_class_without_pixels_has_no_shares() -> None:
    pred = np.zeros((2, 2), np.uint8)
    shares = shares_of_truth(measure_confusion(pred, pred, 2).table)
    assert shares[0].tolist() == [1, 0]
    assert np.isnan(shares[1]).all()


def test_images_of_254_classes_stay_small() -> None:
    target = np.arange(254, dtype=np.uint8).reshape(2, 127)
    confusion = measure_confusion(target[:, ::-1], target, 254)
    assert len(confusion.pixels) == 254
    assert confusion.cell(0, 126) == 1
    assert confusion.cell(0, 0) == 0
