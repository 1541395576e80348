"""How well objects agree: F1 and AP at IoU thresholds, panoptic quality and counts; V-Rand and V-Info of regions.

F1, AP and panoptic quality depend on how a mask is taken apart into objects: as what is connected, or with touching
ones separated by a watershed. Both are measured, by `split`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.postprocessing import objects

Array = NDArray[np.uint8]
Labels = NDArray[np.int32]

MOST_NUMBERS = 10**7  # up to which numbers are looked up in a table
PERCENTS = tuple(range(50, 100, 5))  # IoU thresholds of the mean AP, as whole numbers so that comparing is exact


@dataclass(frozen=True)
class ObjectScores:
    """Counts of one image, or of several added up: objects are pooled, as pixels are in a pooled Dice.

    `matched` has the number of matches at an IoU above each of PERCENTS, `iou` the sum of the IoU of those above 0.5.
    """

    true: int
    predicted: int
    matched: tuple[int, ...]
    iou: float

    def __add__(self, other: "ObjectScores") -> "ObjectScores":
        matched = tuple(a + b for a, b in zip(self.matched, other.matched, strict=True))
        return ObjectScores(self.true + other.true, self.predicted + other.predicted, matched, self.iou + other.iou)

    def f1(self, percent: int = 50) -> float:
        """2 TP / (2 TP + FP + FN) of objects at an IoU above `percent`, one of PERCENTS; NaN where there are none."""
        return _ratio(2 * self._matched(percent), self.true + self.predicted)

    def ap(self, percent: int = 50) -> float:
        """TP / (TP + FP + FN) of objects at an IoU above `percent`, one of PERCENTS; NaN where there are none.

        This is the average precision of the 2018 Data Science Bowl, StarDist and Cellpose. It is not COCO's, the area
        under a precision-recall curve, which needs a confidence for each object.
        """
        matched = self._matched(percent)
        return _ratio(matched, self.true + self.predicted - matched)

    @property
    def mean_ap(self) -> float:
        """The mean of `ap` over IoU 0.5, 0.55 to 0.95, as in the 2018 Data Science Bowl; NaN where there are none."""
        return float(np.mean([self.ap(percent) for percent in PERCENTS]))

    @property
    def segmentation_quality(self) -> float:
        """SQ: the mean IoU of matches above 0.5; NaN where nothing matches (Kirillov et al. 2019)."""
        return _ratio(self.iou, self._matched(50))

    @property
    def recognition_quality(self) -> float:
        """RQ: TP / (TP + FP / 2 + FN / 2) at an IoU above 0.5, equal to F1 (Kirillov et al. 2019)."""
        return self.f1(50)

    @property
    def panoptic_quality(self) -> float:
        """PQ: the IoU of matches above 0.5 summed, by TP + FP / 2 + FN / 2: SQ times RQ; NaN where there are none."""
        return _ratio(2 * self.iou, self.true + self.predicted)

    @property
    def count_error(self) -> int:
        """Predicted objects less true ones: above 0 where there are too many."""
        return self.predicted - self.true

    def _matched(self, percent: int) -> int:
        return self.matched[PERCENTS.index(percent)]


def measure_objects(
    pred: Array, target: Array, numbers: Labels, *, split: bool = False, labels: Labels | None = None
) -> ObjectScores:
    """Match the objects of a predicted mask (H, W) with those of the ground truth, `numbers` (H, W), 0 = none.

    A predicted object is what is connected (8 neighbors) and of one class; `split` separates touching ones
    (`watershed.split`). Two objects match where their IoU is above the threshold and `target`, the class indices, has
    the predicted class. Above 0.5 an object has one partner at most (Kirillov et al. 2019), so that no assignment has
    to be searched: this matching is the largest one. An IoU of exactly the threshold is no match; StarDist and Cellpose
    take it for one. Pixels that `target` ignores belong to no object.

    For one class alone, set all others to 0 in `pred` and `target`. `labels` (H, W) are the predicted objects where
    they were found already (`objects.label(pred, split)`).

    >>> truth = np.array([[1, 1, 0, 2]], np.int32)
    >>> scores = measure_objects(np.array([[1, 1, 0, 0]], np.uint8), (truth > 0).astype(np.uint8), truth)
    >>> scores.true, scores.predicted, scores.ap(50), scores.count_error
    (2, 1, 0.5, -1)
    """
    counted = target != IGNORE
    predicted = np.where(counted, objects.label(pred, split) if labels is None else labels, 0).astype(np.int64)
    true = compact(np.where(counted & (target > 0), numbers, 0))
    areas, true_areas = np.bincount(predicted.ravel())[1:], np.bincount(true.ravel())[1:]
    # Only pairs that share a pixel: a table of all would be huge where an untrained model predicts thousands of specks.
    shared = (pred == target) & (predicted > 0) & (true > 0)
    keys, overlap = np.unique(predicted[shared] * (len(true_areas) + 1) + true[shared], return_counts=True)
    first, second = np.divmod(keys, len(true_areas) + 1)
    union = areas[first - 1] + true_areas[second - 1] - overlap
    matched = tuple(int((100 * overlap > percent * union).sum()) for percent in PERCENTS)
    same = 2 * overlap > union
    total_iou = float((overlap[same] / union[same]).sum())
    return ObjectScores(int((true_areas > 0).sum()), int((areas > 0).sum()), matched, total_iou)


def compact(numbers: NDArray[np.integer]) -> NDArray[np.int64]:
    """Numbers (H, W), which may have gaps, as 1, 2, ... in their order; 0 stays 0.

    >>> compact(np.array([[0, 7, 3, 7]])).tolist()
    [[0, 2, 1, 2]]
    """
    if numbers.max(initial=0) < MOST_NUMBERS:  # without sorting the pixels
        occurring = np.zeros(int(numbers.max(initial=0)) + 1, np.bool_)
        occurring[numbers] = True
        occurring[0] = False
        return np.asarray(np.cumsum(occurring)[numbers], np.int64)
    ranks = np.unique(np.concatenate([[0], numbers.ravel()]), return_inverse=True)[1]
    return np.asarray(ranks[1:].reshape(numbers.shape), np.int64)


@dataclass(frozen=True)
class RegionScores:
    """How two divisions of the ground truth's foreground into regions agree, 0..1; NaN where it has no foreground.

    `*_merge` falls where regions are merged in the prediction, `*_split` where they are cut apart; `v_rand` and
    `v_info` are their harmonic means.
    """

    rand_merge: float
    rand_split: float
    info_merge: float
    info_split: float

    @property
    def v_rand(self) -> float:
        """The foreground-restricted Rand score, 1 less scikit-image's `adapted_rand_error`."""
        return _harmonic(self.rand_merge, self.rand_split)

    @property
    def v_info(self) -> float:
        """The foreground-restricted information theoretic score, 2 I / (H of the prediction + H of the truth)."""
        return _harmonic(self.info_merge, self.info_split)


