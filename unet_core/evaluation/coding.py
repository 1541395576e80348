"""The meaning of mask values that a model was trained with."""

import json
from collections.abc import Iterable
from pathlib import Path

from unet_core.data.masks.coding import MaskCoding
from unet_core.errors import DataError

DECIDING = {"color_map", "ignore_index", "labels"}  # settings that give mask values a meaning of their own


def find_coding(of_run: MaskCoding | None, checkpoint: Path | None, settings: Iterable[str] = ()) -> MaskCoding | None:
    """What mask values meant in the training: that of its run, or else of the facts beside the weights.

    None where that is not known (models of older releases, imported weights), and where one of the `settings` (names)
    says anew what they mean.
    """
    if DECIDING & set(settings):
        return None
    if of_run is not None or checkpoint is None:
        return of_run
    from unet_core.models.checkpoint import load_about

    try:
        stored = load_about(checkpoint).get("mask_coding")
        return MaskCoding.from_json(json.dumps(stored)) if stored else None
    except DataError:
        return None  # facts are a service: without them masks are read by their own values, and that is told
