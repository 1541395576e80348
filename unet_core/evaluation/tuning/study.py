"""Which threshold a model should have: chosen on validation images, reported on others, and what it would change.

study = Study(config)
for item in count_images(...):
    study.add("validation", item)
study.best("dice")
study.score("test", 0.5, "dice")
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.config.choices import TUNED_METRICS
from unet_core.config.model import ModelConfig
from unet_core.errors import ConfigError
from unet_core.evaluation import calibration, threshold
from unet_core.evaluation.calibration import Reliability, Temperature
from unet_core.evaluation.histograms import STEPS, Counted, ImageHistogram
from unet_core.evaluation.threshold import PrecisionRecall, ThresholdCurve
from unet_core.evaluation.tuning.counting import CountedImage
from unet_core.evaluation.tuning.regions import REGION_THRESHOLDS

VALIDATION, TEST = "validation", "test"  # chosen on, and reported on
CALIBRATED = 0.01  # a difference between probability and frequency that is not worth a word
FEW = 5  # validation images under which a threshold is mostly chance
GAIN, REGION_GAIN = 0.01, 0.02  # of mean Dice and V-Rand, above which another threshold is worth a sentence

Floats = NDArray[np.float64]


@dataclass
class Part:
    """The images of a part, counted: `levels` (2, L) are all of their pixels together, None without an image."""

    images: list[ImageHistogram] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    levels: Counted | None = None
    _regions: list[Floats] = field(default_factory=list)
    _curve: ThresholdCurve | None = None

    def add(self, item: CountedImage) -> None:
        """Count one more image."""
        if (histogram := item.histogram) is not None:
            self.images.append(histogram)
        self.names.append(item.id)
        self._regions.append(item.regions)
        self.levels = item.counted.copy() if self.levels is None else self.levels + item.counted
        self._curve = None

    @property
    def curve(self) -> ThresholdCurve:
        """Every metric at every threshold. Raises ConfigError of several classes, ValueError without an image."""
        if not self.images:
            raise ValueError("no image is counted")
        if self._curve is None:
            self._curve = threshold.trace(self.images)
        return self._curve

    @property
    def regions(self) -> Floats | None:
        """The mean V-Rand at each of REGION_THRESHOLDS; None unless more than half of the images have regions."""
        values = np.array(self._regions).reshape(-1, len(REGION_THRESHOLDS))
        has_some = ~np.isnan(values).all(1)
        if 2 * int(has_some.sum()) <= len(values):
            return None
        return np.asarray(np.nanmean(values[has_some], 0), np.float64)

    def score(self, limit: float, metric: str, pooled: bool = False) -> float:
        """A metric at a threshold of the grid, V-Rand at the nearest of REGION_THRESHOLDS; NaN where undefined."""
        if metric == "v_rand":
            return math.nan if self.regions is None else float(self.regions[_nearest_region(limit)])
        curve = self.curve
        return float((curve.pooled if pooled else curve.mean)[metric][curve.at(limit)])


@dataclass
class Study:
    """What was counted of a model's images, and what follows from it.

    `chosen_on` are the images that the threshold is chosen on, in words; `skipped` and `warnings` as of `Evaluation`.
    """

    config: ModelConfig
    chosen_on: str = "validation images"
    parts: dict[str, Part] = field(default_factory=lambda: {VALIDATION: Part(), TEST: Part()})
    skipped: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def validation(self) -> Part:
        """The images to choose on."""
        return self.parts[VALIDATION]

    @property
    def test(self) -> Part | None:
        """The images to report on, which nothing was chosen on; None where there are none."""
        return self.parts[TEST] if self.parts[TEST].names else None

    @property
    def is_binary(self) -> bool:
        """Whether there is a threshold to choose."""
        return self.config.num_classes == 1

    @property
    def current(self) -> float:
        """The nearest threshold of the grid to the model's own."""
        return min(max(round(self.config.threshold * STEPS), 0), STEPS - 1) / STEPS

    def best(self, metric: str = "dice", pooled: bool = False) -> float:
        """The threshold with the highest score on the images to choose on. Raises ConfigError."""
        self._check(metric)
        if metric != "v_rand":
            # 0 is a threshold of the curve, but none that a model may have.
            return max(threshold.choose(self.validation.curve, metric, pooled), 1 / STEPS)
        regions = self.validation.regions
        if regions is None:
            raise ConfigError(
                "V-Rand is for masks whose foreground is regions that thin lines divide, as cells between membranes. "
                "Choose by dice or iou here."
            )
        highest = np.flatnonzero(regions >= np.nanmax(regions) - 1e-12)
        distances = np.abs(np.array(REGION_THRESHOLDS)[highest] - 0.5)
        return float(REGION_THRESHOLDS[highest[distances.argmin()]])

    def find_gains(self) -> list[tuple[str, float, float, float]]:
        """(metric, its best threshold, score now, score there) where another threshold scores much more."""
        if not self.is_binary or not self.validation.images:
            return []
        gains = []
        for metric, least in (("dice", GAIN), ("v_rand", REGION_GAIN)):
            if metric == "v_rand" and self.validation.regions is None:
                continue
            limit = self.best(metric)
            now, then = (self.validation.score(value, metric) for value in (self.current, limit))
            if then - now > least:
                gains.append((metric, limit, now, then))
        return gains

    @property
    def caution(self) -> str:
        """What speaks against a choice on these images; "" for nothing."""
        count = len(self.validation.names)
        if count >= FEW:
            return ""
        images = f"{count} {self.chosen_on}" if count > 1 else f"one of the {self.chosen_on}"
        return f"The threshold is chosen on only {images}: its gain may be chance. Use more validation images."

    def precision_recall(self, part: str = VALIDATION) -> PrecisionRecall:
        """Precision against recall of all pixels of a part."""
        return threshold.trace_precision_recall(self._levels(part))

    def reliability(self, part: str = VALIDATION, temperature: float = 1.0) -> Reliability:
        """Whether the probabilities of a part mean what they say, of several classes the confidence."""
        return calibration.measure_reliability(self._levels(part), temperature=temperature)

    def fit_temperature(self) -> Temperature:
        """Fitted on the images to choose on; binary only."""
        self._check("dice")
        return calibration.fit_temperature(self._levels(VALIDATION))

    def describe(self, metric: str = "dice", pooled: bool = False) -> dict[str, Any]:
        """All numbers for the command line and Python; the page shows the same ones. Raises ConfigError."""
        reliability = self.reliability()
        result: dict[str, Any] = {
            "reliability": describe_reliability(reliability, self.is_binary),
            "chosen_on": self.chosen_on,
            "images": len(self.validation.names),
            "test_images": len(self.test.names) if self.test else 0,
            "calibration_error": reliability.error,
        }
        if not self.is_binary:
            return result
        best, temperature = self.best(metric, pooled), self.fit_temperature()
        result |= {
            "metric": metric,
            "pooled": pooled,
            "model_threshold": self.config.threshold,
            "best_threshold": best,
            "average_precision": self.precision_recall().average_precision,
            "temperature": temperature.value,
            "calibration_error_scaled": temperature.error,
        }
        for name, part in self.parts.items():
            if part.names:
                result[name] = {
                    when: {score: part.score(limit, score) for score in ("dice", "iou", "precision", "recall")}
                    | {f"pooled_{score}": part.score(limit, score, True) for score in ("dice", "iou")}
                    | ({} if part.regions is None else {"v_rand": part.score(limit, "v_rand")})
                    for when, limit in (("at_model", self.current), ("at_best", best))
                }
        return result

    def _levels(self, part: str) -> Counted:
        levels = self.parts[part].levels
        if levels is None:
            raise ValueError(f"no {part} image is counted")
        return levels

    def _check(self, metric: str) -> None:
        if metric not in TUNED_METRICS:
            raise ConfigError(f"Unknown metric {metric!r}. Choose by one of {', '.join(TUNED_METRICS)}.")
        if not self.is_binary:
            raise ConfigError(
                f"A threshold is for models of one class; this one has {self.config.num_classes}, and each pixel gets "
                "the most probable one."
            )


