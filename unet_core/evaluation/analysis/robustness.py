"""Dice against the severity of corruptions: the one loop behind page, command line and `measure_robustness`.

    steps = run(load_images(selection, 50, model), predict, ["blur", "noise"])   # an iterator: what comes can be shown
    curves = summarize(steps)

Ground truth is that of the image as it is. Images without any foreground are left out: their Dice is undefined as long
as nothing is predicted, so that means at two severities would be of other images.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import ConfigError, DataError
from unet_core.evaluation.analysis.corruptions import CORRUPTIONS, SEVERITIES, check_names, corrupt, format_level
from unet_core.evaluation.intervals import Interval, bound_mean
from unet_core.evaluation.selection import Selection
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.config.schema import ModelConfig
    from unet_core.data.dataset import Dataset

Array = NDArray[np.uint8]
Predict = Callable[[Sample, Pixels], Array]

CLEAN = ""  # in place of a corruption: the image as it is
IMAGES = 50  # by default


@dataclass(frozen=True)
class Step:
    """The Dice of one image (the mean over classes) at one severity; severity 0 with CLEAN is the image as it is."""

    image: str
    corruption: str
    severity: int
    dice: float


@dataclass(frozen=True)
class Point:
    """The mean Dice over images at one severity; `dice` are those of the images, in their order."""

    corruption: str
    severity: int
    mean: float
    dice: NDArray[np.float64]

    @property
    def interval(self) -> Interval:
        """Of the mean, see `intervals.bound_mean`."""
        return bound_mean(self.dice)


def list_steps(names: Sequence[str]) -> list[tuple[str, int]]:
    """(corruption, severity) of all predictions of an image: as it is, then five of each corruption."""
    return [(CLEAN, 0), *((name, severity) for name in names for severity in range(1, SEVERITIES + 1))]


def check_number(images: int) -> None:
    """Raise ConfigError where it is not a number of images."""
    if images < 1:
        raise ConfigError(f"Expected images to be 1 or more, got {images}.")


def choose_images(selection: Selection, number: int, seed: int = 0) -> Selection:
    """The selection with at most `number` of its images, drawn at random by `seed`."""
    ids = sorted(sample.id for group in selection.chosen.values() for sample in group)
    if number >= len(ids):
        return selection
    drawn = {ids[index] for index in np.random.default_rng(seed).choice(len(ids), number, replace=False)}
    chosen = {subset: [sample for sample in group if sample.id in drawn] for subset, group in selection.chosen.items()}
    return replace(selection, chosen=chosen)


def load_images(
    selection: Selection, number: int, model: "ModelConfig", seed: int = 0, most_mb: int | None = None
) -> "Dataset":
    """The dataset of `choose_images`; `most_mb` and errors as for `scores.load`.

    Where it is not known what mask values mean, all masks of the selection are read to decide it.
    """
    from unet_core.evaluation import scores

    drawn = choose_images(selection, number, seed)
    if selection.coding is not None:
        return scores.load(drawn, model, most_mb)
    dataset = scores.load(selection, model, most_mb)
    part = dataset.subset(tuple(sample.id for group in drawn.chosen.values() for sample in group))
    part.warnings, part.skipped = dataset.warnings, dataset.skipped
    return part


def run(dataset: "Dataset", predict: Predict, names: Sequence[str], seed: int = 0) -> Iterator[Step]:
    """Corrupt each image, predict it and compare it with its mask: all steps of an image, then those of the next.

    `predict` takes a sample with an image (H, W, C) and gives its mask (H, W) of class indices. Raises ConfigError for
    an unknown name, DataError where no image has any foreground.
    """
    names = check_names(names)
    classes = dataset.model.num_classes
    has_any = False
    for index, sample in enumerate(dataset.samples):
        example = dataset[index]
        if not ((example.mask > 0) & (example.mask != IGNORE)).any():
            continue
        has_any = True
        for name, severity in list_steps(names):
            mask = predict_corrupted(sample, example.image, predict, name, severity, seed)
            dice = metrics.scores(metrics.count(mask, example.mask, classes))["dice"]
            yield Step(sample.id, name, severity, dice)
    if not has_any:
        raise DataError(
            f"None of the {len(dataset.samples)} images has any foreground in its ground truth. Choose other images."
        )


def predict_corrupted(
    sample: Sample, image: Pixels, predict: Predict, name: str, severity: int, seed: int = 0
) -> Array:
    """The mask (H, W) of an image (H, W, C) that is predicted after a corruption."""
    if not severity:
        return predict(sample, image)
    mask = predict(sample, corrupt(image, name, severity, sample.id, seed))
    return bring_back(mask, image.shape[0], image.shape[1])


def bring_back(pixels: Pixels, height: int, width: int) -> Pixels:
    """An image (h, w, C) or a mask (h, w) in another size: each pixel is the one that its center lies in.

    >>> bring_back(np.array([[0, 1]], np.uint8), 2, 4).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip((height, width), pixels.shape, strict=False)
    )
    return np.asarray(pixels[rows][:, columns])


def summarize(steps: Iterable[Step]) -> list[Point]:
    """A point for each corruption and severity, in the order in which they first come.

    Only images with all severities count, so that all means are of the same images.
    """
    rows: dict[tuple[str, int], dict[str, float]] = {}
    for step in steps:
        rows.setdefault((step.corruption, step.severity), {})[step.image] = step.dice
    whole = set.intersection(*(set(values) for values in rows.values())) if rows else set()
    return [
        Point(name, severity, metrics.mean(column), column)
        for (name, severity), values in rows.items()
        for column in [np.array([dice for image, dice in values.items() if image in whole], np.float64)]
    ]


def describe(points: Sequence[Point]) -> str:
    """One sentence: which corruption costs most Dice, by the mean over its severities; "" where there is none."""
    clean = next((point.mean for point in points if point.corruption == CLEAN), float("nan"))
    names = list(dict.fromkeys(point.corruption for point in points if point.corruption != CLEAN))
    means = {name: float(np.mean([point.mean for point in points if point.corruption == name])) for name in names}
    if not means or np.isnan(clean):
        return ""
    worst = min(means, key=lambda name: means[name])
    ends = {point.severity: point.mean for point in points if point.corruption == worst}
    last = max(ends)
    if clean - means[worst] < 0.005:
        return f"No corruption costs 0.005 Dice or more on average; mean Dice without any: {clean:.3f}."
    return (
        f"{CORRUPTIONS[worst].label} hurts most: mean Dice falls from {clean:.3f} to {ends[last]:.3f} "
        f"at severity {last} ({format_level(worst, last)})."
    )


def to_csv(points: Sequence[Point]) -> str:
    """`corruption,severity,level,mean_dice,dice_low,dice_high,images`: a line for each point.

    The interval is `intervals.bound_mean`; it is empty under 15 images.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["corruption", "severity", "level", "mean_dice", "dice_low", "dice_high", "images"])
    for point in points:
        bounds = point.interval
        numbers = ["" if np.isnan(value) else f"{value:.6f}" for value in (point.mean, bounds.low, bounds.high)]
        level = format_level(point.corruption, point.severity)
        writer.writerow([point.corruption or "none", point.severity, level, *numbers, len(point.dice)])
    return out.getvalue()
