"""Scores of images to their means, intervals and tables."""

import csv
import functools
import io
import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.evaluation.intervals import Interval, bootstrap, bound_mean
from unet_core.evaluation.measures.confusion import average_classes, sum_tables
from unet_core.evaluation.measures.image_facts import ImageFacts
from unet_core.evaluation.measures.registry import Explained, Measured, MeasureMeans, average, names_of, to_row
from unet_core.evaluation.object_scores import ObjectCounts
from unet_core.metrics import METRICS, Counts


@dataclass(frozen=True)
class ImageScore:
    """The counts of one image; `subset` is train, val, test, or "new" for an image that no split knows.

    `objects` are counts of objects where the masks tell them apart, `measured` all other measures where they were asked
    for, `explained` the part of them that says what went wrong where only that was, `facts` what the image itself is
    like, by which `slices` groups images.
    """

    id: str
    subset: str
    counts: Counts
    objects: ObjectCounts | None = None
    measured: Measured | None = None
    explained: Explained | None = None
    facts: ImageFacts | None = None

    @property
    def errors(self) -> Explained | Measured | None:
        """What went wrong, where that was asked for."""
        return self.measured or self.explained

    @cached_property
    def scores(self) -> dict[str, float]:
        """Each of `metrics.METRICS` as one number, computed when it is first asked for."""
        return metrics.scores(self.counts)


@dataclass(frozen=True)
class Summary:
    """The scores of a set of images, each as a dictionary by the names of `metrics.METRICS`.

    `mean` is over images (NaN where none has a value), `pooled` counts all pixels together. `dice_interval` is the
    percentile bootstrap's interval of the mean Dice (Efron 1979), NaN under two images. For few images or skewed scores
    it is too narrow: in simulations with 20 to 60 images it held the true mean in 75 to 93 % of cases, not in 95 %
    (docs/evaluation.md); `bound` held it in 99 %. Both speak of all images of which these are a random sample. Neither
    is a forecast for another dataset, and kinds of images that are not among these are not covered. `empty` images have
    nothing in the ground truth and nothing predicted. `measures` are the means of all other measures where they were
    asked for.
    """

    images: int
    empty: int
    mean: dict[str, float]
    pooled: dict[str, float]
    dice_interval: tuple[float, float]
    objects: ObjectCounts | None = None
    measures: MeasureMeans | None = None
    dice: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)  # of each image

    @cached_property
    def bound(self) -> Interval:
        """The interval of the mean Dice that covers (`intervals.bound_mean`), computed when it is first asked for."""
        return bound_mean(self.dice)

    def to_dict(self) -> dict[str, float]:
        """Flat, as `evaluate` prints it: `images, empty, mean_dice, ..., pooled_dice, ..., dice_low, dice_high`.

        `dice_low, dice_high` are the bootstrap's, `dice_bound_low, dice_bound_high` those of `bound`. Where masks tell
        objects apart: also `objects_matched, objects_missed, objects_wrong, object_f1`. Where all measures were asked
        for: `mean_hd95, ..., pooled_nsd, ...` and `undefined_hd95, ...`, the images without a value.
        """
        low, high = self.dice_interval
        return {
            "images": self.images,
            "empty": self.empty,
            **{f"mean_{name}": value for name, value in self.mean.items()},
            **{f"pooled_{name}": value for name, value in self.pooled.items()},
            "dice_low": low,
            "dice_high": high,
            "dice_bound_low": self.bound.low,
            "dice_bound_high": self.bound.high,
            **({} if self.objects is None else _object_columns(self.objects)),
            **({} if self.measures is None else self.measures.to_dict()),
        }


def summarize(scores: Sequence[ImageScore]) -> Summary:
    """The summary of one image or more."""
    values = [item.scores for item in scores]
    columns = {name: np.array([row[name] for row in values]) for name in METRICS}
    counted = [item.objects for item in scores if item.objects is not None]
    measured = [item.measured for item in scores if item.measured is not None]
    return Summary(
        images=len(scores),
        empty=sum(item.counts.empty for item in scores),
        mean={name: metrics.mean(values) for name, values in columns.items()},
        pooled=metrics.scores(sum_counts([item.counts for item in scores])),
        dice_interval=interval(columns["dice"]),
        objects=functools.reduce(operator.add, counted) if counted else None,
        measures=average(measured) if measured else None,
        dice=columns["dice"],
    )


