"""Threshold, minimum area, hole filling and test-time augmentation together: a small grid, chosen on validation images.

search = Search(plan, predictor)
for done, total in search.run():
    show(done / total)
search.best
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from unet_core import metrics
from unet_core.data.layouts import Sample
from unet_core.errors import ConfigError
from unet_core.evaluation.tuning.counting import Predict
from unet_core.evaluation.tuning.measure import Plan, answer
from unet_core.evaluation.tuning.study import TEST, VALIDATION, Part
from unet_core.inference.prediction import CompressedPrediction, Prediction
from unet_core.io.pixels import Array, Pixels
from unet_core.postprocessing import cleanup

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

AUGMENTATIONS = ("none", "flips")
AREAS = (0, 10, 30, 100, 300)  # pixels
MEASURED_ALIKE = 0.001  # settings that differ by less are alike, and the simplest of them is taken
MOST_BYTES = 256 * 2**20  # of predictions that are remembered between choosing a threshold and cleaning its masks


@dataclass(frozen=True)
class Candidate:
    """One setting with its mean score on the validation images; `test` that on the test images, where it was asked."""

    tta: str
    threshold: float
    min_area: int
    fill_holes: bool
    validation: float
    test: float | None = None

    @property
    def effort(self) -> tuple[bool, bool, int]:
        """By which the simpler of two that score alike is known."""
        return self.tta != "none", self.fill_holes, self.min_area

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        names = ("tta", "threshold", "min_area", "fill_holes", "validation", "test")
        return {name: getattr(self, name) for name in names}


@dataclass
class Search:
    """The search over a plan whose study is counted. `make_predict` gives for a name of `tta.TTA` how to predict."""

    plan: Plan
    predictor: "Predictor"
    metric: str = "dice"
    make_predict: Callable[[str], Predict] | None = None
    candidates: list[Candidate] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.metric not in ("dice", "iou"):
            raise ConfigError(f"A search is by dice or iou, got {self.metric!r}.")

    @property
    def best(self) -> Candidate:
        """The simplest of those that score as the highest does. Raises ValueError before `run`."""
        highest = max(item.validation for item in self.candidates)
        return min(
            (item for item in self.candidates if item.validation >= highest - MEASURED_ALIKE),
            key=lambda item: (item.effort, -item.validation),
        )

    @property
    def baseline(self) -> Candidate:
        """The model as it is, the first that is scored."""
        return self.candidates[0]

    def run(self) -> Iterator[tuple[int, int]]:
        """Score every setting on the validation images, then the best and the model's own on the test images.

        Gives (steps done, steps of all). Raises PredictionError, DataError.
        """
        study, current = self.plan.study, self.plan.study.current
        sizes = {part: list(self.plan.parts.values()).count(part) for part in (VALIDATION, TEST)}
        total = len(AUGMENTATIONS) * (len(self.plan) + sizes[VALIDATION]) + 2 * sizes[TEST]
        done = 0
        predicts = {name: _Remembering(self._predict(name)) for name in AUGMENTATIONS}
        for tta in AUGMENTATIONS:
            tuned = study if tta == "none" else replace(study, parts={VALIDATION: Part(), TEST: Part()})
            if tta == "none":
                done += len(self.plan)
            else:
                for _ in self.plan.count(self.predictor, predicts[tta], tta, tuned):
                    yield (done := done + 1), total
            limit = tuned.best(self.metric)
            settings = [(limit, area, fill) for fill in (False, True) for area in AREAS]
            if tta == "none":
                settings.insert(0, (current, 0, False))
            scores: list[list[float]] = [[] for _ in settings]
            for sample, image, target in self._images(VALIDATION):
                prediction = predicts[tta](sample, image)
                for values, setting in zip(scores, settings, strict=True):
                    values.append(self._score(prediction, target, *setting))
                yield (done := done + 1), total
            self.candidates += [
                Candidate(tta, *setting, validation=_mean(values))
                for setting, values in zip(settings, scores, strict=True)
            ]
        for item in {self.baseline, self.best} if sizes[TEST] else ():
            values = []
            for sample, image, target in self._images(TEST):
                prediction = predicts[item.tta](sample, image)
                values.append(self._score(prediction, target, item.threshold, item.min_area, item.fill_holes))
                yield (done := done + 1), total
            self.candidates[self.candidates.index(item)] = replace(item, test=_mean(values))

    def describe(self) -> dict[str, Any]:
        """For JSON: the model as it is, the best, and the best of each augmentation."""
        by_tta = {
            tta: max((item for item in self.candidates if item.tta == tta), key=lambda item: item.validation).to_dict()
            for tta in AUGMENTATIONS
        }
        return {"metric": self.metric, "model": self.baseline.to_dict(), "best": self.best.to_dict(), "by_tta": by_tta}

    def _predict(self, tta: str) -> Predict:
        return answer(self.predictor, tta) if self.make_predict is None else self.make_predict(tta)

    def _images(self, part: str) -> Iterator[tuple[Sample, Pixels, Array]]:
        for index, sample in enumerate(self.plan.dataset.samples):
            if self.plan.parts[sample.id] == part:
                example = self.plan.dataset[index]
                yield sample, example.image, example.mask

    def _score(self, prediction: Prediction, target: Array, limit: float, min_area: int, fill_holes: bool) -> float:
        mask = cleanup.clean(prediction.mask(limit), min_area, fill_holes)
        return float(metrics.METRICS[self.metric].function(metrics.count(mask, target, 1))[0])


class _Remembering:
    """Predicts each image once, as long as what it remembers fits into MOST_BYTES."""

    def __init__(self, predict: Predict) -> None:
        self._predict = predict
        self._remembered: dict[str, CompressedPrediction] = {}
        self._free = MOST_BYTES

    def __call__(self, sample: Sample, image: Pixels) -> Prediction:
        if (packed := self._remembered.get(sample.id)) is not None:
            return packed.unpacked()
        prediction = self._predict(sample, image)
        packed = CompressedPrediction.of(prediction)
        if packed.nbytes <= self._free:
            self._free -= packed.nbytes
            self._remembered[sample.id] = packed
        return prediction


def describe_candidate(item: Candidate) -> str:
    """A setting in words."""
    parts = [f"threshold {item.threshold:g}"]
    parts.append(f"objects under {item.min_area} pixels removed" if item.min_area else "no minimum area")
    parts.append("holes filled" if item.fill_holes else "holes kept")
    parts.append("no test-time augmentation" if item.tta == "none" else f"test-time augmentation {item.tta}")
    return ", ".join(parts)


def _mean(values: list[float]) -> float:
    """Over the images where it is defined; NaN where it nowhere is."""
    array = np.array(values)
    return float(np.nanmean(array)) if (~np.isnan(array)).any() else float("nan")
