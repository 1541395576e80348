"""What a run reports: one frozen dataclass an event, written as one line of strict JSON with a number and a checksum.

    {"seq": 7, "time": 1763700000.1, "type": "step", "epoch": 1, "step": 5, "loss": 0.6, "lr": 0.001, "crc32": "0f..."}

`crc32` covers the line without itself, so that a torn or damaged line is told from a good one. A number that is not
finite is written as null, because NaN is no JSON, and read back as None.
"""

import dataclasses
import json
import math
import zlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple


@dataclass(frozen=True)
class Event:
    """Base of all events; `type` is its name in the log."""

    type: ClassVar[str]


@dataclass(frozen=True)
class RunStarted(Event):
    """The trainer has read the data and is about to make its first step."""

    type: ClassVar[str] = "started"
    device: str
    precision: str
    threads: int
    parameters: int
    in_channels: int
    num_classes: int
    train_images: int
    val_images: int
    test_images: int
    epochs: int  # to be made in all, those of former stages among them
    steps_per_epoch: int
    first_epoch: int = 1  # above 1 when a run is resumed
    class_weights: tuple[float, ...] = ()  # of the classes, for binary (background, foreground); () = none
    stage: int = 1  # above 1 when a run that was over is continued: one more each time
    first_step: int = 0  # the number of the step that comes next; 0 in older logs: that of first_epoch
    validation_steps: float = 0.0  # what a validation may cost, in training steps; 0 in older logs


class Load(NamedTuple):
    """What a training takes of the machine; None where it is unknown. In the log it is a list of these four."""

    cpu: float | None  # percent of one core, of the trainer's process since the last measurement
    ram_mb: int | None  # MiB of main memory that its process holds
    gpu: int | None = None  # percent of the time in which the GPU computed, for whomever
    gpu_mb: int | None = None  # MiB of the GPU's memory that the process has reserved


@dataclass(frozen=True)
class StepFinished(Event):
    """One optimizer step; `loss` is that of its batch.

    `memory_mb` is what the trainer holds in MiB: on CUDA the most that the device's tensors took, else its own process.
    `load` is measured about once a second, None at the steps between: see `Load`.
    """

    type: ClassVar[str] = "step"
    epoch: int
    step: int
    loss: float | None
    lr: float
    memory_mb: int | None = field(default=None, compare=False)  # two equal runs differ in these
    load: Load | None = field(default=None, compare=False)


@dataclass(frozen=True)
class EpochFinished(Event):
    """One pass over the training images and the scores on the validation images after it.

    `val_*` are None where no validation image has a defined score. `images_per_second` counts training crops.
    """

    type: ClassVar[str] = "epoch"
    epoch: int
    step: int
    train_loss: float | None
    val_loss: float | None
    val_dice: float | None
    val_iou: float | None
    lr: float
    images_per_second: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class Warned(Event):
    """Something the user should know and that does not stop the run."""

    type: ClassVar[str] = "warning"
    message: str


@dataclass(frozen=True)
class Paused(Event):
    """The trainer pauses after a step and keeps everything in memory, until it is asked to resume or to stop."""

    type: ClassVar[str] = "paused"
    epoch: int
    step: int


@dataclass(frozen=True)
class Unpaused(Event):
    """The trainer resumes (or stops) after a pause of `seconds`, which do not count as training time."""

    type: ClassVar[str] = "unpaused"
    epoch: int
    step: int
    seconds: float


@dataclass(frozen=True)
class LrChanged(Event):
    """From the step after `step` on the learning rate is `lr`, as requested; that of `step` itself was `before`."""

    type: ClassVar[str] = "lr_changed"
    epoch: int
    step: int
    before: float
    lr: float


@dataclass(frozen=True)
class EpochsChanged(Event):
    """The run ends after `epochs` epochs in all, no longer after `before`; never fewer than it has begun."""

    type: ClassVar[str] = "epochs_changed"
    epoch: int
    step: int
    before: int
    epochs: int


@dataclass(frozen=True)
class RunFinished(Event):
    """The end of a run: `reason` is "completed", "stopped" or "early"; the scores are those of the best epoch."""

    type: ClassVar[str] = "finished"
    reason: str
    best_epoch: int
    val_dice: float | None
    val_iou: float | None
    images_per_second: float
    seconds: float


@dataclass(frozen=True)
class RunFailed(Event):
    """The run ended by an error; `message` is meant for the user."""

    type: ClassVar[str] = "failed"
    message: str


RENAMED = {"leg": "stage"}  # fields of release 0.1

EVENTS: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        RunStarted,
        StepFinished,
        EpochFinished,
        Warned,
        Paused,
        Unpaused,
        LrChanged,
        EpochsChanged,
        RunFinished,
        RunFailed,
    )
}


def encode(event: Event, seq: int, time: float) -> str:
    """One line for the log, newline included. `seq` counts from 1, `time` is in seconds since 1970."""
    record = {"seq": seq, "time": round(time, 3), "type": event.type}
    record |= {key: _finite(value) for key, value in dataclasses.asdict(event).items()}
    if record.get("load", 0) is None:
        del record["load"]  # at most steps: the log of a long run stays as short as it was
    body = json.dumps(record, allow_nan=False)  # ASCII: a file name need not be UTF-8
    return f'{body[:-1]}, "crc32": "{_crc(body)}"}}\n'


def decode(line: str) -> tuple[Event | None, int, float] | None:
    """Read one line back as (event, seq, time); None where it is torn, damaged or no line of ours.

    The event itself is None where its type is of a later release, so that an older reader passes over it.
    """
    body, separator, _ = line.rpartition(', "crc32": "')
    body += "}"
    if not separator or line.rstrip("\n") != f'{body[:-1]}, "crc32": "{_crc(body)}"}}':
        return None
    record: dict[str, Any] = json.loads(body)
    seq, time = record.pop("seq"), record.pop("time")
    cls = EVENTS.get(record.pop("type"))
    if cls is None:
        return None, seq, time
    record = {RENAMED.get(key, key): value for key, value in record.items()}
    names = {item.name for item in dataclasses.fields(cls)}
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in record.items() if key in names}
    if values.get("load") is not None:
        values["load"] = _load(values["load"])
    return cls(**values), seq, time


def _load(value: Any) -> Load | None:
    """As it was written; one of a later release, which may say more, is cut to what is known here."""
    return Load(*value[: len(Load._fields)]) if isinstance(value, tuple) and len(value) > 1 else None


def _crc(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
