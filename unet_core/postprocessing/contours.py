"""The outlines of objects along the edges of their pixels, so that filling one gives back the same pixels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Ring = NDArray[np.int32]  # (n, 2) x, y of its corners, the first not repeated; (0, 0) is the image's upper left corner

# The pixel's sides, walked with the pixel on the right of a screen: top, right, bottom, left. In x, y as numbers (y up)
# that is counter-clockwise for what lies inside, as RFC 7946 wants it of exteriors; holes come out the other way round.
STARTS = ((0, 0), (1, 0), (1, 1), (0, 1))  # x, y of the corner where each side starts
AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))  # x, y of a step along each side
BESIDE = ((0, -1), (1, 0), (0, 1), (-1, 0))  # x, y of a step across each side, out of the pixel


@dataclass(frozen=True)
class Polygon:
    """An exterior and the holes in it; all valid rings: none crosses or touches itself."""

    exterior: Ring
    holes: tuple[Ring, ...] = ()


def polygons(labels: Labels, number: int) -> list[list[Polygon]]:
    """The polygons of the objects 1..number of (H, W), one for each part that is connected by 4 neighbors.

    Parts of one object that meet at corners only are polygons of their own that share a point: one ring through that
    point would touch itself, which is not valid (OGC Simple Features).
    """
    from skimage.measure import label

    pieces = np.asarray(label(labels, background=0, connectivity=1), np.int32)
    exteriors: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for piece, ring, area in rings(pieces):
        if area > 0:
            exteriors[piece] = ring
        else:
            holes.setdefault(piece, []).append(ring)
    result: list[list[Polygon]] = [[] for _ in range(number)]
    for piece, exterior in exteriors.items():
        x, y = exterior[0]  # the upper left corner of the uppermost row's first pixel
        result[labels[y, x] - 1].append(Polygon(exterior, tuple(holes.get(piece, ()))))
    return result


def rings(labels: Labels) -> list[tuple[int, Ring, float]]:
    """(label, corners, area) of each closed line around or inside of a label above 0; the area is below 0 for a hole.

    Pixels of one label that meet at a corner are taken as joined there. All edges are found and linked by array
    operations, however many objects there are; only the walk along the links is a loop.
    """
    width = labels.shape[1] + 2
    padded = np.pad(labels, 1).ravel()  # a rim of background: every pixel has neighbors, and every ring closes
    pixels = np.flatnonzero(padded)
    steps = [x + y * width for x, y in BESIDE]
    # An edge is a side of a pixel behind which another label begins. Edges are numbered side by side: first all top
    # edges in the order of their pixels, then the right ones, and so on from `offsets`.
    sides = [pixels[padded[pixels + step] != padded[pixels]] for step in steps]
    if not len(pixels):
        return []
    offsets = np.cumsum([0, *map(len, sides)])
    following = np.empty(offsets[-1], np.int64)
    for side, edge in enumerate(sides):
        ahead = AHEAD[side][0] + AHEAD[side][1] * width
        # At the end of an edge the outline turns left into the pixel diagonally ahead if that has the same label (which
        # joins pixels that meet at a corner), else goes straight on along the next pixel, else turns right around the
        # own pixel. Taking the leftmost way makes the choice at such a corner the same from both sides.
        left, straight = padded[edge + ahead + steps[side]] == padded[edge], padded[edge + ahead] == padded[edge]
        turned = ((left, edge + ahead + steps[side], (side - 1) % 4), (~left & straight, edge + ahead, side))
        for where, pixel, next_side in (*turned, (~left & ~straight, edge, (side + 1) % 4)):
            # The pixels of a side are in ascending order, so that a binary search gives the number of the edge.
            numbers = offsets[next_side] + np.searchsorted(sides[next_side], pixel[where])
            following[offsets[side] : offsets[side + 1]][where] = numbers
    order, starts = _walked(following)
    which = np.repeat(np.arange(4), np.diff(offsets))[order]
    edge = np.concatenate(sides)[order]
    x = edge % width - 1 + np.array(STARTS)[which, 0]
    y = edge // width - 1 + np.array(STARTS)[which, 1]
    # The edges now stand ring after ring; before the first of a ring comes its last, and the other way round.
    ends = np.append(starts[1:], len(order))
    before = np.arange(len(order)) - 1
    before[starts] = ends - 1
    after = np.arange(len(order)) + 1
    after[ends - 1] = starts
    areas = np.add.reduceat(x * y[after] - x[after] * y, starts) / 2  # shoelace formula: its sign tells holes
    corner = which != which[before]  # points on a straight line say nothing
    corners = np.stack([x[corner], y[corner]], 1).astype(np.int32)
    parts = np.split(corners, np.cumsum(np.add.reduceat(corner.astype(np.int64), starts))[:-1])
    return list(zip(padded[edge[starts]].tolist(), parts, areas.tolist(), strict=True))


def _walked(following: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All edges in the order of their rings, and where each ring starts: at the first of its edges.

    Plain lists and a bytearray: single elements of arrays are several times slower to read.
    """
    next_of = following.tolist()
    done = bytearray(len(next_of))
    order: list[int] = []
    starts: list[int] = []
    for first in range(len(next_of)):
        if done[first]:
            continue
        starts.append(len(order))
        edge = first
        while not done[edge]:
            done[edge] = 1
            order.append(edge)
            edge = next_of[edge]
    return np.array(order, np.int64), np.array(starts, np.int64)


def keyhole(polygon: Polygon) -> NDArray[Any]:
    """(n, 2): one line for formats without holes: from the exterior's nearest corner into each hole and back.

    The way there and back is the same line, so that it encloses nothing: filled by even and odd crossings, as
    pycocotools and OpenCV do, it gives the same pixels.
    """
    if not polygon.holes:
        return polygon.exterior
    from scipy.spatial import KDTree

    visits: dict[int, list[Ring]] = {}
    nearest = KDTree(polygon.exterior).query([hole[0] for hole in polygon.holes])[1].tolist()
    for corner, hole in zip(nearest, polygon.holes, strict=True):
        visits.setdefault(corner, []).append(hole)
    parts: list[NDArray[Any]] = []
    done = 0
    for corner in sorted(visits):
        parts.append(polygon.exterior[done : corner + 1])
        for hole in visits[corner]:
            parts += [hole, hole[:1], polygon.exterior[corner : corner + 1]]
        done = corner + 1
    return np.concatenate([*parts, polygon.exterior[done:]])
