"""Results of made-up predictions that several test files share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.export.result import Result


def difficult_mask(seed: int = 0, classes: int = 1, height: int = 70, width: int = 90) -> NDArray[np.uint8]:
    """Single pixels, thin lines, holes, objects at every border, corners that touch, and noise."""
    mask = np.zeros((height, width), np.uint8)
    mask[2, 2] = mask[0, 5] = mask[height - 1, width - 1] = 1
    mask[10, 10:40] = mask[12:30, 12] = 1
    mask[20:40, 30:50] = 1
    mask[25:30, 35:40] = mask[33, 33] = mask[34, 34] = 0
    mask[40, 50] = mask[41, 51] = 1  # joined to the square by a corner
    mask[45:60, :8] = 1
    rng = np.random.default_rng(seed)
    mask[45:70, 55:90] = rng.random((25, 35)) < 0.6
    if classes > 1:
        mask *= rng.integers(1, classes, (height // 10, width // 10), np.uint8).repeat(10, 0).repeat(10, 1)
    return mask


def result(name: str = "a.png", mask: NDArray[np.uint8] | None = None, num_classes: int = 1, **more: Any) -> Result:
    """A result with a color image and, where none is given, the difficult mask."""
    mask = difficult_mask(classes=num_classes) if mask is None else mask
    image = np.random.default_rng(1).integers(0, 255, (*mask.shape, 3), np.uint8)
    return Result(name, image, mask, num_classes, **more)


def empty(name: str = "empty.png", **more: Any) -> Result:
    """A result without any object."""
    return result(name, np.zeros((20, 30), np.uint8), **more)
