"""A dataset in totals: sizes, types, classes, objects and intensities, summed over the facts of its samples."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.checks.facts import BINS, SampleFacts
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import listing

MOST_BARS = 30  # of a histogram of object sizes


@dataclass(frozen=True)
class ClassTotal:
    """A class: its pixels, their share of all pixels that count (0..1), and how many images show it."""

    index: int
    pixels: int
    share: float
    images: int


@dataclass(frozen=True)
class Intensities:
    """The histograms (C, BINS) of the channels of all images of one type, as shares of the pixels, and the bins' edges.

    `dtype` and `channels` are those of most images; `left_out` images have others.
    """

    dtype: str
    shares: NDArray[np.float64]
    edges: NDArray[np.float64]
    left_out: int = 0


def describe_sizes(facts: Sequence[SampleFacts]) -> str:
    """Width x height of all images, as one size or as ranges.

    >>> describe_sizes([SampleFacts("a", "a.png", height=20, width=30), SampleFacts("b", "b.png", height=20, width=40)])
    '30-40 x 20 px'
    """
    sizes = [(item.width, item.height) for item in facts if item.width]
    if not sizes:
        return "–"
    sides = [(min(side), max(side)) for side in zip(*sizes, strict=True)]
    return " x ".join(f"{low}" if low == high else f"{low}-{high}" for low, high in sides) + " px"


def describe_kinds(values: Sequence[str]) -> str:
    """The different values, the most frequent first, with their numbers where there are several.

    >>> describe_kinds(["uint8", "uint16", "uint8"])
    'uint8 (2), uint16 (1)'
    """
    counts = Counter(value for value in values if value).most_common()
    if len(counts) == 1:
        return counts[0][0]
    return listing([f"{value} ({number})" for value, number in counts], 4) or "–"


def total_classes(facts: Sequence[SampleFacts], num_classes: int) -> list[ClassTotal]:
    """Each class of the dataset, the background first, also one that no mask shows; binary has two."""
    pixels: Counter[int] = Counter()
    images: Counter[int] = Counter()
    for item in facts:
        for index, number in item.classes:
            pixels[index] += number
            images[index] += number > 0
    counted = sum(number for index, number in pixels.items() if index != IGNORE)
    indexes = sorted({*range(max(2, num_classes)), *pixels} - {IGNORE})
    return [ClassTotal(index, pixels[index], pixels[index] / max(1, counted), images[index]) for index in indexes]


def ignored_share(facts: Sequence[SampleFacts]) -> float:
    """Share of all mask pixels that do not count, 0..1."""
    pixels = [(index, number) for item in facts for index, number in item.classes]
    return sum(number for index, number in pixels if index == IGNORE) / max(1, sum(number for _, number in pixels))


def diameters(facts: Sequence[SampleFacts]) -> NDArray[np.float64]:
    """The diameter in pixels of a disk of the area of each object (of each image the smallest 2,000), sorted."""
    areas = np.array([area for item in facts for area in item.object_areas], np.float64)
    return np.asarray(np.sort(2 * np.sqrt(areas / math.pi)))


def bin_logarithmically(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Edges (N + 1,), evenly spaced in the logarithm, and how many of the positive values lie between them (N,).

    >>> edges, counts = bin_logarithmically(np.array([1.0, 10.0, 10.0]))
    >>> float(edges[0]), int(counts.sum())
    (1.0, 3)
    """
    values = values[values > 0]
    if not len(values):
        return np.array([1.0, 2.0]), np.zeros(1, np.int64)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        low, high = low / 1.2, high * 1.2
    bars = int(np.clip(math.sqrt(len(values)), 6, MOST_BARS))
    edges = np.geomspace(low, high, bars + 1)
    edges[0], edges[-1] = low, high  # exactly, so that rounding drops neither end
    return edges, np.histogram(values, edges)[0].astype(np.int64)


def total_intensities(facts: Sequence[SampleFacts]) -> Intensities | None:
    """The intensities of all images of the most frequent type and number of channels; None where none was measured.

    Integers share the range of their type, so that their bins add up. Those of float images, each of a range of its
    own, are moved to the nearest bin of the range of all.
    """
    measured = [item for item in facts if item.histogram]
    if not measured:
        return None
    kinds = Counter((item.dtype, len(item.histogram)) for item in measured)
    dtype, channels = kinds.most_common(1)[0][0]
    chosen = [item for item in measured if (item.dtype, len(item.histogram)) == (dtype, channels)]
    low = min(item.histogram_range[0] for item in chosen)
    high = max(item.histogram_range[1] for item in chosen)
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    totals = np.zeros((channels, BINS))
    for item in chosen:
        counts = np.array(item.histogram, np.float64)
        if item.histogram_range == (low, high):
            totals += counts
            continue
        start, end = item.histogram_range
        centers = start + (np.arange(counts.shape[1]) + 0.5) * (end - start) / counts.shape[1]
        bins = np.clip(np.searchsorted(edges, centers, "right") - 1, 0, BINS - 1)
        for channel in range(channels):
            np.add.at(totals[channel], bins, counts[channel])
    shares = totals / np.maximum(1, totals.sum(1, keepdims=True))
    return Intensities(dtype, shares, edges, len(measured) - len(chosen))
