"""Masks over images, pixel by pixel as worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core import overlay
from unet_core.data.masks.coding import IGNORE
from unet_core.overlay import draw, edges, palette

Array = NDArray[np.uint8]
IMAGE: Array = np.array([[[10, 21, 40], [100, 101, 100], [0, 255, 8]]], np.uint8)
GRAY: Array = np.array([[[10], [100], [250]]], np.uint8)
ORANGE, SKY, GREEN, RED = (230, 159, 0), (86, 180, 233), (0, 158, 115), (213, 94, 0)


def row(*values: int) -> Array:
    return np.array([values], np.uint8)


def test_binary_foreground_is_orange_and_all_else_is_bare() -> None:
    found = draw(IMAGE, row(0, 1, IGNORE), 1)
    assert found.tolist() == [[[10, 21, 40], [165, 130, 50], [0, 255, 8]]]  # the middle: half of each
    assert found.dtype == np.uint8


def test_a_gray_image_becomes_rgb() -> None:
    assert draw(GRAY, row(0, 1, 0), 1, opacity=1).tolist() == [[[10, 10, 10], [*ORANGE], [250, 250, 250]]]


@pytest.mark.parametrize(
    ("opacity", "expected"),
    [(0.0, [100, 101, 100]), (0.25, [132, 116, 75]), (0.5, [165, 130, 50]), (1.0, [*ORANGE])],
)
def test_opacity(opacity: float, expected: list[int]) -> None:
    """0.25: 75 + 57.5 = 132.5 and 75.75 + 39.75 = 115.5, halves to the even number; 75."""
    assert draw(IMAGE, row(0, 1, 0), 1, opacity).tolist()[0][1] == expected


def test_every_class_has_its_color_and_ignored_pixels_are_bare() -> None:
    found = draw(IMAGE, row(0, 1, IGNORE), 3, opacity=1)
    assert found.tolist() == [[[*ORANGE], [*SKY], [0, 255, 8]]]


def test_the_image_is_left_as_it_was() -> None:
    image, mask = IMAGE.copy(), row(0, 1, 1)
    draw(image, mask, 1, opacity=1, outline=True)
    assert image.tolist() == IMAGE.tolist()
    assert mask.tolist() == [[0, 1, 1]]


SQUARE = np.zeros((7, 7), np.uint8)
SQUARE[1:6, 1:6] = 1
RIM = SQUARE.copy()
RIM[2:5, 2:5] = 0


def test_an_outline_is_the_rim_inside_of_the_object() -> None:
    image = np.full((7, 7, 3), 50, np.uint8)
    found = draw(image, SQUARE, 1, opacity=1, outline=True)
    expected = np.where(RIM[:, :, None], np.array(ORANGE, np.uint8), image)
    np.testing.assert_array_equal(found, expected)


def test_an_object_at_the_border_of_the_picture_is_open_there() -> None:
    mask = np.ones((4, 5), np.uint8)
    assert not edges(mask).any()
    mask[:, 3:] = 0
    assert edges(mask).tolist() == [[False, False, True, True, False]] * 4


def test_classes_that_touch_have_an_outline_between_them() -> None:
    mask = np.repeat(row(0, 0, 0, 1, 1, 1), 3, axis=0)
    found = draw(np.zeros((3, 6, 1), np.uint8), mask, 2, opacity=1, outline=True)
    assert found.tolist() == [[[0, 0, 0]] * 2 + [[*ORANGE], [*SKY]] + [[0, 0, 0]] * 2] * 3


def test_outlines_are_two_pixels_wide_in_large_pictures() -> None:
    mask = np.zeros((4, 1000), np.uint8)
    mask[:, 500:] = 1
    assert np.flatnonzero(edges(mask)[2]).tolist() == [498, 499, 500, 501]
    assert np.flatnonzero(edges(mask[:, :999])[2]).tolist() == [499, 500]


def test_the_colors_are_those_of_okabe_and_ito() -> None:
    """https://jfly.uni-koeln.de/color/, all but black."""
    orange, sky, green, yellow, blue, vermilion, purple = overlay.CLASS_COLORS
    assert (orange, sky, green, vermilion) == (ORANGE, SKY, GREEN, RED)
    assert (yellow, blue, purple) == ((240, 228, 66), (0, 114, 178), (204, 121, 167))


def test_the_binary_palette() -> None:
    colors = palette(1)
    assert (colors.shape, colors.dtype) == ((256, 3), np.uint8)
    assert colors[1].tolist() == [*ORANGE]
    assert not colors[0].any()
    assert not colors[2:].any()


@pytest.mark.parametrize("num_classes", [2, 7, 8, 19, 64])
def test_no_two_classes_share_a_color(num_classes: int) -> None:
    colors = palette(num_classes)
    assert len(np.unique(colors[:num_classes], axis=0)) == num_classes
    assert not colors[num_classes:].any()
    if num_classes <= 7:
        assert colors[:num_classes].tolist() == [list(color) for color in overlay.CLASS_COLORS[:num_classes]]
