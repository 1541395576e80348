"""What the palette of a mask means: colours for class indices, or black and white in whatever order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def white_indices(picture: Image.Image, indices: NDArray[Any]) -> NDArray[np.uint8] | None:
    """(256,) 1 where a palette is white, if it is one of black and white alone; else None: the indices are classes.

    Also where only black and white are used and black is not index 0: writers that count colours order them anyhow.
    """
    listed = np.asarray(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    table = np.zeros((256, 3), np.uint8)
    table[: len(listed)] = listed
    bright = table.max(1)
    plain = (bright == table.min(1)) & ((bright == 0) | (bright == 255))
    used = np.unique(indices)
    if not plain[used].all() or used[-1] >= len(listed):
        return None
    both = plain[: len(listed)].all() and {0, 255} <= set(bright[: len(listed)].tolist())
    odd = bright[0] == 255 or (255 in bright[used] and (bright[used] == 0)[used > 0].any())
    return (bright > 0).astype(np.uint8) if both or odd else None
