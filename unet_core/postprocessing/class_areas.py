"""How much of an image each class takes, and whether the regions of a mask are objects that can be counted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE

LEAST_ON_BACKGROUND = 0.5  # share of the borders


def are_objects(mask: NDArray[np.uint8], num_classes: int) -> bool:
    """Whether connected regions of a mask (H, W) of class indices are objects: binary, or standing apart on class 0.

    In a scene (a street, a landscape) every pixel has a class and most borders lie between two of them: a region is
    then what a fence, a pole or the edge of the image has left of a class, and their number says nothing.

    >>> street = np.array([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 3, 3]], np.uint8)
    >>> are_objects(street, 4), are_objects(np.where(street == 1, 0, street), 4), are_objects(street, 1)
    (False, True, True)
    """
    if num_classes == 1:
        return True
    borders = on_background = 0
    for one, other in ((mask[1:], mask[:-1]), (mask[:, 1:], mask[:, :-1])):
        differ = (one != other) & (one != IGNORE) & (other != IGNORE)
        borders += int(np.count_nonzero(differ))
        on_background += int(np.count_nonzero(differ & ((one == 0) | (other == 0))))
    return on_background >= LEAST_ON_BACKGROUND * borders


def measure(mask: NDArray[np.uint8], num_classes: int, pixel_size: float | None = None) -> dict[str, NDArray[Any]]:
    """A row for each class that the mask (H, W) has, the largest first: class, area_px2 or area_um2, share (0..1).

    `pixel_size` in micrometers. Ignored pixels count nowhere.

    >>> measure(np.array([[0, 2, 2, 2]], np.uint8), 3)["class"].tolist()
    [2, 0]
    """
    pixels = np.bincount(mask.ravel(), minlength=256)[: max(2, num_classes)]
    order = np.argsort(-pixels, kind="stable")[: np.count_nonzero(pixels)]
    scale = 1 if pixel_size is None else pixel_size**2
    return {
        "class": order,
        "area_px2" if pixel_size is None else "area_um2": pixels[order] * scale,
        "share": pixels[order] / max(1, pixels.sum()),
    }
