"""Conversions of pixel arrays: channels, ranges, what a screen shows, PNG."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError

MOST_SAMPLED = 4_000_000  # values that percentiles are computed from
LIMITS = (0.5, 99.5)  # percentiles between which an image is shown
ROWS_OF = 2_000_000  # pixels that are put into color together
# Green and magenta differ for every kind of color blindness, in lightness too, and where both are, the sum is white.
PAIR = ((0, 255, 0), (255, 0, 255))
CHANNEL_COLORS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 255, 255), (255, 0, 255), (255, 255, 0))

Array = NDArray[np.uint8]
Pixels = NDArray[Any]  # uint8, uint16 or float32


def encode_png(pixels: Array) -> bytes:
    """A PNG of (H, W) or (H, W, 3) RGB uint8. Raises ImageError for another shape."""
    success, data = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not success:
        raise ImageError(f"An image of shape {pixels.shape} cannot be saved as PNG; it must be (H, W) or (H, W, 3).")
    return data.tobytes()


def with_channels(image: Pixels, channels: int) -> Pixels:
    """An image (H, W, C) with `channels`: gray is repeated to three, color becomes luminance (ITU-R BT.601).

    Any other change is refused with ValueError, since it would drop or invent a channel (see `models.channels`).

    >>> with_channels(np.zeros((4, 5, 3), np.uint8), 1).shape
    (4, 5, 1)
    """
    if image.shape[2] == channels:
        return image
    if (image.shape[2], channels) not in ((1, 3), (3, 1)):
        raise ValueError(f"an image of {image.shape[2]} channels cannot be one of {channels}")
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
    """(H, W, 1 or 3) uint8 for a screen: 8 bits as they are, all else stretched from 0.5th to 99.5th percentile.

    Gray and RGB stay what they are; of other numbers of channels this is the default `composite`.
    """
    if image.ndim == 3 and image.shape[2] not in (1, 3):
        return composite(image)
    if image.dtype == np.uint8:
        return image
    low, high = percentiles(image, LIMITS)
    scale = 255 / (high - low) if high > low else 0.0
    shown: Array = np.clip(np.rint((image.astype(np.float32) - low) * scale), 0, 255).astype(np.uint8)
    return shown


def composite(
    image: Pixels,
    channels: Sequence[int] = (),
    limits: tuple[float, float] = LIMITS,
    colors: Sequence[Sequence[int]] = (),
) -> Array:
    """Some channels of an image (H, W, C) as one in color, (H, W, 3) uint8, each stretched between its percentiles.

    Args:
        image: uint8, uint16 or float32.
        channels: Which ones, from 0; () for all of one or two, the first three of more.
        limits: The percentiles, 0 to 100, of each channel that are shown as black and as its full color.
        colors: (R, G, B) of each, 0 to 255, which are added up; () for white of one, `PAIR` of two, red, green and blue
            of three, and the rest of `CHANNEL_COLORS` of more.

    >>> composite(np.arange(8, dtype=np.uint8).reshape(2, 2, 2)).shape
    (2, 2, 3)
    """
    chosen = tuple(channels) or tuple(range(min(3, image.shape[2])))
    paints = np.array(tuple(colors) or default_colors(len(chosen)), np.float32)
    ranges = [percentiles(image[:, :, channel], limits) for channel in chosen]
    shown = np.empty((*image.shape[:2], 3), np.uint8)
    rows = max(1, ROWS_OF // max(1, image.shape[1]))
    for top in range(0, image.shape[0], rows):  # a strip at a time: float32 of a large image would take gigabytes
        total = np.zeros((*image[top : top + rows].shape[:2], 3), np.float32)
        for channel, (low, high), paint in zip(chosen, ranges, paints, strict=True):
            plane = image[top : top + rows, :, channel].astype(np.float32)
            share = np.clip((plane - low) / (high - low), 0, 1) if high > low else np.zeros_like(plane)
            total += share[:, :, None] * paint
        shown[top : top + rows] = np.clip(np.rint(total), 0, 255)
    return shown


def default_colors(count: int) -> list[tuple[int, int, int]]:
    """The colors (R, G, B) in which so many channels are shown together."""
    if count == 1:
        return [(255, 255, 255)]
    return list(PAIR) if count == 2 else [CHANNEL_COLORS[number % len(CHANNEL_COLORS)] for number in range(count)]


def percentiles(values: Pixels, limits: tuple[float, float]) -> tuple[float, float]:
    """Two percentiles (0 to 100) of all values, from a regular sample where they are many."""
    step = max(1, values.size // MOST_SAMPLED)
    low, high = (float(bound) for bound in np.percentile(values.reshape(-1)[::step], limits))
    return low, high
