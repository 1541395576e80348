"""Random changes of training crops, by Albumentations 2.0.8 (MIT, frozen); no other module imports it.

Each crop is changed by a generator seeded for it alone, so that neither the order nor the number of workers matters.
"""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the package index for a newer release

import albumentations as alb
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.uint8]

# Brightness in shares of the crop's own mean: shares of 255 would be many deviations of a dark picture.
LIGHT = alb.RandomBrightnessContrast(
    brightness_limit=(-0.1, 0.1), contrast_limit=(-0.2, 0.2), brightness_by_max=False, p=0.5
)
AUGMENTATIONS: dict[str, list[alb.BasicTransform]] = {
    "none": [],
    "flips": [alb.D4(p=1.0)],
    "light": [alb.D4(p=1.0), LIGHT],
    "street": [alb.HorizontalFlip(p=0.5), LIGHT],
}


class Augment:
    """The changes of one preset: image (S, S, C) uint8 and mask (S, S) uint8 together; masks by nearest neighbour."""

    def __init__(self, preset: str) -> None:
        self._compose = alb.Compose(AUGMENTATIONS[preset]) if AUGMENTATIONS[preset] else None

    def __call__(self, image: Array, mask: Array, seed: int) -> tuple[Array, Array]:
        """A function of its arguments alone; `seed` from 0 to 2**32 - 1."""
        if self._compose is None:
            return image, mask
        self._compose.set_random_seed(seed)
        changed = self._compose(image=image, mask=mask)
        return changed["image"], changed["mask"]
