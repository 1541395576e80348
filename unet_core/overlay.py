"""Masks drawn over their image, in colors that color-blind people can tell apart (Okabe and Ito 2008)."""

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.io.colors import CLASS_COLORS, ORANGE, halo_of
from unet_core.io.pixels import Pixels, for_display, with_channels

Array = NDArray[np.uint8]


def palette(num_classes: int) -> Array:
    """(256, 3) RGB, a color for each class index. Binary: orange; more than 7 classes: varied hues."""
    colors = np.zeros((256, 3), np.uint8)
    if num_classes == 1:
        colors[1] = ORANGE
    elif num_classes <= len(CLASS_COLORS):
        colors[:num_classes] = CLASS_COLORS[:num_classes]
    else:
        hues = (np.arange(num_classes) * 180 / num_classes).astype(np.uint8)
        levels = np.where(np.arange(num_classes) % 2, 255, 170).astype(np.uint8)
        hsv = np.stack([hues, np.full(num_classes, 200, np.uint8), levels], 1)[None]
        colors[:num_classes] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0]
    return colors


def class_colors(num_classes: int, chosen: Sequence[str] = ()) -> Array:
    """(256, 3) RGB: the `palette`, with the colors (#rrggbb, in class order) that a user has chosen in its place.

    What is no such color is passed over.

    >>> class_colors(1, ["#000000", "#0072b2"])[1].tolist()
    [0, 114, 178]
    """
    colors = palette(num_classes)
    for index, text in enumerate(chosen[:IGNORE]):
        if re.fullmatch("#[0-9a-fA-F]{6}", text):
            colors[index] = tuple(bytes.fromhex(text[1:]))
    return colors


def draw(
    image: Pixels,
    mask: Array,
    num_classes: int,
    opacity: float = 0.5,
    outline: bool = False,
    class_palette: Array | None = None,
) -> Array:
    """(H, W, 3) RGB: the mask (H, W) of class indices over its image (H, W, C), as areas or as outlines.

    `opacity` goes from 0 (the image alone) to 1 (the mask alone); outlines are opaque from 0.5 on. A binary background
    shows the image, and so do ignored pixels; the outline of a binary mask has a halo outside of it, so that it is seen
    on any image. More than 8 bits, and other channels than gray and RGB, are shown as `pixels.for_display` does.
    `class_palette` (256, 3): a color for each class, by default `palette`.
    """
    base = with_channels(for_display(image), 3)
    colored = (mask > 0 if num_classes == 1 else np.ones_like(mask, bool)) & (mask != IGNORE)
    color_of = palette(num_classes) if class_palette is None else class_palette
    colors = color_of[mask]
    if outline:
        opacity = min(1.0, 2 * opacity)
        rim = edges(mask)
        halo = rim & (mask == 0) if num_classes == 1 else np.zeros_like(rim)
        colors[halo] = halo_of(color_of[1])
        colored = (colored & rim) | halo
    mixed = cv2.addWeighted(base, 1 - opacity, colors, opacity, 0)
    return np.where(colored[:, :, None], mixed, base).astype(np.uint8)


def edges(mask: Array) -> NDArray[np.bool_]:
    """(H, W): the pixels of each area that touch another one, two pixels wide in large images."""
    width = 3 if max(mask.shape) < 1000 else 5
    kernel = np.ones((width, width), np.uint8)
    return np.asarray(cv2.erode(mask, kernel) != cv2.dilate(mask, kernel), np.bool_)
