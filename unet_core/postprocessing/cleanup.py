"""Cleanup of masks: fills holes and removes small objects, in milliseconds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE

Array = NDArray[np.uint8]


def clean(mask: Array, min_area: int = 0, fill_holes: bool = False, max_hole: int = 0) -> Array:
    """A cleaned copy of a mask (H, W) of class indices, 0 the background: holes are filled, then small objects removed.

    A hole is background that touches neither the border of the image nor a second class (4 neighbors); it becomes the
    class around it if it has at most `max_hole` pixels (0: of any size). An object is a connected component of one
    class (8 neighbors); one of fewer than `min_area` pixels becomes background, and with several classes the class
    that is nearest to it. IGNORE is neither filled nor removed.
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
    # Only the rim of a hole has neighbors outside of it; the classes met there decide, the lowest and highest of each
    # hole: where they agree there is one class around it. One pass over all rims, whatever the number of holes.
    rim = np.flatnonzero(holes & (cv2.erode(holes, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) == 0))
    lowest, highest = np.full(number, IGNORE, np.int64), np.zeros(number, np.int64)
    for step in (-1, 1, -mask.shape[1], mask.shape[1]):  # no hole is at the border, so these stay inside
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
    remaining = ~small & (mask != IGNORE)
    if len(classes) < 2 or not small.any() or not remaining.any():
        mask[small] = 0
        return
    # With several classes background in the middle of another class would be a new error: the nearest pixel that is
    # left says what it becomes. OpenCV numbers those pixels, so a table leads from the number to the class.
    nearest = cv2.distanceTransformWithLabels(
        (~remaining).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )[1]
    classes_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    classes_of[nearest[remaining]] = mask[remaining]
    mask[small] = classes_of[nearest[small]]


def present(mask: Array) -> list[int]:
    """The values in a mask, in order."""
    counts = cv2.calcHist([np.ascontiguousarray(mask)], [0], None, [256], [0, 256])
    return [int(value) for value in np.flatnonzero(counts.ravel())]
