"""The run directory: everything that is known of a run lies in it, and every page and process reads the same truth.

    runs/20261120-142530-camvid-bce_dice/
      config.json     written once, before the trainer starts
      color_map.txt  the colors that were found in the masks, in class order, where they are colored
      split.json      ids of train, val and test images with a hash of their content
      events.jsonl    append-only, see `events`
      lock, heartbeat held and touched by the trainer while it lives or waits
      queue           its place in the line for the device, while it has one
      control/        small files written by a page, obeyed by the trainer after its current step, see `control`
      worker.log      the trainer's output
      film/           a few validation images' masks at each epoch
      checkpoints/    best and last

The state of a run is never stored: it follows from the lock, the heartbeat and the last event.
"""

import contextlib
import json
import re
import time
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.config.schema import DataConfig, RunConfig
from unet_core.errors import ConfigError, RunError
from unet_core.runs import control
from unet_core.runs.event_log import last_event

if TYPE_CHECKING:  # pictures and numpy: a process that only waits does without
    from unet_core.data.splits import Split

from unet_core.io.files import is_locked, write_atomically

HEARTBEAT_SECONDS = 1.0
SILENT_SECONDS = 20.0  # a living trainer that touched no heartbeat for so long is shown as not answering
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
        """It will change by itself, or lives."""
        return self is RunState.QUEUED or self.on_device

    @property
    def on_device(self) -> bool:
        """It holds the device, or is about to."""
        return self in (RunState.STARTING, RunState.RUNNING, RunState.PAUSED, RunState.STOPPING)


@dataclass(frozen=True)
class Run:
    """One run directory; every property reads the disk."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def config(self) -> RunConfig:
        try:
            return RunConfig.from_json((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, ConfigError) as error:
            raise RunError(f"Run {self.id}: config.json cannot be read ({error}).") from error

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def best(self) -> Path:
        return self.checkpoints / "best"

    @property
    def last(self) -> Path:
        return self.checkpoints / "last"

    @property
    def has_best(self) -> bool:
        return self.best.is_dir() or self.best.with_name("best.old").is_dir()

    @property
    def has_last(self) -> bool:
        return self.last.is_dir() or self.last.with_name("last.old").is_dir()

    @property
    def events(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def data(self) -> DataConfig:
        """The data settings, with the color map that the trainer found in the masks where none was given."""
        data = self.config.data
        for name in ("color_map.txt", "colour_map.txt"):  # the second is that of release 0.1
            path = self.folder / name
            if path.is_file():
                return replace(data, color_map=path.read_text(encoding="ascii").strip())
        return data

    def write_colors(self, color_map: str) -> None:
        write_atomically(self.folder / "color_map.txt", color_map + "\n")

    @property
    def film(self) -> Path:
        return self.folder / "film"

    @property
    def log(self) -> Path:
        return self.folder / "worker.log"

    @property
    def has_split(self) -> bool:
        return (self.folder / "split.json").is_file()

    def split(self) -> dict[str, dict[str, str]]:
        """{"train": {id: content hash}, "val": ..., "test": ...}; RunError where the trainer has not written it yet."""
        try:
            parts: dict[str, dict[str, str]] = json.loads((self.folder / "split.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"Run {self.id} has no readable split.json ({error}); it did not get as far.") from error
        return parts

    def write_split(self, split: "Split", hashes: dict[str, str]) -> None:
        parts = {name: {key: hashes[key] for key in ids} for name, ids in split.parts()}
        write_atomically(self.folder / "split.json", json.dumps(parts, indent=1) + "\n")

    def state(self) -> RunState:
        """Derived anew at each call, cheaply: its place in the line, the lock, the heartbeat, the last event.

        A run with a place in the line is queued, also where the process that waits for it is gone (see `queue`).
        """
        if self.in_line:
            return RunState.QUEUED
        if self.alive():
            if self.stop_requested():
                return RunState.STOPPING
            return RunState.PAUSED if (self.folder / "control" / "pause").exists() else RunState.RUNNING
        last = last_event(self.events)
        if last is not None and last.type == "finished":
            return RunState.STOPPED if getattr(last, "reason", "") == "stopped" else RunState.FINISHED
        if last is not None and last.type == "failed":
            return RunState.FAILED
        with contextlib.suppress(OSError):  # someone deletes the run at this moment
            if not (self.folder / "heartbeat").exists() and time.time() - self.folder.stat().st_mtime < START_SECONDS:
                return RunState.STARTING
        return RunState.INTERRUPTED

    @property
    def in_line(self) -> bool:
        """Whether it has a place in the line for the device, see `queue`."""
        return (self.folder / "queue").exists()

    def alive(self) -> bool:
        """Whether its own process, which trains or waits in the line, holds the lock.

        Another reader's glance at the lock is told apart by the heartbeat.
        """
        for _ in range(3):
            if not is_locked(self.folder / "lock"):
                return False
            if self.silent_for() < SILENT_SECONDS:
                return True
            time.sleep(0.02)
        return True

    def silent_for(self) -> float:
        """Seconds since the trainer's last sign of life; infinite where there was none."""
        try:
            return time.time() - (self.folder / "heartbeat").stat().st_mtime
        except OSError:
            return float("inf")

    def beat(self) -> None:
        (self.folder / "heartbeat").touch()

    @property
    def control(self) -> Path:
        return self.folder / "control"

    def request_stop(self) -> None:
        """Ask the trainer to end after its current step, keeping the best checkpoint. Raises RunError."""
        control.ask(self.control, "stop")

    def request_pause(self) -> None:
        """Ask the trainer to hold after its current step, until `request_unpause` or `request_stop`."""
        control.ask(self.control, "pause")

    def request_unpause(self) -> None:
        control.clear(self.control, "pause")

    def request_lr(self, value: float) -> None:
        """Ask for a learning rate from the next step on. Raises ConfigError where it is out of range, RunError."""
        control.ask(self.control, "lr", repr(control.number("lr", value)))

    def request_epochs(self, total: int) -> None:
        """Ask for so many epochs in all. Raises ConfigError where the number is out of range, RunError."""
        control.ask(self.control, "epochs", str(int(control.number("epochs", total))))

    def stop_requested(self) -> bool:
        return (self.control / "stop").exists()

    def clear_requests(self) -> None:
        """Take back what nobody obeyed; the wish to go on with a run that is over (`worker.proceed`) stays."""
        control.clear(self.control, *control.REQUESTS)


