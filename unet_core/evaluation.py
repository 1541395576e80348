"""Masks to scores: every image on its own, their mean, and all pixels pooled."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.config import SPLITS, DataConfig
from unet_core.data import Pictures, load
from unet_core.errors import DataError
from unet_core.inference import Predictor
from unet_core.metrics import METRICS, Counts
from unet_core.samples import Sample, content_hash

RESAMPLES = 2000  # bootstrap
Keep = Callable[[str, NDArray[np.uint8]], None]


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


def select(
    found: Sequence[Sample], parts: Mapping[str, Mapping[str, str]], wanted: str = "held-out"
) -> dict[str, list[Sample]]:
    """The samples to score by what the model knows of them: {"train": [...], "val": ..., "test": ..., "new": ...}.

    `parts` is a run's split (`Run.split`), {} where it is not known; an image is recognised by its content, whatever
    its name, and one that lay in several subsets counts as trained on, else as validated on. `wanted` is one of
    config.SPLITS. Raises DataError where nothing is left.
    """
    known = {digest: subset for subset in ("test", "val", "train") for digest in parts.get(subset, {}).values()}
    groups: dict[str, list[Sample]] = {subset: [] for subset in ("train", "val", "test", "new")}
    for sample in found:
        groups[known.get(content_hash(sample.image, sample.page), "new")].append(sample)
    chosen = {subset: group if subset in SPLITS[wanted] else [] for subset, group in groups.items()}
    if not any(chosen.values()):
        sizes = ", ".join(f"{len(group)} {subset}" for subset, group in groups.items())
        raise DataError(
            f"None of the {len(found)} images is to be scored as {wanted!r}: they are {sizes}. Scores of images that "
            "the model was trained on say little; choose 'all' to see them all the same."
        )
    return chosen


def score(predictor: Predictor, pictures: Pictures, index: int, subset: str, keep: Keep | None = None) -> ImageScore:
    """Predict one picture and compare it with its mask; `keep` is given its id and the predicted mask."""
    picture, name = pictures[index], pictures.samples[index].id
    pred = predictor.mask(picture.image)
    if keep is not None:
        keep(name, pred)
    counts = metrics.count(pred, pictures.target(picture.raw_mask), predictor.model.config.num_classes)
    return ImageScore(name, subset, counts)


def evaluate(
    predictor: Predictor, chosen: Mapping[str, Sequence[Sample]], data: DataConfig, keep: Keep | None = None
) -> Iterator[ImageScore | str]:
    """Score what `select` chose, image by image; a line of text for a file that cannot be read.

    `data` says what the mask values mean (`ignore_index`). Raises DataError where masks do not fit images or model.
    """
    subsets = {sample.id: subset for subset, group in chosen.items() for sample in group}
    every = [sample for group in chosen.values() for sample in group]
    pictures, _, skipped = load(every, data, predictor.model.config)
    yield from skipped
    for index, sample in enumerate(pictures.samples):
        yield score(predictor, pictures, index, subsets[sample.id], keep)


def summarise(scores: Sequence[ImageScore]) -> Summary:
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
