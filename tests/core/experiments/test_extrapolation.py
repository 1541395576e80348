"""The power law is found again where the points follow one, and distrusted where they do not."""

import numpy as np
import pytest

from unet_core.experiments.extrapolation import extrapolate

SIZES = [25, 50, 75, 100]


def points(means: list[float], images: int = 30, noise: float = 0.02) -> np.ndarray:
    """Dice of the same images by each run: its mean, and how hard each image is, the same for all runs."""
    hard = np.random.default_rng(0).normal(0, noise, images)
    return np.array(means)[:, None] + (hard - hard.mean())


def law(floor: float, b: float, c: float) -> list[float]:
    return [1 - floor - b * (size / 100) ** -c for size in SIZES]


@pytest.mark.parametrize(("floor", "b", "c"), [(0.1, 0.05, 0.5), (0.0, 0.2, 0.3), (0.05, 0.1, 1.0)])
def test_a_power_law_is_found_again(floor: float, b: float, c: float) -> None:
    fitted = extrapolate(SIZES, points(law(floor, b, c)))
    assert fitted is not None and fitted.distrust == ""
    assert fitted.gain == pytest.approx(b - b * 2**-c, abs=2e-3)
    assert fitted.gain_low <= fitted.gain <= fitted.gain_high
    assert fitted.dice(100) == pytest.approx(1 - floor - b, abs=1e-3)
    assert fitted.sentence.startswith(f"Twice as many images (200): about {fitted.gain:+.3f} Dice")


def test_the_order_of_the_runs_and_undefined_images_do_not_matter() -> None:
    dice = points(law(0.1, 0.05, 0.5))
    fitted = extrapolate(SIZES, dice)
    assert extrapolate(SIZES[::-1], dice[::-1]) == fitted
    undefined = np.concatenate([dice, np.full((4, 1), np.nan)], 1)
    assert extrapolate(SIZES, undefined) == fitted


def test_three_points_are_fitted_without_a_floor_and_fewer_not_at_all() -> None:
    fitted = extrapolate(SIZES[:3], points(law(0.0, 0.1, 0.5)[:3]))
    assert fitted is not None and fitted.floor == 0.0 and fitted.largest == 75
    assert fitted.c == pytest.approx(0.5, abs=1e-3)
    assert extrapolate(SIZES[:2], points([0.8, 0.9])) is None
    assert extrapolate([50, 50, 50], points([0.8, 0.9, 0.9])) is None
    assert extrapolate(SIZES, np.full((4, 3), np.nan)) is None


@pytest.mark.parametrize(
    ("means", "reason"),
    [
        ([0.9, 0.88, 0.87, 0.86], "the run with the most images is not better than that with the fewest"),
        ([0.8, 0.8, 0.8, 0.8], "the run with the most images is not better than that with the fewest"),
        ([0.8, 0.9, 0.78, 0.84], "the points lie 0.0"),
        ([0.8, 0.81, 0.82, 0.9], "the curve misses the point with the most images by 0.0"),
    ],
)
def test_what_is_no_curve_is_not_trusted(means: list[float], reason: str) -> None:
    fitted = extrapolate(SIZES, points(means))
    assert fitted is not None and fitted.distrust.startswith(reason)
    assert fitted.sentence.startswith(f"No forecast to trust: {reason}")


def test_a_gain_that_hangs_on_few_images_is_not_trusted() -> None:
    """One image of thirty gains, the others lose a little: over the images there may be no gain."""
    dice = np.full((4, 30), 0.9) - np.linspace(0, 0.01, 4)[:, None]
    dice[:, 0] = [0.1, 0.5, 0.65, 0.7]
    fitted = extrapolate(SIZES, dice)
    assert fitted is not None and fitted.distrust == "over the validation images the gain could be none"
