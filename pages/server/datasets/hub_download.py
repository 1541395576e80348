"""A dataset of the Hugging Face Hub, downloaded into the library by a thread of the server that a page follows."""

import time
from collections.abc import Callable

from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock
from unet_core.data.library.library import Entry, Library
from unet_core.io.zip_reader import readable

PATIENCE = 900.0  # seconds: whoever looks at another page meanwhile finds it done
STEPS = 1000  # of the progress bar


class HubDownload(BackgroundJob):
    """One download; `entry` is the new dataset once it is there, `notes` says what was left out of it."""

    label = "Downloading"

    def __init__(
        self,
        repo: str,
        library: Library,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.entry: Entry | None = None
        self.notes: tuple[str, ...] = ()
        self._repo, self._library = repo, library
        self._done, self._total, self._name = 0, 0, ""

    @property
    def sentence(self) -> str:
        """How far it is, in words; names of files in it are as the repository has them."""
        if not self._total:
            return "Contacting the Hub…"
        return f"{readable(self._name)} ({min(1.0, self._done / self._total):.0%})".strip()

    def _count(self) -> tuple[int, int, str, int, int]:
        done = round(STEPS * min(1.0, self._done / self._total)) if self._total else 0
        return done, STEPS, self._name, 0, 0

    def _work(self) -> None:
        from unet_core.hub import datasets

        self.state = RUNNING
        self.entry, self.notes = datasets.add(self._library, self._repo, self._note, self._cancelled)

    def _note(self, done: int, total: int, name: str) -> None:
        self._done, self._total, self._name = done, total, name