def create(runs_dir: Path, config: RunConfig) -> Run:
    """Make the directory of a new run. Raises RunError where it cannot be written."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", Path(config.data.root).resolve().name).strip("_")[:40] or "data"
    loss = "" if config.train.loss == "auto" else f"-{config.train.loss}"
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}{loss}"
    for suffix in ("", *(f"-{number}" for number in range(2, 100))):
        folder = runs_dir / (stem + suffix)
        try:
            folder.mkdir(parents=True)
            (folder / "control").mkdir()
            write_atomically(folder / "config.json", config.to_json())
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(
                f"{folder}: a run cannot be written there ({error.strerror or error}). Free some space, or choose "
                "another folder with --runs-dir or UNET_RUNS."
            ) from error
        return Run(folder)
    raise RunError(f"{runs_dir}: too many runs were started in one second; wait a moment.")


def find(runs_dir: Path) -> list[Run]:
    """All runs below a folder, the newest first."""
    if not runs_dir.is_dir():
        return []
    folders = [path for path in runs_dir.iterdir() if (path / "config.json").is_file()]
    return [Run(path) for path in sorted(folders, key=lambda path: path.name, reverse=True)]


def get(runs_dir: Path, run_id: str) -> Run:
    """The run of an id. Raises RunError where there is none; an id is never a path."""
    folder = runs_dir / run_id
    with contextlib.suppress(OSError):  # a name that is too long
        if folder.name == run_id and run_id not in ("", ".", "..") and (folder / "config.json").is_file():
            return Run(folder)
    raise RunError(f"There is no run {run_id!r} in {runs_dir}.")


def checkpoint_of(name: str, runs_dir: Path) -> tuple[Path, Run | None]:
    """What a user names as a model: a run's id or folder (its best checkpoint) or a checkpoint folder; and the run.

    Raises RunError where it is none of them.
    """
    path = Path(name)
    folders = [path, runs_dir / name] if path.name == name else [path]
    for folder in folders:
        if (folder / "model.safetensors").is_file():
            inside_run = folder.resolve().parent.name == "checkpoints"
            return folder, Run(folder.resolve().parent.parent) if inside_run else None
        if (folder / "config.json").is_file():
            run = Run(folder)
            if not run.has_best:
                raise RunError(f"Run {run.id} has no checkpoint yet; wait for the end of its first epoch.")
            return run.best, run
    raise RunError(f"{name}: neither a run nor a checkpoint folder (config.json and model.safetensors).")


def find_active(runs_dir: Path) -> Run | None:
    """The run that occupies the device, if any: at most one trains at a time, the others are queued."""
    return next((run for run in find(runs_dir) if run.state().on_device), None)
