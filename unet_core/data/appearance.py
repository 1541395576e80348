"""Statistics of how images look, to compare one with those that a model was trained on; no torch."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels, full_range

MIDDLE = 1024  # side in pixels of the middle of an image that is measured
MOST = 64  # images of a training set; more hardly change the percentiles
PERCENTILES = (5, 50, 95)  # over the images

Range = tuple[float, float, float]  # the PERCENTILES


@dataclass(frozen=True)
class ImageStats:
    """One image; intensities are shares of the full range of its dtype.

    `place` is where the mean lies between the 1st and the 99th percentile, 0 (bright on dark) to 1. `structure` is the
    distance in pixels at which the autocorrelation of its gray levels has fallen to a half: the coarseness of what is
    in it, whatever its contrast. `redness` is the median of red less blue, over the mean; 0 for a gray image. `leaps`
    is the share of neighbors side by side that differ by more than half of the range, `levels` how many gray levels
    occur (0 for float), `contrast` what lies between the 0.1st and the 99.9th percentile, `deviation` the standard
    deviation of all values.
    """

    mean: float
    place: float
    used: float  # 99.5th percentile
    structure: float
    redness: float
    leaps: float = 0.0
    levels: int = 0
    contrast: float = 0.0
    deviation: float = 0.0


@dataclass(frozen=True)
class TypicalStats:
    """Most of the same over many images: 5th percentile, median and 95th percentile of each number."""

    mean: Range
    place: Range
    used: Range
    structure: Range
    redness: Range

    def to_dict(self) -> dict[str, Any]:
        return {name: list(value) for name, value in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self | None:
        """Read what `to_dict` wrote; None where it is not whole."""
        try:
            ranges = {item.name: tuple(float(value) for value in values[item.name]) for item in dataclasses.fields(cls)}
        except (KeyError, TypeError, ValueError):
            return None
        return cls(**ranges) if all(len(value) == len(PERCENTILES) for value in ranges.values()) else None  # type: ignore[arg-type]


def measure(image: Pixels) -> ImageStats:
    """The statistics of the middle of an image (H, W, C) uint8, uint16 or float32."""
    stored = middle(image)
    shares = stored.astype(np.float32) / full_range(image)
    gray = shares.mean(2)
    least, low, high, used, most = np.percentile(gray, (0.1, 1, 99, 99.5, 99.9)).tolist()
    steps = np.abs(np.diff(shares[:, :, 0], axis=1))
    mean = float(gray.mean())
    difference = float(np.median(shares[:, :, 0] - shares[:, :, -1])) if shares.shape[2] > 1 else 0.0
    return ImageStats(
        mean=mean,
        place=float(np.clip((mean - low) / (high - low), 0, 1)) if high > low else 0.5,
        used=float(used),
        structure=_structure(gray),
        redness=difference / max(mean, 1e-3),
        leaps=float((steps > 0.5).mean()) if steps.size else 0.0,
        levels=int((np.bincount(stored.ravel()) > 0).sum()) if stored.dtype.kind == "u" else 0,
        contrast=most - least,
        deviation=float(shares.std()),
    )


def summarize(images: Iterable[Pixels]) -> TypicalStats | None:
    """What is typical of images, of which MOST are enough; None where there are none."""
    names = [item.name for item in dataclasses.fields(TypicalStats)]
    rows = np.array([[getattr(stats, name) for name in names] for stats in map(measure, images)])
    if not len(rows):
        return None
    percentiles = np.percentile(rows, PERCENTILES, axis=0).T
    return TypicalStats(**{name: tuple(row) for name, row in zip(names, percentiles.tolist(), strict=True)})


def middle(image: Pixels) -> Pixels:
    """At most MIDDLE x MIDDLE pixels of an image."""
    height, width = image.shape[:2]
    top, left = max(0, (height - MIDDLE) // 2), max(0, (width - MIDDLE) // 2)
    return image[top : top + MIDDLE, left : left + MIDDLE]


def _structure(gray: NDArray[np.float32]) -> float:
    """Autocorrelation by the Wiener-Khinchin theorem, of the image padded with its mean; noise is smoothed first."""
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    centered = smooth - smooth.mean()
    if float(np.abs(centered).max()) < 1e-6:
        return 0.0
    sides = [cv2.getOptimalDFTSize(2 * length) for length in centered.shape]
    spectrum = np.abs(np.fft.rfft2(centered, sides)) ** 2
    correlation = np.fft.irfft2(spectrum, sides)
    lengths = [_half(correlation[:, 0], centered.shape[0]), _half(correlation[0, :], centered.shape[1])]
    return float(np.mean(lengths))


def _half(line: NDArray[np.float64], length: int) -> float:
    """Where a line of lags 0 .. length has fallen to half of its beginning."""
    below = np.flatnonzero(line[: max(2, length // 2)] < line[0] / 2)
    if not len(below):
        return length / 2
    end = int(below[0])
    before, after = float(line[end - 1] / line[0]), float(line[end] / line[0])
    return end - 1 + (before - 0.5) / (before - after)
