"""The numbers of a picture against pictures whose numbers are known."""

import numpy as np
import pytest

from unet_core.data import appearance


def waves(period: float, side: int = 256) -> np.ndarray:
    """A picture of waves with a period in pixels along both axes."""
    x = 127.5 + 100 * np.cos(2 * np.pi * np.arange(side) / period)
    return np.add.outer(x, x)[:, :, None].clip(0, 510).__floordiv__(2).astype(np.uint8)


def test_the_mean_and_its_place():
    image = np.full((100, 100, 1), 51, np.uint8)
    image[:10] = 255  # a tenth is bright
    look = appearance.measure(image)
    assert look.mean == pytest.approx(0.2 * 0.9 + 0.1, abs=1e-4)
    assert look.place == pytest.approx(0.1, abs=1e-3)
    assert appearance.measure(255 - image).place == pytest.approx(0.9, abs=1e-3)


def test_a_flat_picture_has_no_structure_and_no_side():
    look = appearance.measure(np.full((50, 60, 3), 7, np.uint8))
    assert look.structure == 0
    assert look.place == 0.5


@pytest.mark.parametrize("period", [16, 32, 64])
def test_structure_is_where_the_autocorrelation_of_waves_is_a_half(period):
    """Waves along both axes: along one axis (cos(2 pi lag / period) + 1) / 2, which is a half at a quarter period."""
    assert appearance.measure(waves(period)).structure == pytest.approx(period / 4, rel=0.15)


def test_structure_does_not_depend_on_contrast_polarity_or_depth():
    image = waves(32)
    base = appearance.measure(image).structure
    for other in (255 - image, image // 4, image.astype(np.uint16) * 257, (image / 255).astype(np.float32)):
        assert appearance.measure(other).structure == pytest.approx(base, rel=0.02)


def test_redness_changes_its_sign_with_the_channels():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, :, 0] = 90
    assert appearance.measure(image).redness == pytest.approx(3)
    assert appearance.measure(image[:, :, ::-1]).redness == pytest.approx(-3)
    assert appearance.measure(image[:, :, :1]).redness == 0


def test_what_is_usual_is_read_back_as_it_was_written():
    found = appearance.summarize(waves(period) for period in (16, 24, 32))
    assert found is not None
    assert found.structure[0] < found.structure[1] < found.structure[2]
    assert appearance.TypicalStats.from_dict(found.to_dict()) == found


@pytest.mark.parametrize(
    "values", [{}, {"mean": [1, 2, 3]}, {name: [1, 2] for name in appearance.TypicalStats.__annotations__}]
)
def test_what_is_not_whole_is_not_read(values):
    assert appearance.TypicalStats.from_dict(values) is None


def test_of_no_pictures_nothing_is_usual():
    assert appearance.summarize([]) is None
