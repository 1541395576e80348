"""Intervals of a mean over images, such as the mean Dice: what they cover was simulated (benchmarks/interval_coverage).

The percentile bootstrap is too narrow for scores of few images: a rare kind of image at Dice 0 is often not among
them, and nothing is resampled that is not there. The interval of Gaffke adds to the values the worst one possible (for
the lower bound) or the best one (for the upper bound), and weights them at random: a worse image may come.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bounds = tuple[float, float]

CONFIDENCE = 0.95
ENOUGH = 15  # images: with fewer no interval is of use
RESAMPLES = 2000  # of the bootstrap
DRAWS = 10_000  # of Gaffke's weights, fewer for many images, whose interval is narrow anyway
MOST_WEIGHTS = 10**7
AT_ONCE = 10**6  # random numbers in memory
ORDERS = 30  # in which the bets are placed
GRID = 1001  # means that the bets are placed on
UNDEFINED = (math.nan, math.nan)


@dataclass(frozen=True)
class Interval:
    """What is known of the mean of all images of which these are a random sample, with 95 % confidence.

    `low`, `high`: NaN where `too_few`. `bootstrap` is the usual, narrower interval. It is no forecast for another
    dataset, and kinds of images that are not among these are not covered.
    """

    low: float
    high: float
    bootstrap: Bounds
    values: int  # that are defined

    @property
    def too_few(self) -> bool:
        """Whether there are under ENOUGH values, from which nothing can be said."""
        return self.values < ENOUGH


def bound_mean(values: Floats) -> Interval:
    """The interval of the mean of values in 0..1; undefined ones (NaN) are left out.

    >>> few = bound_mean(np.full(14, 0.5))
    >>> few.too_few, few.low
    (True, nan)
    """
    defined = values[~np.isnan(values)]
    low, high = gaffke(defined) if len(defined) >= ENOUGH else UNDEFINED
    return Interval(low, high, bootstrap(defined), len(defined))


def bootstrap(values: Floats) -> Bounds:
    """The percentile bootstrap over images (Efron 1979); NaN under two values."""
    if len(values) < 2:
        return UNDEFINED
    rng, number = np.random.default_rng(0), len(values)
    means = [values[rng.integers(number, size=(rows, number))].mean(1) for rows in _chunks(RESAMPLES, number)]
    low, high = np.percentile(np.concatenate(means), _tails())
    return float(low), float(high)


def _chunks(rows: int, columns: int) -> Iterator[int]:
    """Numbers of rows that add up to `rows`, each of about AT_ONCE values at most."""
    step = max(1, AT_ONCE // columns)
    for start in range(0, rows, step):
        yield min(step, rows - start)


def gaffke(values: Floats) -> Bounds:
    """Of values in 0..1 (Gaffke 2005; Learned-Miller and Thomas 2020). NaN for none.

    The weights of the n values and one bound are spacings of n uniform numbers (Dirichlet with ones); the bounds are
    quantiles of the weighted mean. That it covers is proven for some distributions, conjectured for all, and no
    exception is known; for values of 0 and 1 it is Clopper and Pearson's interval. The weights have a fixed seed, and
    values are sorted: their order does not matter.
    """
    if not len(values):
        return UNDEFINED
    _check(values)
    ordered, rng = np.sort(values), np.random.default_rng(0)
    number = len(values) + 1
    both = np.stack([np.append(0.0, ordered), np.append(ordered, 1.0)], 1)
    means = []
    for rows in _chunks(max(RESAMPLES, min(DRAWS, MOST_WEIGHTS // number)), number):
        weights = rng.exponential(size=(rows, number))
        means.append(weights @ both / weights.sum(1, keepdims=True))
    lows, highs = np.concatenate(means).T
    lower_tail, upper_tail = _tails()
    return float(np.percentile(lows, lower_tail)), float(np.percentile(highs, upper_tail))


def empirical_bernstein(values: Floats) -> Bounds:
    """Of values in 0..1 (Maurer and Pontil 2009): proven, and wide for few values. NaN under two values."""
    number = len(values)
    if number < 2:
        return UNDEFINED
    _check(values)
    spread = math.log(4 / (1 - CONFIDENCE))
    reach = math.sqrt(2 * float(values.var(ddof=1)) * spread / number) + 7 * spread / (3 * (number - 1))
    return max(0.0, float(values.mean()) - reach), min(1.0, float(values.mean()) + reach)


def betting(values: Floats) -> Bounds:
    """Of values in 0..1, by hedged bets (Waudby-Smith and Ramdas 2023, "Estimating means of bounded random variables by
    betting"): proven, narrower than empirical Bernstein. NaN under two values.

    A mean is excluded where who bets against it, on either side, has 20 times the stake after the last value. The bets
    are the paper's predictable plug-in ones. The result depends on the order of values, so that the stakes of ORDERS
    random orders are averaged, which keeps the guarantee.
    """
    number = len(values)
    if number < 2:
        return UNDEFINED
    _check(values)
    means = np.linspace(0, 1, GRID)
    rng = np.random.default_rng(0)
    ordered = np.sort(values)
    wealth = np.mean([_wealth(rng.permutation(ordered), means) for _ in range(ORDERS)], 0)
    inside = means[wealth < 1 / (1 - CONFIDENCE)]
    if not len(inside):
        return float(values.mean()), float(values.mean())
    step = 1 / (GRID - 1)  # outwards, to the next mean that is excluded
    return max(0.0, float(inside[0]) - step), min(1.0, float(inside[-1]) + step)


def _wealth(values: Floats, means: Floats) -> Floats:
    """(GRID,) what bets against each mean have made of a stake of 1, half of it on each side."""
    steps = np.arange(1, len(values) + 1)
    running = (0.5 + np.cumsum(values)) / (steps + 1)
    variance = (0.25 + np.cumsum((values - running) ** 2)) / (steps + 1)
    before = np.concatenate([[0.25], variance[:-1]])  # a bet knows only the values before it
    bets = np.sqrt(2 * math.log(2 / (1 - CONFIDENCE)) / (len(values) * before))[:, None]
    gains = values[:, None] - means
    with np.errstate(divide="ignore"):
        above = 1 + np.minimum(bets, 0.5 / means) * gains  # never more than half of what can be lost
        below = 1 - np.minimum(bets, 0.5 / (1 - means)) * gains
    return np.asarray(0.5 * np.exp(np.log(above).sum(0)) + 0.5 * np.exp(np.log(below).sum(0)))


def _tails() -> Bounds:
    outside = 100 * (1 - CONFIDENCE) / 2
    return outside, 100 - outside


def _check(values: Floats) -> None:
    if values.min() < 0 or values.max() > 1:
        raise ValueError(f"values lie in {values.min()}..{values.max()}; they must lie in 0..1")


METHODS: dict[str, Callable[[Floats], Bounds]] = {
    "bootstrap": bootstrap,
    "gaffke": gaffke,
    "betting": betting,
    "empirical_bernstein": empirical_bernstein,
}
