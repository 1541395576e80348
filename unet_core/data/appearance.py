"""What pictures look like in numbers, so that one can be told from those that a model was trained on; no torch."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels, full_range

LOOKED_AT = 1024  # side in pixels of the middle that is looked at
MOST = 64  # pictures of a training set; these tell as much as all
USUAL = (5, 50, 95)  # percentiles over the pictures

Range = tuple[float, float, float]  # the percentiles USUAL


@dataclass(frozen=True)
class ImageStats:
    """One picture; intensities are shares of the full range of its dtype.

    `place` is where the mean lies between the 1st and the 99th percentile, 0 (bright on dark) to 1. `structure` is the
    distance in pixels at which the autocorrelation of its gray levels has fallen to a half: the coarseness of what is
    in it, whatever its contrast. `redness` is red less blue, over the mean; 0 for a gray picture. `leaps` is the share
    of neighbors side by side that differ by more than half of the range, `levels` how many gray levels occur (0 for
    float), `contrast` what lies between the 0.1st and the 99.9th percentile.
    """

    mean: float
    place: float
    used: float  # 99.5th percentile
    structure: float
    redness: float
    leaps: float = 0.0
    levels: int = 0
    contrast: float = 0.0


@dataclass(frozen=True)
class TypicalStats:
    """Most of the same over many pictures: 5th percentile, median and 95th percentile of each number."""

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
        return cls(**ranges) if all(len(value) == len(USUAL) for value in ranges.values()) else None  # type: ignore[arg-type]


def measure(image: Pixels) -> ImageStats:
    """The look of the middle of a picture (H, W, C) uint8, uint16 or float32."""
    stored = middle(image)
    shares = stored.astype(np.float32) / full_range(image)
    gray = shares.mean(2)
    least, low, high, used, most = np.percentile(gray, (0.1, 1, 99, 99.5, 99.9)).tolist()
    steps = np.abs(np.diff(shares[:, :, 0], axis=1))
    mean = float(gray.mean())
    channels = shares.reshape(-1, shares.shape[2]).mean(0)
    return ImageStats(
        mean=mean,
        place=float(np.clip((mean - low) / (high - low), 0, 1)) if high > low else 0.5,
        used=float(used),
        structure=_structure(gray),
        redness=float((channels[0] - channels[-1]) / max(mean, 1e-3)),
        leaps=float((steps > 0.5).mean()) if steps.size else 0.0,
        levels=int((np.bincount(stored.ravel()) > 0).sum()) if stored.dtype.kind == "u" else 0,
        contrast=most - least,
    )


def summarize(pictures: Iterable[Pixels]) -> TypicalStats | None:
    """What is usual among pictures, of which no more than MOST should be given; None of none."""
    names = [item.name for item in dataclasses.fields(TypicalStats)]
    each = np.array([[getattr(look, name) for name in names] for look in map(measure, pictures)])
    if not len(each):
        return None
    percentiles = np.percentile(each, USUAL, axis=0).T
    return TypicalStats(**{name: tuple(row) for name, row in zip(names, percentiles.tolist(), strict=True)})


def middle(image: Pixels) -> Pixels:
    """At most LOOKED_AT x LOOKED_AT pixels of a picture."""
    height, width = image.shape[:2]
    top, left = max(0, (height - LOOKED_AT) // 2), max(0, (width - LOOKED_AT) // 2)
    return image[top : top + LOOKED_AT, left : left + LOOKED_AT]


def _structure(gray: NDArray[np.float32]) -> float:
    """By the Wiener-Khinchin theorem, on a picture widened by its mean; noise of single pixels is smoothed away."""
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.0)
    centerd = smooth - smooth.mean()
    if float(np.abs(centerd).max()) < 1e-6:
        return 0.0
    sides = [cv2.getOptimalDFTSize(2 * length) for length in centerd.shape]
    spectrum = np.abs(np.fft.rfft2(centerd, sides)) ** 2
    correlation = np.fft.irfft2(spectrum, sides)
    lengths = [_half(correlation[:, 0], centerd.shape[0]), _half(correlation[0, :], centerd.shape[1])]
    return float(np.mean(lengths))


def _half(line: NDArray[np.float64], length: int) -> float:
    """Where a line of lags 0 .. length has fallen to half of its beginning."""
    below = np.flatnonzero(line[: max(2, length // 2)] < line[0] / 2)
    if not len(below):
        return length / 2
    end = int(below[0])
    before, after = float(line[end - 1] / line[0]), float(line[end] / line[0])
    return end - 1 + (before - 0.5) / (before - after)
