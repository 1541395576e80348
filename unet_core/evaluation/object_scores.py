"""Objects instead of pixels: how many the model finds, misses and makes up, where the masks tell objects apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.evaluation.measures.objects import measure_objects


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
    predicted class there. Pixels that `target` ignores count for neither. See `measures.objects` for more.

    >>> truth = np.array([[1, 1, 0, 2]], np.int32)
    >>> mask = (truth > 0).astype(np.uint8)
    >>> match_objects(np.array([[1, 1, 0, 0]], np.uint8), mask, truth)
    ObjectCounts(matched=1, missed=1, wrong=0)
    """
    scores = measure_objects(pred, target, numbers)
    matched = scores.matched[0]
    return ObjectCounts(matched, scores.true - matched, scores.predicted - matched)
