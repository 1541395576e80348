"""Objects instead of pixels: how many the model finds, misses and makes up, where the masks tell objects apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.postprocessing import objects

MATCH = 0.5  # IoU above which two objects are the same: above a half there is one partner at most


@dataclass(frozen=True)
class ObjectCounts:
    """Objects of the ground truth that were matched or missed, and predicted ones that match none."""

    matched: int
    missed: int
    wrong: int

    def __add__(self, other: "ObjectCounts") -> "ObjectCounts":
        return ObjectCounts(self.matched + other.matched, self.missed + other.missed, self.wrong + other.wrong)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN) over objects, 0..1; NaN where there are none."""
        total = 2 * self.matched + self.missed + self.wrong
        return 2 * self.matched / total if total else float("nan")


def match_objects(pred: NDArray[np.uint8], target: NDArray[np.uint8], numbers: NDArray[np.int32]) -> ObjectCounts:
    """Compare the objects of a predicted mask (H, W) with those of the ground truth, `numbers` (H, W), 0 = none.

    A predicted object is what is connected and of one class. Two objects match where their IoU is above 0.5, so that
    each has one partner at most (Kirillov et al. 2019, Panoptic Segmentation), and `target`, the class indices, has the
    predicted class there. Pixels that `target` ignores count for neither.

    >>> truth = np.array([[1, 1, 0, 2]], np.int32)
    >>> mask = (truth > 0).astype(np.uint8)
    >>> match_objects(np.array([[1, 1, 0, 0]], np.uint8), mask, truth)
    ObjectCounts(matched=1, missed=1, wrong=0)
    """
    counted = target != IGNORE
    predicted = np.where(counted, objects.label(pred), 0).astype(np.int64)
    # With a 0 in front, 0 stays 0 and the numbers, which may have gaps, become 1, 2, ...
    masked = np.where(counted & (target > 0), numbers, 0).ravel()
    true = np.unique(np.concatenate([[0], masked]), return_inverse=True)[1][1:].reshape(target.shape)
    areas, true_areas = np.bincount(predicted.ravel())[1:], np.bincount(true.ravel())[1:]
    # Only pairs that share a pixel: a table of all would be huge where an untrained model predicts thousands of specks.
    shared = (pred == target) & (predicted > 0) & (true > 0)
    keys, overlap = np.unique(predicted[shared] * (len(true_areas) + 1) + true[shared], return_counts=True)
    first, second = np.divmod(keys, len(true_areas) + 1)
    union = areas[first - 1] + true_areas[second - 1] - overlap
    matched = int((overlap > MATCH * union).sum())
    return ObjectCounts(matched, int((true_areas > 0).sum()) - matched, int((areas > 0).sum()) - matched)
