"""Conversions of pixel arrays: channels, ranges, what a screen shows, PNG."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError

MOST_SAMPLED = 4_000_000  # values that percentiles are computed from

Array = NDArray[np.uint8]
Pixels = NDArray[Any]  # uint8, uint16 or float32


def encode_png(pixels: Array) -> bytes:
    """A PNG of (H, W) or (H, W, 3) RGB uint8. Raises ImageError for another shape."""
    success, data = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not success:
        raise ImageError(f"An image of shape {pixels.shape} cannot be saved as PNG; it must be (H, W) or (H, W, 3).")
    return data.tobytes()


def with_channels(image: Pixels, channels: int) -> Pixels:
    """An image (H, W, 1 or 3) with 1 or 3 `channels`: gray is repeated, color becomes luminance (ITU-R BT.601).

    >>> with_channels(np.zeros((4, 5, 3), np.uint8), 1).shape
    (4, 5, 1)
    """
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), image.dtype)[:, :, None]


def full_range(image: Pixels) -> float:
    """The largest value that the dtype stands for: 255, 65535, or 1 for float.

    >>> full_range(np.zeros((1, 1, 1), np.uint16))
    65535.0
    """
    return float(np.iinfo(image.dtype).max) if np.issubdtype(image.dtype, np.integer) else 1.0


def for_display(image: Pixels) -> Array:
    """(H, W, C) uint8 for a screen: 8 bits as they are, all else stretched from its 0.5th to its 99.5th percentile."""
    if image.dtype == np.uint8:
        return image
    step = max(1, image.size // MOST_SAMPLED)
    low, high = (float(bound) for bound in np.percentile(image.reshape(-1)[::step], (0.5, 99.5)))
    scale = 255 / (high - low) if high > low else 0.0
    shown: Array = np.clip(np.rint((image.astype(np.float32) - low) * scale), 0, 255).astype(np.uint8)
    return shown
