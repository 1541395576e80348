"""A model written for other programs by a thread of the server that a page follows."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pages.server.background_job import RUNNING, BackgroundJob
from pages.server.fair_lock import FairLock
from pages.server.model_registry import Model

if TYPE_CHECKING:
    from unet_core.export.model.bioimage_about import About
    from unet_core.export.model.files import Content

PATIENCE = 300.0  # seconds: whoever looks at another page meanwhile finds it done
EXPORTS = FairLock()  # one at a time, since each takes a core for some ten seconds


class ExportJob(BackgroundJob):
    """One file; `content` is there once it is done. Cancelling takes it out of the queue, or drops what is made."""

    label = "Exporting a model"

    def __init__(
        self,
        model: Model,
        format_name: str,
        about: "About",
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(EXPORTS, patience, clock)
        self.model, self.format_name, self.about = model, format_name, about
        self.content: Content | None = None

    def _count(self) -> tuple[int, int, str, int, int]:
        return int(self.content is not None), 1, "Writing and checking the file", 0, 0

    def _work(self) -> None:
        from unet_core.errors import Cancelled
        from unet_core.sharing import portable

        with self._lock.turn(self, self._cancelled):
            self.state = RUNNING
            content = portable.make(self.model.folder, self.model.run, self.format_name, self.about)
        if self._cancelled():
            raise Cancelled("The export was canceled.")
        self.content = content
