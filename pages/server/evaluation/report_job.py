"""The report on an evaluation, made by a thread of the server that a page follows."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.export.job import EXPORTS, PATIENCE
from unet_core.errors import Cancelled
from unet_core.io.pixels import Array

if TYPE_CHECKING:
    from pages.server.scoring_job import Scores
    from unet_core.evaluation.record import Record


class ReportJob(BackgroundJob):
    """One HTML file from what was scored; `content` is there once it is done."""

    label = "Writing a report"

    def __init__(
        self,
        scores: "Scores",
        record: "Record",
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(EXPORTS, patience, clock)
        self.content = b""
        self._scores, self._record, self._drawn, self._total = scores, record, 0, 1

    def _count(self) -> tuple[int, int, str, int, int]:
        return self._drawn, self._total, "Drawing the images", 0, 0

    def _work(self) -> None:
        from unet_core.evaluation.report import images, page

        with self._lock.turn(self, self._cancelled):
            self._total, self.state = sum(map(len, images.choose_shown(self._record).values())), RUNNING
            self.content = page.make_report(self._record, self._read_masks).encode()

    def _read_masks(self, name: str) -> tuple[Array, Array]:
        """The predicted and the true mask (H, W) of an image. Raises Cancelled."""
        if self._cancelled():
            raise Cancelled("The report was canceled.")
        self._drawn += 1
        return self._scores.mask(name), self._scores.truth(name)
