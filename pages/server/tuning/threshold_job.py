"""The study of a model's threshold, made in a thread of the server, in the queue of all predictions.

    job = ThresholdJob(model)
    job.start()
    progress = job.poll()   # in a fragment, as that of a ScoringJob
    job.study               # when it is done

What was predicted before is taken from `scoring_job.CACHE` or from counts on disk: then no forward pass is made.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.prediction_job import Loaded
from pages.server.scoring_job import CACHE_MB, predict_image
from unet_core.config.model import ModelConfig
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.measure import Plan
    from unet_core.evaluation.tuning.study import Study


class ThresholdJob(BackgroundJob):
    """The validation and test images of a run's own dataset, counted. It runs once: make a new one."""

    label = "Choosing the threshold"

    def __init__(
        self,
        model: model_registry.Model,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError where the model is not that of a run, whose split says which images validate."""
        if model.run is None:
            raise ValueError(f"{model.name} is not the model of a run")
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.model, self._trained_run = model, model.run
        self._plan: Plan | None = None
        self._done, self._name = 0, "Reading the images and masks…"

    @property
    def plan(self) -> "Plan":
        """The images, read. Raises ValueError before."""
        if self._plan is None:
            raise ValueError("the images are not read yet")
        return self._plan

    @property
    def study(self) -> "Study":
        """What was counted so far. Raises ValueError before the images are read."""
        return self.plan.study

    def follow_model(self, config: ModelConfig) -> None:
        """The model has another threshold now; whoever has the earlier study keeps that."""
        if self._plan is not None:
            self._plan.study = replace(self._plan.study, config=config)

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._done, len(self._plan or ()), self._name, 0, 0

    def _work(self) -> None:
        from unet_core.evaluation.selection import Source
        from unet_core.evaluation.tuning.measure import plan_study
        from unet_core.hub.lineage import find_training_images

        with self._lock.turn(self, self._cancelled):
            loaded = model_registry.load(self.model)
        self.warning = loaded.warning
        run, folder = self._trained_run, self.model.folder
        source = Source(folder, run, find_training_images(folder, run, run.folder.parent))
        self._plan = plan_study(source, loaded.predictor.model.config, most_mb=CACHE_MB)
        self.state = RUNNING
        for name in self._plan.count(loaded.predictor, self._predictor_of(loaded)):
            self._done += 1
            self._name = name
            if self._cancelled():
                raise Cancelled("The study was canceled.")

    def _predictor_of(self, loaded: Loaded) -> Callable[[Sample, Pixels], Prediction]:
        def predict(sample: Sample, image: Pixels) -> Prediction:
            self._name = sample.id
            return predict_image(loaded, reading.digest(sample), image, self, self._cancelled)

        return predict
