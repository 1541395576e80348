"""Work with a model on the images of an evaluation, in a thread of the server, in the queue of all predictions.

Images are read again from what the evaluation selected, by the code of the command line.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pages.server import model_registry
from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.scoring_job import CACHE_MB, Scores
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled, DataError
from unet_core.inference.prediction import Prediction
from unet_core.io.images import decode
from unet_core.io.pixels import Array, Pixels, encode_png

if TYPE_CHECKING:
    from unet_core.evaluation.analysis.robustness import Point, Step
    from unet_core.evaluation.label_errors import Suspect
    from unet_core.evaluation.selection import Selection
    from unet_core.inference.predictor import Predictor


class DatasetJob(BackgroundJob):
    """Base of such work on the images of `scores` with `model`."""

    def __init__(self, model: model_registry.Model, scores: Scores) -> None:
        super().__init__(model_registry.DEVICE_LOCK)
        self._model, self._scores = model, scores
        self._name, self._done, self._total = "Reading the images and masks…", 0, 0

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._done, self._total, self._name, 0, 0

    def _open(self) -> "tuple[Predictor, Selection]":
        with self._lock.turn(self, self._cancelled):
            loaded = model_registry.load(self._model)
        if self._scores.selection is None:
            raise DataError("These images were not read by an evaluation. Evaluate them again.")
        return loaded.predictor, self._scores.selection

    def _check(self) -> None:
        if self._cancelled():
            raise Cancelled("The work was canceled.")


class SuspectsJob(DatasetJob):
    """`suspects` are the most suspect places of all images, when it is done."""

    label = "Looking for label errors"

    def __init__(self, model: model_registry.Model, scores: Scores) -> None:
        super().__init__(model, scores)
        self.suspects: list[Suspect] = []
        self.total = 0  # of which those are the most suspect
        self._masks: dict[str, bytes] = {}

    def mask(self, name: str) -> Array:
        """(H, W): what was predicted for an image that has suspects."""
        return decode(self._masks[name], name)[:, :, 0]

    def _work(self) -> None:
        from unet_core.evaluation import scores
        from unet_core.evaluation.analysis import suspects

        predictor, selection = self._open()
        dataset = scores.load(selection, predictor.model.config, CACHE_MB)
        self._total, self.state = len(dataset), RUNNING
        ranking = suspects.Ranking()

        def predict(sample: Sample, image: Pixels) -> Prediction:
            self._name = sample.id
            with self._lock.turn(self, self._cancelled):
                return predictor.answer(image, suspects.TTA, cancelled=self._cancelled)

        for item in suspects.scan(dataset, predict):
            if item.suspects:
                self._masks[item.sample.id] = encode_png(item.pred)
                ranking.add(item.suspects)
            self._done += 1
            self._check()
        self.suspects, self.total = ranking.best(), ranking.total


class RobustnessJob(DatasetJob):
    """`steps` are those that are done, of `images` images at most; `points` what they add up to."""

    label = "Measuring robustness"

    def __init__(self, model: model_registry.Model, scores: Scores, names: Sequence[str], images: int) -> None:
        super().__init__(model, scores)
        self.names, self.images = tuple(names), images
        self.steps: list[Step] = []
        self.samples: dict[str, Sample] = {}  # of the images that are measured

    @property
    def fraction(self) -> float:
        """By predictions: a single image has dozens of them."""
        from unet_core.evaluation.analysis.robustness import list_steps

        return min(1.0, len(self.steps) / max(1, self._total * len(list_steps(self.names))))

    def points(self) -> "list[Point]":
        """The means over the images that are done."""
        from unet_core.evaluation.analysis.robustness import summarize

        return summarize(list(self.steps))

    def _work(self) -> None:
        from unet_core.evaluation.analysis import robustness

        predictor, selection = self._open()
        dataset = robustness.load_images(selection, self.images, predictor.model.config, most_mb=CACHE_MB)
        per_image = len(robustness.list_steps(self.names))
        self._total, self.state = len(dataset), RUNNING

        def predict(sample: Sample, image: Pixels) -> Array:
            self._name = sample.id
            self._check()
            with self._lock.turn(self, self._cancelled):
                return predictor.mask(image)

        for step in robustness.run(dataset, predict, self.names):
            self.steps.append(step)
            self.samples.setdefault(step.image, self._scores.samples[step.image])
            self._done = len(self.steps) // per_image
