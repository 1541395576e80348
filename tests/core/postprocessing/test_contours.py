"""Outlines along pixel edges: valid to shapely, and filled they give the same pixels back."""

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely import MultiPolygon
from shapely import Polygon as Shape

from unet_core.postprocessing import contours

Labels = NDArray[np.int32]
CASES = {
    "pixel": ["1"],
    "line": ["....", ".11.", "...."],
    "hole": ["111", "1.1", "111"],
    "hole in the corner of a hole": ["1111", "1.11", "11.1", "1111"],
    "diagonal": ["1.", ".1"],
    "closed by a corner": [".11.", "1..1", "1.11", "11.."],
    "hole that meets the outside at a corner": ["111.", "1.1.", "11.1", "1111"],
    "ring in a ring": ["11111", "1...1", "1.1.1", "1...1", "11111"],
    "two": ["112", "122"],
    "full": ["111", "111"],
    "island of another": ["1111", "1221", "1111"],
}


def labels_of(lines: list[str]) -> Labels:
    return np.array([[0 if letter == "." else int(letter) for letter in line] for line in lines], np.int32)


def noise(seed: int) -> Labels:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 15, 2)
    full = rng.integers(0, 4, (height, width)).astype(np.int32)
    return np.where(rng.random((height, width)) < rng.choice([0.3, 0.6, 0.9, 1]), full, 0)


def filled(shape: MultiPolygon, size: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels whose middle lies in it."""
    from shapely import contains_xy

    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return np.asarray(contains_xy(shape, x, y))


@pytest.mark.parametrize("labels", [*map(labels_of, CASES.values()), *map(noise, range(40))])
def test_polygons_are_valid_and_hold_exactly_the_pixels(labels: Labels) -> None:
    number = int(labels.max())
    found = contours.polygons(labels, number)
    assert len(found) == number
    for index, parts in enumerate(found, 1):
        own = labels == index
        shape = MultiPolygon([Shape(part.exterior, part.holes) for part in parts])
        assert shape.is_valid
        assert shape.area == own.sum()
        assert (filled(shape, labels.shape) == own).all()
        assert all(part.exterior.is_ccw for part in shape.geoms)
        assert not any(hole.is_ccw for part in shape.geoms for hole in part.interiors)


def test_corners_only_and_in_order() -> None:
    ((polygon,),) = contours.polygons(labels_of(["....", ".11.", "...."]), 1)
    assert polygon.exterior.tolist() == [[1, 1], [3, 1], [3, 2], [1, 2]]
    assert polygon.holes == ()


def test_pixels_that_meet_at_a_corner_are_two_polygons_and_one_ring() -> None:
    labels = labels_of(CASES["diagonal"])
    ((first, second),) = contours.polygons(labels, 1)
    assert (len(first.exterior), len(second.exterior)) == (4, 4)
    ((label, ring, area),) = contours.rings(labels)
    assert (label, len(ring), area) == (1, 8, 2)


def test_a_ring_and_its_hole_have_areas_of_opposite_sign() -> None:
    assert [area for _, _, area in contours.rings(labels_of(CASES["hole"]))] == [9, -1]


def test_nothing_has_no_outline() -> None:
    assert contours.rings(np.zeros((3, 4), np.int32)) == []
    assert contours.polygons(np.zeros((3, 4), np.int32), 0) == []


def test_a_keyhole_goes_into_each_hole_and_back() -> None:
    ((polygon,),) = contours.polygons(labels_of(["11111", "1.1.1", "11111"]), 1)
    line = contours.keyhole(polygon)
    assert len(line) == 4 + 2 * (4 + 2)  # each hole once round, its first corner and the exterior's again
    x, y = line.T
    assert (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2 == 13  # the way in and out cancels
