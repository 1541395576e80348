"""An image before and after a repair, side by side: where little changes, both are a close-up of the largest change."""

from dataclasses import dataclass

import numpy as np

from pages.server.datasets import thumbnails
from pages.server.datasets.thumbnails import Look, Thumbnail
from pages.server.lru import LRU
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.io.pixels import Array, Pixels

CLOSE_UP_BELOW = 0.02  # share of the pixels that change; of more the whole image is shown
SMALLEST = 64  # pixels, side of a close-up
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Comparison:
    """Both thumbnails, and the share of the mask's pixels that change; None where the masks cannot be compared."""

    before: Thumbnail
    after: Thumbnail
    changed: float | None = None
    is_close_up: bool = False


_COMPARISONS: LRU[tuple[str, str], Comparison] = LRU(256)


def compare(before: tuple[Sample, Look], after: tuple[Sample, Look]) -> Comparison:
    """One sample as it is read now, and as a repair would have it."""
    key = thumbnails.key_of(*before), thumbnails.key_of(*after)
    comparison = _COMPARISONS.get(key)
    if comparison is None:
        comparison = _compare(before, after)
        _COMPARISONS.put(key, comparison)
    return comparison


def _compare(before: tuple[Sample, Look], after: tuple[Sample, Look]) -> Comparison:
    pairs: list[tuple[Pixels, Array | None, str]] = []
    for sample, look in (before, after):
        try:
            pairs.append(thumbnails.read_pair(sample, look))
        except UnetError as error:
            return Comparison(Thumbnail(b"", str(error)), Thumbnail(b"", str(error)))
    (_, old, _), (_, new, _) = pairs
    changed = None if old is None or new is None or old.shape != new.shape else float((old != new).mean())
    window = None
    if old is not None and new is not None and changed and changed < CLOSE_UP_BELOW:
        window = find_window(np.asarray(old != new))
    drawn = []
    for (image, mask, problem), (_, look) in zip(pairs, (before, after), strict=True):
        if window is not None:
            image, mask = image[window], None if mask is None else mask[window]
        drawn.append(Thumbnail(thumbnails.draw(image, mask, look), problem))
    return Comparison(drawn[0], drawn[1], changed, window is not None)


def find_window(changed: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> Window:
    """The rows and columns around the largest connected change (H, W), a quarter of the image or what it takes.

    >>> changed = np.zeros((400, 400), bool)
    >>> changed[10, 300:303] = True
    >>> find_window(changed)
    (slice(0, 100, None), slice(251, 351, None))
    """
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(changed.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    left, top, width, height, _ = stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))].tolist()
    side = max(SMALLEST, min(changed.shape) // 4, 2 * width, 2 * height)

    def cut(start: int, length: int, whole: int) -> slice:
        first = min(max(0, start + length // 2 - side // 2), max(0, whole - side))
        return slice(first, min(whole, first + side))

    return cut(top, height, changed.shape[0]), cut(left, width, changed.shape[1])
