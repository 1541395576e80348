"""Repairs of masks as class indices: inverted foreground, specks, holes.

mask, objects = repair(mask, objects, raw.repairs, ignore=255)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unet_core.data.recipe.recipe import Repair
from unet_core.errors import DataError

Mask = NDArray[np.uint8]
Objects = NDArray[np.int32]
LARGEST_CLASS = 256


def repair(
    mask: Mask, objects: Objects | None, repairs: Sequence[Repair], ignore: int, binary: bool, name: str = "mask"
) -> tuple[Mask, Objects | None]:
    """Class indices (H, W) and object numbers (H, W), None where there are none, after the repairs.

    Pixels of the class `ignore` stay as they are. Raises DataError that names the mask where one cannot be inverted
    because it has several classes.
    """
    for one in repairs:
        if one.kind == "invert":
            if not binary:
                raise DataError(
                    f"{name}: only binary masks can be inverted, but the masks of this dataset have several classes or "
                    "number their objects. Undo the repair."
                )
            mask = np.where(mask == ignore, mask, mask == 0).astype(np.uint8)
            objects = None  # what lies around the objects is none
        elif one.kind == "remove_specks":
            mask, objects = _remove_specks(mask, objects, one.get("area"), ignore)
        elif one.kind == "fill_holes":
            mask, objects = _fill_holes(mask, objects, one.get("area"), ignore)
    return mask, objects


def _remove_specks(mask: Mask, objects: Objects | None, area: int, ignore: int) -> tuple[Mask, Objects | None]:
    """Connected pieces (8 neighbors) of one class, and of one object where they are numbered, of fewer pixels."""
    from skimage.measure import label

    pieces = label(_join(mask, objects), background=0, connectivity=2)
    small = np.bincount(pieces.ravel()) < area
    small[0] = False
    gone = small[pieces] & (mask != ignore)
    return np.where(gone, 0, mask).astype(np.uint8), None if objects is None else np.where(gone, 0, objects)


def _fill_holes(mask: Mask, objects: Objects | None, area: int, ignore: int) -> tuple[Mask, Objects | None]:
    """Connected pieces (4 neighbors) of background of fewer pixels that one class, or one object, encloses alone.

    A gap between two objects, or one that reaches the border or ignored pixels, is no hole.
    """
    from skimage.measure import label

    codes = _join(mask, objects)
    pieces = label(codes == 0, background=0, connectivity=1)
    number = int(pieces.max(initial=0)) + 1
    around = np.pad(codes, 1, constant_values=ignore)  # beyond the border nothing is known
    lowest, highest = np.full(number, np.iinfo(np.int64).max), np.zeros(number, np.int64)
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        neighbors = around[down : down + mask.shape[0], right : right + mask.shape[1]]
        edge = (pieces > 0) & (neighbors > 0)
        np.minimum.at(lowest, pieces[edge], neighbors[edge])
        np.maximum.at(highest, pieces[edge], neighbors[edge])
    enclosed = (lowest == highest) & (lowest % LARGEST_CLASS != ignore)
    enclosed &= np.bincount(pieces.ravel(), minlength=number) < area
    enclosed[0] = False
    filling = np.where(enclosed, lowest, 0)[pieces]
    filled = np.where(filling > 0, filling % LARGEST_CLASS, mask).astype(np.uint8)
    if objects is None:
        return filled, None
    return filled, np.where(filling > 0, filling // LARGEST_CLASS, objects).astype(np.int32)


def _join(mask: Mask, objects: Objects | None) -> NDArray[np.int64]:
    """(H, W) a number that is the same for pixels of one class and one object, 0 for background."""
    codes = mask.astype(np.int64)
    return codes if objects is None else codes + np.where(mask > 0, objects.astype(np.int64), 0) * LARGEST_CLASS
