"""Dice against the number of training images, and what more of them may gain: a power law, and when not to trust it.

The error falls as floor + b n^-c (Cortes 1993; Hestness 2017). The floor is left out where there are three points.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST = 3  # points, under which nothing is fitted
RESAMPLES = 200
SCATTER = 0.5  # of the rise of the curve: residuals (root mean square) above it are no curve
NO_GAIN = 0.0005  # Dice, which is shown as 0.000
LAST_MISS = 0.25  # of the rise, by which the curve may miss the point with the most images, if it misses none by more


@dataclass(frozen=True)
class Extrapolation:
    """A fitted curve: Dice(n) = 1 - floor - b (n / largest)^-c, with n images and `largest` the most that were used.

    `gain` is what twice as many images may gain, `gain_low, gain_high` its 95 % interval over validation images (the
    chance of a training, with one run for each number, is not in it). `distrust` says why not to believe it, "" else.
    """

    floor: float
    b: float
    c: float
    largest: int
    residuals: tuple[float, ...]
    gain_low: float
    gain_high: float
    distrust: str = ""

    def dice(self, images: float) -> float:
        """The Dice that the curve has at a number of images."""
        return float(1 - self.floor - self.b * (images / self.largest) ** -self.c)

    @property
    def gain(self) -> float:
        """What twice as many images may gain."""
        return self.dice(2 * self.largest) - self.dice(self.largest)

    @property
    def sentence(self) -> str:
        """The extrapolation in one sentence, or why there is none to trust.

        >>> Extrapolation(0.1, 0.1, 1.0, 100, (), 0.02, 0.08).sentence
        'Twice as many images (200): about +0.050 Dice (0.020 to 0.080).'
        """
        if self.distrust:
            return f"No forecast to trust: {self.distrust}."
        return (
            f"Twice as many images ({2 * self.largest}): about {self.gain:+.3f} Dice "
            f"({self.gain_low:.3f} to {self.gain_high:.3f})."
        )


def extrapolate(images: Sequence[int], dice: Floats) -> Extrapolation | None:
    """Fit the curve to the mean Dice; None of fewer than FEWEST numbers of images.

    `images` are the training images of each run, `dice` (runs, V) the Dice of the same V validation images by each,
    NaN where it is undefined.

    >>> extrapolate([10, 20], np.ones((2, 3))) is None
    True
    """
    order = np.argsort(images)
    sizes, values = np.array(images, float)[order], dice[order]
    values = values[:, ~np.isnan(values).any(0)]  # where one run has no score, the runs do not compare
    if len(set(images)) < FEWEST or not values.shape[1]:
        return None
    means = values.mean(1)
    floor, b, c = _fit(sizes / sizes[-1], 1 - means)
    curve = _power_law(sizes / sizes[-1], floor, b, c)
    residuals = means - (1 - curve)
    low, high = _resample(sizes, values)
    distrust = _find_distrust(means, curve, residuals)
    if not distrust and low < NO_GAIN:
        distrust = "over the validation images the gain could be none"
    return Extrapolation(floor, b, c, int(sizes[-1]), tuple(residuals.tolist()), low, high, distrust)


def _power_law(relative: Floats, floor: float, b: float, c: float) -> Floats:
    return np.asarray(floor + b * relative**-c)


def _fit(relative: Floats, errors: Floats) -> tuple[float, float, float]:
    from scipy.optimize import curve_fit

    has_floor = len(relative) > FEWEST
    law: Callable[..., Floats] = _power_law if has_floor else lambda n, b, c: _power_law(n, 0.0, b, c)
    start, lower, upper = [errors[-1] / 2, errors[-1] / 2 + 1e-3, 0.5], [0.0, 0.0, 0.05], [1.0, 1.0, 2.0]
    first = 0 if has_floor else 1
    bounds = lower[first:], upper[first:]
    try:
        fitted, _ = curve_fit(law, relative, errors, start[first:], bounds=bounds, max_nfev=5000)
    except RuntimeError:  # it did not converge: a level line, which brings no gain
        return float(errors.mean()), 0.0, 1.0
    floor, b, c = fitted if has_floor else (0.0, *fitted)
    return float(floor), float(b), float(c)


def _resample(sizes: Floats, values: Floats) -> tuple[float, float]:
    """The 95 % interval of the gain by the bootstrap over validation images, the same for all runs."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(RESAMPLES):
        means = values[:, rng.integers(values.shape[1], size=values.shape[1])].mean(1)
        _, b, c = _fit(sizes / sizes[-1], 1 - means)
        gains.append(b - b * 2**-c)
    low, high = np.percentile(gains, [2.5, 97.5])
    return float(low), float(high)


def _find_distrust(means: Floats, curve: Floats, residuals: Floats) -> str:
    """Why the curve says little of more images: it does not rise, the points scatter, or it leaves them at the end."""
    rise = float(curve[0] - curve[-1])
    if means[-1] <= means[0] or rise <= 0:
        return "the run with the most images is not better than that with the fewest"
    scatter = math.sqrt(float((residuals**2).mean()))
    if scatter > SCATTER * rise:
        return f"the points lie {scatter:.3f} off a curve that rises by {rise:.3f}"
    missed = np.abs(residuals)
    if missed[-1] >= missed.max() and missed[-1] > LAST_MISS * rise:
        return f"the curve misses the point with the most images by {missed[-1]:.3f}"
    return ""
