"""What a check before the start tells: its progress and its results, as JSON lines from one process to another."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unet_core.data.fingerprint import Fingerprint


@dataclass(frozen=True)
class Progress:
    """How far it is, `share` 0..1, and what it does now."""

    share: float
    doing: str


@dataclass(frozen=True)
class Report:
    """What a run with these settings would cost, and what speaks against it. Seconds, MiB, pixels.

    An epoch is its steps, the validation, the film and the checkpoints. `largest_batch` made real steps;
    `largest_by` says what ended the search: "memory", "data" (an epoch has no more crops), "time" or "setting" (4096).
    """

    device: str
    precision: str
    threads: int
    images: int
    train_images: int
    val_images: int
    crops: int  # of an epoch
    steps: int  # of an epoch
    epochs: int
    batch_size: int  # with which the time was taken: that of the settings, or what fits
    step_seconds: float
    train_seconds: float  # of an epoch
    val_seconds: float
    save_seconds: float
    start_seconds: float  # until the first step: reading the images
    memory_mb: float  # at most in use with these settings
    free_mb: float  # to be had, 0 = unknown
    largest_batch: int
    largest_by: str
    memory_batch: int  # what the memory would hold by the bytes of a sample, 0 = unknown
    receptive_field: int
    image_size: int
    fingerprint: Fingerprint
    warnings: tuple[str, ...]
    seconds: float  # that the check itself took

    @property
    def epoch_seconds(self) -> float:
        return self.train_seconds + self.val_seconds + self.save_seconds

    def total_seconds(self, epochs: int = 0) -> float:
        """From the start to the end of so many epochs, 0 = as set."""
        return self.start_seconds + (epochs or self.epochs) * self.epoch_seconds


@dataclass(frozen=True)
class LrRange:
    """A learning-rate range test (Smith 2017, arXiv:1506.01186): the smoothed loss over rising rates.

    `steepest` is where the loss falls fastest over the logarithm of the rate, `lowest` where it is least, `suggestion`
    what to set as the peak of the schedule; None where the loss never fell. `ended_by` is "diverged" or "end".
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
    """It could not be done; the message is the user's to read."""

    message: str


Told = Progress | Report | LrRange | Refused
TYPES: Mapping[str, type] = {"progress": Progress, "report": Report, "lr_range": LrRange, "refused": Refused}


def encode(told: Told) -> str:
    """One line of strict JSON, its "type" first; what is not finite becomes null."""
    name = next(name for name, cls in TYPES.items() if type(told) is cls)
    return json.dumps({"type": name} | values(told), allow_nan=False)


def values(told: Told) -> dict[str, Any]:
    """The fields as JSON can hold them."""
    fields = {item.name: getattr(told, item.name) for item in dataclasses.fields(told)}
    if isinstance(told, Report):
        fields["fingerprint"] = told.fingerprint.to_dict()
    return {key: _finite(value) for key, value in fields.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def decode(line: str) -> Told | None:
    """What `encode` wrote; None for a torn line or one of another release."""
    try:
        fields = json.loads(line)
        cls = TYPES[fields.pop("type")]
        if cls is Report:
            fields["fingerprint"] = Fingerprint.from_dict(fields["fingerprint"])
        told: Told = cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return told
