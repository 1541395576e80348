"""The page of plain files of a model, made by a thread of the server that the Share page follows."""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock

if TYPE_CHECKING:
    from unet_core.sharing.evidence import Evidence
    from unet_core.sharing.model_card import CardOptions
    from unet_core.sharing.privacy import Leak

PATIENCE = 900.0  # seconds: whoever looks at another page meanwhile finds it done
STEPS = 1000  # of the progress bar
FETCHED = 0.6  # of the bar is the download of the runtime, where it is not there yet


class PageJob(BackgroundJob):
    """One page as a ZIP; `leaks` say what is private in it, and then it is not written.

    The ZIP is in a temporary folder that goes with the job.
    """

    label = "Making a page"

    def __init__(
        self,
        evidence: "Evidence",
        options: "CardOptions",
        allowed: Sequence[str] = (),
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(FairLock(), patience, clock)
        self.evidence, self.options, self.allowed = evidence, options, tuple(allowed)
        self.size = 0  # bytes of all files
        self.leaks: tuple[Leak, ...] = ()
        self._folder = tempfile.TemporaryDirectory(prefix="unet-page-")
        self._share, self._stage = 0.0, "Looking for ONNX Runtime Web"

    @property
    def sentence(self) -> str:
        """What is at work."""
        return f"{self._stage}…"

    def read(self) -> bytes:
        """The ZIP; b"" as long as there is none."""
        path = self._path
        return path.read_bytes() if path.is_file() else b""

    @property
    def _path(self) -> Path:
        return Path(self._folder.name) / "page.zip"

    def _count(self) -> tuple[int, int, str, int, int]:
        return round(STEPS * self._share), STEPS, self._stage, 0, 0

    def _work(self) -> None:
        from unet_core.sharing.repository import write_zip
        from unet_core.static_page import build, runtime

        self.state = RUNNING
        files = runtime.load(None, self._fetched, self._cancelled)
        items = build.make_page(self.evidence, self.options, files, self._reached)
        self.size = sum(item.size for item in items)
        self.leaks = tuple(build.private_content(items, self.evidence, self.allowed))
        if not self.leaks:
            write_zip(items, self._path, self.options.title)

    def _fetched(self, done: int, total: int) -> None:
        self._share, self._stage = FETCHED * done / max(1, total), "Downloading ONNX Runtime Web"

    def _reached(self, stage: str) -> None:
        from unet_core.errors import Cancelled

        if self._cancelled():
            raise Cancelled("The page was canceled.")
        self._share, self._stage = (self._share + 1) / 2, stage
