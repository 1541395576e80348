"""Where the missing Dice of each scored image went, from the masks that were kept: in a thread of the server."""

from typing import TYPE_CHECKING

from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock
from pages.server.scoring_job import Scores
from unet_core.errors import Cancelled

if TYPE_CHECKING:
    from unet_core.evaluation.error_analysis import ErrorAnalysis

LOCK = FairLock()  # one image at a time, for all visitors: it takes a CPU core


class CausesJob(BackgroundJob):
    """The images of `scores`, one after the other; `analyses` are those that are done, by image id.

    When all are, `shares` has what each cause takes from the mean Dice, `ranked` the images that lose by it, in order.
    """

    label = "Analyzing errors"

    def __init__(self, scores: Scores) -> None:
        super().__init__(LOCK)
        self.analyses: dict[str, ErrorAnalysis] = {}
        self.shares: dict[str, float] = {}
        self.ranked: dict[str, list[str]] = {}
        self._scores, self._name = scores, ""

    def _count(self) -> tuple[int, int, str, int, int]:
        return len(self.analyses), len(self._scores.images), self._name, 0, 0

    def _work(self) -> None:
        from unet_core.evaluation.analysis.causes import average_shares, rank_images
        from unet_core.evaluation.error_analysis import CAUSES, explain_errors

        for item in list(self._scores.images):
            if self._cancelled():
                raise Cancelled("The error analysis was canceled.")
            with self._lock.turn(self, self._cancelled):
                self.state, self._name = RUNNING, item.id
                masks = self._scores.mask(item.id), self._scores.truth(item.id)
                analysis, _ = explain_errors(*masks, _classes(self._scores), self._scores.numbers(item.id))
            self.analyses[item.id] = analysis
        self.shares = average_shares(self.analyses.values())
        self.ranked = {cause: rank_images(self.analyses, cause) for cause in CAUSES}


def _classes(scores: Scores) -> int:
    """1 for binary."""
    return len(scores.images[0].counts.tp)
