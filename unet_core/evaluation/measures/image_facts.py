"""What an image itself is like, apart from any score: its size, how bright it is and how much it varies."""

from dataclasses import dataclass

import numpy as np

from unet_core.io.pixels import Pixels, full_range


@dataclass(frozen=True)
class ImageFacts:
    """Size in pixels; `brightness` and `contrast` are mean and standard deviation of all values, as shares.

    Of integers they are shares of the range of their type, so that 8 and 16 bits compare; of float as stored. Pixels
    without a number (NaN, infinite) do not count; NaN where there are no others.
    """

    height: int
    width: int
    brightness: float
    contrast: float


def describe_image(image: Pixels) -> ImageFacts:
    """The facts of an image (H, W, C).

    >>> describe_image(np.array([[[0], [255]]], np.uint8))
    ImageFacts(height=1, width=2, brightness=0.5, contrast=0.5)
    """
    height, width = image.shape[:2]
    values = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    if not values.size:
        return ImageFacts(height, width, float("nan"), float("nan"))
    most = full_range(image)
    brightness = float(values.mean(dtype=np.float64)) / most
    return ImageFacts(height, width, brightness, float(values.std(dtype=np.float64)) / most)