def describe_gains(study: Study) -> str:
    """One sentence where validation says that another threshold scores much more; else ""."""
    gains = study.find_gains()
    if not gains:
        return ""
    words = {"dice": "mean Dice", "v_rand": "V-Rand (regions)"}
    parts = [
        f"{words[metric]} is {now:.3f} at the threshold {study.current:g} but {then:.3f} at {limit:g}"
        for metric, limit, now, then in gains
    ]
    count = len(study.validation.names)
    images = f"the {count} {study.chosen_on}" if count > 1 else f"one of the {study.chosen_on}"
    sentences = [f"On {images}, {' and '.join(parts)}."]
    sentences += [loss for metric, limit, _, _ in gains if (loss := describe_loss(study, metric, limit))]
    return " ".join(sentences)


def describe_loss(study: Study, metric: str, limit: float) -> str:
    """A sentence where the threshold that another metric is best at costs regions: V-Rand falls there; else ""."""
    if metric == "v_rand" or study.validation.regions is None:
        return ""
    now, then = (study.validation.score(value, "v_rand") for value in (study.current, limit))
    if now - then <= REGION_GAIN:
        return ""
    return f"But V-Rand (regions) falls from {now:.3f} to {then:.3f} there: choose by it where regions count."


def describe_reliability(reliability: Reliability, is_binary: bool = True) -> str:
    """Where the model is surer than it should be, in words.

    Of a binary model a low probability is a sure background, so it is over-confident where the probability is nearer to
    0 or 1 than the share of foreground. Only bins with enough pixels count, and differences above one percent point.
    """
    gaps = reliability.confidence - reliability.frequency
    background = (reliability.edges[1:] <= 0.5) if is_binary else np.zeros(len(gaps), np.bool_)
    counts = reliability.pixels > max(100, 1e-4 * reliability.pixels.sum())
    over = np.where(background, -gaps, gaps)
    sentences = []
    for word, mask in (("over-confident", over > CALIBRATED), ("under-confident", over < -CALIBRATED)):
        ranges = _ranges(reliability.edges, mask & counts)
        if ranges:
            sentences.append(f"{word} between {' and between '.join(ranges)}")
    if not sentences:
        return "The probabilities mean what they say, within one percent point."
    return f"The model is {'; it is '.join(sentences)}."


def _ranges(edges: Floats, mask: NDArray[np.bool_]) -> list[str]:
    """Bins that follow each other, as "0.6 and 0.9"."""
    steps = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    starts, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [f"{edges[start]:.2f} and {edges[end]:.2f}" for start, end in zip(starts, ends, strict=True)]


def _nearest_region(limit: float) -> int:
    """The place in REGION_THRESHOLDS that is nearest."""
    return int(np.abs(np.array(REGION_THRESHOLDS) - limit).argmin())
