"""Small images of errors and of places: made when they are shown, the latest ones kept in memory."""

import base64
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pages.server.lru import LRU
from pages.server.scoring_job import Scores
from unet_core import overlay
from unet_core.data.masks.coding import IGNORE
from unet_core.data.reading import read_image
from unet_core.errors import UnetError
from unet_core.evaluation.analysis.suspects import find_window
from unet_core.evaluation.label_errors import Suspect
from unet_core.io.colors import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, WHITE
from unet_core.io.pixels import Array, Pixels, for_display, with_channels

SIDE = 320  # pixels of a thumbnail
CROP = 192  # and of a crop
QUALITY = 85
MOST_BYTES = 64 * 1024**2

_MADE: LRU[str, tuple[bytes, ...]] = LRU(MOST_BYTES, lambda parts: sum(map(len, parts)) + 200)


def make_thumbnails(scores: Scores, names: Sequence[str]) -> list[bytes]:
    """Scored images with their errors, WebP, in their order; b"" where an image cannot be read any more."""

    def make(name: str) -> bytes:
        key = _key(scores, name, "errors")
        if (made := _MADE.get(key)) is None:
            try:
                image = read_image(scores.samples[name])
            except UnetError:
                return b""
            made = (_encode(draw_errors(image, scores.mask(name), scores.truth(name)), SIDE),)
            _MADE.put(key, made)
        return made[0]

    with ThreadPoolExecutor(4) as pool:  # decoding and scaling release Python's lock
        return list(pool.map(make, names))


def draw_errors(image: Pixels, mask: Array, truth: Array) -> Array:
    """(H, W, 3): an image (H, W, C) in gray, with the pixels of masks (H, W) of class indices in the colors of errors.

    A pixel of two different classes has the color of a false positive.
    """
    gray = with_channels(with_channels(_brighten(image), 1), 3)
    colors = np.array([gray[0, 0], TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE], np.uint8)
    counted = truth != IGNORE
    kinds = np.zeros(truth.shape, np.uint8)
    kinds[counted & (mask > 0) & (mask == truth)] = 1
    kinds[counted & (mask > 0) & (mask != truth)] = 2
    kinds[counted & (mask == 0) & (truth > 0)] = 3
    mixed = np.where(kinds[:, :, None] == 1, gray // 2 + colors[kinds] // 2, colors[kinds])
    return np.where(kinds[:, :, None] > 0, mixed, gray).astype(np.uint8)


def make_crops(scores: Scores, masks: dict[str, Array], suspects: Sequence[Suspect]) -> list[tuple[str, str, str]]:
    """For each suspect, data URLs of the image there, with its ground truth, and with the prediction (`masks` by name).

    "" where the image cannot be read any more.
    """
    images: dict[str, Pixels | None] = {}
    for name in dict.fromkeys(item.image for item in suspects):
        try:
            images[name] = read_image(scores.samples[name])
        except UnetError:
            images[name] = None
    rows = []
    for item in suspects:
        key = _key(scores, item.image, f"{item}")
        if (made := _MADE.get(key)) is None:
            image = images[item.image]
            if image is None:
                rows.append(("", "", ""))
                continue
            made = tuple(_encode(part, CROP) for part in _draw_crops(image, scores, masks[item.image], item))
            _MADE.put(key, made)
        first, second, third = (f"data:image/webp;base64,{base64.b64encode(part).decode()}" for part in made)
        rows.append((first, second, third))
    return rows


def _draw_crops(image: Pixels, scores: Scores, mask: Array, item: Suspect) -> list[Array]:
    """The image of a place as it is, with its true and with its predicted outlines."""
    window = find_window(item, *mask.shape)
    shown = np.ascontiguousarray(_brighten(image)[window])
    scale = max(1, CROP // max(shown.shape[:2]))
    shown = shown.repeat(scale, 0).repeat(scale, 1)
    drawn = [shown]
    classes = len(scores.images[0].counts.tp)
    for part in (scores.truth(item.image), mask):
        large = np.ascontiguousarray(part[window]).repeat(scale, 0).repeat(scale, 1)
        with_outlines = overlay.draw(shown, large, classes, outline=True)
        clear = ~overlay.edges(large)
        drawn.append(np.where(clear[:, :, None], shown, with_outlines).astype(np.uint8))
    rows, columns = window
    top, left = (item.top - rows.start) * scale, (item.left - columns.start) * scale
    for picture in drawn:
        _frame(picture, top, left, item.height * scale, item.width * scale)
    return drawn


def _brighten(image: Pixels) -> Array:
    """(H, W, 3): an image (H, W, C) between its percentiles, 8 bits too: the errors of a dark one are to be seen."""
    return with_channels(for_display(image.astype(np.float32)), 3)


def _frame(picture: Array, top: int, left: int, height: int, width: int) -> None:
    """A thin white frame around a box, three pixels away from it."""
    import cv2

    cv2.rectangle(picture, (left - 4, top - 4), (left + width + 3, top + height + 3), WHITE, 1)


def _encode(pixels: Array, side: int) -> bytes:
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    return cv2.imencode(".webp", small[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes()


def _key(scores: Scores, name: str, what: str) -> str:
    """Changes with the image, its masks, and what is drawn."""
    digest = hashlib.sha256(f"{what}\0{scores.digests.get(name, '')}".encode(errors="surrogateescape"))
    digest.update(scores.masks[name])
    digest.update(scores.truths[name])
    return digest.hexdigest()
