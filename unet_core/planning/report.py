"""The messages of a pre-flight check: its progress and its result, as JSON lines from one process to another."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unet_core.data.fingerprint import Fingerprint


@dataclass(frozen=True)
class Progress:
    """How far the check is, `share` 0..1, and what it is doing."""

    share: float
    doing: str


@dataclass(frozen=True)
class Report:
    """What a run with these settings would take, in seconds, MiB and pixels, and warnings about them.

    An epoch is its steps, the validation, the snapshots and the checkpoints. `largest_batch` is the largest batch that
    was run; `largest_by` says what limited it: "memory", "data" (crops per epoch), "time" (of the check) or "setting"
    (the upper bound of batch_size).
    """

    device: str
    precision: str
    threads: int
    images: int
    train_images: int
    val_images: int
    crops: int  # per epoch
    steps: int  # per epoch
    epochs: int
    batch_size: int  # that was timed: that of the settings, or what fits
    step_seconds: float
    train_seconds: float  # per epoch, as the next two
    val_seconds: float
    save_seconds: float
    start_seconds: float  # until the first step: reading the images
    memory_mb: float  # peak with these settings
    free_mb: float  # available, 0 = unknown
    largest_batch: int
    largest_by: str
    memory_batch: int  # estimated from the memory per sample, 0 = unknown
    receptive_field: int
    image_size: int
    fingerprint: Fingerprint
    warnings: tuple[str, ...]
    seconds: float  # of the check itself

    @property
    def epoch_seconds(self) -> float:
        return self.train_seconds + self.val_seconds + self.save_seconds

    def explain_batch(self) -> str:
        """One sentence or two on the largest batch: what was tested, and what that means for the setting."""
        size = self.largest_batch
        match self.largest_by:
            case "data":
                return f"A batch of {size} fits and holds all crops of an epoch: a larger one would change nothing."
            case "memory":
                return f"A batch of {size} fits in memory, the next larger one that was tested does not."
            case "setting":
                return f"A batch of {size} fits, the largest that can be set."
            case _:
                more = f" By their memory, about {self.memory_batch} would fit." if self.memory_batch > size else ""
                return f"A batch of {size} fits; there was no time to test larger ones.{more}"

    def total_seconds(self, epochs: int = 0) -> float:
        """From the start to the end of so many epochs, 0 = those of the settings."""
        return self.start_seconds + (epochs or self.epochs) * self.epoch_seconds


@dataclass(frozen=True)
class LrRange:
    """A learning rate range test (Smith 2017, arXiv:1506.01186): the smoothed loss over increasing learning rates.

    `steepest` is the rate where the loss falls fastest over the logarithm of the rate, `lowest` where it is minimal,
    `suggestion` the peak learning rate to set; None where the loss never fell. `ended_by` is "diverged" or "end".
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    steepest: float | None
    lowest: float | None
    suggestion: float | None
    ended_by: str
    seconds: float


@dataclass(frozen=True)
class Refused:
    """The check failed; `message` is for the user."""

    message: str


Message = Progress | Report | LrRange | Refused
TYPES: Mapping[str, type] = {"progress": Progress, "report": Report, "lr_range": LrRange, "refused": Refused}


def encode(message: Message) -> str:
    """One line of strict JSON, its "type" first; numbers that are not finite become null."""
    name = next(name for name, cls in TYPES.items() if type(message) is cls)
    return json.dumps({"type": name} | values(message), allow_nan=False)


def values(message: Message) -> dict[str, Any]:
    """The fields of a message as values for JSON."""
    fields = {item.name: getattr(message, item.name) for item in dataclasses.fields(message)}
    if isinstance(message, Report):
        fields["fingerprint"] = message.fingerprint.to_dict()
    return {key: _finite(value) for key, value in fields.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def decode(line: str) -> Message | None:
    """The message that `encode` wrote; None for an incomplete line or one of another release."""
    try:
        fields = json.loads(line)
        cls = TYPES[fields.pop("type")]
        if cls is Report:
            fields["fingerprint"] = Fingerprint.from_dict(fields["fingerprint"])
        message: Message = cls(**{key: tuple(item) if isinstance(item, list) else item for key, item in fields.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return message
