"""Which threshold to use: Dice and IoU of validation images at every threshold, and precision against recall."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.evaluation.histograms import STEPS, THRESHOLDS, Counted, ImageHistogram
from unet_core.metrics import METRICS, Counts

Floats = NDArray[np.float64]
MIDDLE = STEPS // 2


@dataclass(frozen=True)
class ThresholdCurve:
    """Every metric of `metrics.METRICS` at each of `thresholds` (T,).

    `mean` is over the images where a metric is defined, `pooled` counts all pixels together, `undefined` are the images
    without a Dice: nothing to find and nothing predicted. At a threshold where it is nowhere defined, a metric is NaN.
    """

    thresholds: Floats
    mean: dict[str, Floats]
    pooled: dict[str, Floats]
    undefined: NDArray[np.int64]

    def at(self, threshold: float) -> int:
        """The place of the threshold in the curve that is nearest."""
        return int(np.abs(self.thresholds - threshold).argmin())


def trace(images: Sequence[ImageHistogram]) -> ThresholdCurve:
    """The curve of one image or more, without a forward pass.

    Choose a threshold on validation images and report its score on others: on the images that it was chosen on, its
    score is too good.
    """
    totals = [np.zeros(STEPS) for _ in range(4)]
    sums, defined = ({name: np.zeros(STEPS) for name in METRICS} for _ in range(2))
    undefined = np.zeros(STEPS, np.int64)
    for image in images:
        counts = image.counts()
        parts = (counts.tp, counts.fp, counts.fn, counts.tn)
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
        for name, values in _values(counts).items():
            is_defined = ~np.isnan(values)
            sums[name][is_defined] += values[is_defined]
            defined[name] += is_defined
            if name == "dice":
                undefined += ~is_defined
    mean = {
        name: np.divide(total, defined[name], out=np.full(STEPS, np.nan), where=defined[name] > 0)
        for name, total in sums.items()
    }
    return ThresholdCurve(np.array(THRESHOLDS), mean, _values(Counts(*totals)), undefined)


def _values(counts: Counts) -> dict[str, Floats]:
    """Each metric (T,) of binary counts (T,): a threshold stands where a class does elsewhere."""
    values = {name: metric.function(counts) for name, metric in METRICS.items()}
    return values | {"accuracy": metrics.class_accuracy(counts)}  # the foreground's own is that of the image


def choose(curve: ThresholdCurve, metric: str = "dice", pooled: bool = False) -> float:
    """The threshold with the highest value; of equal ones the nearest to 0.5. 0.5 where nothing is defined.

    >>> from unet_core.evaluation.histograms import count_levels
    >>> levels, truth = np.array([[10_000, 20_000, 60_000]], np.uint16), np.array([[0, 1, 1]], np.uint8)
    >>> choose(trace([count_levels("a", levels, truth)[0]]))
    0.305
    """
    values = (curve.pooled if pooled else curve.mean)[metric]
    if np.isnan(values).all():
        return 0.5
    best = np.flatnonzero(values >= np.nanmax(values) - 1e-12)
    return float(curve.thresholds[best[np.abs(best - MIDDLE).argmin()]])


def score_at(images: Sequence[ImageHistogram], threshold: float) -> dict[str, Counts]:
    """The counts of each image at another threshold of the grid, by its name."""
    return {image.id: image.counts_at(threshold) for image in images}


@dataclass(frozen=True)
class PrecisionRecall:
    """Precision and recall of all pixels together, from the highest threshold to the lowest, (N,) each.

    `average_precision` is the sum of precision times the gain in recall, without interpolation; NaN where there is no
    foreground.
    """

    precision: Floats
    recall: Floats
    threshold: Floats  # a pixel is foreground at this probability or above
    average_precision: float


def trace_precision_recall(levels: Counted) -> PrecisionRecall:
    """The curve over the levels (2, L) that occur, background first; probabilities are their index by L - 1."""
    occurring = np.flatnonzero(levels.sum(0))[::-1]
    fp, tp = levels[:, occurring].cumsum(1)
    precision = tp / (tp + fp)
    positives = int(levels[1].sum())
    recall = tp / positives if positives else np.full(len(tp), np.nan)
    gains = np.diff(recall, prepend=0.0)
    average = float((precision * gains).sum()) if positives else float("nan")
    return PrecisionRecall(precision, recall, occurring / (levels.shape[1] - 1), average)
