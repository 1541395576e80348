"""Work in a thread of the server that a page follows: progress, a place in the line, cancel; it ends when nobody looks.

work.start()
work.wait(0.3)        # what is quick is there without a progress bar
now = work.poll()     # in a fragment with run_every; who does not poll for `PATIENCE` seconds has left: cancelled
if not now.over: show(now.fraction, now.sentence); on_click=work.cancel
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from pages.server.fair_lock import FairLock
from unet_core.errors import Cancelled, UnetError

PATIENCE = 30.0  # seconds without a poll after which a visitor is taken to have left

WAITING, RUNNING, DONE, CANCELLED, FAILED = "waiting", "running", "done", "cancelled", "failed"


@dataclass(frozen=True)
class JobProgress:
    """How far the work is: pictures done (those with errors too) of all, tiles of the current one, its place in line.

    `place` is how many others come before it: 0 while it is its turn.
    """

    state: str
    pictures: int
    of_pictures: int
    name: str
    tiles: int
    of_tiles: int
    place: int
    seconds: float

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in (WAITING, RUNNING)

    @property
    def fraction(self) -> float:
        """0..1, for a progress bar."""
        part = self.tiles / self.of_tiles if self.of_tiles else 0.0
        return min(1.0, (self.pictures + part) / max(1, self.of_pictures))

    @property
    def sentence(self) -> str:
        """The same in words; `name` is as the user gave it, so it goes through `text.plain` before it is shown."""
        if self.over:
            return f"{self.pictures} of {self.of_pictures} pictures"
        if self.place:
            others = "1 other is" if self.place == 1 else f"{self.place} others are"
            return f"Waiting: {others} before you"
        number = f"{min(self.pictures + 1, self.of_pictures)} of {self.of_pictures}: " if self.of_pictures > 1 else ""
        tiles = f", tile {self.tiles} of {self.of_tiles}" if self.of_tiles > 1 else ""
        return f"{number}{self.name}{tiles}"


class BackgroundJob:
    """Base of such work: `_work` does it, asks `_cancelled` in between, and raises Cancelled or UnetError."""

    def __init__(self, line: FairLock, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.state = WAITING
        self.error = ""  # why all of it failed: a damaged checkpoint
        self.warning = ""  # of the checkpoint
        self._line, self._clock, self._patience = line, clock, patience
        self._seen = self._began = clock()
        self._ended: float | None = None
        self._wish = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__.lower(), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to end, also while it waits; what is done stays."""
        self._wish.set()

    @property
    def given_up(self) -> bool:
        """It was cancelled because nobody looked any more, not because someone wished it."""
        return self.state == CANCELLED and not self._wish.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end, at most so long; whether it is over."""
        return self._over.wait(seconds)

    def poll(self) -> JobProgress:
        """How far it is. Who polls is there: without a poll for `patience` seconds unfinished work is cancelled."""
        self._seen = self._clock()
        place = 0 if self._over.is_set() else self._line.place(self)
        ended = self._clock() if self._ended is None else self._ended
        return JobProgress(self.state, *self._standing(), place, ended - self._began)

    def _standing(self) -> tuple[int, int, str, int, int]:
        """(pictures done, of all, name of the current one, tiles done of it, of all)."""
        raise NotImplementedError

    def _work(self) -> None:
        raise NotImplementedError

    def _cancelled(self) -> bool:
        return self._wish.is_set() or self._clock() - self._seen > self._patience

    def _run(self) -> None:
        try:
            self._work()
            self.state = DONE
        except Cancelled:
            self.state = CANCELLED
        except UnetError as error:
            self.error, self.state = str(error), FAILED
        except Exception as error:  # the page must not wait for ever; the log has the traceback
            logging.getLogger(__name__).exception("%s failed", type(self).__name__)
            self.error, self.state = f"Something unforeseen went wrong ({type(error).__name__}).", FAILED
        finally:
            self._ended = self._clock()
            self._over.set()
