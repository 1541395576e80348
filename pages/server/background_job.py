"""Work in a thread of the server that a page follows: progress, a queue, cancel; it ends when nobody looks.

job.start()
job.wait(0.3)             # what is quick is there without a progress bar
progress = job.poll()     # in a fragment with run_every; who does not poll for `PATIENCE` seconds has left: cancelled
if not progress.over: show(progress.fraction, progress.sentence); on_click=job.cancel
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from pages.server.activity.jobs import Running
from pages.server.fair_lock import FairLock
from pages.server.paths import is_public
from pages.server.security import errors
from unet_core.errors import Cancelled, UnetError
from unet_core.io import owners

PATIENCE = 30.0  # seconds without a poll after which a visitor is taken to have left

WAITING, RUNNING, DONE, CANCELLED, FAILED = "waiting", "running", "done", "cancelled", "failed"


@dataclass(frozen=True)
class JobProgress:
    """How far the work is: images done (those with errors too) of all, tiles of the current one, jobs ahead of it."""

    state: str
    images: int
    of_images: int
    name: str
    tiles: int
    of_tiles: int
    ahead: int
    seconds: float

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in (WAITING, RUNNING)

    @property
    def fraction(self) -> float:
        """0..1, for a progress bar."""
        part = self.tiles / self.of_tiles if self.of_tiles else 0.0
        return min(1.0, (self.images + part) / max(1, self.of_images))

    @property
    def sentence(self) -> str:
        """The same in words; `name` is as the user gave it, so show it through `formatting.plain`."""
        if self.over:
            return f"{self.images} of {self.of_images} images"
        if self.ahead:
            return f"Queued: {self.ahead} job{'s' if self.ahead > 1 else ''} ahead"
        number = f"{min(self.images + 1, self.of_images)} of {self.of_images}: " if self.of_images > 1 else ""
        tiles = f", tile {self.tiles} of {self.of_tiles}" if self.of_tiles > 1 else ""
        return f"{number}{self.name}{tiles}"


class BackgroundJob(ABC):
    """Base of such work: `_work` does it, asks `_cancelled` in between, and raises Cancelled or UnetError.

    `label` says in a word or two what it does.
    """

    label = "Working"

    def __init__(self, lock: FairLock, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = WAITING
        self.owner = owners.current()  # whose work it is; its thread does it in the same name
        self.error = ""  # why all of it failed: a damaged checkpoint
        self.warning = ""  # of the checkpoint
        self._lock, self._clock, self._patience = lock, clock, patience
        self._polled_at = self._started_at = clock()
        self._ended_at: float | None = None
        self._cancel_requested = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__.lower(), daemon=True)

    def start(self) -> None:
        ALL.add(self, self.label)
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Since it was made, up to its end."""
        return (self._clock() if self._ended_at is None else self._ended_at) - self._started_at

    @property
    def fraction(self) -> float:
        """As that of its progress, 0..1; whoever asks does not count as somebody who looks."""
        return JobProgress(self.state, *self._count(), 0, self.seconds).fraction

    def cancel(self) -> None:
        """Ask it to end, also while it waits; what is done stays."""
        self._cancel_requested.set()

    @property
    def abandoned(self) -> bool:
        """It was cancelled because nobody polled any more, not because a user asked for it."""
        return self.state == CANCELLED and not self._cancel_requested.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, at most so long; whether it is over."""
        return self._over.wait(seconds)

    def poll(self) -> JobProgress:
        """How far it is. Without a poll for `patience` seconds unfinished work is cancelled."""
        self._polled_at = self._clock()
        ahead = 0 if self._over.is_set() else self._count_ahead()
        return JobProgress(self.state, *self._count(), ahead, self.seconds)

    def _count_ahead(self) -> int:
        """How many jobs come first."""
        return self._lock.count_ahead(self)

    @abstractmethod
    def _count(self) -> tuple[int, int, str, int, int]:
        """(images done, of all, name of the current one, tiles done of it, of all)."""

    @abstractmethod
    def _work(self) -> None:
        """All of it, in the thread. Raises Cancelled, UnetError."""

    def _cancelled(self) -> bool:
        return self._cancel_requested.is_set() or self._clock() - self._polled_at > self._patience

    def _run(self) -> None:
        try:
            with owners.acting_as(self.owner):
                self._work()
            self.state = DONE
        except Cancelled:
            self.state = CANCELLED
        except UnetError as error:
            self.error, self.state = str(error), FAILED
        except Exception as error:  # the page must not wait for ever; the log has the traceback
            if is_public():
                self.error = errors.describe(errors.record(error))
            else:
                logging.getLogger(__name__).exception("%s failed", type(self).__name__)
                self.error = f"Unexpected error ({type(error).__name__}); see the server's log."
            self.state = FAILED
        finally:
            self._ended_at = self._clock()
            ALL.remove(self)
            self._over.set()


ALL: Running[BackgroundJob] = Running()  # of this server, while they work
