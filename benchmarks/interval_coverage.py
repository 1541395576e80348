"""How often an interval holds the true mean Dice, and how wide it is: `python -m benchmarks.interval_coverage`.

Sets of 20, 40 and 60 images are drawn (with replacement) from the per-image Dice of two real runs, one of which fails
on 2 % of the images; the true mean is that of all 180. Also of the paired intervals: the difference of the two runs.
"""

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dice_values import EVEN, SKEWED
from benchmarks.report import report
from unet_core.evaluation.comparison import bound_difference, duel
from unet_core.evaluation.intervals import METHODS

POPULATIONS = {"even": np.array(EVEN) / 1000, "skewed": np.array(SKEWED) / 1000}


def flip_signs(values: NDArray[np.float64]) -> tuple[float, float]:
    """The interval of a duel that its test does not reject, of differences."""
    result = duel({str(k): 0.0 for k in range(len(values))}, {str(k): float(v) for k, v in enumerate(values)})
    return result.low, result.high


PAIRED = {"sign flips": flip_signs, "Gaffke": bound_difference}


def simulate(values: NDArray[np.float64], method: Any, size: int, sets: int, seed: int = 0) -> dict[str, float]:
    """Percent of sets whose interval holds the mean, lies below or above it, and the mean width."""
    rng, true = np.random.default_rng(seed), values.mean()
    bounds = np.array([method(rng.choice(values, size)) for _ in range(sets)])
    above, below = bounds[:, 0] > true, bounds[:, 1] < true
    return {
        "covers %": 100 * float(1 - above.mean() - below.mean()),
        "too high %": 100 * float(above.mean()),
        "too low %": 100 * float(below.mean()),
        "mean width": float(np.diff(bounds).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 40, 60])
    parsed = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name, values in POPULATIONS.items():
        for size in parsed.sizes:
            for method, function in METHODS.items():
                row = simulate(values, function, size, parsed.sets)
                rows.append({"values": name, "images": size, "interval": method} | row)
    for size in parsed.sizes:
        for method, function in PAIRED.items():
            row = simulate(POPULATIONS["even"] - POPULATIONS["skewed"], function, size, parsed.sets)
            rows.append({"values": "difference", "images": size, "interval": method} | row)
    report("interval_coverage", rows, sets=parsed.sets)


if __name__ == "__main__":
    main()
