"""Random pairs of masks with the corner cases on which implementations of measures differ."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE

Array = NDArray[np.uint8]


def blobs(rng: np.random.Generator, shape: tuple[int, int], classes: int) -> Array:
    """(H, W) class indices in blobs of a random size, thresholded smooth noise."""
    noise = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), rng.uniform(0.8, 5))
    edges = np.quantile(noise, np.sort(rng.uniform(0.3, 0.95, max(classes - 1, 1))))
    return np.searchsorted(edges, noise).astype(np.uint8)


def corner(rng: np.random.Generator, mask: Array, kind: int) -> Array:
    """The mask, or one of: empty, full, a pixel, a pixel in a corner, a frame, a stripe at the border."""
    if kind == 0:
        return np.zeros_like(mask)
    if kind == 1:
        return np.ones_like(mask)
    if kind in (2, 3):
        mask = np.zeros_like(mask)
        mask[(0, 0) if kind == 3 else tuple(int(rng.integers(length)) for length in mask.shape)] = 1
        return mask
    if kind == 4:
        mask = np.ones_like(mask)
        mask[1:-1, 1:-1] = 0
        return mask
    if kind == 5:
        mask = np.zeros_like(mask)
        mask[:, -int(rng.integers(1, 4)) :] = 1
        return mask
    return mask


def random_pairs(number: int, seed: int, sizes: tuple[int, int] = (5, 40)) -> Iterator[tuple[Array, Array, int]]:
    """(prediction, ground truth, number of classes): binary and 3 classes, with and without ignored areas."""
    rng = np.random.default_rng(seed)
    for index in range(number):
        height, width = (int(value) for value in rng.integers(*sizes, size=2))
        classes = 1 if index % 3 else 3
        truth = blobs(rng, (height, width), max(classes, 2))
        if rng.random() < 0.5:  # a prediction that resembles the truth
            moved = cv2.warpAffine(
                truth, np.float32([[1, 0, rng.integers(-3, 4)], [0, 1, rng.integers(-3, 4)]]), (width, height)
            )
            flipped = rng.random(truth.shape) < 0.02
            pred = np.where(flipped, blobs(rng, (height, width), max(classes, 2)), moved).astype(np.uint8)
        else:
            pred = blobs(rng, (height, width), max(classes, 2))
        pred, truth = corner(rng, pred, int(rng.integers(24))), corner(rng, truth, int(rng.integers(24)))
        if index % 4 == 0:
            truth = np.where(blobs(rng, (height, width), 2) > 0, IGNORE, truth).astype(np.uint8)
        yield pred, truth, classes
