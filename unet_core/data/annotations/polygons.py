"""Filling polygons: a pixel belongs to a polygon when its center does.

OpenCV's and Pillow's fills add every pixel that the outline touches, and scikit-image's takes time in proportion to
pixels times corners; this one follows the centers and takes milliseconds for an outline of thousands of corners.
"""

import itertools
import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float32]  # (N, 2): x, y of a closed line's corners, the first of them not repeated
Points = NDArray[np.float64]
Mask = NDArray[np.bool_]

FINEST = 256  # corners are rounded to this part of a pixel: 20.000001, out of a percentage, was 20
FARTHEST = 1e7
ROUND = 720  # corners of an ellipse
MOST_LOOKED_AT = 2000  # rings that decide what whole numbers mean
OBLIQUE = 0.1  # share of edges; the outlines that OpenCV follows have many more, those along pixel edges next to none


def fill(rings: Sequence[Points], height: int, width: int, outline: bool) -> tuple[Mask, int, int]:
    """(mask, top, left): the first ring without the others, in its box; x, y are whole numbers at pixels' centers.

    With `outline` the pixels whose centers lie on a line belong to the polygon. Without it only those to the right of
    or below the inside do, so that polygons that share an edge share no pixel. What is outside the image is cut off.

    >>> square = np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float)
    >>> fill([square], 9, 9, outline=True)[0].sum(), fill([square], 9, 9, outline=False)[0].sum()
    (np.int64(9), np.int64(4))
    """
    rings = [np.rint(ring * FINEST) / FINEST for ring in rings]
    limits = np.array([width, height])
    low = np.clip(np.floor(rings[0].min(0)), 0, limits).astype(int)
    high = np.clip(np.floor(rings[0].max(0)) + 1, low, limits).astype(int)
    columns, rows = (high - low).tolist()
    mask, line = _inside(rings[0] - low, rows, columns)
    if outline:
        mask |= line
    for hole in rings[1:]:
        inside, line = _inside(hole - low, rows, columns)
        mask &= ~(inside & ~line if outline else inside)
    return mask, int(low[1]), int(low[0])


def _inside(ring: Points, height: int, width: int) -> tuple[Mask, Mask]:
    """The centers inside a line, by even and odd crossings, and the centers on it."""
    starts, ends = ring, np.roll(ring, -1, 0)
    down = starts[:, 1] <= ends[:, 1]
    upper, lower = np.where(down[:, None], starts, ends), np.where(down[:, None], ends, starts)
    edge, row = _rows(np.floor(upper[:, 1]) + 1, np.floor(lower[:, 1]), height)
    x = _crossings(upper[edge], lower[edge], row)
    order = np.lexsort((x, row))  # each row is crossed an even number of times: in and out in turn
    row, x = row[order], x[order]
    first, behind = (np.clip(np.floor(x[side::2]) + 1, 0, width).astype(int) for side in (0, 1))
    steps = np.zeros((height, width + 1), np.int32)
    np.add.at(steps, (row[::2], first), 1)
    np.add.at(steps, (row[::2], behind), -1)
    inside = np.cumsum(steps, 1)[:, :width] > 0

    line = np.zeros((height, width), np.bool_)
    edge, row = _rows(np.ceil(upper[:, 1]), np.floor(lower[:, 1]), height)
    x = _crossings(upper[edge], lower[edge], row)
    on = (x == np.rint(x)) & (x >= 0) & (x < width)
    line[row[on], x[on].astype(int)] = True
    level = (upper[:, 1] == lower[:, 1]) & (upper[:, 1] == np.rint(upper[:, 1]))
    for (x0, y), (x1, _) in zip(upper[level], lower[level], strict=True):
        if 0 <= y < height:
            line[int(y), max(0, math.ceil(min(x0, x1))) : max(0, math.floor(max(x0, x1)) + 1)] = True
    return inside, line


def _rows(first: Points, last: Points, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(edge, row) for each row of the image from `first` to `last` of each edge."""
    first, last = np.maximum(first, 0), np.minimum(last, height - 1)
    counts = np.maximum(last - first + 1, 0).astype(np.int64)
    edge = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return edge, first[edge].astype(np.int64) + within


def _crossings(upper: Points, lower: Points, row: NDArray[np.int64]) -> Points:
    """x where each edge meets a row, to a millionth of a pixel: a center on an edge is on it whatever the slope."""
    rise = lower[:, 1] - upper[:, 1]
    share = np.divide(row - upper[:, 1], rise, out=np.zeros(len(rise)), where=rise != 0)
    return np.round(upper[:, 0] + share * (lower[:, 0] - upper[:, 0]), 6)


def as_ring(points: object) -> Ring:
    """A ring of x, y pairs or of x, y in turn; a repeated last corner is left out. Raises ValueError."""
    corners = np.asarray(points, np.float64).reshape(-1, 2)
    if not (np.abs(corners) < FARTHEST).all():
        raise ValueError("a corner is not a number, or far outside any image")
    ring = corners.astype(np.float32)
    return ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring


def rectangle(left: float, top: float, right: float, bottom: float) -> Ring:
    """The four corners of a box."""
    return as_ring([[left, top], [right, top], [right, bottom], [left, bottom]])


def ellipse(x: float, y: float, radius_x: float, radius_y: float) -> Ring:
    """The outline of an ellipse around x, y."""
    angles = np.arange(ROUND) * (2 * np.pi / ROUND)
    return as_ring(np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], 1))


def turn(ring: Ring, degrees: float, x: float, y: float) -> Ring:
    """A ring turned clockwise, as it is seen on the screen, around x, y.

    >>> turn(rectangle(0, 0, 2, 1), 90, 0, 0).round(3).tolist()[2]
    [-1.0, 2.0]
    """
    if not degrees:
        return ring
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return as_ring((ring - [x, y]) @ np.array([[cosine, sine], [-sine, cosine]]) + [x, y])


def are_pixels(rings: Iterable[NDArray[np.floating]], precision: float = 0.0) -> bool:
    """Whether corners stand for pixels (whole numbers at their centers) and not for points on the image's plane.

    So it is where all are whole numbers, to `precision`, and an edge in ten or more is oblique: these are outlines from
    pixel to pixel, as OpenCV's `findContours` or a tool that stores clicked pixels gives them. Outlines along the edges
    of pixels are whole numbers too, but hardly ever oblique. An `ellipse` says nothing.

    >>> are_pixels([np.array([[0, 0], [4, 2], [0, 4.0]])]), are_pixels([np.array([[0, 0], [4, 0], [4, 4], [0, 4.0]])])
    (True, False)
    """
    oblique = edges = 0
    for ring in itertools.islice(rings, MOST_LOOKED_AT):
        corners = np.asarray(ring, np.float64)
        if len(ring) == ROUND:
            continue
        if np.abs(corners - np.rint(corners)).max(initial=0) > precision + 1e-6:
            return False
        steps = np.abs(np.roll(corners, -1, 0) - corners) > 2 * precision + 1e-6
        oblique, edges = oblique + int(steps.all(1).sum()), edges + len(steps)
    return oblique > OBLIQUE * edges
