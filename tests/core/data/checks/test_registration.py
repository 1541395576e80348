"""Masks that were moved are found where they were, to the pixel; without edges nothing is claimed."""

import numpy as np
import pytest

from tests.core.data.checks.planted import draw, shift
from unet_core.data.checks import registration


@pytest.mark.parametrize("down", [-20, -7, -2, 0, 3, 20])
@pytest.mark.parametrize("right", [-13, 0, 2, 20])
def test_a_moved_mask(down: int, right: int) -> None:
    image, mask = draw(4, side=192)
    (rows, columns), gain = registration.find_shift(image, shift(-down, -right)(mask))
    base = registration.find_shift(image, mask)[0]
    assert (round(rows - base[0]), round(columns - base[1])) == (down, right)
    assert (gain > 0.6) == (max(abs(down), abs(right)) >= 3) or max(abs(down), abs(right)) == 2


def test_where_nothing_is_to_be_seen() -> None:
    rng = np.random.default_rng(0)
    mask = draw(0)[1]
    assert registration.find_shift(np.zeros(mask.shape), mask) == ((0.0, 0.0), 0.0)
    assert registration.find_shift(draw(0)[0], mask * 0) == ((0.0, 0.0), 0.0)
    assert registration.find_shift(np.zeros((5, 5)), np.eye(5)) == ((0.0, 0.0), 0.0)
    gains = [registration.find_shift(rng.normal(size=mask.shape), draw(seed)[1])[1] for seed in range(20)]
    assert max(gains) == 0  # somewhere noise fits any mask a little


def test_pixels_that_do_not_count_have_no_edges() -> None:
    image, mask = draw(2)
    hidden = np.zeros(mask.shape, bool)
    hidden[:, :88] = True
    false = np.where(hidden, shift(0, 6)(mask), mask)
    assert round(registration.find_shift(image, false)[0][1]) == -6  # most of the outlines lie there
    place, gain = registration.find_shift(image, false, hidden)
    assert tuple(map(round, place)) == (0, 0) and gain == 0
    assert registration.measure_fit(image, mask) > 0.5 > registration.measure_fit(image, false)
