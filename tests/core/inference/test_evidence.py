"""What counts as odd in a mask, and that a picture's look is worked out once."""

import numpy as np
import pytest

from unet_core.data import appearance
from unet_core.inference import troubleshooting
from unet_core.inference.adjustments import Adjust
from unet_core.inference.troubleshooting import Observation

IMAGE = np.arange(100 * 100, dtype=np.uint16).reshape(100, 100, 1)


def seen(probability: np.ndarray, threshold: float = 0.5) -> Observation:
    return Observation(IMAGE, (probability > threshold * 255).astype(np.uint8), probability, threshold)


def gray(*levels: int) -> np.ndarray:
    """A map in which the levels have equal shares."""
    return np.repeat(np.array(levels, np.uint8), 10_000 // len(levels)).reshape(100, 100)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (gray(0), "empty"),
        (gray(100, 120), "empty"),
        (gray(255), "full"),
        (gray(100, 150), "unsure"),
        (gray(20, 250), ""),
        (gray(200, 120), "unsure"),
        (gray(250, 170, 120, 250), ""),
    ],
)
def test_what_is_odd_in_a_mask_of_one_class(probability, expected):
    assert troubleshooting.symptom(seen(probability)) == expected


@pytest.mark.parametrize(("others", "expected"), [(0, "one class"), (40, "one class"), (60, "")])
def test_one_class_nearly_everywhere(others, expected):
    mask = np.full((100, 100), 3, np.uint8)
    mask.ravel()[:others] = 5
    assert troubleshooting.symptom(Observation(IMAGE, mask, None, 0.5)) == expected


def test_the_look_is_that_of_the_changed_picture():
    plain = Observation(IMAGE, gray(0), gray(0), 0.5)
    inverted = Observation(IMAGE, gray(0), gray(0), 0.5, Adjust(invert=True))
    assert plain.look == appearance.measure(IMAGE)
    assert inverted.look.mean == pytest.approx(1 - plain.look.mean)


def test_a_look_that_is_known_is_not_worked_out_again(monkeypatch):
    look = appearance.measure(IMAGE)
    monkeypatch.setattr(appearance, "measure", lambda image: pytest.fail("worked out again"))
    assert Observation(IMAGE, gray(0), gray(0), 0.5, known_look=look).look is look


def test_levels_are_percentiles_of_the_probability():
    probability = np.arange(101, dtype=np.uint8)[None]
    assert troubleshooting.levels(probability) == (pytest.approx(1 / 255), pytest.approx(99 / 255))
    assert troubleshooting.width(probability) == pytest.approx(98 / 255)
