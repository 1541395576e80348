"""Means of a table: over images and pooled, those of the summary to the last digit, and what is left out."""

import numpy as np
import pytest

from unet_core.evaluation.measures.registry import measure
from unet_core.evaluation.object_scores import ObjectCounts
from unet_core.evaluation.summary import ImageScore, summarize
from unet_core.evaluation.tables.columns import add_measures, make_table
from unet_core.evaluation.tables.means import list_means
from unet_core.metrics import Counts, count


def counts(tp: float, fp: float, fn: float, tn: float) -> Counts:
    return Counts(*(np.array([float(value)]) for value in (tp, fp, fn, tn)))


SCORES = [
    ImageScore("a", "val", counts(6, 2, 2, 6), ObjectCounts(1, 1, 0)),  # dice 3/4, object F1 2/3
    ImageScore("b", "val", counts(1, 0, 3, 12), ObjectCounts(3, 0, 0)),  # dice 2/5, object F1 1
    ImageScore("c", "val", counts(0, 0, 0, 16), ObjectCounts(0, 0, 0)),  # nothing to find, nothing predicted
]


def test_mean_over_images_and_pooled_are_both_there_and_undefined_is_counted() -> None:
    dice, precision, objects = list_means(
        make_table(SCORES), summarize(SCORES), ["dice", "precision", "object_f1", "nsd"]
    )
    assert (dice.name, dice.defined, dice.undefined) == ("dice", 2, 1)
    assert dice.mean == pytest.approx((0.75 + 0.4) / 2) and dice.pooled == pytest.approx(14 / 21)
    assert precision.mean == pytest.approx((0.75 + 1) / 2) and precision.pooled == pytest.approx(7 / 9)
    assert objects.mean == pytest.approx((2 / 3 + 1) / 2) and objects.pooled == pytest.approx(8 / 9)
    assert objects.undefined == 1


def test_means_of_all_measures_are_those_of_the_summary() -> None:
    rng = np.random.default_rng(1)
    pairs = {name: tuple(rng.integers(0, 2, (9, 9)).astype(np.uint8) for _ in range(2)) for name in "abc"}
    pairs["d"] = (np.zeros((9, 9), np.uint8),) * 2
    items = [ImageScore(name, "new", count(*pair, 1)) for name, pair in pairs.items()]
    items = add_measures(items, {name: measure(*pair, 1) for name, pair in pairs.items()})
    summary = summarize(items)
    assert summary.measures is not None
    rows = {row.name: row for row in list_means(make_table(items), summary, list(make_table(items).values))}
    for name, mean in summary.measures.mean.items():
        assert rows[name].mean == mean and rows[name].pooled == summary.measures.pooled.get(name)
        assert rows[name].undefined == summary.measures.undefined[name] == 1
    assert rows["hd95"].pooled is None, "a quantile cannot be pooled"


def test_a_measure_that_is_nowhere_defined_has_no_mean() -> None:
    (row,) = list_means(make_table(SCORES[2:]), summarize(SCORES[2:]), ["dice"])
    assert np.isnan(row.mean) and (row.defined, row.undefined) == (0, 1)
