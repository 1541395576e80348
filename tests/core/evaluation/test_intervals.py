"""Intervals of a mean: what they cover, and against closed forms and scipy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmarks.dice_values import EVEN, SKEWED
from benchmarks.interval_coverage import simulate
from unet_core.evaluation import intervals
from unet_core.evaluation.intervals import bootstrap, bound_mean, empirical_bernstein, gaffke

NAN = math.nan
RARE_FAILURES = np.array(SKEWED) / 1000


@pytest.mark.parametrize("size", [20, 40, 60])
@pytest.mark.parametrize("values", [EVEN, SKEWED], ids=["even", "skewed"])
def test_the_interval_covers_where_the_bootstrap_does_not(values: tuple[int, ...], size: int) -> None:
    population = np.array(values) / 1000
    assert simulate(population, gaffke, size, 100)["covers %"] >= 93
    assert simulate(population, bootstrap, size, 300)["covers %"] < 93


def test_the_proven_intervals_cover_too_and_are_wider() -> None:
    rows = {name: simulate(RARE_FAILURES, method, 40, 40) for name, method in intervals.METHODS.items()}
    widths = [rows[name]["mean width"] for name in ("bootstrap", "gaffke", "betting", "empirical_bernstein")]
    assert widths == sorted(widths)
    assert all(rows[name]["covers %"] >= 93 for name in ("gaffke", "betting", "empirical_bernstein"))


@pytest.mark.parametrize(("right", "number"), [(0, 15), (15, 15), (7, 20), (39, 40), (50, 60)])
def test_of_zeros_and_ones_it_is_clopper_and_pearsons(right: int, number: int) -> None:
    values = np.concatenate([np.ones(right), np.zeros(number - right)])
    expected = stats.binomtest(right, number).proportion_ci(0.95, "exact")
    assert gaffke(values) == pytest.approx(tuple(expected), abs=0.005)


@pytest.mark.parametrize("method", intervals.METHODS.values(), ids=intervals.METHODS)
def test_an_interval_holds_the_mean_in_any_order_and_is_the_same_each_time(
    method: Callable[[NDArray[np.float64]], tuple[float, float]],
) -> None:
    values = np.random.default_rng(0).beta(5, 1, 40)
    low, high = method(values)
    assert 0 <= low < values.mean() < high <= 1
    assert method(values) == (low, high)
    if method is not bootstrap:
        assert method(values[::-1]) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("method", intervals.METHODS.values(), ids=intervals.METHODS)
def test_many_values_narrow_it(method: Callable[[NDArray[np.float64]], tuple[float, float]]) -> None:
    values = np.random.default_rng(0).beta(5, 1, 2000)
    few, many = method(values[:40]), method(values)
    assert many[1] - many[0] < (few[1] - few[0]) / 2


def test_gaffke_becomes_that_of_the_normal_law_for_many_values() -> None:
    values = np.random.default_rng(0).beta(5, 2, 3000)
    error = values.std() / math.sqrt(3000)
    assert gaffke(values) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.2 * error
    )


def test_the_stakes_of_bets_on_the_true_mean_do_not_grow() -> None:
    rng = np.random.default_rng(0)
    true = RARE_FAILURES.mean()
    wealth = [intervals._wealth(rng.choice(RARE_FAILURES, 30), np.array([true, 0.2]))[:2] for _ in range(2000)]
    fair, wrong = np.mean(wealth, 0)
    assert fair == pytest.approx(1, abs=0.1)  # a martingale
    assert wrong > 1e6


def test_empirical_bernstein_by_hand() -> None:
    values = np.array([0.4, 0.6] * 500)
    reach = math.sqrt(2 * (0.01 * 1000 / 999) * math.log(80) / 1000) + 7 * math.log(80) / (3 * 999)
    assert empirical_bernstein(values) == pytest.approx((0.5 - reach, 0.5 + reach))


def test_the_bootstrap_in_parts_is_the_one_in_one_piece() -> None:
    values = np.random.default_rng(1).beta(5, 2, 1201)
    picks = np.random.default_rng(0).integers(1201, size=(intervals.RESAMPLES, 1201))
    assert bootstrap(values) == pytest.approx(tuple(np.percentile(values[picks].mean(1), (2.5, 97.5))), abs=1e-15)


def test_too_few_images_have_no_interval_and_undefined_ones_do_not_count() -> None:
    values = np.concatenate([RARE_FAILURES[:14], [NAN] * 5])
    few = bound_mean(values)
    assert few.too_few
    assert few.values == 14
    assert math.isnan(few.low)
    assert few.bootstrap == bootstrap(RARE_FAILURES[:14])
    enough = bound_mean(np.append(values, 0.9))
    assert not enough.too_few
    assert 0 < enough.low < enough.bootstrap[0]
    assert enough.bootstrap[1] < enough.high < 1


@pytest.mark.parametrize("method", [gaffke, intervals.betting, empirical_bernstein])
def test_values_beyond_0_and_1_are_refused(method: Callable[[NDArray[np.float64]], tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match=r"must lie in 0\.\.1"):
        method(np.array([0.5, 1.5]))
    assert all(math.isnan(bound) for bound in method(np.array([])))
