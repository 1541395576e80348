"""How far a training is, in numbers: what `state.json` of a checkpoint holds beside the optimizer's tensors."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from unet_core.errors import CheckpointError

RECENT = 10  # losses that are remembered, to tell how a step that fails came about
RENAMED = {  # keys of release 0.1
    "leg": "stage",
    "leg_epoch": "stage_epoch",
    "leg_step": "stage_step",
    "missed": "skipped_steps",
    "peak": "peak_lr",
    "hand_step": "manual_lr_step",
    "waited": "epochs_without_gain",
    "token": "request_id",
}


@dataclass(eq=False)
class Progress:
    """All numbers that change while a run trains and that resuming needs; counted over the whole run."""

    epoch: int = 0  # that is made or was finished last, from 1
    step: int = 0  # optimizer steps made
    epochs: int = 0  # to be made in all; may be changed
    skipped_steps: int = 0  # steps that a stop took from its epoch
    stage: int = 1  # one more each time a run that was over is continued ...
    stage_epoch: int = 0  # ... after this epoch ...
    stage_step: int = 0  # ... and this step: the schedule began anew there
    peak_lr: float = 0.0
    manual_lr_step: int = 0  # the first step of a rate that was set by hand, 0 = the schedule's
    lr_factor: float = 1.0  # halved by the schedule "plateau" ...
    epochs_without_gain: int = 0  # ... after so many epochs that were no better
    best_epoch: int = 0
    best_rank: float = -math.inf
    best_dice: float = math.nan
    best_iou: float = math.nan
    seconds: float = 0.0  # of training and validation, without pauses
    request_id: str = ""  # of the latest request to continue that was obeyed
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT))  # losses of the latest steps

    def saved(self) -> dict[str, Any]:
        """The numbers as JSON; what is not finite as null."""
        values = {option.name: getattr(self, option.name) for option in fields(Progress)}
        return {name: _to_json(value) for name, value in values.items()}

    def take_over(self, saved: Mapping[str, Any]) -> None:
        """Set all numbers to those of `saved`; one that is missing (of an earlier release) stays as it is.

        Raises CheckpointError, before anything is changed, for a key that is unknown (of a later release) or a value
        of the wrong type.
        """
        values = {RENAMED.get(name, name): value for name, value in saved.items()}
        defaults = vars(Progress())
        if unknown := sorted(values.keys() - defaults.keys()):
            raise CheckpointError(
                f"state.json: unknown key {unknown[0]!r}, of a later release. Resume the run with that release."
            )
        vars(self).update({name: _from_json(name, value, defaults[name]) for name, value in values.items()})


def _to_json(value: Any) -> Any:
    if isinstance(value, deque):
        return [_to_json(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _from_json(name: str, value: Any, default: Any) -> Any:
    """A value of the type of the default, which stands for null. Raises CheckpointError."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, deque) and isinstance(value, list):
        return deque((_from_json(name, item, math.nan) for item in value), maxlen=default.maxlen)
    if isinstance(default, float) and value is None:
        return default
    if isinstance(default, float) and is_number:
        return float(value)
    if isinstance(default, int) and is_number and isinstance(value, int) and value >= 0:
        return value
    if isinstance(default, str) and isinstance(value, str):
        return value
    expected = {int: "a whole number from 0", float: "a number", str: "text", deque: "a list"}[type(default)]
    raise CheckpointError(
        f"state.json: expected {name} to be {expected}, got {value!r}. The run cannot be resumed from this checkpoint; "
        "start a new run that is fine-tuned from it (init)."
    )
