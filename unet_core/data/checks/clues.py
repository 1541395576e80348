"""What grouping needs of an image (its borders, a thumbnail) in few bytes, as it is kept beside the facts."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.groups import mosaics, series
from unet_core.data.groups.grouping import Clues
from unet_core.data.groups.mosaics import Borders
from unet_core.io.pixels import Pixels

LEVELS = 65535  # of a stored value between the lowest and the highest


@dataclass(frozen=True)
class Clue:
    """The borders and the thumbnail of an image, each as 16-bit numbers between a low and a high value.

    `head`: height, width, and the low and the high value of the borders and of the thumbnail.
    """

    head: tuple[int, int, float, float, float, float]
    data: NDArray[np.uint16]

    @classmethod
    def size(cls, height: int, width: int) -> int:
        """How many numbers the clue of an image of a size has."""
        return 4 * (height + width) + series.SIDE**2


def make(image: Pixels) -> Clue | None:
    """The clue of an image (H, W, C); None of one that is a single line."""
    if min(image.shape[:2]) < 2:
        return None
    borders = mosaics.measure_borders(image)
    lines = np.concatenate([side.ravel() for side in (borders.top, borders.bottom, borders.left, borders.right)])
    packed, low, high = _pack(lines)
    thumbnail, darkest, brightest = _pack(series.make_thumbnail(image))
    head = (image.shape[0], image.shape[1], low, high, darkest, brightest)
    return Clue(head, np.concatenate([packed, thumbnail]))


def gather(clues: Iterable[tuple[str, Clue]]) -> Clues:
    """The clues of all images by their ids, as `groups.grouping` takes them."""
    gathered = Clues()
    for name, clue in clues:
        height, width, low, high, darkest, brightest = clue.head
        lines = low + clue.data[: 4 * (height + width)].astype(np.float32) * np.float32((high - low) / LEVELS)
        top, bottom, left, right = np.split(lines, np.cumsum([2 * width, 2 * width, 2 * height]))
        gathered.borders[name] = Borders(*(side.reshape(2, -1) for side in (top, bottom, left, right)))
        thumbnail = clue.data[4 * (height + width) :].astype(np.float32) * np.float32((brightest - darkest) / LEVELS)
        gathered.thumbnails[name] = darkest + thumbnail
    return gathered


def _pack(values: NDArray[np.float32]) -> tuple[NDArray[np.uint16], float, float]:
    finite = np.nan_to_num(values.astype(np.float64))
    low, high = float(finite.min()), float(finite.max())
    return np.rint((finite - low) * (LEVELS / max(high - low, 1e-12))).astype(np.uint16), low, high
