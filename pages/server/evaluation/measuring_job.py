"""All measures of scored images, from the masks that were kept: in a thread of the server, one image at a time.

job = MeasuringJob(scoring.scores, num_classes=1, settings=Settings(tolerance=2))
job.start()
job.measured            # by image id what is measured so far, as `evaluate --metrics all` measures it
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock
from pages.server.scoring_job import Scores
from unet_core.errors import Cancelled

if TYPE_CHECKING:
    from unet_core.evaluation.measures.registry import Measured, Settings

LOCK = FairLock()  # one image at a time on this server, whoever asks: it takes a CPU core


class MeasuringJob(BackgroundJob):
    """The images of `scores`, one after the other. It runs once: make a new one.

    `before` are measures with other settings, of which only outlines are measured again.
    """

    label = "Measuring"

    def __init__(
        self,
        scores: Scores,
        num_classes: int,
        settings: "Settings",
        before: "Mapping[str, Measured] | None" = None,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(LOCK, patience, clock)
        self.measured: dict[str, Measured] = {}
        self._scores, self._num_classes, self._settings = scores, num_classes, settings
        self._before = dict(before or {})
        self._ids = [item.id for item in scores.images]
        self._name = ""

    def _count(self) -> tuple[int, int, str, int, int]:
        return len(self.measured), len(self._ids), self._name, 0, 0

    def _work(self) -> None:
        from unet_core.evaluation.measures.registry import measure, measure_again

        for name in self._ids:
            if self._cancelled():
                raise Cancelled("The measuring was canceled.")
            with self._lock.turn(self, self._cancelled):
                self.state, self._name = RUNNING, name
                pred, target = self._scores.mask(name), self._scores.truth(name)
                if (before := self._before.get(name)) is not None:
                    measured = measure_again(before, pred, target, self._num_classes, self._settings)
                else:
                    numbers = self._scores.numbers(name)
                    measured = measure(pred, target, self._num_classes, numbers, self._settings)
            self.measured[name] = measured
