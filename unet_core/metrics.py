"""Scores of one mask against the ground truth: count once, divide after. Undefined is NaN and left out of means.

A class that is neither in the ground truth nor in the prediction has no Dice and no IoU (0/0): the libraries of the
field answer 1, 0, NaN and -1 there; here it is NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """Pixels of each scored class, (C,) each: true positive, false positive, false negative, true negative."""

    tp: Floats
    fp: Floats
    fn: Floats
    tn: Floats

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn, self.tn + other.tn)

    @property
    def empty(self) -> bool:
        """Nothing in the ground truth and nothing predicted, in any class."""
        return not (self.tp + self.fp + self.fn).any()


def count(pred: NDArray[np.uint8], target: NDArray[np.uint8], num_classes: int) -> Counts:
    """Compare two masks (H, W) of class indices; pixels with target IGNORE count nowhere.

    Binary (`num_classes` 1): one scored class, the foreground. Else each class 0 .. num_classes - 1.
    """
    return count_table(confusion_table(pred, target, num_classes), num_classes)


def confusion_table(pred: NDArray[np.uint8], target: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """The confusion matrix (L, L) of two masks (H, W) of class indices, in pixels, L = `num_classes`, at least 2.

    Rows are the ground truth, columns the prediction; pixels with target IGNORE count nowhere.

    >>> confusion_table(np.array([[0, 1, 1]], np.uint8), np.array([[0, 0, 1]], np.uint8), 1).tolist()
    [[1, 1], [0, 1]]
    """
    if pred.shape != target.shape:
        raise ValueError(f"pred has shape {pred.shape}, target {target.shape}; they must be equal")
    labels = max(num_classes, 2)
    valid = target != IGNORE
    pairs = target[valid].astype(np.int64) * labels + pred[valid]
    return np.bincount(pairs, minlength=labels * labels).reshape(labels, labels)


def count_table(table: NDArray[np.int64], num_classes: int) -> Counts:
    """The counts of each scored class from a confusion matrix (L, L)."""
    cells = table.astype(np.float64)
    tp, total = np.diag(cells), cells.sum()
    fp, fn = cells.sum(0) - tp, cells.sum(1) - tp
    scored = slice(1, 2) if num_classes == 1 else slice(0, num_classes)
    return Counts(tp[scored], fp[scored], fn[scored], (total - tp - fp - fn)[scored])


def _ratio(part: Floats, total: Floats) -> Floats:
    return np.divide(part, total, out=np.full_like(part, np.nan), where=total > 0)


def dice(c: Counts) -> Floats:
    """2 TP / (2 TP + FP + FN), equal to F1 (Dice 1945; Sørensen 1948)."""
    return _ratio(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def iou(c: Counts) -> Floats:
    """TP / (TP + FP + FN), the Jaccard index."""
    return _ratio(c.tp, c.tp + c.fp + c.fn)


def precision(c: Counts) -> Floats:
    """TP / (TP + FP): how much of what was predicted is right."""
    return _ratio(c.tp, c.tp + c.fp)


def recall(c: Counts) -> Floats:
    """TP / (TP + FN): how much of the ground truth was found."""
    return _ratio(c.tp, c.tp + c.fn)


def accuracy(c: Counts) -> Floats:
    """Share of counted pixels with the right class, (1,): for several classes too each pixel counts once.

    It flatters where the background is large.
    """
    right = c.tp + c.tn if len(c.tp) == 1 else c.tp.sum(keepdims=True)
    return _ratio(right, (c.tp + c.fp + c.fn + c.tn)[:1])


def class_accuracy(c: Counts) -> Floats:
    """(TP + TN) / all pixels, (C,): each class against the rest; it flatters small classes."""
    return _ratio(c.tp + c.tn, c.tp + c.fp + c.fn + c.tn)


@dataclass(frozen=True)
class Metric:
    """One entry of METRICS: all that a score needs to appear in summaries, tables and on the command line."""

    function: Callable[[Counts], Floats]  # to a value for each scored class, (C,) or (1,); NaN where undefined
    description: str
    label: str = ""  # in tables; "": its name


METRICS: dict[str, Metric] = {
    "dice": Metric(dice, "2 TP / (2 TP + FP + FN), equal to F1", "Dice"),
    "iou": Metric(iou, "TP / (TP + FP + FN), the Jaccard index", "IoU"),
    "precision": Metric(precision, "TP / (TP + FP): how much of what was predicted is right"),
    "recall": Metric(recall, "TP / (TP + FN): how much of the ground truth was found"),
    "accuracy": Metric(accuracy, "share of pixels with the right class; it flatters where the background is large"),
}


def scores(c: Counts) -> dict[str, float]:
    """Every metric as one number: the mean over the classes where it is defined, NaN where it is in none."""
    return {name: mean(metric.function(c)) for name, metric in METRICS.items()}


def mean(values: Floats) -> float:
    """The mean of what is defined, NaN where nothing is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
