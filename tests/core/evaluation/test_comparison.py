"""Duels: a run with itself, with a worse one, and the p-value of scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmarks.dice_values import EVEN, SKEWED
from benchmarks.interval_coverage import PAIRED, simulate
from unet_core.evaluation.comparison import duel
from unet_core.evaluation.intervals import gaffke

NAN = math.nan


def named(values: np.ndarray) -> dict[str, float]:
    return {f"image {number}": float(value) for number, value in enumerate(values)}


def skewed(number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).beta(8, 1.5, number)


@pytest.mark.parametrize("number", [1, 8, 36])
def test_a_run_with_itself_differs_by_0_with_p_1(number: int) -> None:
    scores = named(skewed(number))
    result = duel(scores, scores)
    assert (result.mean, result.p) == (0, 1)
    assert (result.wins, result.losses, result.ties) == (0, 0, number)
    if number > 5:
        assert (result.low, result.high) == (0, 0)


@pytest.mark.parametrize("number", [8, 36])
def test_a_worse_run_loses(number: int) -> None:
    scores = skewed(number)
    worse = scores - np.random.default_rng(1).uniform(0.02, 0.06, number)
    result = duel(named(scores), named(worse))
    assert (result.wins, result.losses) == (0, number)
    assert -0.06 <= result.low <= result.mean <= result.high < 0
    assert result.p == (2 / 2**8 if number == 8 else 1 / 20_001)
    turned = duel(named(worse), named(scores))
    assert (turned.mean, turned.p) == (-result.mean, result.p)
    assert (turned.low, turned.high) == pytest.approx((-result.high, -result.low), abs=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_p_is_that_of_scipy_over_all_signs(seed: int) -> None:
    first, second = skewed(10, seed), skewed(10, seed + 100)
    expected = stats.permutation_test((second - first,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert duel(named(first), named(second)).p == pytest.approx(expected.pvalue, abs=1e-12)


def test_p_of_many_images_is_near_that_of_all_signs() -> None:
    first, second = skewed(18, 3), skewed(18, 4)
    expected = stats.permutation_test((second - first,), np.mean, permutation_type="samples", n_resamples=np.inf)
    result = duel(named(first), named(second))
    assert not result.exact
    assert result.p == pytest.approx(expected.pvalue, abs=0.015)


@pytest.mark.parametrize("seed", range(20))
def test_0_is_in_the_interval_exactly_where_p_is_5_percent_or_more(seed: int) -> None:
    first = skewed(12, seed)
    second = first + np.random.default_rng(seed).normal(0.02, 0.04, 12)
    result = duel(named(first), named(second))
    assert (result.low <= 0 <= result.high) == (result.p >= 0.05)


def test_the_interval_is_that_of_the_normal_law_for_many_images() -> None:
    differences = np.random.default_rng(0).normal(0.03, 0.1, 300)
    result = duel(named(np.zeros(300)), named(differences))
    error = differences.std(ddof=1) / math.sqrt(300)
    assert result.low == pytest.approx(differences.mean() - 1.96 * error, abs=0.1 * error)
    assert result.high == pytest.approx(differences.mean() + 1.96 * error, abs=0.1 * error)


def test_only_common_images_with_defined_scores_count() -> None:
    first = {"a": 0.5, "b": NAN, "c": 0.2, "d": 0.9}
    second = {"c": 0.3, "a": 0.5, "b": 0.1, "e": 0.4, "f": 0.4}
    result = duel(first, second)
    assert result.ids == ("a", "c")
    assert (result.only_first, result.only_second, result.undefined) == (1, 2, 1)
    assert (result.wins, result.ties) == (1, 1)
    assert math.isnan(result.low)


def test_nothing_in_common() -> None:
    result = duel({"a": 0.5}, {"b": 0.5})
    assert (len(result.ids), result.p) == (0, 1)
    assert math.isnan(result.mean)
    assert math.isnan(result.high)


def test_the_wide_interval_holds_where_rare_failures_are_missing() -> None:
    # Of 180 pairs of two real runs; in 20 of them the rare failures of one are often missing.
    differences = (np.array(EVEN) - np.array(SKEWED)) / 1000
    rows = {name: simulate(differences, method, 20, 150) for name, method in PAIRED.items()}
    assert rows["Gaffke"]["covers %"] == 100
    assert rows["sign flips"]["covers %"] < 93
    assert rows["sign flips"]["mean width"] < rows["Gaffke"]["mean width"] < 0.5


def test_the_wide_interval_is_that_of_the_scores_moved_into_0_to_1() -> None:
    first, second = skewed(20, 1), skewed(20, 2)
    result = duel(named(first), named(second))
    low, high = gaffke((second - first + 1) / 2)
    assert (result.bound_low, result.bound_high) == (2 * low - 1, 2 * high - 1)
    assert -1 <= result.bound_low < result.low < result.high < result.bound_high <= 1
    few = duel(named(first[:14]), named(second[:14]))
    assert math.isnan(few.bound_low)
    assert math.isnan(few.bound_high)
    assert not math.isnan(few.low)