def _object_columns(counts: ObjectCounts) -> dict[str, float]:
    return {
        "objects_matched": counts.matched,
        "objects_missed": counts.missed,
        "objects_wrong": counts.wrong,
        "object_f1": counts.f1,
    }


@dataclass(frozen=True)
class ClassScore:
    """One class over all images: pooled Dice and IoU, NaN where it is in no ground truth and no prediction."""

    index: int
    dice: float
    iou: float
    pixels: int  # of the ground truth
    images: int  # whose ground truth holds it


def by_class(scores: Sequence[ImageScore]) -> list[ClassScore]:
    """The scores of each class, all pixels counted together; for binary the foreground alone, as class 1."""
    total = sum_counts([item.counts for item in scores])
    first = 1 if len(total.tp) == 1 else 0
    true_pixels = np.array([item.counts.tp + item.counts.fn for item in scores])  # (images, C)
    return [
        ClassScore(first + k, float(dice), float(iou), int(true_pixels[:, k].sum()), int((true_pixels[:, k] > 0).sum()))
        for k, (dice, iou) in enumerate(zip(metrics.dice(total), metrics.iou(total), strict=True))
    ]


def describe_classes(scores: Sequence[ImageScore]) -> dict[str, Any]:
    """Of several classes, where all measures were asked for: `scores_by_class` and `confusion`, {} otherwise.

    `scores_by_class` has for each class `mean_dice, ..., pooled_dice, ..., undefined_dice, ...`; `confusion` is a list
    of rows of pixels, the ground truth's classes, each with a column for every predicted class.
    """
    tables = [item.measured.confusion for item in scores if item.measured is not None]
    if not tables or len(scores[0].counts.tp) < 2:
        return {}
    classes = {
        item.index: {
            **{f"mean_{name}": value for name, value in item.mean.items()},
            **{f"pooled_{name}": value for name, value in item.pooled.items()},
            **{f"undefined_{name}": value for name, value in item.undefined.items()},
        }
        for item in average_classes([item.counts for item in scores])
    }
    return {"scores_by_class": classes, "confusion": sum_tables(tables).tolist()}


def sum_counts(counts: Iterable[Counts]) -> Counts:
    first, *rest = counts
    return sum(rest, first)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean of what is defined; NaN under two values."""
    return bootstrap(values[~np.isnan(values)])


def list_rows(scores: Sequence[ImageScore]) -> list[dict[str, str | int | float]]:
    """The lines of the table that `to_csv` writes, with all digits; all have the same columns, NaN where undefined."""
    classes = len(scores[0].counts.tp) if scores else 1
    class_columns = [(name, k) for k in range(classes) for name in ("dice", "iou")] if classes > 1 else []
    has_objects = any(item.objects for item in scores)
    no_objects = dict.fromkeys(_object_columns(ObjectCounts(0, 0, 0)), math.nan)
    names = names_of([item.measured for item in scores if item.measured is not None])
    measured = {item.id: to_row(item.measured, names) for item in scores if item.measured is not None}
    no_measures = {
        name: "" if isinstance(value, str) else math.nan for name, value in next(iter(measured.values()), {}).items()
    }
    rows: list[dict[str, str | int | float]] = []
    for item in scores:
        row: dict[str, str | int | float] = {"image": item.id, **item.scores, "subset": item.subset}
        row["empty"] = int(item.counts.empty)
        row |= {f"{name}_{k}": float(METRICS[name].function(item.counts)[k]) for name, k in class_columns}
        if has_objects:
            row |= no_objects if item.objects is None else _object_columns(item.objects)
        rows.append(row | (measured.get(item.id) or no_measures))
    return rows


def to_csv(scores: Sequence[ImageScore]) -> str:
    """`image,dice,iou,precision,recall,accuracy,subset,empty`: a line for each image; undefined scores are empty cells.

    A metric that is added to METRICS becomes a column. With several classes the Dice and IoU of each follow as
    `dice_0, iou_0, dice_1, ...`, then the counts of objects where masks tell them apart, then all other measures where
    they were asked for: those of `measures.registry.MEASURES`, of each class, and a sentence about the errors.
    """
    rows = list_rows(scores)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0] if rows else ["image", *METRICS, "subset", "empty"])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: str | int | float) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return str(value)
