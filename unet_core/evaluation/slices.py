"""Where a model is weak: the mean Dice of images of a folder, a size, a brightness, with its interval, worst first."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unet_core.config.choices import SUBSETS
from unet_core.evaluation.intervals import ENOUGH, Interval, bound_mean
from unet_core.evaluation.summary import ImageScore
from unet_core.io.filenames import readable

Floats = NDArray[np.float64]

MOST_BINS = 4
FEWEST = 4  # images with a value: fewer are not divided
MOST_DIGITS = 17  # tell any two numbers apart
TOP_FOLDER = "(top folder)"


@dataclass(frozen=True)
class Slice:
    """Some of the images, by a property of PROPERTIES: the `name` of the slice is a range or a word.

    `mean` is the mean Dice over its images where it is defined, NaN where it is in none; `undefined` are the others.
    `interval` is that of `intervals.bound_mean`, each with 95 % confidence by itself.
    """

    of: str
    name: str
    ids: tuple[str, ...]
    mean: float
    interval: Interval
    undefined: int


@dataclass(frozen=True)
class Property:
    """What images are divided by: how it is called, what it is, and its value: a number or a word, None for unknown.

    Numbers are divided at quantiles; `scale` and `unit` are for the names of the ranges.
    """

    label: str
    description: str
    value: Callable[[ImageScore], float | str | None]
    scale: float = 1.0
    unit: str = ""


def slice_scores(scores: Sequence[ImageScore], properties: Sequence[str] = ()) -> list[Slice]:
    """The slices of scored images by these of PROPERTIES (all of them by default), the lowest mean Dice first.

    Numbers are divided into two to four ranges of about as many images, at least 15 in each where there are 30 or more:
    from fewer no interval follows. A property that is the same in all images, or is not known of one, has no slices.
    Means that are defined nowhere come last.

    >>> from unet_core.metrics import Counts
    >>> def score(name, hits):
    ...     return ImageScore(name, "new", Counts(*(np.array([value]) for value in (hits, 0.0, 1.0, 9.0))))
    >>> parts = slice_scores([score("a/1", 9.0), score("a/2", 9.0), score("b/1", 1.0)], ["folder"])
    >>> [(part.name, len(part.ids), round(part.mean, 3)) for part in parts]
    [('b', 1, 0.667), ('a', 2, 0.947)]
    """
    chosen = list(properties) or list(PROPERTIES)
    slices = [part for name in chosen for part in _slice_by(name, scores)]
    return sorted(slices, key=lambda part: (math.isnan(part.mean), part.mean))


def _slice_by(of: str, scores: Sequence[ImageScore]) -> Iterator[Slice]:
    values = [PROPERTIES[of].value(item) for item in scores]
    if any(value is None for value in values):
        return
    if all(isinstance(value, str) for value in values):
        groups = group_words([str(value) for value in values])
    else:
        numbers, entry = np.array(values, np.float64), PROPERTIES[of]
        is_share = entry.scale != 100 or not numbers.max(initial=0, where=~np.isnan(numbers)) > 1
        groups = divide(numbers, entry.scale, entry.unit) if is_share else divide(numbers)  # of float beyond 0..1
    if len(groups) < 2:
        return
    dice = np.array([item.scores["dice"] for item in scores])
    for name, rows in groups.items():
        interval = bound_mean(dice[rows])
        defined = dice[rows][~np.isnan(dice[rows])]
        mean = float(defined.mean()) if len(defined) else math.nan
        ids = tuple(scores[row].id for row in rows)
        yield Slice(of, name, ids, mean, interval, len(rows) - len(defined))


def group_words(values: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """The rows of each word, in the order in which the words appear."""
    groups: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        groups.setdefault(value, []).append(row)
    return {value: np.array(rows) for value, rows in groups.items()}


def divide(values: Floats, scale: float = 1.0, unit: str = "") -> dict[str, NDArray[np.int64]]:
    """The rows of each range of the values (N,), divided at quantiles, by the lowest and highest value in it.

    Equal values are in the same range. Values that are no numbers (NaN) have a group of their own.

    >>> {name: rows.tolist() for name, rows in divide(np.array([1, 1, 2, 9.0]), unit=" px").items()}
    {'1 px': [0, 1], '2 to 9 px': [2, 3]}
    """
    known = np.flatnonzero(~np.isnan(values))
    groups = {}
    if len(known) >= FEWEST:
        number = max(2, min(MOST_BINS, len(known) // ENOUGH))
        inner = np.unique(np.quantile(values[known], np.arange(1, number) / number, method="lower"))
        bins = np.searchsorted(inner, values[known], side="left")
        rows_of = [known[bins == index] for index in np.unique(bins)]
        groups = dict(zip(_name_ranges([values[rows] * scale for rows in rows_of], unit), rows_of, strict=True))
    if len(known) < len(values) and groups:
        groups["unknown"] = np.flatnonzero(np.isnan(values))
    return groups


def _name_ranges(parts: Sequence[Floats], unit: str) -> list[str]:
    """With as many digits as it takes to tell where one range ends and the next begins."""
    names: list[str] = []
    for digits in range(3, MOST_DIGITS + 1):
        ends = [(_write(part.min(), digits), _write(part.max(), digits)) for part in parts]
        names = [f"{low}{unit}" if low == high else f"{low} to {high}{unit}" for low, high in ends]
        if all(before[1] != after[0] for before, after in pairwise(ends)):
            break
    return names


def _write(value: float, digits: int) -> str:
    """A whole number in full, another one with so many digits."""
    if value == round(value):
        return f"{value:.0f}"
    return np.format_float_positional(value, digits, fractional=False, trim="-")


def _folder(item: ImageScore) -> str:
    return readable(item.id.rpartition("/")[0]) or TOP_FOLDER


def _foreground(item: ImageScore) -> float:
    """Share of the counted pixels of the ground truth that are not background (of several classes: not class 0)."""
    counts = item.counts
    true = float(counts.tp[0] + counts.fn[0])
    total = float(counts.tp[0] + counts.fp[0] + counts.fn[0] + counts.tn[0])
    if not total:
        return math.nan
    return true / total if len(counts.tp) == 1 else 1 - true / total


PROPERTIES: Mapping[str, Property] = {
    "subset": Property("Subset", "part of the split", lambda item: SUBSETS.labels[item.subset]),
    "folder": Property("Folder", "folder of the image", _folder),
    "size": Property(
        "Image size",
        "longer side in pixels",
        lambda item: None if item.facts is None else float(max(item.facts.height, item.facts.width)),
        unit=" px",
    ),
    "brightness": Property(
        "Brightness",
        "mean intensity, as a share of the range of its type",
        lambda item: None if item.facts is None else item.facts.brightness,
        100,
        " %",
    ),
    "contrast": Property(
        "Contrast",
        "standard deviation of the intensity, as a share of the range of its type",
        lambda item: None if item.facts is None else item.facts.contrast,
        100,
        " %",
    ),
    "foreground": Property(
        "Foreground", "share of the ground truth that is not background (class 0)", _foreground, 100, " %"
    ),
}
