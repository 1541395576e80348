"""The search for the best settings on the validation images of a model, made in a thread of the server."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.prediction_job import Loaded
from pages.server.scoring_job import predict_image
from pages.server.tuning.threshold_job import ThresholdJob
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.errors import Cancelled
from unet_core.inference.prediction import Prediction
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.evaluation.tuning.search import Search


class SearchJob(BackgroundJob):
    """A search by `metric` ("dice" or "iou") over the study of a threshold job that is done. It runs once."""

    label = "Finding the best settings"

    def __init__(
        self,
        studied: ThresholdJob,
        metric: str,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.metric = metric
        self.search: Search | None = None
        self._studied = studied
        self._done, self._total = 0, 1

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._done, self._total, "scoring settings", 0, 0

    def _work(self) -> None:
        from unet_core.evaluation.tuning.search import Search

        with self._lock.turn(self, self._cancelled):
            loaded = model_registry.load(self._studied.model)
        self.state = RUNNING
        search = Search(self._studied.plan, loaded.predictor, self.metric, lambda tta: self._predictor_of(loaded, tta))
        for self._done, self._total in search.run():
            if self._cancelled():
                raise Cancelled("The search was canceled.")
        self.search = search

    def _predictor_of(self, loaded: Loaded, tta: str) -> Callable[[Sample, Pixels], Prediction]:
        def predict(sample: Sample, image: Pixels) -> Prediction:
            return predict_image(loaded, reading.digest(sample), image, self, self._cancelled, tta)

        return predict
