"""Masks over images, pixel by pixel as worked out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core import overlay
from unet_core.data.masks.coding import IGNORE
from unet_core.io import colors
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


def test_an_outline_is_the_rim_inside_of_the_object_with_a_black_halo_around_it() -> None:
    image = np.full((7, 7, 3), 50, np.uint8)
    found = draw(image, SQUARE, 1, opacity=1, outline=True)
    expected = np.where(RIM[:, :, None], np.array(ORANGE, np.uint8), image)
    expected[SQUARE == 0] = 0  # a pixel wide: all that is left of this image
    np.testing.assert_array_equal(found, expected)


def test_outlines_are_opaque_from_a_half_on() -> None:
    image = np.full((7, 7, 3), 50, np.uint8)
    whole = draw(image, SQUARE, 1, opacity=1, outline=True)
    np.testing.assert_array_equal(draw(image, SQUARE, 1, opacity=0.5, outline=True), whole)
    assert draw(image, SQUARE, 1, opacity=0.25, outline=True)[1, 1].tolist() == [140, 104, 25]
    assert draw(image, SQUARE, 1, opacity=0, outline=True).tolist() == image.tolist()


def test_ignored_pixels_have_no_halo() -> None:
    mask = np.repeat(row(0, 1, 1, IGNORE), 3, axis=0)
    found = draw(np.full((3, 4, 3), 50, np.uint8), mask, 1, outline=True)
    assert found[1].tolist() == [[0, 0, 0], [*ORANGE], [*ORANGE], [50, 50, 50]]


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


BACKGROUNDS = (  # black, dark, gray, near white, pink and purple of H&E, grass, forest, sky
    *((0, 0, 0), (25, 25, 30), (128, 128, 128), (235, 235, 235), (226, 160, 196), (120, 70, 150)),
    *((86, 125, 60), (40, 70, 35), (150, 190, 225)),
)
COLOR_BLIND = {  # linear RGB as seen, Machado et al. (2009), severity 1
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(color: tuple[int, ...]) -> NDArray[np.float64]:
    parts = np.asarray(color) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """As WCAG 2 defines it, 1 to 21."""
    dark, bright = sorted(float(linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (one, other))
    return (bright + 0.05) / (dark + 0.05)


def test_an_outline_or_its_halo_is_seen_on_any_image() -> None:
    errors = (colors.TRUE_POSITIVE, colors.FALSE_POSITIVE, colors.FALSE_NEGATIVE)
    for color in (*overlay.CLASS_COLORS, *errors):
        halo = colors.halo_of(color)
        assert contrast(color, halo) > 5.1
        assert min(max(contrast(color, behind), contrast(halo, behind)) for behind in BACKGROUNDS) > 2.4


def lab(color: tuple[int, ...], sight: str = "normal") -> NDArray[np.float64]:
    from skimage.color import rgb2lab

    seen = np.clip(linear(color) @ np.array(COLOR_BLIND.get(sight, np.eye(3))).T, 0, 1)
    return np.asarray(rgb2lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)))


def test_errors_are_told_apart_by_color_blind_readers_too_and_true_positive_is_green_on_stained_tissue() -> None:
    from skimage.color import deltaE_ciede2000, rgb2hsv

    right, wrong, missed = colors.TRUE_POSITIVE, colors.FALSE_POSITIVE, colors.FALSE_NEGATIVE
    least = {
        sight: min(
            float(deltaE_ciede2000(lab(one, sight), lab(other, sight)))
            for one, other in ((right, wrong), (right, missed), (wrong, missed))
        )
        for sight in ("normal", *COLOR_BLIND)
    }
    assert {sight: round(difference) for sight, difference in least.items()} == {
        "normal": 51,
        "protan": 52,
        "deutan": 30,
        "tritan": 22,
    }
    for behind in BACKGROUNDS:
        assert float(deltaE_ciede2000(lab(right), lab(behind))) > 30
    for stain in BACKGROUNDS[4:6]:
        hue = rgb2hsv((np.array(right) + stain) / 2 / 255)[0] * 360
        assert 80 < hue < 160  # green, not cyan or blue
