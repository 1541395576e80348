"""Small pictures of a scored image for its row in the table: the image, ground truth, prediction and errors."""

import base64
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pages.server.lru import LRU
from pages.server.scoring_job import Scores
from unet_core import overlay
from unet_core.data.masks.coding import IGNORE
from unet_core.data.reading import read_image
from unet_core.errors import UnetError
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE
from unet_core.io.pixels import Array, Pixels, for_display, with_channels

SIDE = 112  # pixels: twice what a row shows, for sharp screens
DRAWN = 4 * SIDE  # at which errors are drawn: at SIDE thin ones would be lost
QUALITY = 85
MOST_BYTES = 32 * 1024**2
IGNORED = (128, 128, 128)


@dataclass(frozen=True)
class Thumbnails:
    """Data URLs, "" where one could not be made."""

    image: str = ""
    truth: str = ""
    prediction: str = ""
    errors: str = ""


_MADE: LRU[str, Thumbnails] = LRU(MOST_BYTES, lambda item: len(item.image + item.truth + item.prediction + item.errors))


def make_all(scores: Scores, names: Sequence[str], num_classes: int) -> list[Thumbnails]:
    """Those of some scored images, in their order; the latest ones are cached."""
    with ThreadPoolExecutor(4) as pool:  # decoding and scaling release Python's lock
        return list(pool.map(lambda name: make(scores, name, num_classes), names))


def make(scores: Scores, name: str, num_classes: int) -> Thumbnails:
    """Those of one image. Where its file cannot be read any more, the two masks are shown alone."""
    content = hashlib.sha256(scores.digests.get(name, "").encode(errors="surrogateescape"))
    for part in (scores.masks[name], scores.truths[name], str(num_classes).encode()):
        content.update(part)
    key = content.hexdigest()
    if (made := _MADE.get(key)) is None:
        try:
            image = read_image(scores.samples[name])
        except (UnetError, KeyError):
            image = None
        made = draw(image, scores.mask(name), scores.truth(name), num_classes)
        _MADE.put(key, made)
    return made


def draw(image: Pixels | None, mask: Array, truth: Array, num_classes: int) -> Thumbnails:
    """Of an image (H, W, C) and its masks (H, W) of class indices; the errors are drawn over it in gray."""
    small_mask, small_truth = (_thin(part) for part in (mask, truth))
    shown = None
    if image is not None and image.shape[:2] == truth.shape:
        shown = with_channels(for_display(_thin(image)), 3)
    base = np.zeros((*small_truth.shape, 3), np.uint8) if shown is None else with_channels(shown, 1).repeat(3, 2)
    return Thumbnails(
        "" if shown is None else _encode(shown, "jpeg"),
        _encode(paint_classes(small_truth, num_classes), "png"),
        _encode(paint_classes(small_mask, num_classes), "png"),
        _encode(paint_errors(base, small_mask, small_truth, num_classes), "jpeg"),
    )


def paint_classes(mask: Array, num_classes: int) -> Array:
    """(H, W, 3): a mask (H, W) in the colors of its classes, a binary one white on black; ignored pixels gray."""
    colors = overlay.palette(num_classes)
    if num_classes == 1:
        colors[0], colors[1] = (0, 0, 0), (255, 255, 255)
    colors[IGNORE] = IGNORED
    return np.asarray(colors[mask], np.uint8)


def paint_errors(base: Array, mask: Array, truth: Array, num_classes: int) -> Array:
    """(H, W, 3): wrong pixels in full color over an image (H, W, 3), true positives half clear, as in the viewer.

    Of several classes all wrong pixels have the color of false positives.
    """
    counted, drawn = truth != IGNORE, base.copy()
    if num_classes == 1:
        drawn[counted & (mask > 0) & (truth > 0)] = TRUE_POSITIVE
        drawn = ((drawn.astype(np.uint16) + base) // 2).astype(np.uint8)
        drawn[counted & (mask > 0) & (truth == 0)] = FALSE_POSITIVE
        drawn[counted & (mask == 0) & (truth > 0)] = FALSE_NEGATIVE
    else:
        drawn[counted & (mask != truth)] = FALSE_POSITIVE
    return drawn


def _thin(pixels: Pixels) -> Pixels:
    """Every n-th pixel, so that the longer side has about DRAWN."""
    step = max(1, max(pixels.shape[:2]) // DRAWN)
    return np.ascontiguousarray(pixels[::step, ::step])


def _encode(pixels: Array, kind: str) -> str:
    """As a JPEG, which is written eight times as fast as WebP, or as a PNG, which keeps flat colors and is smaller."""
    import cv2

    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if kind == "jpeg" else []
    data = cv2.imencode(f".{kind}", small[:, :, ::-1], options)[1].tobytes()
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