def measure_regions(
    pred: Array,
    target: Array,
    numbers: Labels | None = None,
    *,
    split: bool = False,
    labels: Labels | None = None,
) -> RegionScores:
    """V-Rand and V-Info of the regions of a predicted mask (H, W) (Arganda-Carreras et al. 2015, ISBI challenge).

    True regions are `numbers` (H, W), 0 = none, or where there are none (None) what is connected in `target` and of one
    class. Only pixels inside of true regions count; what is predicted as background there is one more region, as in
    scikit-image. For membranes, the regions are the cells: the foreground has to be the cells. `labels` are as for
    `measure_objects`.

    >>> truth = np.array([[1, 1, 0, 1, 1]], np.uint8)
    >>> measure_regions(truth, truth).v_rand, round(measure_regions(np.ones_like(truth), truth).v_rand, 3)
    (1.0, 0.5)
    """
    from skimage.metrics import contingency_table

    counted = target != IGNORE
    true = np.where(counted & (target > 0), objects.label(target) if numbers is None else numbers, 0)
    inside = true > 0
    if not inside.any():
        return RegionScores(math.nan, math.nan, math.nan, math.nan)
    predicted = objects.label(pred, split) if labels is None else labels
    table = contingency_table(compact(true)[inside], predicted[inside])
    both = np.asarray(table.data, np.float64)
    of_true, of_pred = (np.asarray(table.sum(axis), np.float64).ravel() for axis in (1, 0))
    total = both.sum()
    pairs, true_pairs, pred_pairs = (float(n @ n - n.sum()) for n in (both, of_true, of_pred))
    joint, entropy, pred_entropy = (_entropy(n / total) for n in (both, of_true, of_pred))
    information = entropy + pred_entropy - joint
    return RegionScores(
        # Without a pair of pixels, and without entropy, there is one region or one pixel each: no fault is possible.
        rand_merge=pairs / pred_pairs if pred_pairs else 1.0,
        rand_split=pairs / true_pairs if true_pairs else 1.0,
        info_merge=information / entropy if entropy else 1.0,
        info_split=information / pred_entropy if pred_entropy else 1.0,
    )


def _entropy(shares: NDArray[np.float64]) -> float:
    shares = shares[shares > 0]
    return max(0.0, -float(shares @ np.log2(shares)))


def _harmonic(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second else 0.0


def _ratio(part: float, total: float) -> float:
    return part / total if total else math.nan
