"""Adjustments of an image that differs from the training images; the mask keeps the size of the image."""

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ConfigError
from unet_core.io.pixels import Pixels, full_range

SCALES = (0.05, 20.0)
STRETCHED = (0.5, 99.5)  # percentiles that become black and white


@dataclass(frozen=True)
class Adjust:
    """What is done to an image, in this order; the default is nothing. Raises ConfigError for a scale out of range."""

    swap: bool = False  # red and blue are swapped
    stretch: bool = False  # the levels in use are stretched to the full range
    invert: bool = False  # dark becomes bright
    scale: float = 1.0  # side of the image that the model gets, relative to its own

    def __post_init__(self) -> None:
        if not SCALES[0] <= self.scale <= SCALES[1]:
            raise ConfigError(f"Expected scale to be {SCALES[0]:g} to {SCALES[1]:g}, got {self.scale:g}.")

    def __bool__(self) -> bool:
        return self != Adjust()

    @property
    def words(self) -> str:
        """What is done, for a caption: "inverted, scale 0.5"; "" where nothing is."""
        changes = {"channels swapped": self.swap, "contrast stretched": self.stretch, "inverted": self.invert}
        words = [name for name, done in changes.items() if done]
        return ", ".join(words + ([f"scale {self.scale:g}"] if self.scale != 1 else []))

    def apply(self, image: Pixels) -> Pixels:
        """(H, W, C) to (H', W', C) of the same dtype."""
        if self.swap and image.shape[2] == 3:
            image = image[:, :, ::-1]
        if self.stretch:
            together = image.shape[2] in (1, 3)  # gray and RGB; unlike channels each by itself
            parts = [image] if together else [image[:, :, [channel]] for channel in range(image.shape[2])]
            image = np.concatenate([_stretched(part) for part in parts], 2)
        if self.invert:
            image = (full_range(image) - image).astype(image.dtype)
        if self.scale != 1:
            height, width = (max(1, round(length * self.scale)) for length in image.shape[:2])
            how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
            parts = np.array_split(image, -(-image.shape[2] // 4), 2)  # INTER_AREA takes four channels at most
            resized = [cv2.resize(np.ascontiguousarray(part), (width, height), interpolation=how) for part in parts]
            image = np.concatenate([np.asarray(part, image.dtype).reshape(height, width, -1) for part in resized], 2)
        return np.ascontiguousarray(image)

    def restore(self, plane: NDArray[Any], height: int, width: int, classes: bool = False) -> NDArray[Any]:
        """A map (H', W') predicted on the adjusted image, in the size of the image itself; classes stay classes."""
        if plane.shape == (height, width):
            return plane
        how = cv2.INTER_NEAREST if classes else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(plane, (width, height), interpolation=how), plane.dtype)


def _stretched(image: Pixels) -> Pixels:
    low, high = np.percentile(image[:: _step(image), :: _step(image)], STRETCHED)
    most = full_range(image)
    levels = (image.astype(np.float32) - low) * (most / (high - low) if high > low else 1.0)
    return np.asarray(np.clip(levels, 0, most), image.dtype)


def _step(image: Pixels) -> int:
    return max(1, math.isqrt(image[:, :, 0].size // 1_000_000))
