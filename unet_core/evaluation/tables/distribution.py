"""How a measure is distributed over images: a histogram whose bars name their images, and the numbers of a box plot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.evaluation.tables.rows import Range

Floats = NDArray[np.float64]

BARS = 20
MOST_OUTLIERS = 50  # that a box plot draws: a chart of 10,000 images must not send as many points


@dataclass(frozen=True)
class Distribution:
    """A measure of N images. `edges` (B + 1,) and `counts` (B,) are the histogram; `undefined` values are in no bar.

    The box goes from the first to the third quartile (linear between values), its whiskers to the last values within
    1.5 times its height (Tukey 1977). `outliers` are the farthest values beyond them, MOST_OUTLIERS at most, of
    `beyond`. NaN where nothing is defined.
    """

    measure: str
    edges: Floats
    counts: NDArray[np.int64]
    mean: float
    quartiles: tuple[float, float, float]
    whiskers: tuple[float, float]
    outliers: Floats
    beyond: int
    undefined: int

    def range_of(self, bar: int) -> Range:
        """The values of a bar, counted from 0: its images are those that this range lets pass."""
        return Range(self.measure, float(self.edges[bar]), float(self.edges[bar + 1]), bar == len(self.counts) - 1)


def describe_values(measure: str, values: Floats, is_share: bool = True) -> Distribution:
    """The distribution of the values (N,) of a measure, NaN where undefined; `is_share`: bars over 0..1.

    >>> spread = describe_values("dice", np.array([0.02, 0.95, 1.0, np.nan]))
    >>> spread.counts[0], spread.counts[-1], spread.undefined, spread.range_of(19).closed
    (np.int64(1), np.int64(2), 1, True)
    """
    defined = np.sort(values[~np.isnan(values)])
    undefined = len(values) - len(defined)
    edges = _edges(defined, is_share)
    if not len(defined):
        nan = float("nan")
        counts = np.zeros(len(edges) - 1, np.int64)
        return Distribution(measure, edges, counts, nan, (nan, nan, nan), (nan, nan), defined, 0, undefined)
    bars = np.minimum(np.searchsorted(edges, defined, side="right") - 1, len(edges) - 2)  # the last one is closed
    low, middle, high = (float(value) for value in np.percentile(defined, (25, 50, 75)))
    reach = 1.5 * (high - low)
    inside = defined[(defined >= low - reach) & (defined <= high + reach)]
    outside = defined[(defined < low - reach) | (defined > high + reach)]
    farthest = outside[np.argsort(-np.abs(outside - middle), kind="stable")[:MOST_OUTLIERS]]
    return Distribution(
        measure,
        edges,
        np.bincount(bars, minlength=len(edges) - 1),
        float(defined.mean()),
        (low, middle, high),
        (float(inside[0]), float(inside[-1])),
        np.sort(farthest),
        len(outside),
        undefined,
    )


def _edges(defined: Floats, is_share: bool) -> Floats:
    """Of BARS bars, for whole numbers of bars as wide as a whole number."""
    if is_share or not len(defined):
        return np.arange(BARS + 1) / BARS
    low, high = float(defined[0]), float(defined[-1])
    if (defined == np.round(defined)).all():
        step = max(1, int(np.ceil((high - low + 1) / BARS)))
        return np.arange(low, high + step + 1, step) - 0.5
    return np.linspace(low, high, BARS + 1)
