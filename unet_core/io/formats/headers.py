"""What the header of an image file says, in one form for every format, and the sentences that refuse it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError

MAX_PIXELS = 89_478_485  # Pillow's own bound: about 9,450 x 9,450
MOST_CHANNELS = 32
TURNS = {  # what makes an array upright, by its EXIF orientation: (transposed, rows reversed, columns reversed) after
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


@dataclass(frozen=True)
class Header:
    """One page of a file by its header; no pixel is decoded before `load` is called.

    `height` and `width` are as stored, before the EXIF `orientation` (1 to 8) turns them. `load` gives (H, W, C) of the
    stored dtype without alpha, `stored` the values of a mask, before "0 is white" was undone, None where that is the
    same; both as stored too. `note` is a clause on what was guessed, "" for nothing. Where `paged` is False the file is
    one image and `pages` only counts the frames of an animation, which is refused.
    """

    pages: int
    height: int
    width: int
    channels: int
    dtype: np.dtype[Any]
    load: Callable[[], NDArray[Any]]
    orientation: int = 1
    channel_names: tuple[str, ...] = ()
    axes: str = ""
    note: str = ""
    nodata: float | None = None
    stored: Callable[[], NDArray[Any]] | None = None
    paged: bool = True
    image: Any = None  # Pillow's open file, where that is to decode, at the page that is asked for


def refuse_channels(channels: int, name: str) -> None:
    """Raise ImageError for more channels than a model can take."""
    if channels > MOST_CHANNELS:
        raise ImageError(
            f"{name}: has {channels} channels, over the limit of {MOST_CHANNELS}; save only those that are needed."
        )


def damaged(name: str, why: object) -> ImageError:
    """The error for a file that its reader gave up on."""
    return ImageError(f"{name}: the image is damaged ({why}).")


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """An array (H, W) or (H, W, C) as its EXIF orientation, 1 to 8, wants it shown."""
    if orientation not in TURNS:
        return pixels
    transposed, rows, columns = TURNS[orientation]
    turned = pixels.swapaxes(0, 1) if transposed else pixels
    return np.ascontiguousarray(turned[::rows, ::columns])
