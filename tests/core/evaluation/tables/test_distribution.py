"""Histogram and box: each bar lets exactly its images pass, and the box is that of Tukey."""

import numpy as np
import pytest

from unet_core.evaluation.tables.columns import ScoreTable
from unet_core.evaluation.tables.distribution import BARS, MOST_OUTLIERS, Distribution, describe_values
from unet_core.evaluation.tables.rows import Filter, select


def images_of(spread: Distribution, values: np.ndarray) -> list[int]:
    count = len(values)
    table = ScoreTable(
        tuple(map(str, range(count))),
        ("val",) * count,
        np.zeros(count, np.bool_),
        {spread.measure: values, "dice": values},
    )
    return [len(select(table, Filter(within=spread.range_of(bar)))) for bar in range(len(spread.counts))]


@pytest.mark.parametrize("seed", range(5))
def test_each_bar_counts_the_images_that_its_range_lets_pass(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.random(300), np.arange(BARS + 1) / BARS, [0.15, 0.3, 0.6, 0.7], [np.nan] * 7])
    for measure, one, is_share in (
        ("dice", values, True),
        ("hd95", values * 40, False),
        ("count", rng.integers(-30, 50, 90) * 1.0, False),
    ):
        spread = describe_values(measure, one, is_share)
        assert spread.counts.tolist() == images_of(spread, one)
        assert spread.counts.sum() == (~np.isnan(one)).sum()
        assert spread.undefined == np.isnan(one).sum()


def test_bars_of_shares_go_from_0_to_1_and_1_is_in_the_last() -> None:
    spread = describe_values("dice", np.array([0.0, 0.049, 0.05, 0.999, 1.0]))
    assert spread.counts.tolist() == [2, 1, *[0] * 17, 2]
    assert (spread.edges[0], spread.edges[-1]) == (0, 1)


def test_bars_of_whole_numbers_hold_whole_numbers() -> None:
    spread = describe_values("count_error", np.array([-1.0, 0, 0, 3]), False)
    assert spread.edges.tolist() == [-1.5, -0.5, 0.5, 1.5, 2.5, 3.5]
    assert spread.counts.tolist() == [1, 2, 0, 0, 1]
    wide = describe_values("count_error", np.array([0.0, 100]), False)
    assert len(wide.counts) <= BARS and set(np.diff(wide.edges)) == {6.0}


def test_the_box_is_that_of_tukey_and_names_what_is_beyond() -> None:
    values = np.array([0.1, 0.7, 0.75, 0.8, 0.85, 0.9, np.nan])
    spread = describe_values("dice", values)
    assert spread.quartiles == pytest.approx((0.7125, 0.775, 0.8375))
    assert spread.whiskers == (0.7, 0.9)
    assert spread.outliers.tolist() == [0.1] and spread.beyond == 1
    assert spread.mean == pytest.approx(4.1 / 6)


def test_a_chart_of_many_images_draws_few_outliers_and_counts_all() -> None:
    values = np.concatenate([np.full(9000, 0.9), np.linspace(0, 0.8, 1000)])
    spread = describe_values("dice", values)
    assert spread.beyond == 1000 and len(spread.outliers) == MOST_OUTLIERS
    assert spread.outliers.max() < 0.05, "the farthest"


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_nothing_defined_has_no_box(values: list[float]) -> None:
    spread = describe_values("hd95", np.array(values), False)
    assert spread.counts.sum() == 0 and np.isnan(spread.mean) and spread.undefined == len(values)


def test_one_value_has_a_bar() -> None:
    spread = describe_values("hd95", np.array([2.5]), False)
    assert spread.counts.sum() == 1 and images_of(spread, np.array([2.5])) == spread.counts.tolist()
