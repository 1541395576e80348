"""The validation images of several finished runs, scored in a thread of the server and kept in the runs' folders.

job = ValidationJob(members); job.start()
job.find(run)       # as `validation.score`, of what there is: None while it is not scored
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pages.server import model_registry
from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from unet_core.errors import Cancelled, DataError, UnetError
from unet_core.experiments import validation
from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.evaluation.summary import ImageScore


class ValidationJob(BackgroundJob):
    """One run after the other; one that cannot be scored has a sentence in `problems`, by its id."""

    label = "Scoring validation images"

    def __init__(
        self, members: Sequence[Run], patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(model_registry.DEVICE_LOCK, patience, clock)
        self.scores: dict[str, list[ImageScore]] = {}  # by run; those of the server's own runs are kept here alone
        self.problems: dict[str, str] = {}
        self._members = list(members)
        self._done, self._name = 0, "Loading the model…"
        self._total = sum(len(run.split()["val"]) for run in members if run.has_split)

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._done, self._total, self._name, 0, 0

    def find(self, run: Run) -> "list[ImageScore] | None":
        """The scores of a run that were made here or kept before. Raises DataError with what stood in the way."""
        if run.id in self.problems:
            raise DataError(self.problems[run.id])
        return self.scores.get(run.id) or validation.read(run)

    def _work(self) -> None:
        def next_image(name: str) -> None:
            self._name = name
            self._done += 1

        for run in self._members:
            try:
                with self._lock.turn(self, self._cancelled):
                    loaded = model_registry.load(model_registry.Model(run.id, run.best, run))
                self.state = RUNNING
                self.scores[run.id] = validation.score(
                    run, loaded.predictor, next_image, self._cancelled, lambda: self._lock.turn(self, self._cancelled)
                )
            except Cancelled:
                raise
            except UnetError as error:
                self.problems[run.id] = str(error)
