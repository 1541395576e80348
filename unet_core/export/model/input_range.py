"""Which values an exported model is given: the range of the training images, as their checkpoint has it."""

from pathlib import Path

from unet_core.models.checkpoint import load_about

RANGES_OF = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}  # by type of the pixels


def range_of(folder: Path) -> float | None:
    """The largest value that the type of the training images stands for; None where the checkpoint does not say it."""
    fingerprint = load_about(folder).get("fingerprint")
    dtype = fingerprint.get("dtype") if isinstance(fingerprint, dict) else None
    return RANGES_OF.get(dtype) if isinstance(dtype, str) else None
