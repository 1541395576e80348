"""Two models on the same images: who wins where, by how much, and whether that could be chance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.evaluation.intervals import ENOUGH, gaffke

Floats = NDArray[np.float64]

EXACT = 14  # differences: up to here all 2^n signs are tried
DRAWS = 20_000  # of random signs beyond
AT_ONCE = 500  # of them in memory
CONFIDENCE = 0.95
STEPS = 30  # halvings in the search of a bound: to 1e-9


@dataclass(frozen=True)
class Duel:
    """Model b against model a, over the images that both have a defined score for.

    Args:
        ids: Names of these images, in the order of `first`'s.
        first: (N,) scores of a.
        second: (N,) scores of b.
        only_first: Images that only a was scored on.
        only_second: Images that only b was scored on.
        undefined: Images in both whose score is undefined (NaN) for a, b or both.
        mean: Mean of b - a: above 0 where b is better. NaN for no image.
        low: Lower bound of the mean difference, 95 % confidence; NaN under six images, for which no interval is finite.
            It presumes that no rare image is missing on which one of the two fails.
        high: Upper bound.
        bound_low: Lower bound without that presumption: wider, it held the mean in all simulated sets. NaN under 15.
        bound_high: Upper bound.
        p: Two-sided p-value of the sign-flip test; 1 for no image.
        exact: Whether all signs were tried, and not 20,000 random ones.
    """

    ids: tuple[str, ...]
    first: Floats
    second: Floats
    only_first: int
    only_second: int
    undefined: int
    mean: float
    low: float
    high: float
    bound_low: float
    bound_high: float
    p: float
    exact: bool

    @property
    def differences(self) -> Floats:
        """(N,) b - a."""
        return self.second - self.first

    @property
    def wins(self) -> int:
        """Images on which b scores higher."""
        return int((self.differences > 0).sum())

    @property
    def losses(self) -> int:
        """Images on which a scores higher."""
        return int((self.differences < 0).sum())

    @property
    def ties(self) -> int:
        """Images with equal scores."""
        return int((self.differences == 0).sum())


def duel(first: Mapping[str, float], second: Mapping[str, float]) -> Duel:
    """Compare scores by image name; NaN is undefined.

    The test flips the sign of each difference: were the two models equally good, b - a could as well have been a - b.
    p is the share of signs whose mean is as far from 0 as the real one, or farther (Fisher 1935; Good 2005). The
    interval holds the mean differences that the same test does not reject at 5 %, so it has 0 in it exactly where p is
    0.05 or above. Both speak of images like these; they assume that differences spread evenly around their mean.
    Where one of the two fails on rare images they do not: in simulation (benchmarks/interval_coverage) the interval
    then held the true mean in 88 to 91 % of sets of 20 to 60 images. `bound_low` and `bound_high` hold without that
    assumption: Gaffke's interval (`intervals.gaffke`) of scores in 0..1, whose differences lie in -1..1.

    >>> result = duel({"a": 0.5, "b": 0.7}, {"a": 0.6, "b": 0.7, "c": 0.9})
    >>> result.wins, result.losses, result.ties, result.only_second
    (1, 0, 1, 1)
    """
    both = [name for name in first if name in second]
    ids = tuple(name for name in both if not (math.isnan(first[name]) or math.isnan(second[name])))
    a, b = (np.array([scores[name] for name in ids], np.float64) for scores in (first, second))
    differences = b - a
    sums, flips = _flip(differences)
    low, high = _interval(differences, sums, flips)
    bound = bound_difference(differences)
    return Duel(
        ids,
        a,
        b,
        only_first=len(first) - len(both),
        only_second=len(second) - len(both),
        undefined=len(both) - len(ids),
        mean=float(differences.mean()) if len(ids) else math.nan,
        low=low,
        high=high,
        bound_low=bound[0],
        bound_high=bound[1],
        p=_p_value(differences, sums) if len(ids) else 1.0,
        exact=len(ids) <= EXACT,
    )


def bound_difference(differences: Floats) -> tuple[float, float]:
    """Gaffke's interval of the mean of differences in -1..1, moved into 0..1 and back; NaN under ENOUGH of them."""
    if len(differences) < ENOUGH:
        return math.nan, math.nan
    low, high = gaffke((differences + 1) / 2)
    return 2 * low - 1, 2 * high - 1


def _flip(differences: Floats) -> tuple[Floats, Floats]:
    """(S,) the sums of the differences with flipped signs, and (S,) the sums of these signs alone.

    All signs there are, or the real ones (all 1) and random ones of a fixed seed.
    """
    number = len(differences)
    if number <= EXACT:
        signs = 1 - 2.0 * (np.arange(2**number)[:, None] >> np.arange(number) & 1)
        return signs @ differences, signs.sum(1)
    rng = np.random.default_rng(0)
    # Counting the real signs keeps p above 0 and the test honest. A few at a time: there may be 10,000 images.
    sums, flips = [np.array([differences.sum()])], [np.array([float(number)])]
    for _ in range(0, DRAWS, AT_ONCE):
        signs = rng.integers(0, 2, size=(AT_ONCE, number), dtype=np.int8) * 2.0 - 1
        sums.append(signs @ differences)
        flips.append(signs.sum(1))
    return np.concatenate(sums), np.concatenate(flips)


def _p_value(differences: Floats, sums: Floats) -> float:
    real = abs(float(differences.sum()))
    slack = 1e-12 * float(np.abs(differences).sum())  # sums of the same numbers in another order
    return float((np.abs(sums) >= real - slack).mean())


def _interval(differences: Floats, sums: Floats, flips: Floats) -> tuple[float, float]:
    """The mean differences that are not rejected: p falls on both sides of the mean, so that halving finds the ends."""
    number = len(differences)
    if number <= EXACT and 2 / 2**number > 1 - CONFIDENCE:  # no p-value is small enough to reject anything
        return math.nan, math.nan
    mean = float(differences.mean())

    def is_rejected(shift: float) -> bool:
        slack = 1e-12 * float(np.abs(differences - shift).sum())
        extreme = np.abs(sums - shift * flips) >= abs(number * (mean - shift)) - slack
        return float(extreme.mean()) < 1 - CONFIDENCE

    def search(outside: float) -> float:
        inside = mean
        for _ in range(STEPS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if is_rejected(middle) else (middle, outside)
        return inside

    reach = float(np.ptp(differences)) + 1e-9
    return search(mean - reach), search(mean + reach)
