"""An upload to the Hugging Face Hub by a thread of the server that a page follows."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock

if TYPE_CHECKING:
    from unet_core.sharing.push import Plan, Pushed

PATIENCE = 900.0  # seconds: whoever looks at another page meanwhile finds it done
STEPS = 1000  # of the progress bar


class PushJob(BackgroundJob):
    """One upload; `pushed` says where it is once it is there. The token is dropped when the work ends."""

    label = "Uploading"

    def __init__(
        self,
        plan: "Plan",
        public: bool,
        token: str | bool,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.plan, self.public = plan, public
        self.pushed: Pushed | None = None
        self._token = token
        self._done, self._total, self._stage = 0, 0, "Contacting the Hub…"

    @property
    def sentence(self) -> str:
        """What is at work, and how far it is."""
        share = f" ({self._done / self._total:.0%})" if self._total and self._done else ""
        return f"{self._stage}{share}"

    def _count(self) -> tuple[int, int, str, int, int]:
        return round(STEPS * self._done / max(1, self._total)), STEPS, self._stage, 0, 0

    def _work(self) -> None:
        from unet_core.sharing.push import push

        self.state = RUNNING
        token, self._token = self._token, False
        self.pushed = push(self.plan, public=self.public, token=token, progress=self._note, cancelled=self._cancelled)

    def _note(self, done: int, total: int, stage: str) -> None:
        self._done, self._total, self._stage = done, total, stage
