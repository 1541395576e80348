"""Models of the Hugging Face Hub, looked at and downloaded by threads of the server that a page follows."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pages.server.background_job import PATIENCE, RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock

if TYPE_CHECKING:
    from unet_core.hub.offer import Offer

LONG_PATIENCE = 900.0  # seconds: whoever looks at another page meanwhile finds the download done
STEPS = 1000  # of the progress bar


class HubLook(BackgroundJob):
    """What a repository holds: `offer`, once it is there. The token is kept no longer than the look takes."""

    label = "Contacting the Hub"

    def __init__(
        self, name: str, token: str, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.name = name
        self.offer: Offer | None = None
        self._token = token

    @property
    def sentence(self) -> str:
        """What it does, in words."""
        return "Contacting the Hub…"

    def _count(self) -> tuple[int, int, str, int, int]:
        return 0, 1, self.name, 0, 0

    def _work(self) -> None:
        from unet_core.hub import access, pull

        self.state = RUNNING
        try:
            self.offer = pull.look(self.name, token=access.token_for(self._token), cancelled=self._cancelled)
        finally:
            self._token = ""


class HubPull(BackgroundJob):
    """One download: `folder` is the model's once it is there, `notes` are sentences on what was assumed."""

    label = "Downloading"

    def __init__(
        self,
        offer: "Offer",
        models_dir: Path,
        token: str,
        normalization: str = "",
        patience: float = LONG_PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.folder: Path | None = None
        self.notes: list[str] = []
        self._offer, self._models_dir, self._normalization, self._token = offer, models_dir, normalization, token
        self._done, self._total = 0, offer.size

    @property
    def sentence(self) -> str:
        """How far it is, in words."""
        return f"{self._offer.reference}: {self._done / 1e6:.1f} of {self._total / 1e6:.1f} MB"

    def _count(self) -> tuple[int, int, str, int, int]:
        return round(STEPS * min(1.0, self._done / max(1, self._total))), STEPS, str(self._offer.reference), 0, 0

    def _work(self) -> None:
        from unet_core.hub import access, pull

        self.state = RUNNING
        try:
            self.folder = pull.download(
                self._offer.reference,
                self._models_dir,
                token=access.token_for(self._token),
                progress=self._note,
                tell=self.notes.append,
                cancelled=self._cancelled,
                normalization=self._normalization,
            )
        finally:
            self._token = ""

    def _note(self, done: int, total: int) -> None:
        self._done, self._total = done, total
