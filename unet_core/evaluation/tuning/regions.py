"""V-Rand against the threshold, where the foreground is regions that thin lines divide: the cells between membranes.

There a threshold that joins two cells by one pixel costs V-Rand much and Dice nothing.
"""

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.inference.prediction import above
from unet_core.io.pixels import Array

REGION_THRESHOLDS = (*(step / 20 for step in range(1, 20)), 0.96, 0.97, 0.98, 0.99)
LEAST_SHARE = 0.5  # of the pixels is foreground where it is regions
LEAST_REGIONS = 5  # of an image

Floats = NDArray[np.float64]


def has_regions(target: Array) -> bool:
    """Whether most of a mask (H, W) is foreground, in several parts that something thin divides.

    >>> lines = np.ones((9, 90), np.uint8)
    >>> lines[:, ::10] = 0
    >>> has_regions(lines), has_regions(1 - lines)
    (True, False)
    """
    from unet_core.postprocessing import objects

    counted = target != IGNORE
    foreground = np.where(counted, target, 0).astype(np.uint8)
    if np.count_nonzero(foreground) < LEAST_SHARE * np.count_nonzero(counted):
        return False
    return int(objects.label(foreground).max(initial=0)) >= LEAST_REGIONS


def trace_regions(levels: NDArray[np.uint16], target: Array) -> Floats:
    """V-Rand of an image at each of REGION_THRESHOLDS, (R,); NaN where its mask has no regions.

    `levels` (H, W) are probabilities in 1/65535, as `Prediction.probability16`.
    """
    from unet_core.evaluation.measures.objects import measure_regions

    if not has_regions(target):
        return np.full(len(REGION_THRESHOLDS), np.nan)
    return np.array([measure_regions(above(levels, limit), target).v_rand for limit in REGION_THRESHOLDS])
