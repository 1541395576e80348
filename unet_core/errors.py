"""The errors that a user can act on; a page or the command line catches the root and nothing else.

UnetError
├── ConfigError       a setting that is unknown, of the wrong type or out of range
├── DataError         a dataset that matches no layout, lacks masks or is inconsistent
│   └── ImageError    one file that is not a readable image
├── RunError          a run that does not exist, is busy or cannot be written
├── CheckpointError   weights that are missing, damaged or do not match
│   └── HubError      a model that cannot be downloaded from the Hugging Face Hub
├── TrainingError     training failed: a loss that is not finite, out of memory
└── PredictionError   prediction failed: out of memory
    └── Cancelled     it was cancelled
"""

from collections.abc import Sequence


class UnetError(Exception):
    """Says what went wrong, where, with which value, and what to do about it; shown to the user unchanged."""


class ConfigError(UnetError):
    """A setting is unknown, of the wrong type or out of range."""


class DataError(UnetError):
    """A dataset cannot be used as it is."""


class MisfitError(DataError):
    """The images or masks of a dataset have other channels or classes than the model."""


class ImageError(DataError):
    """A file is not a readable image."""


class RunError(UnetError):
    """A run does not exist, is busy, or its folder cannot be written."""


class CheckpointError(UnetError):
    """Weights are missing, damaged or do not match their configuration."""


class HubError(CheckpointError):
    """A model cannot be downloaded from the Hugging Face Hub."""


class TrainingError(UnetError):
    """Training failed or cannot continue."""


class PredictionError(UnetError):
    """Prediction failed or cannot continue."""


class Cancelled(PredictionError):  # noqa: N818 - not a failure
    """A prediction was cancelled before it was done."""


def listing(items: Sequence[str], most: int = 10, between: str = ", ") -> str:
    """Names joined for a message: at most `most` of them, then how many more there are.

    >>> listing(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return between.join(items[:most]) + more
