"""Suspected label errors: places where the model is sure, stable under augmentation, and the ground truth disagrees.

The idea is that of confident learning (Northcutt et al. 2021), by regions: a pixel alone says little, and near outlines
model and truth always disagree somewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.error_analysis import BAND, meets_several
from unet_core.inference.prediction import FULL, Prediction
from unet_core.postprocessing import objects

Array = NDArray[np.uint8]

KINDS = {  # in the order of their numbers in the map of disagreement, from 1
    "unlabeled": "the model sees an object that is not in the ground truth",
    "not seen": "the ground truth has an object that the model does not see",
    "class": "the model sees another class than the ground truth",
}
LEAST_PIXELS = 4  # of a region
SPECK = 30  # pixels at which a region counts half: among small ones are many specks, of model and of ground truth


@dataclass(frozen=True)
class Suspect:
    """One region (connected, of one kind) in which the ground truth may be wrong.

    `score` (0..1) is `certainty` times `extent`, less for few pixels (n / (n + SPECK)): how certain the model is there,
    less where it changes under test-time augmentation, and how much of an object the region is, as a sliver along an
    outline is not.
    """

    image: str
    kind: str  # of KINDS
    score: float
    certainty: float
    extent: float
    pixels: int
    left: int
    top: int
    width: int
    height: int


def find_suspects(prediction: Prediction, target: Array, threshold: float | None = None) -> list[Suspect]:
    """The regions of an image in which `target` (H, W), class indices, disagrees, the most suspect first.

    Pixels that are IGNORE are no matter. Without test-time augmentation the uncertainty of a prediction is its entropy,
    which says the same as the probability; with it a region that only one view shows falls in the list.

    >>> levels = np.zeros((20, 20), np.uint16)
    >>> levels[5:12, 5:12] = 65_000
    >>> prediction = Prediction(1, np.zeros((20, 20), np.uint8), probability16=levels)
    >>> [(item.kind, item.pixels) for item in find_suspects(prediction, np.zeros((20, 20), np.uint8))]
    [('unlabeled', 49)]
    """
    pred = prediction.mask(threshold)
    counted = target != IGNORE
    kinds = np.zeros(target.shape, np.uint8)
    kinds[counted & (pred > 0) & (target == 0)] = 1
    kinds[counted & (pred == 0) & (target > 0)] = 2
    kinds[counted & (pred > 0) & (target > 0) & (pred != target)] = 3
    if not kinds.any():
        return []
    true, seen = objects.label(np.where(counted, target, 0).astype(np.uint8)), objects.label(pred)
    near = meets_several(true, BAND, background=True)
    certainty = _certainty(prediction) * (1 - prediction.uncertainty / 255)
    regions = objects.label(kinds)
    pixels = np.bincount(regions.ravel())
    # Each pixel weighs as much as it is certain: at its outline the model is unsure of every object.
    sums, squares = (np.bincount(regions.ravel(), weights=certainty.ravel() ** power) for power in (1, 2))
    certain = np.divide(squares, sums, out=np.zeros_like(sums), where=sums > 0)
    away = np.bincount(regions[~near], minlength=len(pixels)) / np.maximum(pixels, 1)
    # A region is an object as a whole, or lies away from outlines: a small object is all outline.
    sizes = np.concatenate([np.bincount(true.ravel()), np.bincount(seen.ravel())[1:]])
    label = np.where(kinds == 1, np.where(seen > 0, seen + true.max(), 0), true).ravel()
    keys, overlap = np.unique(regions.ravel().astype(np.int64) * len(sizes) + label, return_counts=True)
    region, item = np.divmod(keys, len(sizes))
    whole = np.zeros(len(pixels))
    np.maximum.at(whole, region, np.where(item > 0, overlap / sizes[item], 0))
    extent = np.maximum(whole, away)
    boxes = _boxes(regions)
    found = [
        Suspect(
            prediction.name,
            list(KINDS)[int(kinds.ravel()[first]) - 1],
            float(certain[index] * extent[index] * pixels[index] / (pixels[index] + SPECK)),
            float(certain[index]),
            float(extent[index]),
            int(pixels[index]),
            *boxes[index - 1],
        )
        for index, first in zip(*np.unique(regions, return_index=True), strict=True)
        if index > 0 and pixels[index] >= LEAST_PIXELS
    ]
    return rank(found)


def rank(suspects: Iterable[Suspect], most: int | None = None) -> list[Suspect]:
    """Those of several images, the most suspect first; of equal ones the larger."""
    ordered = sorted(suspects, key=lambda item: (-item.score, -item.pixels, item.image, item.top, item.left))
    return ordered[:most]


def _certainty(prediction: Prediction) -> NDArray[np.float64]:
    """(H, W) 0..1: 0 where the classes are equally probable, 1 where one is certain."""
    if prediction.probability16 is not None:
        return np.abs(2 * (prediction.probability16 / FULL) - 1)
    least = 1 / prediction.num_classes
    return np.maximum(0, (prediction.probability / 255 - least) / (1 - least))


def _boxes(regions: NDArray[np.int32]) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of each region, from 1."""
    from scipy.ndimage import find_objects

    return [(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in find_objects(regions)]
