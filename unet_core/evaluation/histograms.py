"""Probabilities of many images as counts: all that thresholds and calibration need, in memory that stays small.

Each image keeps how many pixels of background and of foreground lie between two thresholds of the grid: 402 numbers.
All images together keep how many pixels have each of the 65,536 levels of a stored probability. A changed threshold is
answered from these without model and images, and exactly: by the rule of the mask (`inference.prediction.above`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.inference.prediction import FULL, above
from unet_core.metrics import Counts

Levels = NDArray[np.uint16]
Counted = NDArray[np.int64]

STEPS = 200  # of the threshold grid: 0, 0.005, ... 0.995
THRESHOLDS = tuple(step / STEPS for step in range(STEPS))


@dataclass(frozen=True)
class ImageHistogram:
    """The pixels of one image by truth and probability: `pixels[truth, k]` are above exactly k of THRESHOLDS."""

    id: str
    pixels: NDArray[np.uint32]  # (2, STEPS + 1)

    def counts(self) -> Counts:
        """The counts at every threshold, (STEPS,) each, as `metrics.count` gives for the mask at that threshold."""
        # How many pixels are above THRESHOLDS[k]: those above k + 1 thresholds or more.
        positive = self.pixels[:, ::-1].astype(np.int64).cumsum(1)[:, ::-1][:, 1:].astype(np.float64)
        total = self.pixels.sum(1, dtype=np.float64)[:, None]
        (fp, tp), (tn, fn) = positive, total - positive
        return Counts(tp, fp, fn, tn)

    def counts_at(self, threshold: float) -> Counts:
        """The counts at one threshold, (1,) each. Raises ValueError where it is not on the grid of THRESHOLDS."""
        step = round(threshold * STEPS)
        if not 0 <= step < STEPS or abs(threshold * STEPS - step) > 1e-6:
            raise ValueError(f"threshold {threshold} is none of 0, {1 / STEPS}, ... {THRESHOLDS[-1]}")
        every = self.counts()
        return Counts(*(part[step : step + 1] for part in (every.tp, every.fp, every.fn, every.tn)))


def count_levels(name: str, probability: Levels, target: NDArray[np.uint8]) -> tuple[ImageHistogram, Counted]:
    """The histogram of an image and (2, 65536) the pixels of each level, by truth; IGNORE counts nowhere.

    `probability` (H, W) is in 1/65535, as `Prediction.probability16`; `target` (H, W) is binary.

    >>> levels, truth = np.array([[0, 40_000, 65_535]], np.uint16), np.array([[0, 0, 1]], np.uint8)
    >>> image, _ = count_levels("a", levels, truth)
    >>> counts = image.counts_at(0.5)
    >>> counts.tp.tolist(), counts.fp.tolist(), counts.tn.tolist()
    ([1.0], [1.0], [1.0])
    """
    if probability.shape != target.shape:
        raise ValueError(f"probability has shape {probability.shape}, target {target.shape}; they must be equal")
    masks = target == 0, (target > 0) & (target != IGNORE)
    by_level = np.stack([np.bincount(probability[mask], minlength=FULL + 1) for mask in masks])
    return to_histogram(name, by_level), by_level


def to_histogram(name: str, by_level: Counted) -> ImageHistogram:
    """The histogram of an image whose pixels (2, 65536) were counted by truth and level."""
    steps = _steps()
    pixels = np.stack([np.bincount(steps, weights=row, minlength=STEPS + 1) for row in by_level])
    return ImageHistogram(name, pixels.astype(np.uint32))


def count_confidence(confidence: NDArray[np.uint8], pred: NDArray[np.uint8], target: NDArray[np.uint8]) -> Counted:
    """(2, 256) the pixels of a model of several classes by the probability of the predicted class, in 1/255.

    Row 0 are wrong predictions, row 1 right ones: what `calibration` takes. All arguments are (H, W), `confidence` and
    `pred` as `Prediction.confidence` and `Prediction.classes`; pixels with target IGNORE count nowhere.
    """
    counted = target != IGNORE
    right = pred == target
    return np.stack([np.bincount(confidence[mask & counted], minlength=256) for mask in (~right, right)])


def sum_levels(items: Iterable[Counted]) -> Counted:
    """(2, L): all images, one or more, counted together, one at a time."""
    remaining = iter(items)
    total = next(remaining).copy()
    for item in remaining:
        total += item
    return total


@cache
def _steps() -> NDArray[np.intp]:
    """(65536,) above how many of THRESHOLDS each level is."""
    levels = np.arange(FULL + 1)
    return np.asarray(np.sum([above(levels, threshold) for threshold in THRESHOLDS], 0), np.intp)
