"""Outlines compared: by hand, and against MONAI and scipy on 500 random pairs with all corner cases."""

import math
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from numpy.typing import NDArray
from scipy import ndimage

from tests.helpers.mask_pairs import random_pairs
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import ConfigError
from unet_core.evaluation.measures.surface import measure_surface, pool

Array = NDArray[np.uint8]


def square(top: int, left: int, side: int, size: int = 40) -> Array:
    mask = np.zeros((size, size), np.uint8)
    mask[top : top + side, left : left + side] = 1
    return mask


def classes_of(pred: Array, target: Array, classes: int) -> Iterator[tuple[int, NDArray[np.bool_], NDArray[np.bool_]]]:
    """(column, mask of the prediction, mask of the truth) of each scored class, without what is ignored."""
    counted = target != IGNORE
    for column in range(classes):
        index = 1 if classes == 1 else column
        yield column, (pred == index) & counted, (target == index) & counted


def monai_values(pred: NDArray[np.bool_], target: NDArray[np.bool_], tolerance: float) -> tuple[float, float]:
    """HD95 and NSD; what MONAI calls infinite is undefined here."""
    one_hot = [torch.from_numpy(mask)[None, None].float() for mask in (pred, target)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hd95 = compute_hausdorff_distance(*one_hot, include_background=True, percentile=95).item()
        nsd = compute_surface_dice(*one_hot, [tolerance], include_background=True).item()
    return (hd95 if math.isfinite(hd95) else math.nan), nsd


def scipy_hd95(pred: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    """In double precision."""
    if not (pred.any() and target.any()):
        return math.nan
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (pred, target)]
    directed = [np.percentile(ndimage.distance_transform_edt(~edges[1 - side])[edges[side]], 95) for side in (0, 1)]
    return float(max(directed))


def scipy_boundary_iou(pred: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    width = max(1, round(0.02 * math.hypot(*pred.shape)))
    bands = [
        mask & (ndimage.distance_transform_cdt(np.pad(mask, 1), "chessboard")[1:-1, 1:-1] <= width)
        for mask in (pred, target)
    ]
    union = (bands[0] | bands[1]).sum()
    return float((bands[0] & bands[1]).sum() / union) if union else math.nan


@pytest.mark.parametrize("seed", range(5))
def test_500_pairs_are_as_monai_and_scipy_have_them(seed: int) -> None:
    for pred, target, classes in random_pairs(100, seed):
        scores = measure_surface(pred, target, classes, tolerance=1.5)
        for column, mask, truth in classes_of(pred, target, classes):
            hd95, nsd = monai_values(mask, truth, 1.5)
            # MONAI rounds the rank 0.95 (n - 1) to float32 and lands a little beside the percentile.
            assert scores.hd95[column] == pytest.approx(hd95, abs=1e-4, nan_ok=True)
            assert scores.hd95[column] == pytest.approx(scipy_hd95(mask, truth), abs=1e-9, nan_ok=True)
            assert scores.nsd[column] == pytest.approx(nsd, abs=1e-6, nan_ok=True)
            expected = scipy_boundary_iou(mask, truth)
            assert scores.boundary_iou[column] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_long_distances_are_exact_too() -> None:
    for pred, target, _ in random_pairs(20, 7, sizes=(500, 900)):
        for _, mask, truth in classes_of(pred, target, 1):
            scores = measure_surface(mask.astype(np.uint8), truth.astype(np.uint8), 1)
            assert scores.hd95[0] == pytest.approx(scipy_hd95(mask, truth), abs=1e-9, nan_ok=True)


def test_a_shifted_square_by_hand() -> None:
    scores = measure_surface(square(10, 13, 10), square(10, 10, 10), 1, tolerance=2)
    # Of the 36 boundary pixels of each, the 10 of the outer column are 3 from the other boundary, and so are the middle
    # 4 of the column inside of the other square.
    assert scores.boundary.tolist() == [72]
    assert scores.hd95.tolist() == [3]
    assert scores.near.tolist() == [72 - 2 * 14]
    assert scores.nsd[0] == pytest.approx(44 / 72)
    # Bands 1 wide (2 % of 56 pixels): the rims of two 10 x 10 squares cross in two rows of 7 pixels, and in two columns
    # no pixel.
    assert scores.boundary_iou[0] == pytest.approx(14 / (72 - 14))


def test_the_larger_of_the_two_directions_counts() -> None:
    truth = square(2, 2, 5)
    pred = truth | square(30, 30, 5)
    scores = measure_surface(pred, truth, 1)
    assert scores.hd95[0] > 30  # from the false square to the true one; the other way round it is 0
    assert measure_surface(truth, pred, 1).hd95[0] == scores.hd95[0]


@pytest.mark.parametrize(("tolerance", "near"), [(0, 28), (0.1, 36), (0.2, 44), (0.3, 72)])
def test_a_pixel_size_makes_micrometers_of_distances_and_tolerance(tolerance: float, near: int) -> None:
    shifted, truth = square(13, 10, 10), square(10, 10, 10)
    in_pixels = measure_surface(shifted, truth, 1, tolerance=tolerance / 0.1)
    scores = measure_surface(shifted, truth, 1, tolerance=tolerance, pixel_size=0.1)
    assert scores.hd95[0] == pytest.approx(0.3)
    assert scores.near[0] == in_pixels.near[0] == near


def test_what_is_undefined() -> None:
    nothing, something = np.zeros((40, 40), np.uint8), square(3, 3, 4)
    both = measure_surface(nothing, nothing, 1)
    assert np.isnan([both.hd95[0], both.nsd[0], both.boundary_iou[0]]).all()
    for pair in ((something, nothing), (nothing, something)):
        scores = measure_surface(*pair, 1)
        assert math.isnan(scores.hd95[0])
        assert (scores.nsd[0], scores.boundary_iou[0]) == (0, 0)


def test_ignored_pixels_are_in_neither_mask() -> None:
    truth, pred = square(10, 10, 10), square(10, 10, 10)
    truth[:, 15:] = IGNORE
    pred[12:18, 16:30] = 1
    scores = measure_surface(pred, truth, 1)
    assert (scores.hd95[0], scores.nsd[0], scores.boundary_iou[0]) == (0, 1, 1)


def test_several_classes_have_a_value_each_and_absent_ones_none() -> None:
    truth = square(10, 10, 10) * 2
    scores = measure_surface(np.roll(truth, 1, 0), truth, 4)
    assert np.isnan(scores.hd95).tolist() == [False, True, False, True]
    assert scores.hd95[2] == 1


def test_pooled_counts_boundary_pixels_together() -> None:
    truth = square(10, 10, 10)
    items = [measure_surface(pred, truth, 1) for pred in (truth, np.roll(truth, 9, 0), np.zeros_like(truth))]
    total = pool(items)
    assert total.nsd[0] == sum(item.near[0] for item in items) / sum(item.boundary[0] for item in items)
    assert math.isnan(total.hd95[0])


def test_wrong_settings_are_named() -> None:
    mask = square(1, 1, 3)
    with pytest.raises(ConfigError, match="tolerance is -1"):
        measure_surface(mask, mask, 1, tolerance=-1)
    with pytest.raises(ConfigError, match="pixel size is 0"):
        measure_surface(mask, mask, 1, pixel_size=0)
    with pytest.raises(ValueError, match="they must be equal"):
        measure_surface(mask, mask[:5], 1)
