"""The history of a run as the server knows it: read once, then only what is new, shared by all tabs and visitors.

The pages ask from their scripts, the routes of `run_api` from threads of the server.
"""

import json
import math
import threading
import time
from pathlib import Path
from typing import Any

from pages.server.lru import LRU
from unet_core.errors import RunError
from unet_core.runs import run as runs
from unet_core.runs import stages, time_estimate
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
        self._past_seconds: float | None = None  # that the whole run may take, by earlier ones; None: not asked yet
        self._lock = threading.Lock()

    def history(self) -> History:
        with self._lock:
            self._update()
            return self._curves.history

    def encode_news(self, since: int, life: int) -> bytes:
        """What is new after event number `since`, and where the run stands, as JSON; see `Curves.since`."""
        self._ask_past()
        with self._lock:
            state = self._read_state()  # first: a run that has ended has written its last event
            self._update()
            news = self._curves.since(since, life) | {"standing": state | self._read_standing()}
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

    def standing(self) -> dict[str, Any]:
        """Where the run stands: `Curves.standing`, and `by_past` where "left" is only what earlier runs took."""
        self._ask_past()
        with self._lock:
            self._update()
            return self._read_standing()

    def _read_standing(self) -> dict[str, Any]:
        standing = self._curves.standing(self._batch_size, time.time())
        past = math.nan if self._past_seconds is None else self._past_seconds
        if standing and standing["left"] is None and not math.isnan(past):
            standing |= {"left": round(past * (1 - self._curves.history.progress), 1), "by_past": True}
        return standing

    def _ask_past(self) -> None:
        if self._past_seconds is None:  # outside the lock: it reads the histories of other runs
            self._past_seconds = math.nan if self.history().steps else self._estimate()

    def _estimate(self) -> float:
        """How long the run may take by the pace of earlier ones on its data, in seconds; NaN without any."""

        def history_of(other: runs.Run) -> History:
            return History() if other.folder == self.run.folder else history(other)

        try:
            config = self.run.config
            past = time_estimate.past_step_times(self.run.folder.parent, config.data.root, history_of)
            return time_estimate.estimate_seconds([config], past)
        except RunError:  # a damaged run still has curves
            return math.nan

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
            if state.on_device:
                self._state["stages"] = self._read_stages()
            self._state_until = now + STATE_SECONDS
        return self._state

    def _read_stages(self) -> list[list[Any]]:
        """[name, words, seconds, whether it lasts] of each stage of a start that goes on; [] once the run trains."""
        started = stages.read(self.run.folder)
        if not started or started[-1].seconds is not None:
            return []
        rows: list[list[Any]] = [[stage.name, stage.label, round(stage.seconds or 0.0, 1), False] for stage in started]
        last, counts = started[-1], self.run.images_read()
        words = f"{stages.LABELS[stages.READ]} {counts[0]} of {counts[1]}" if counts else last.label
        rows[-1] = [last.name, words, round(max(0.0, time.time() - last.began), 1), True]
        return rows


_FEEDS: LRU[Path, RunFeed] = LRU(MOST)


def feed_of(run: runs.Run) -> RunFeed:
    """The one that follows a run, for all who ask."""
    return _FEEDS.get_or_add(run.folder, lambda: RunFeed(run))


def history(run: runs.Run) -> History:
    """The history up to now; cheap to ask every second."""
    return feed_of(run).history()
