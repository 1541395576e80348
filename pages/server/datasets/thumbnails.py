"""Thumbnails of images with their masks, made once and kept in memory: WebP, on a square that is clear beside."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pages.server.lru import LRU
from unet_core import overlay
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.reading import read_image
from unet_core.errors import UnetError
from unet_core.io.pixels import Array, Pixels, for_display, with_channels

SIDE = 320  # pixels
QUALITY = 85
MOST_BYTES = 128 * 1024**2
OUTLINES, FILLED, NONE = "outlines", "filled", "none"
STYLES = (OUTLINES, FILLED, NONE)


@dataclass(frozen=True)
class Look:
    """How masks are read and drawn: without a `coding` all that is not 0 is foreground."""

    coding: MaskCoding | None = None
    num_classes: int = 1
    colors: tuple[str, ...] = ()
    style: str = OUTLINES


@dataclass(frozen=True)
class Thumbnail:
    """The image file, b"" where it could not be made; `problem` says why, or why its mask is missing."""

    data: bytes
    problem: str = ""


_THUMBNAILS: LRU[str, Thumbnail] = LRU(MOST_BYTES, lambda item: len(item.data) + 1000)


def make_all(samples: Sequence[Sample], look: Look) -> list[Thumbnail]:
    """The images of some samples, in their order."""
    with ThreadPoolExecutor(4) as pool:  # decoding and scaling release Python's lock
        return list(pool.map(lambda sample: make(sample, look), samples))


def make(sample: Sample, look: Look) -> Thumbnail:
    """The image of one sample."""
    key = key_of(sample, look)
    thumbnail = _THUMBNAILS.get(key)
    if thumbnail is None:
        thumbnail = _make(sample, look)
        _THUMBNAILS.put(key, thumbnail)
    return thumbnail


def read_pair(sample: Sample, look: Look) -> tuple[Pixels, Array | None, str]:
    """The image (H, W, C), the class indices of its mask (H, W), None without one, and why that cannot be read, or "".

    Raises ImageError where the image cannot be read.
    """
    image = read_image(sample)
    if not (sample.masks or sample.empty):
        return image, None, ""
    try:
        raw = files.read(sample, image.shape)
        mask = files.foreground(raw.as_colors()) if look.coding is None else look.coding.apply(raw, sample.id)
    except UnetError as error:
        return image, None, str(error)
    return image, mask, ""


def _make(sample: Sample, look: Look) -> Thumbnail:
    try:
        image, mask, problem = read_pair(sample, look)
    except UnetError as error:
        return Thumbnail(b"", str(error))
    return Thumbnail(draw(image, mask, look), problem)


def draw(image: Pixels, mask: Array | None, look: Look) -> bytes:
    """An image (H, W, C) with its mask (H, W) of class indices as WebP, SIDE x SIDE."""
    import cv2

    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shown = np.ascontiguousarray(with_channels(for_display(image), 3))
    small = cv2.resize(shown, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    if mask is not None and look.style != NONE:
        small_mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        small = draw_mask(np.asarray(small, np.uint8), small_mask, look)
    square = np.zeros((SIDE, SIDE, 4), np.uint8)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    square[top : top + size[1], left : left + size[0], :3] = small[:, :, ::-1]
    square[top : top + size[1], left : left + size[0], 3] = 255
    return cv2.imencode(".webp", square, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes()


def draw_mask(image: Array, mask: Array, look: Look) -> Array:
    """A mask over its image (H, W, 3) in the colors of its classes; background and ignored pixels show the image."""
    colors = overlay.class_colors(look.num_classes, look.colors)
    outline = look.style == OUTLINES
    drawn = overlay.draw(image, mask, look.num_classes, 1.0 if outline else 0.5, outline, colors)
    clear = (mask == 0) | (mask == IGNORE)
    return np.where(clear[:, :, None], image, drawn).astype(np.uint8)


def key_of(sample: Sample, look: Look) -> str:
    """Changes with the files, what the recipe does to them, and how they are drawn."""
    words = f"{sample.id}\0{sample.page}\0{sample.empty}\0{sample.repairs}\0{look}"
    digest = hashlib.sha256(words.encode(errors="surrogateescape"))
    for path in (sample.image, *sample.channel_files, *sample.masks, sample.field_of_view):
        if path is None:
            continue
        try:
            status = path.stat()
            stamp = f"{status.st_mtime_ns} {status.st_size}"
        except OSError:
            stamp = "gone"
        digest.update(f"{path}\0{stamp}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
