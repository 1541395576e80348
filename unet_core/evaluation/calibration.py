"""Whether probabilities mean what they say: of the pixels with probability 0.8, are 80 % foreground?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.evaluation.histograms import Counted

Floats = NDArray[np.float64]

BINS = 15  # as in Guo et al. 2017
MOST_TEMPERATURE = 20.0  # and 1/20 the least


@dataclass(frozen=True)
class Reliability:
    """The reliability diagram: per bin of probability, (B,) each; NaN in bins without pixels.

    Where `confidence`, the mean probability, is above `frequency`, the share that is true, the model is over-confident.
    """

    edges: Floats  # (B + 1,)
    confidence: Floats
    frequency: Floats
    pixels: NDArray[np.int64]

    @property
    def error(self) -> float:
        """The expected calibration error (ECE), 0..1: the mean |confidence - frequency|, weighted by pixels.

        Naeini et al. 2015; Guo et al. 2017. NaN without pixels.
        """
        filled = self.pixels > 0
        if not filled.any():
            return math.nan
        gaps = np.abs(self.confidence - self.frequency)[filled]
        return float((gaps * self.pixels[filled]).sum() / self.pixels.sum())

    @property
    def worst(self) -> float:
        """The maximum calibration error: the largest |confidence - frequency| of a bin. NaN without pixels."""
        gaps = np.abs(self.confidence - self.frequency)
        return float(np.nanmax(gaps)) if (self.pixels > 0).any() else math.nan


def measure_reliability(levels: Counted, bins: int = BINS, temperature: float = 1.0) -> Reliability:
    """The diagram of pixels by truth and level (2, L); the probability of a level is its index by L - 1.

    Row 1 are pixels for which what the probability speaks of is true: foreground, or for several classes, where it is
    that of the predicted class, a right prediction. Bins are of equal width and include their lower edge; the last one
    also 1 (for which torchmetrics has one more). `temperature` divides the logits first (`fit_temperature`).

    >>> levels = np.array([[0, 0, 0, 0, 30], [0, 0, 0, 0, 10]])  # probability 1, of which a quarter is true
    >>> measure_reliability(levels).error
    0.75
    """
    probability = apply_temperature(_probabilities(levels), temperature)
    edges = np.linspace(0, 1, bins + 1)
    # A level that is an edge, such as 1/3, is not to fall below it by rounding.
    place = np.minimum(np.floor(probability * bins + 1e-9).astype(np.intp), bins - 1)
    pixels = np.bincount(place, weights=levels.sum(0), minlength=bins)
    true = np.bincount(place, weights=levels[1], minlength=bins)
    confidence = np.bincount(place, weights=levels.sum(0) * probability, minlength=bins)
    confidence, frequency = (
        np.divide(part, pixels, out=np.full(bins, np.nan), where=pixels > 0) for part in (confidence, true)
    )
    return Reliability(edges, confidence, frequency, pixels.astype(np.int64))


@dataclass(frozen=True)
class Temperature:
    """What `fit_temperature` found: losses are the mean negative log-likelihood a pixel, errors the ECE."""

    value: float
    loss_before: float
    loss: float
    error_before: float
    error: float


def fit_temperature(levels: Counted, bins: int = BINS) -> Temperature:
    """The temperature with the least negative log-likelihood (Guo et al. 2017), from pixels by truth and level (2, L).

    Above 1 it makes probabilities less extreme. It changes no mask at the threshold 0.5. Fit it on validation images:
    on those of the training a model is more sure than elsewhere. Only for binary models; of several classes the
    probabilities of all classes would be needed. Levels of 0 and of 1 count as half a level from there.

    Raises ValueError where there is no pixel.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import logit

    if not levels.any():
        raise ValueError("there are no pixels to fit a temperature to")
    least = 0.5 / (levels.shape[1] - 1)
    logits = logit(np.clip(_probabilities(levels), least, 1 - least))
    background, foreground = levels / levels.sum()

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        return float(foreground @ np.logaddexp(0, -scaled) + background @ np.logaddexp(0, scaled))

    reach = math.log(MOST_TEMPERATURE)
    fitted = minimize_scalar(loss, bounds=(-reach, reach), method="bounded", options={"xatol": 1e-6})
    value = math.exp(float(fitted.x))
    before, after = measure_reliability(levels, bins), measure_reliability(levels, bins, value)
    return Temperature(value, loss(0.0), loss(math.log(value)), before.error, after.error)


def apply_temperature(probability: Floats, temperature: float) -> Floats:
    """Probabilities 0..1 with their logits divided by the temperature, above 0; 0, 0.5 and 1 stay.

    >>> apply_temperature(np.array([0.0, 0.5, 0.9, 1.0]), 2.0).round(3).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    from scipy.special import expit, logit

    if temperature == 1:
        return probability
    return np.asarray(expit(logit(probability) / temperature), np.float64)


def _probabilities(levels: Counted) -> Floats:
    return np.asarray(np.arange(levels.shape[1]) / (levels.shape[1] - 1), np.float64)
