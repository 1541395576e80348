"""Random changes of training crops, by Albumentations 2.0.8 (MIT, frozen); no other module imports it.

Each crop is changed by a generator seeded for it alone, so that neither the order nor the number of workers matters.
"""

import os
from typing import Any

import albumentations as alb
import cv2
import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the package index for a newer release

Array = NDArray[np.uint8]

# Brightness in shares of the crop's own mean: shares of 255 would be many deviations of a dark image.
LIGHT = alb.RandomBrightnessContrast(
    brightness_limit=(-0.1, 0.1), contrast_limit=(-0.2, 0.2), brightness_by_max=False, p=0.5
)
GAMMA = alb.RandomGamma(gamma_limit=(70, 140), p=0.3)
NOISE = alb.GaussNoise(std_range=(0.002, 0.01), p=0.2)  # shares of the range of the pixels
BLUR = alb.GaussianBlur(blur_limit=(3, 5), sigma_limit=(0.5, 1.2), p=0.15)
MIRROR = {"border_mode": cv2.BORDER_REFLECT_101, "mask_interpolation": cv2.INTER_NEAREST}
ELASTIC = alb.ElasticTransform(alpha=40, sigma=6, approximate=True, p=0.15, **MIRROR)


def _affine(degrees: float, shear: float) -> alb.BasicTransform:
    """Turned, sheared and scaled by 0.8 to 1.25, mirrored at the edges."""
    return alb.Affine(scale=(0.8, 1.25), rotate=(-degrees, degrees), shear=(-shear, shear), p=0.5, **MIRROR)


AUGMENTATIONS: dict[str, list[alb.BasicTransform]] = {
    "none": [],
    "flips": [alb.D4(p=1.0)],
    "light": [alb.D4(p=1.0), LIGHT],
    "strong": [alb.D4(p=1.0), _affine(45, 10), ELASTIC, LIGHT, GAMMA, NOISE, BLUR],
    "microscopy": [alb.D4(p=1.0), _affine(180, 0), ELASTIC, LIGHT, NOISE, BLUR],
    "street": [alb.HorizontalFlip(p=0.5), LIGHT],
}


class Augment:
    """The changes of one preset: image (S, S, C) and mask (S, S) uint8 together; masks by nearest neighbor.

    Albumentations takes 8 bits and floats of 0..1, so that 16 bits go in as shares of 65535, and floats as shares of
    the crop's own range, which changes of brightness do not leave; both come back as float32 in their own levels.
    """

    def __init__(self, preset: str) -> None:
        self._compose = alb.Compose(AUGMENTATIONS[preset]) if AUGMENTATIONS[preset] else None

    def __call__(self, image: NDArray[Any], mask: Array, seed: int) -> tuple[NDArray[Any], Array]:
        """A function of its arguments alone; `seed` from 0 to 2**32 - 1."""
        if self._compose is None:
            return image, mask
        self._compose.set_random_seed(seed)
        if image.dtype == np.uint8:
            changed = self._compose(image=image, mask=mask)
            return changed["image"], changed["mask"]
        low, high = (0, 65535) if image.dtype == np.uint16 else (image.min(), image.max())
        span = np.float32(high - low) or np.float32(1)
        changed = self._compose(image=(image - np.float32(low)) / span, mask=mask)
        return changed["image"] * span + np.float32(low), changed["mask"]
