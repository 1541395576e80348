"""From probabilities to a tidy mask: the threshold, holes filled, small objects dropped; milliseconds, and no net."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.label_map import IGNORE
from unet_core.io.pixels import full_range

Array = NDArray[np.uint8]


def mask_of(probability: NDArray[Any], threshold: float = 0.5) -> Array:
    """Class indices (H, W) uint8 of a probability map, as `logits.to_mask` gives them.

    (H, W) or (1, H, W): 1 where the probability is above `threshold` (0..1), else 0. (K, H, W): the likeliest class.
    Whole numbers stand for shares of their type's full range: uint8 of 255, uint16 of 65535.
    """
    if probability.ndim == 3 and len(probability) > 1:
        return np.asarray(probability.argmax(0), np.uint8)
    flat = probability[0] if probability.ndim == 3 else probability
    whole = np.issubdtype(flat.dtype, np.integer)
    return np.asarray(flat > (int(np.floor(threshold * full_range(flat))) if whole else threshold), np.uint8)


def clean(mask: Array, min_area: int = 0, fill_holes: bool = False, max_hole: int = 0) -> Array:
    """A tidier copy of a mask (H, W) of class indices, 0 the background: first holes are filled, then small objects go.

    A hole is background that touches neither the border of the picture nor a second class (4 neighbors); it becomes
    the class around it, where it has at most `max_hole` pixels (0: of any size). An object is what hangs together of
    one class by 8 neighbors; one of less than `min_area` pixels becomes background, and where there are several
    classes what is left nearest to it. IGNORE is neither filled nor dropped.
    """
    mask = np.array(mask, np.uint8)
    if fill_holes:
        _fill(mask, max_hole)
    if min_area > 1:
        _drop(mask, min_area)
    return mask


def _fill(mask: Array, max_hole: int) -> None:
    number, labels, stats, _ = cv2.connectedComponentsWithStats((mask == 0).view(np.uint8), connectivity=4)
    left, top, width, height, area = stats.T
    inside = (left > 0) & (top > 0) & (left + width < mask.shape[1]) & (top + height < mask.shape[0])
    inside &= area <= (max_hole or mask.size)
    inside[0] = False
    holes = inside[labels].view(np.uint8)
    rim = np.flatnonzero(holes & (cv2.erode(holes, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) == 0))
    lowest, highest = np.full(number, IGNORE, np.int64), np.zeros(number, np.int64)
    for step in (-1, 1, -mask.shape[1], mask.shape[1]):  # no hole lies at the border, so these stay in the picture
        outside = mask.ravel()[rim + step]
        met = outside > 0
        np.minimum.at(lowest, labels.ravel()[rim[met]], outside[met])
        np.maximum.at(highest, labels.ravel()[rim[met]], outside[met])
    inside &= (lowest == highest) & (highest != IGNORE)
    mask |= np.where(inside, highest, 0).astype(np.uint8)[labels]


def _drop(mask: Array, min_area: int) -> None:
    small = np.zeros(mask.shape, np.bool_)
    classes = [value for value in present(mask) if value not in (0, IGNORE)]
    for value in classes:
        _, labels, stats, _ = cv2.connectedComponentsWithStats((mask == value).view(np.uint8), connectivity=8)
        little = stats[:, cv2.CC_STAT_AREA] < min_area
        little[0] = False
        small |= little[labels]
    kept = ~small & (mask != IGNORE)
    if len(classes) < 2 or not small.any() or not kept.any():
        mask[small] = 0
        return
    nearest = cv2.distanceTransformWithLabels(
        (~kept).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    classes_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    classes_of[nearest[kept]] = mask[kept]
    mask[small] = classes_of[nearest[small]]


def present(mask: Array) -> list[int]:
    """The values that a mask holds, in order."""
    counts = cv2.calcHist([np.ascontiguousarray(mask)], [0], None, [256], [0, 256])
    return [int(value) for value in np.flatnonzero(counts.ravel())]
