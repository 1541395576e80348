"""Filling polygons: by the pixels' centers, against a slow reading of the definition and against skimage."""

import numpy as np
import pytest
import shapely
from skimage import draw as reference

from unet_core.data.annotations import polygons
from unet_core.data.annotations.polygons import Mask, Points, fill


def filled(rings: list[Points], outline: bool, height: int = 20, width: int = 24) -> Mask:
    mask, top, left = fill(rings, height, width, outline)
    image = np.zeros((height, width), np.bool_)
    image[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return image


def test_whole_corners_with_their_outline() -> None:
    square = np.array([[2, 3], [5, 3], [5, 7], [2, 7]], float)
    expected = np.zeros((20, 24), np.bool_)
    expected[3:8, 2:6] = True
    assert (filled([square], outline=True) == expected).all()


def test_a_square_on_the_plane_covers_its_area() -> None:
    square = np.array([[2, 3], [5, 3], [5, 7], [2, 7]], float) - 0.5
    expected = np.zeros((20, 24), np.bool_)
    expected[3:7, 2:5] = True
    assert (filled([square], outline=False) == expected).all()


@pytest.mark.parametrize("seed", range(20))
def test_equal_to_scikit_image_with_random_corners(seed: int) -> None:
    """No center lies on an outline of random corners, so that both conventions and both libraries must agree."""
    ring = np.rint(np.random.default_rng(seed).uniform(-4, 27, (9, 2)) * 256) / 256
    expected = np.zeros((20, 24), np.bool_)
    rows, columns = reference.polygon(ring[:, 1], ring[:, 0], (20, 24))
    expected[rows, columns] = True
    inside = filled([ring], outline=False)
    closed = filled([ring], outline=True)
    assert (closed == expected).all()
    assert (inside <= closed).all()


@pytest.mark.parametrize("seed", range(10))
def test_whole_random_corners_are_closed(seed: int) -> None:
    """What scikit-image finds inside, and all centers on the line; of these it leaves out some."""
    ring = np.random.default_rng(seed).integers(0, 20, (7, 2)).astype(float)
    rows, columns = reference.polygon(ring[:, 1], ring[:, 0], (20, 24))
    expected = np.array(
        [[shapely.LinearRing(ring).distance(shapely.Point(x, y)) < 1e-9 for x in range(24)] for y in range(20)]
    )
    expected[rows, columns] = True
    assert (filled([ring], outline=True) == expected).all()


@pytest.mark.parametrize("seed", range(10))
def test_triangles_that_share_an_edge_share_no_pixel(seed: int) -> None:
    a, b, c, d = np.array([[1, 1], [21, 2], [20, 18], [2, 17]]) + np.random.default_rng(seed).integers(0, 3, (4, 2)) / 2
    one, other = filled([np.array([a, b, c])], False), filled([np.array([a, c, d])], False)
    assert not (one & other).any()
    assert ((one | other) == filled([np.array([a, b, c, d])], False)).all()


def test_a_hole_leaves_its_outline_to_the_object() -> None:
    """OpenCV's outline of a hole runs over the object's pixels around it."""
    outer = np.array([[1, 1], [9, 1], [9, 9], [1, 9]], float)
    hole = np.array([[3, 3], [6, 3], [6, 6], [3, 6]], float)
    mask = filled([outer, hole], outline=True)
    assert mask[3, 3] and mask[6, 6] and not mask[4:6, 4:6].any()
    assert mask.sum() == 81 - 4


def test_holes_that_overlap_are_both_taken_away() -> None:
    outer = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float) - 0.5
    holes = [np.array([[2, 2], [6, 2], [6, 6], [2, 6]], float) - 0.5, np.array([[4, 4], [8, 4], [8, 8], [4, 8]]) - 0.5]
    mask = filled([outer, *holes], outline=False)
    assert mask.sum() == 100 - (16 + 16 - 4)


def test_the_outlines_of_opencv_give_back_the_object() -> None:
    import cv2

    rng = np.random.default_rng(3)
    object_ = cv2.resize(rng.random((6, 7)), (60, 50)) > 0.5
    lines, levels = cv2.findContours(object_.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    drawn = np.zeros(object_.shape, np.bool_)
    for index, level in enumerate(levels[0]):
        if level[3] < 0:
            holes = [lines[hole] for hole in range(len(lines)) if levels[0][hole][3] == index]
            rings = [line.reshape(-1, 2).astype(float) for line in (lines[index], *holes)]
            drawn |= filled(rings, True, *object_.shape)
            assert polygons.are_pixels(rings)
    assert (drawn == object_).all()


def test_what_lies_outside_is_cut_off() -> None:
    ring = np.array([[-50, -50], [300, -50], [300, 300], [-50, 300]], float)
    assert filled([ring], outline=True).all()
    assert not filled([ring + 400], outline=True).any()
    assert not filled([ring - 400], outline=False).any()


def test_a_line_and_a_point_are_drawn_as_an_outline_alone() -> None:
    line = np.array([[2, 2], [6, 6], [2, 2]], float)
    assert filled([line], outline=True).sum() == 5
    assert filled([line], outline=False).sum() == 0


def test_an_ellipse_is_its_equation() -> None:
    y, x = np.mgrid[:20, :24]
    expected = ((x + 0.5 - 11.3) / 7.2) ** 2 + ((y + 0.5 - 9.1) / 4.4) ** 2 <= 1
    ring = polygons.ellipse(11.3, 9.1, 7.2, 4.4).astype(float) - 0.5
    assert (filled([ring], outline=False) == expected).all()


def test_a_turn_is_clockwise_on_the_screen() -> None:
    ring = polygons.turn(polygons.rectangle(0, 0, 4, 2), 90, 0, 0)
    assert np.allclose(ring, [[0, 0], [0, 4], [-2, 4], [-2, 0]], atol=1e-5)


def test_a_last_corner_that_repeats_the_first_is_left_out() -> None:
    assert len(polygons.as_ring([[0, 0], [1, 0], [1, 1], [0, 0]])) == 3
    with pytest.raises(ValueError, match="not a number"):
        polygons.as_ring([0, 0, 1, float("nan"), 1, 1])
    with pytest.raises(ValueError):
        polygons.as_ring([0, 0, 1])


@pytest.mark.parametrize(
    ("ring", "precision", "expected"),
    [
        ([[0, 0], [4, 2], [0, 4]], 0, True),
        ([[0, 0], [4.25, 2], [0, 4]], 0, False),
        ([[0, 0], [4.003, 2], [0, 4]], 0.005, True),
        ([[0, 0], [4, 0], [4, 2], [2, 2], [2, 4], [0, 4]], 0, False),
        (polygons.ellipse(5, 5, 3, 3), 0, False),
    ],
    ids=["oblique", "fraction", "rounded", "along the edges", "ellipse"],
)
def test_what_whole_numbers_stand_for(ring: list[list[float]], precision: float, expected: bool) -> None:
    assert polygons.are_pixels([np.array(ring, float)], precision) is expected
