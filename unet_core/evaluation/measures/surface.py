"""How well outlines agree: HD95, normalized surface distance (NSD) and boundary IoU, of each class of an image.

The boundary of a class are its pixels with a neighbor (of 4) outside of it. The border of the image is part of it, and
so is the border of ignored areas, which belong to neither mask: as MONAI does it. Distances are Euclidean, between the
centers of boundary pixels.

A value is undefined (NaN) where a class is in neither mask. HD95 is also undefined where it is in one of them only:
there is no distance to nothing. NSD and boundary IoU are 0 there. Undefined values are left out of means, and counted.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.errors import ConfigError

Array = NDArray[np.uint8]
Floats = NDArray[np.float64]

TOLERANCE = 2.0  # pixels (or micrometers) by which outlines may differ and still agree
BOUNDARY_SHARE = 0.02  # of the image's diagonal: width of the boundary region (Cheng et al. 2021)
EXACT_TO = 1000.0  # pixels: up to here float32 holds squared distances with an error below a half


@dataclass(frozen=True)
class SurfaceScores:
    """Of each scored class, (C,) each: HD95, and the counts that NSD and boundary IoU are quotients of.

    `hd95` is in pixels, or in micrometers where a pixel size was given. `near` of `boundary` pixels, both masks
    together, lie within the tolerance; `shared` and `joined` are intersection and union of the boundary regions.
    """

    hd95: Floats
    near: Floats
    boundary: Floats
    shared: Floats
    joined: Floats

    @property
    def nsd(self) -> Floats:
        """Normalized surface distance, 0..1; NaN where a class is in neither mask."""
        return _ratio(self.near, self.boundary)

    @property
    def boundary_iou(self) -> Floats:
        """Boundary IoU, 0..1; NaN where a class is in neither mask."""
        return _ratio(self.shared, self.joined)


def pool(scores: Iterable[SurfaceScores]) -> SurfaceScores:
    """The boundary pixels of all images counted together. There is no pooled HD95 (NaN): it is a quantile."""
    items = list(scores)
    near, boundary, shared, joined = (
        np.sum([getattr(item, name) for item in items], 0) for name in ("near", "boundary", "shared", "joined")
    )
    return SurfaceScores(np.full_like(near, np.nan), near, boundary, shared, joined)


def measure_surface(
    pred: Array,
    target: Array,
    num_classes: int,
    *,
    tolerance: float = TOLERANCE,
    pixel_size: float | None = None,
) -> SurfaceScores:
    """Compare the outlines of two masks (H, W) of class indices, of the same classes that `metrics.count` scores.

    - HD95: the larger of the two directed 95th percentiles (linear between values) of the distances from the boundary
      pixels of one mask to the nearest one of the other, as MONAI and Metrics Reloaded (Maier-Hein et al. 2024) define
      it (MONAI's differs by up to 1e-4: it rounds the rank to float32). Other tools take one percentile of both sets
      pooled, which is smaller.
    - NSD: the share of boundary pixels, of both masks, within `tolerance` of the other's boundary (Nikolov et al.
      2021), counted by pixels as in MONAI without subvoxels, not weighted by their surface.
    - Boundary IoU: the IoU of what lies within d pixels (chessboard) of the boundary inside each mask; d is 2 % of the
      image's diagonal, 1 at least (Cheng et al. 2021). Here it is of a class, there of an object.

    Args:
        pred: (H, W) predicted class indices.
        target: (H, W) true ones; pixels that are IGNORE are in no class.
        num_classes: 1 is binary.
        tolerance: In pixels, or in micrometers where there is a pixel size; 0 or more.
        pixel_size: Micrometers a pixel; HD95 and `tolerance` are then in micrometers.

    Raises:
        ConfigError: The tolerance is negative or the pixel size not above 0.
        ValueError: The masks differ in shape.

    Example:
        >>> truth = np.zeros((8, 8), np.uint8)
        >>> truth[2:5, 2:5] = 1
        >>> shifted = measure_surface(np.roll(truth, 1, 1), truth, 1, tolerance=1)
        >>> shifted.hd95.tolist(), shifted.nsd.tolist()
        ([1.0], [1.0])
    """
    if pred.shape != target.shape:
        raise ValueError(f"pred has shape {pred.shape}, target {target.shape}; they must be equal")
    check(tolerance, pixel_size)
    scale = pixel_size or 1.0
    width = max(1, round(BOUNDARY_SHARE * math.hypot(*pred.shape)))
    pred = np.where(target == IGNORE, IGNORE, pred).astype(np.uint8)
    values = np.zeros((5, max(num_classes, 1)))
    values[0] = np.nan
    first = 1 if num_classes == 1 else 0
    present = np.bincount(pred.ravel(), minlength=256) + np.bincount(target.ravel(), minlength=256)
    for column in range(values.shape[1]):
        if present[first + column]:
            values[:, column] = _compare(pred == first + column, target == first + column, tolerance / scale, width)
    return SurfaceScores(values[0] * scale, *values[1:])


def check(tolerance: float, pixel_size: float | None) -> None:
    """Raises ConfigError where the tolerance is negative or the pixel size not above 0."""
    if not 0 <= tolerance < math.inf:
        raise ConfigError(f"The tolerance is {tolerance}, but it must be 0 or more.")
    if pixel_size is not None and not 0 < pixel_size < math.inf:
        raise ConfigError(
            f"The pixel size is {pixel_size}, but it must be above 0 (micrometers). Leave it empty if it is unknown."
        )


def _compare(
    pred: NDArray[np.bool_], target: NDArray[np.bool_], tolerance: float, width: int
) -> tuple[float, int, int, int, int]:
    """HD95 in pixels and the four counts of two masks that are not both empty."""
    union = pred | target
    rows, columns = np.flatnonzero(union.any(1)), np.flatnonzero(union.any(0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]  # all else is in neither
    masks = [np.ascontiguousarray(mask[box]).view(np.uint8) for mask in (pred, target)]
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
    edges = [mask & ~_eroded(mask, cross, 1) for mask in masks]
    bands = [mask & ~_eroded(mask, np.ones((3, 3), np.uint8), width) for mask in masks]
    shared, joined = int((bands[0] & bands[1]).sum()), int((bands[0] | bands[1]).sum())
    boundary = int(edges[0].sum()) + int(edges[1].sum())
    if not (edges[0].any() and edges[1].any()):
        return math.nan, 0, boundary, shared, joined
    directed = [_distances(edges[0], edges[1]), _distances(edges[1], edges[0])]
    hd95 = max(float(np.percentile(distances, 95)) for distances in directed)
    limit = tolerance * (1 + 1e-9)  # a tolerance of 0.3 um is 3 pixels of 0.1 um in spite of rounding
    return hd95, sum(int((distances <= limit).sum()) for distances in directed), boundary, shared, joined


def _eroded(mask: Array, kernel: Array, iterations: int) -> Array:
    """Outside of the mask's array is background; OpenCV would take it for foreground."""
    eroded = cv2.erode(mask, kernel, iterations=iterations, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(eroded, np.uint8)


def _distances(edge: Array, other: Array) -> Floats:
    """(N,) the distance of each pixel of an edge to the nearest one of the other, which has one at least."""
    distance = cv2.distanceTransform(1 - other, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[edge > 0].astype(np.float64)
    # OpenCV computes in float32, but squared distances between pixels are whole numbers.
    return np.where(distance < EXACT_TO, np.sqrt(np.rint(distance**2)), distance)


def _ratio(part: Floats, total: Floats) -> Floats:
    return np.divide(part, total, out=np.full_like(part, np.nan), where=total > 0)
