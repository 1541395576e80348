"""Where a run stands, derived anew at each call from the files of its folder: nothing stores a state."""

import contextlib
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from unet_core.io.files import is_locked
from unet_core.runs.event_log import last_event

HEARTBEAT_SECONDS = 1.0
SILENT_SECONDS = 20.0  # after which a living trainer without a heartbeat is shown as not responding
START_SECONDS = 30.0  # how long a new run may take to take its lock


class RunState(StrEnum):
    """Where a run stands."""

    STARTING = "starting"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def active(self) -> bool:
        """Whether it trains, waits, or is about to."""
        return self is RunState.QUEUED or self.on_device

    @property
    def on_device(self) -> bool:
        """Whether it occupies the device, or is about to."""
        return self in (RunState.STARTING, RunState.RUNNING, RunState.PAUSED, RunState.STOPPING)


def state_of(folder: Path, alive: Callable[[], bool]) -> RunState:
    """By its place in the queue, its process, the requests, the last event and the heartbeat, in this order.

    `alive` tells whether the run has a process (`is_alive`); it is asked where there is no place in the queue.
    """
    if (folder / "queue").exists():
        return RunState.QUEUED
    if alive():
        if (folder / "control" / "stop").exists():
            return RunState.STOPPING
        return RunState.PAUSED if (folder / "control" / "pause").exists() else RunState.RUNNING
    last = last_event(folder / "events.jsonl")
    if last is not None and last.type == "finished":
        return RunState.STOPPED if getattr(last, "reason", "") == "stopped" else RunState.FINISHED
    if last is not None and last.type == "failed":
        return RunState.FAILED
    with contextlib.suppress(OSError):  # someone deletes the run at this moment
        if not (folder / "heartbeat").exists() and time.time() - folder.stat().st_mtime < START_SECONDS:
            return RunState.STARTING
    return RunState.INTERRUPTED


def is_alive(folder: Path) -> bool:
    """Whether a process trains the run or waits for its turn: it has the lock."""
    for _ in range(3):
        if not is_locked(folder / "lock"):
            return False
        if silent_for(folder) < SILENT_SECONDS:
            return True
        time.sleep(0.02)  # without a heartbeat it may be another reader's short look at the lock
    return True


def silent_for(folder: Path) -> float:
    """Seconds since the trainer's last heartbeat; infinite where there was none."""
    try:
        return time.time() - (folder / "heartbeat").stat().st_mtime
    except OSError:
        return float("inf")
