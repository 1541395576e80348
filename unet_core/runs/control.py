"""What is asked of a trainer: small files that a page writes and the trainer obeys after its current step.

    control/stop      end, keeping the best epoch
    control/pause     hold while it is there
    control/lr        a number: the learning rate from the next step on
    control/epochs    a whole number: how many epochs the run makes in all
    control/continue  of a run that is over: make more epochs (`Further`), obeyed when its trainer starts

All but `pause` are taken away once they are obeyed, `stop` by the next start.
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
from unet_core.io.files import write_atomically
from unet_core.runs.events import EpochFinished, EpochsChanged, Event, LrChanged, RunStarted

POLL_SECONDS = 0.2  # how often a trainer that is held looks whether it may go on
MOST_BYTES = 100  # of a number
REQUESTS = ("stop", "pause", "lr", "epochs")

Change = LrChanged | EpochsChanged


@dataclass(frozen=True)
class Requests:
    """What a trainer is asked for at this moment; `refused` are requests that nobody can obey, in words."""

    stop: bool = False
    pause: bool = False
    lr: float | None = None
    epochs: int | None = None
    refused: tuple[str, ...] = ()


NONE = Requests()


class Control:
    """Whom `train` asks after each step and before each epoch. This one asks for nothing."""

    def orders(self, step: int) -> Requests:
        """What is asked now that `step` steps are made. A change is told once, stop and pause as long as they hold."""
        return NONE

    def wait(self) -> None:
        """Sleep a little, between two looks of a trainer that is held."""
        time.sleep(POLL_SECONDS)


class FileControl(Control):
    """The control files of a run, and before them the changes that its log tells of and that are to be repeated."""

    def __init__(self, folder: Path, changes: Sequence[Change] = ()) -> None:
        self._folder = folder
        self._changes = list(changes)

    def orders(self, step: int) -> Requests:
        try:
            names = set(os.listdir(self._folder))  # noqa: PTH208 - once a step
        except OSError:
            names = set()
        if names.isdisjoint(REQUESTS) and not self._changes:
            return NONE
        lr, epochs = self._again(step)
        refused = []
        if "lr" in names and (text := _take(self._folder / "lr")) is not None:
            try:
                lr = number("lr", text)
                self._changes = [change for change in self._changes if not isinstance(change, LrChanged)]
            except ConfigError as error:
                refused.append(f"The learning rate stays as it is. {error}")
        if "epochs" in names and (text := _take(self._folder / "epochs")) is not None:
            try:
                epochs = int(number("epochs", text))
                self._changes = [change for change in self._changes if not isinstance(change, EpochsChanged)]
            except ConfigError as error:
                refused.append(f"The number of epochs stays as it is. {error}")
        return Requests("stop" in names, "pause" in names, lr, epochs, tuple(refused))

    def _again(self, step: int) -> tuple[float | None, int | None]:
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
    """The setting "lr" or "epochs" of a TrainConfig from text. Raises ConfigError where it is none or out of range."""
    option = next(option for option in fields_of("train", TrainConfig) if option.name == name)
    try:
        return float(option.checked(option.kind(value)))
    except (ValueError, OverflowError):
        kind = "a whole number" if option.kind is int else "a number"
        raise ConfigError(f"Expected {name} to be {kind} {option.bounds}, got {str(value)[:MOST_BYTES]!r}.") from None


def ask(folder: Path, name: str, text: str = "") -> None:
    """Write a control file whole or not at all. Raises RunError where it cannot be written."""
    try:
        folder.mkdir(exist_ok=True)
        write_atomically(folder / name, text)
    except OSError as error:
        raise RunError(f"{folder / name} cannot be written ({error.strerror}); free space or permit it.") from error


def clear(folder: Path, *names: str) -> None:
    """Take requests back. Raises OSError."""
    for name in names:
        (folder / name).unlink(missing_ok=True)


def to_repeat(events: Sequence[Event], epoch: int, leg: int) -> list[Change]:
    """The changes that a trainer which goes on after `epoch` (0 = from the start) has to make once more.

    They were obeyed after that epoch was saved, by trainers that were ended before they could save the next. A change
    repeated from the log is no new one; a new one stands for all of its kind that would have come after it.
    """
    found: list[Change] = []
    last_leg = 1
    for event in events:
        if isinstance(event, RunStarted):
            found = found if event.leg == last_leg else []
            last_leg = event.leg
        elif isinstance(event, EpochFinished) and event.epoch == epoch:
            found = []
        elif isinstance(event, LrChanged | EpochsChanged) and not any(_same(event, other) for other in found):
            kept = [other for other in found if type(other) is not type(event) or other.step < event.step]
            found = [*kept, event]
    return found if last_leg == leg else []


def _same(change: Change, other: Change) -> bool:
    if isinstance(change, LrChanged) and isinstance(other, LrChanged):
        return (change.step, change.lr) == (other.step, other.lr)
    if isinstance(change, EpochsChanged) and isinstance(other, EpochsChanged):
        return (change.step, change.epochs) == (other.step, other.epochs)
    return False


@dataclass(frozen=True)
class ContinueRequest:
    """A run that is over shall make `epochs` more, with the peak learning rate `lr` (None: that of its settings).

    `token` tells one such wish from another: a trainer that was killed right after it took it up obeys it once.
    """

    epochs: int
    lr: float | None
    token: str


def request_continue(folder: Path, epochs: int, lr: float | None) -> None:
    """Leave the wish for the next start. Raises ConfigError for numbers out of range, RunError."""
    wish = ContinueRequest(int(number("epochs", epochs)), None if lr is None else number("lr", lr), uuid.uuid4().hex)
    ask(folder, "continue", json.dumps(asdict(wish)))


def read_continue_request(folder: Path) -> ContinueRequest | None:
    """The wish that was left, if any; one that cannot be read is none."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return ContinueRequest(**json.loads((folder / "continue").read_text(encoding="ascii")))
    return None


def _take(path: Path) -> str | None:
    """Take a request away and read it; None where another was faster. One written meanwhile stays for the next look."""
    mine = path.with_name(f".{path.name}-taken")
    try:
        path.rename(mine)
        with mine.open("rb") as file:
            text = file.read(MOST_BYTES).decode("utf-8", errors="replace").strip()
        mine.unlink()
    except OSError:
        return None
    return text
