"""The history of a run as the server knows it: read once, then only what is new, shared by all tabs and visitors.

The pages ask from their scripts, the routes of `run_api` from threads of the server.
"""

import json
import threading
import time
from pathlib import Path
from typing import Any

from pages.server.lru import LRU
from unet_core.errors import RunError
from unet_core.runs import run as runs
from unet_core.runs.chart_data import Curves
from unet_core.runs.event_log import read_events
from unet_core.runs.history import History

MOST = 32  # runs whose events are cached
STATE_SECONDS = 0.4  # a state is asked of the disk so often, however many tabs look at it


class RunFeed:
    """The curves of a run, following its events file; safe to use from several threads."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._curves, self._offset, self._file = Curves(), 0, (0, 0)
        self._state: dict[str, Any] = {}
        self._state_until = 0.0
        self._batch_size = 0
        self._lock = threading.Lock()

    def history(self) -> History:
        with self._lock:
            self._update()
            return self._curves.history

    def encode_news(self, since: int, life: int) -> bytes:
        """What is new after event number `since`, and where the run stands, as JSON; see `Curves.since`."""
        with self._lock:
            state = self._read_state()  # first: a run that has ended has written its last event
            self._update()
            news = self._curves.since(since, life)
            news["standing"] = state | self._curves.standing(self._batch_size)
        return json.dumps(news, allow_nan=False, separators=(",", ":")).encode()

    def _update(self) -> None:
        try:
            status = self.run.events.stat()
        except OSError:
            return
        if (status.st_dev, status.st_ino) != self._file or status.st_size < self._offset:  # another life of the file
            self._curves, self._offset, self._file = Curves(), 0, (status.st_dev, status.st_ino)
        if status.st_size == self._offset:
            return
        events, self._offset = read_events(self.run.events, self._offset)
        for event, at in events:
            self._curves.add(event, at)

    def _read_state(self) -> dict[str, Any]:
        now = time.monotonic()
        if now > self._state_until:
            if not self._batch_size:
                try:
                    self._batch_size = self.run.config.train.batch_size
                except RunError:  # a damaged run still has curves
                    self._batch_size = 1
            state = self.run.state()
            self._state = {"state": state.value, "active": state.active, "now": round(time.time(), 1)}
            self._state_until = now + STATE_SECONDS
        return self._state


_FEEDS: LRU[Path, RunFeed] = LRU(MOST)


def feed_of(run: runs.Run) -> RunFeed:
    """The one that follows a run, for all who ask."""
    return _FEEDS.get_or_add(run.folder, lambda: RunFeed(run))


def history(run: runs.Run) -> History:
    """The history up to now; cheap to ask every second."""
    return feed_of(run).history()
