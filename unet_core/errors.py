"""What a user can do wrong, in one small tree; a page or the command line catches its root and nothing else.

UnetError
├── ConfigError       a setting unknown, of the wrong type or out of range
├── DataError         a dataset that fits no layout, lacks masks or contradicts itself
│   └── ImageError    one file that is no readable picture
├── RunError          a run that does not exist, is busy or cannot be written
├── CheckpointError   weights that are missing, damaged or do not fit
│   └── HubError      a model of the Hugging Face Hub that cannot be had
├── TrainingError     a training that cannot go on: a loss that is not finite, no memory left
└── PredictionError   a prediction that cannot go on: no memory left
    └── Cancelled     it was asked to end
"""

from collections.abc import Sequence


class UnetError(Exception):
    """Says what went wrong, where, with which value, and what to do about it; shown to the user as it stands."""


class ConfigError(UnetError):
    """A setting is unknown, of the wrong type or out of range."""


class DataError(UnetError):
    """A dataset cannot be used as it is."""


class ImageError(DataError):
    """A file is not a picture that can be read."""


class RunError(UnetError):
    """A run does not exist, is busy, or its folder cannot be written."""


class CheckpointError(UnetError):
    """Weights are missing, damaged or do not fit their configuration."""


class HubError(CheckpointError):
    """A model cannot be had from the Hugging Face Hub."""


class TrainingError(UnetError):
    """Training cannot go on."""


class PredictionError(UnetError):
    """A prediction cannot go on."""


class Cancelled(PredictionError):  # noqa: N818 - it is what was wanted
    """A prediction was asked to end before it was done."""


def listing(items: Sequence[str], most: int = 10, between: str = ", ") -> str:
    """Join names for a message: all of up to `most`, then how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return between.join(items[:most]) + more
