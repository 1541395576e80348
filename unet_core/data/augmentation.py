"""Random augmentation of training crops, by Albumentations 2.0.8 (MIT, frozen); no other module imports it.

Each crop is changed by a generator seeded for it alone, so that neither the order nor the number of workers matters.
Albumentations, OpenCV and NumPy are imported when crops are augmented, not for the names and descriptions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Augmentation:
    """One preset: how it is built, what it does, and what others ask of it."""

    build: Callable[[Any], list[Any]]  # of the module albumentations to its transforms, in order; [] changes nothing
    description: str
    flips_vertically: bool  # images are turned upside down, which hurts where up and down mean something
    label: str = ""  # as menus show it; "" = its name as words


def _light(alb: Any) -> Any:
    # In fractions of the crop's own mean: fractions of 255 would be many standard deviations of a dark image.
    return alb.RandomBrightnessContrast(
        brightness_limit=(-0.1, 0.1), contrast_limit=(-0.2, 0.2), brightness_by_max=False, p=0.5
    )


def _noise(alb: Any) -> Any:
    return alb.GaussNoise(std_range=(0.002, 0.01), p=0.2)  # fractions of the range of the pixels


def _blur(alb: Any) -> Any:
    return alb.GaussianBlur(blur_limit=(3, 5), sigma_limit=(0.5, 1.2), p=0.15)


def _elastic(alb: Any) -> Any:
    return alb.ElasticTransform(alpha=40, sigma=6, approximate=True, p=0.15, **_mirrored())


def _affine(alb: Any, degrees: float, shear: float) -> Any:
    """Rotated, sheared and scaled by 0.8 to 1.25, mirrored at the edges."""
    return alb.Affine(scale=(0.8, 1.25), rotate=(-degrees, degrees), shear=(-shear, shear), p=0.5, **_mirrored())


def _mirrored() -> dict[str, int]:
    import cv2

    return {"border_mode": cv2.BORDER_REFLECT_101, "mask_interpolation": cv2.INTER_NEAREST}


AUGMENTATIONS: dict[str, Augmentation] = {
    "none": Augmentation(lambda alb: [], "no augmentation", flips_vertically=False),
    "flips": Augmentation(
        lambda alb: [alb.D4(p=1.0)],
        "flips and 90-degree rotations, for images without a fixed orientation",
        flips_vertically=True,
        label="Flips and rotations",
    ),
    "light": Augmentation(
        lambda alb: [alb.D4(p=1.0), _light(alb)],
        "flips, 90-degree rotations, brightness and contrast",
        flips_vertically=True,
        label="Light (flips, brightness)",
    ),
    "strong": Augmentation(
        lambda alb: [
            alb.D4(p=1.0),
            _affine(alb, 45, 10),
            _elastic(alb),
            _light(alb),
            alb.RandomGamma(gamma_limit=(70, 140), p=0.3),
            _noise(alb),
            _blur(alb),
        ],
        "light, with rotation, shear, scaling, elastic deformation, gamma, noise and blur; needs more epochs",
        flips_vertically=True,
    ),
    "microscopy": Augmentation(
        lambda alb: [alb.D4(p=1.0), _affine(alb, 180, 0), _elastic(alb), _light(alb), _noise(alb), _blur(alb)],
        "flips, rotation by any angle, scaling, elastic deformation, mild brightness changes, noise and blur",
        flips_vertically=True,
    ),
    "street": Augmentation(
        lambda alb: [alb.HorizontalFlip(p=0.5), _light(alb)],
        "horizontal flips, brightness and contrast, for images with a fixed orientation",
        flips_vertically=False,
        label="Street (horizontal flips)",
    ),
}


class Augment:
    """The changes of one preset: image (S, S, C) and mask (S, S) uint8 together; masks by nearest neighbor.

    Albumentations takes 8 bits and floats of 0..1, so that 16 bits go in as fractions of 65535, and floats as fractions
    of the crop's own range, which changes of brightness do not leave; both come back as float32 in their own levels.
    Unlike channels (all but gray and RGB) go in as fractions of the range of each, whatever their type: of a common
    range, a faint one would drown in the noise that suits a bright one.
    """

    def __init__(self, preset: str, normalization: str = "zscore") -> None:
        """`preset` is a key of AUGMENTATIONS; `normalization` the model's, which says whether channels are unlike."""
        self._per_channel = normalization == "zscore_per_channel"
        os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # its import asks the package index for a newer release
        import albumentations as alb

        transforms = AUGMENTATIONS[preset].build(alb)
        self._compose = alb.Compose(transforms) if transforms else None

    def __call__(
        self, image: NDArray[Any], mask: NDArray[np.uint8], seed: int
    ) -> tuple[NDArray[Any], NDArray[np.uint8]]:
        """Augment image and mask together; a function of the arguments alone, `seed` from 0 to 2**32 - 1."""
        import numpy as np

        if self._compose is None:
            return image, mask
        self._compose.set_random_seed(seed)
        is_unlike = image.shape[2] > 1 and (self._per_channel or image.shape[2] != 3)
        if image.dtype == np.uint8 and not is_unlike:
            changed = self._compose(image=image, mask=mask)
            return changed["image"], changed["mask"]
        if is_unlike:
            lows, highs = (bound.astype(np.float32) for bound in (image.min((0, 1)), image.max((0, 1))))
        else:
            low, high = (0, 65535) if image.dtype == np.uint16 else (image.min(), image.max())
            lows, highs = np.float32(low), np.float32(high)
        spans = np.where(highs > lows, highs - lows, np.float32(1))
        changed = self._compose(image=(image - lows) / spans, mask=mask)
        return changed["image"] * spans + lows, changed["mask"]
