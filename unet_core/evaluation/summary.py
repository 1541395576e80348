"""Scores of images to their means, intervals and tables."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.metrics import METRICS, Counts

RESAMPLES = 2000  # bootstrap


@dataclass(frozen=True)
class ImageScore:
    """The counts of one image; `subset` is train, val, test, or "new" for an image that no split knows."""

    id: str
    subset: str
    counts: Counts

    @property
    def scores(self) -> dict[str, float]:
        return metrics.scores(self.counts)


@dataclass(frozen=True)
class Summary:
    """Means over images and scores of all pixels pooled; `empty` images have no truth and no prediction.

    `dice_low` and `dice_high` bound the mean Dice of other images of this kind with 95 % confidence (bootstrap over
    images, Efron 1979); NaN under two images.
    """

    images: int
    empty: int
    mean_dice: float
    mean_iou: float
    pooled_dice: float
    pooled_iou: float
    mean_precision: float
    mean_recall: float
    mean_accuracy: float
    dice_low: float
    dice_high: float


def summarize(scores: Sequence[ImageScore]) -> Summary:
    """The summary of one image or more."""
    columns = {name: np.array([item.scores[name] for item in scores]) for name in METRICS}
    pooled = metrics.scores(sum_counts([item.counts for item in scores]))
    low, high = interval(columns["dice"])
    return Summary(
        images=len(scores),
        empty=sum(item.counts.empty for item in scores),
        **{f"mean_{name}": metrics.mean(values) for name, values in columns.items()},
        pooled_dice=pooled["dice"],
        pooled_iou=pooled["iou"],
        dice_low=low,
        dice_high=high,
    )


@dataclass(frozen=True)
class ClassScore:
    """One class over all images: pooled Dice and IoU, NaN where it is in no truth and no prediction."""

    index: int
    dice: float
    iou: float
    pixels: int  # of the truth
    images: int  # whose truth holds it


def by_class(scores: Sequence[ImageScore]) -> list[ClassScore]:
    """The scores of each class, all pixels counted together; for binary the foreground alone, as class 1."""
    total = sum_counts([item.counts for item in scores])
    first = 1 if len(total.tp) == 1 else 0
    wanted = np.array([item.counts.tp + item.counts.fn for item in scores])  # (images, C)
    return [
        ClassScore(first + k, float(dice), float(iou), int(wanted[:, k].sum()), int((wanted[:, k] > 0).sum()))
        for k, (dice, iou) in enumerate(zip(metrics.dice(total), metrics.iou(total), strict=True))
    ]


def sum_counts(counts: Iterable[Counts]) -> Counts:
    first, *rest = counts
    return sum(rest, first)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of what is defined; NaN under two values."""
    defined = values[~np.isnan(values)]
    if len(defined) < 2:
        return float("nan"), float("nan")
    picks = np.random.default_rng(0).integers(len(defined), size=(RESAMPLES, len(defined)))
    low, high = np.percentile(defined[picks].mean(1), (2.5, 97.5))
    return float(low), float(high)


def to_csv(scores: Sequence[ImageScore]) -> str:
    """`image,dice,iou,precision,recall,accuracy,subset,...`: a line an image; an undefined score is an empty cell.

    With several classes their own Dice and IoU follow as `dice_0, iou_0, dice_1, ...`.
    """
    classes = len(scores[0].counts.tp) if scores else 1
    several = [(name, k) for k in range(classes) for name in ("dice", "iou")] if classes > 1 else []
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image", *METRICS, "subset", "empty", *(f"{name}_{k}" for name, k in several)])
    for item in scores:
        values = [item.scores[name] for name in METRICS]
        per_class = [METRICS[name](item.counts)[k] for name, k in several]
        writer.writerow([item.id, *map(_cell, values), item.subset, int(item.counts.empty), *map(_cell, per_class)])
    return out.getvalue()


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"
