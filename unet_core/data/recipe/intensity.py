"""Repairs of images: intensities of another bit depth than the others'."""

from collections.abc import Iterable

import numpy as np

from unet_core.data.recipe.kinds import IMAGE, REPAIRS
from unet_core.data.recipe.recipe import Repair
from unet_core.io.pixels import Pixels

ROWS_OF = 4_000_000  # values that are multiplied together: float64 of a large image would take gigabytes


def concerns(repairs: Iterable[Repair]) -> list[Repair]:
    """Those that change images."""
    return [one for one in repairs if REPAIRS[one.kind].stage == IMAGE]


def repair(image: Pixels, repairs: Iterable[Repair]) -> Pixels:
    """An image (H, W, C) after the repairs: whole numbers are rounded and stay within what their type can hold.

    >>> from unet_core.data.recipe.recipe import make_repair
    >>> image = np.array([[[0], [128], [255]]], np.uint8)
    >>> repair(image, [make_repair("scale_intensity", factor=257.0, dtype="uint16")]).ravel().tolist()
    [0, 32896, 65535]
    """
    for one in concerns(repairs):
        dtype = np.dtype(one.get("dtype", "") or image.dtype)
        scaled = np.empty(image.shape, dtype)
        rows = max(1, ROWS_OF // max(1, image[:1].size))
        for top in range(0, len(image), rows):
            part = image[top : top + rows].astype(np.float64) * one.get("factor")
            if dtype.kind == "u":
                part = np.clip(np.rint(part), 0, np.iinfo(dtype).max)
            scaled[top : top + rows] = part
        image = scaled
    return image
