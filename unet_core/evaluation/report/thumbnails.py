"""Small pictures of a scored image: itself, the ground truth, the prediction, the errors."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from unet_core import overlay
from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import DataError
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, GRAY, TRUE_POSITIVE
from unet_core.io.html.pictures import Picture, as_color, encode_jpeg, shrink
from unet_core.io.pixels import Array, Pixels, for_display

SIDE = 168  # pixels of the longer side
QUALITY = 82  # of JPEG
OPACITY = 0.65
Masks = Callable[[str], tuple[Array, Array]]  # from the id of an image to its predicted and true masks (H, W)


@dataclass(frozen=True)
class Thumbnails:
    """`data:` addresses of the pictures by what they show, in their order."""

    image: str
    truth: str
    prediction: str
    errors: str


def make_thumbnails(sample: Sample, masks: Masks, num_classes: int) -> Thumbnails | None:
    """The pictures of an image, which is read again; None where it cannot be."""
    with suppress(DataError, OSError, KeyError):
        image = reading.read_image(sample)
        pred, target = masks(sample.id)
        if image.shape[:2] == pred.shape == target.shape:
            pictures = (
                as_color(for_display(image)),
                overlay.draw(image, target, num_classes, OPACITY),
                overlay.draw(image, pred, num_classes, OPACITY),
                draw_errors(image, pred, target, num_classes),
            )
            return Thumbnails(*(encode_jpeg(shrink(picture, SIDE), QUALITY) for picture in pictures))
    return None


def draw_errors(image: Pixels, pred: Array, target: Array, num_classes: int) -> Picture:
    """(H, W, 3): true positives, false positives and false negatives over the image (H, W, C), in the viewer's colors.

    Of several classes, what has a wrong class is drawn like a false positive, all else is the image; ignored pixels are
    gray.
    """
    base = as_color(for_display(image))
    colors, colored = np.zeros_like(base), np.zeros(pred.shape, bool)
    counted = target != IGNORE
    if num_classes == 1:
        layers = [((pred > 0) & (target > 0), TRUE_POSITIVE), ((pred > 0) & (target == 0), FALSE_POSITIVE)]
        layers.append(((pred == 0) & (target > 0), FALSE_NEGATIVE))
    else:
        layers = [(pred != target, FALSE_POSITIVE)]
    for flags, color in [*((flags & counted, color) for flags, color in layers), (~counted, GRAY)]:
        colors[flags] = color
        colored |= flags
    mixed = (base * (1 - OPACITY) + colors * OPACITY).astype(np.uint8)
    return np.where(colored[:, :, None], mixed, base)
