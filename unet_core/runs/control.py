"""Requests to a trainer: small files that a page writes and the trainer obeys after its current step.

    control/stop      end, keeping the best epoch
    control/pause     pause while the file exists
    control/lr        a number: the learning rate from the next step on
    control/epochs    a whole number: how many epochs the run has in all
    control/continue  of a run that is over: train more epochs (`ContinueRequest`), obeyed when its trainer starts

All but `pause` are deleted once they are obeyed, `stop` by the next start.
"""

import contextlib
import json
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from unet_core.config.fields import fields_of
from unet_core.config.schema import TrainConfig
from unet_core.errors import ConfigError, RunError
from unet_core.io import owners
from unet_core.io.files import write_atomically
from unet_core.runs.events import EpochFinished, EpochsChanged, Event, LrChanged, RunStarted

POLL_SECONDS = 0.2  # how often a paused trainer looks whether it may resume
MAX_BYTES = 100  # of a number
REQUESTS = ("stop", "pause", "lr", "epochs")
RENAMED = {"token": "request_id"}  # keys of `control/continue` in release 0.1

Change = LrChanged | EpochsChanged


@dataclass(frozen=True)
class Requests:
    """What a trainer is asked for at this moment; `refused` are messages about requests that cannot be obeyed."""

    stop: bool = False
    pause: bool = False
    lr: float | None = None
    epochs: int | None = None
    refused: tuple[str, ...] = ()


NONE = Requests()


class Control:
    """Where `train` looks for requests after each step and before each epoch. This one has none."""

    def poll(self, step: int) -> Requests:
        """The requests after `step` steps. A change is returned once, stop and pause as long as they are in force."""
        return NONE

    def wait(self) -> None:
        """Sleep a little, between two looks of a paused trainer."""
        time.sleep(POLL_SECONDS)


class FileControl(Control):
    """The control files of a run; `changes` are those of its log that are to be repeated (`to_repeat`), due first."""

    def __init__(self, folder: Path, changes: Sequence[Change] = ()) -> None:
        self._folder = folder
        self._changes = list(changes)

    def poll(self, step: int) -> Requests:
        try:
            names = set(os.listdir(self._folder))  # noqa: PTH208 - once a step
        except OSError:
            names = set()
        if names.isdisjoint(REQUESTS) and not self._changes:
            return NONE
        lr, epochs = self._due(step)
        refused = []
        if "lr" in names and (text := _take(self._folder / "lr")) is not None:
            try:
                lr = number("lr", text)
                self._changes = [change for change in self._changes if not isinstance(change, LrChanged)]
            except ConfigError as error:
                refused.append(f"The learning rate was not changed. {error}")
        if "epochs" in names and (text := _take(self._folder / "epochs")) is not None:
            try:
                epochs = int(number("epochs", text))
                self._changes = [change for change in self._changes if not isinstance(change, EpochsChanged)]
            except ConfigError as error:
                refused.append(f"The number of epochs was not changed. {error}")
        return Requests("stop" in names, "pause" in names, lr, epochs, tuple(refused))

    def _due(self, step: int) -> tuple[float | None, int | None]:
        lr, epochs = None, None
        due = [change for change in self._changes if change.step <= step]
        self._changes = [change for change in self._changes if change.step > step]
        for change in due:
            if isinstance(change, LrChanged):
                lr = change.lr
            else:
                epochs = change.epochs
        return lr, epochs


def number(name: str, value: str | float) -> float:
    """The setting "lr" or "epochs" of a TrainConfig from text. Raises ConfigError where it does not fit."""
    option = next(option for option in fields_of("train", TrainConfig) if option.name == name)
    try:
        return float(option.checked(option.kind(value)))
    except (ValueError, OverflowError):
        kind = "a whole number" if option.kind is int else "a number"
        raise ConfigError(f"Expected {name} to be {kind} {option.bounds}, got {str(value)[:MAX_BYTES]!r}.") from None


def ask(folder: Path, name: str, text: str = "") -> None:
    """Write a control file whole or not at all. Raises RunError where it cannot be written, or the run is another's."""
    owners.check_run(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        write_atomically(folder / name, text)
    except OSError as error:
        raise RunError(
            f"{folder / name} cannot be written ({error.strerror}). Free some space or change its permissions."
        ) from error


def clear(folder: Path, *names: str) -> None:
    """Take requests back. Raises OSError, and RunError where the run is another's."""
    owners.check_run(folder.parent)
    for name in names:
        (folder / name).unlink(missing_ok=True)


def to_repeat(events: Sequence[Event], epoch: int, stage: int) -> list[Change]:
    """The changes that a trainer which resumes after `epoch` (0 = from the start) has to make once more.

    They were obeyed after that epoch was saved, by trainers that were ended before they could save the next. A change
    repeated from the log is no new one; a new one stands for all of its kind that would have come after it.
    """
    changes: list[Change] = []
    last_stage = 1
    for event in events:
        if isinstance(event, RunStarted):
            changes = changes if event.stage == last_stage else []
            last_stage = event.stage
        elif isinstance(event, EpochFinished) and event.epoch == epoch:
            changes = []
        elif isinstance(event, LrChanged | EpochsChanged) and not any(_same(event, other) for other in changes):
            earlier = [other for other in changes if type(other) is not type(event) or other.step < event.step]
            changes = [*earlier, event]
    return changes if last_stage == stage else []


def _same(change: Change, other: Change) -> bool:
    if isinstance(change, LrChanged) and isinstance(other, LrChanged):
        return (change.step, change.lr) == (other.step, other.lr)
    if isinstance(change, EpochsChanged) and isinstance(other, EpochsChanged):
        return (change.step, change.epochs) == (other.step, other.epochs)
    return False


@dataclass(frozen=True)
class ContinueRequest:
    """A run that is over is to train `epochs` more, with the peak learning rate `lr` (None: that of its settings).

    `request_id` tells one such request from another: a trainer that was killed right after it obeyed does so once.
    """

    epochs: int
    lr: float | None
    request_id: str


def request_continue(folder: Path, epochs: int, lr: float | None) -> None:
    """Leave the request for the next start. Raises ConfigError for numbers out of range, RunError."""
    peak = None if lr is None else number("lr", lr)
    request = ContinueRequest(int(number("epochs", epochs)), peak, uuid.uuid4().hex)
    ask(folder, "continue", json.dumps(asdict(request)))


def read_continue_request(folder: Path) -> ContinueRequest | None:
    """The request that was left, if any; one that cannot be read counts as none."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        values = json.loads((folder / "continue").read_text(encoding="ascii"))
        return ContinueRequest(**{RENAMED.get(name, name): value for name, value in values.items()})
    return None


def _take(path: Path) -> str | None:
    """Remove a request and read it; None where another was faster. One written meanwhile stays for the next look."""
    mine = path.with_name(f".{path.name}-taken")
    try:
        path.rename(mine)
        with mine.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8", errors="replace").strip()
        mine.unlink()
    except OSError:
        return None
    return text
