"""Touching objects separated at their necks: a watershed on the distance to the outline (Vincent and Soille 1991),
from the h-maxima of its logarithm, so that a neck counts relative to the width of the object, not by pixels."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

NECK = 0.07  # how much narrower than the narrower of its two sides a neck must be, as a share (see CONTRIBUTING)
SOFT = 4.0  # pixels: distances well below are compared by their difference, so that small objects are not cut by noise
MOST_PIXELS = 2_000_000  # of one object's box; a larger one is separated at reduced size

Labels = NDArray[np.int32]


def split(labels: Labels, boxes: NDArray[np.int32]) -> tuple[Labels, int]:
    """Separate touching objects: labels (H, W) 0..N of connected objects and `boxes` (N, 4) left, top, width, height.

    The first part of an object keeps its number, the others get N + 1 onwards. Returns the new labels and how many.
    The border of the image is no outline: what continues outside of it is not separated there.
    """
    labels = labels.copy()
    number = len(boxes)
    distance = cv2.distanceTransform((labels > 0).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    distance = cv2.GaussianBlur(distance, (0, 0), 1.0)
    peaks = (cv2.dilate(distance, np.ones((3, 3), np.uint8)) == distance) & (labels > 0)
    for index in np.flatnonzero(np.bincount(labels[peaks], minlength=number + 1)[1:] > 1):
        left, top, width, height = (int(value) for value in boxes[index])
        box = np.s_[top : top + height, left : left + width]
        inside = labels[box] == index + 1
        parts, count = _parts(np.where(inside, distance[box], 0).astype(np.float32), inside)
        if count > 1:
            labels[box][inside & (parts > 1)] = parts[inside & (parts > 1)] + number - 1
            number += count - 1
    return labels, number


def _parts(distance: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[NDArray[Any], int]:
    """(H, W) 1..count where `inside`, and the count."""
    from skimage.measure import label
    from skimage.morphology import local_maxima, reconstruction
    from skimage.segmentation import watershed

    factor = int(np.ceil(np.sqrt(inside.size / MOST_PIXELS)))
    if factor > 1:
        shape = inside.shape
        distance, inside = _reduced(distance, factor), _reduced(inside.view(np.uint8), factor) > 0
    distance, inside = np.pad(distance, 1), np.pad(inside, 1)
    height = np.log1p(distance / SOFT)
    domes = reconstruction(height + np.log(1 - NECK), height)
    markers, count = label(local_maxima(domes) & inside, return_num=True, connectivity=2)
    if count < 2:
        return markers[1:-1, 1:-1], count
    parts = watershed(-distance, markers, mask=inside)[1:-1, 1:-1]
    if factor > 1:
        parts = np.repeat(np.repeat(parts, factor, 0), factor, 1)[: shape[0], : shape[1]]
    return parts, count


def _reduced(pixels: NDArray[Any], factor: int) -> NDArray[Any]:
    """(H, W) to (ceil(H / factor), ceil(W / factor)): the largest value of each block."""
    height, width = (-(-length // factor) for length in pixels.shape)
    padded = np.zeros((height * factor, width * factor), pixels.dtype)
    padded[: pixels.shape[0], : pixels.shape[1]] = pixels
    return np.asarray(padded.reshape(height, factor, width, factor).max((1, 3)))
