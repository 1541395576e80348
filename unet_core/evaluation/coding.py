"""The meaning of mask values that a model was trained with."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import DataError

if TYPE_CHECKING:
    from unet_core.runs.run import Run

DECIDING = {"color_map", "ignore_index", "labels"}  # settings that give mask values a meaning of their own


def find_coding(run: "Run | None", checkpoint: Path | None, settings: Iterable[str] = ()) -> MaskCoding | None:
    """What mask values meant in the training, from the run or else from the facts beside the weights.

    None where that is not known (models of older releases, imported weights), and where one of the `settings` (names)
    says anew what they mean.
    """
    if DECIDING & set(settings):
        return None
    if run is not None and run.coding is not None:
        return run.coding
    if checkpoint is None:
        return None
    from unet_core.models.checkpoint import load_about

    try:
        stored = load_about(checkpoint).get("mask_coding")
        return MaskCoding.from_json(json.dumps(stored)) if stored else None
    except DataError:
        return None  # facts are a service: without them masks are read by their own values, and that is told
