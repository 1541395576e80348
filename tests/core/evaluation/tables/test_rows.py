"""Filters and sorts of a table of scores: worst first by what is best for the measure, undefined last, ties by name."""

import numpy as np
import pytest

from unet_core.evaluation.tables.columns import NAME, ScoreTable
from unet_core.evaluation.tables.rows import Filter, Range, select

NAN = float("nan")
TABLE = ScoreTable(
    ids=("Plate_b", "plate_a", "other", "plate_c", "empty"),
    subsets=("val", "val", "test", "new", "val"),
    empty=np.array([False, False, False, False, True]),
    values={
        "dice": np.array([0.9, 0.5, 0.9, 0.1, NAN]),
        "hd95": np.array([1.0, 8.0, NAN, 3.0, NAN]),
        "count_error": np.array([-4.0, 1.0, 0.0, 3.0, NAN]),
        "lost_outline": np.array([0.004, 0.3, 0.0, 0.9, NAN]),
        "lost_missed": np.array([0.096, 0.2, 0.1, 0.0, NAN]),
    },
)


def names(chosen: Filter | None = None, sort: str = "dice", reverse: bool = False) -> list[str]:
    return [TABLE.ids[row] for row in select(TABLE, chosen or Filter(), sort, reverse)]


@pytest.mark.parametrize(
    ("sort", "reverse", "expected"),
    [
        ("dice", False, ["plate_c", "plate_a", "Plate_b", "other", "empty"]),
        ("dice", True, ["Plate_b", "other", "plate_a", "plate_c", "empty"]),
        ("hd95", False, ["plate_a", "plate_c", "Plate_b", "empty", "other"]),
        ("hd95", True, ["Plate_b", "plate_c", "plate_a", "empty", "other"]),
        ("count_error", False, ["Plate_b", "plate_c", "plate_a", "other", "empty"]),
        (NAME, False, ["Plate_b", "empty", "other", "plate_a", "plate_c"]),
        (NAME, True, ["plate_c", "plate_a", "other", "empty", "Plate_b"]),
        ("not_computed", False, ["plate_c", "plate_a", "Plate_b", "other", "empty"]),
    ],
)
def test_the_worst_come_first_undefined_last_and_equal_ones_by_name(
    sort: str, reverse: bool, expected: list[str]
) -> None:
    assert names(sort=sort, reverse=reverse) == expected


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(text=" PLATE "), {"Plate_b", "plate_a", "plate_c"}),
        (Filter(text=".*"), set()),
        (Filter(subset="val"), {"Plate_b", "plate_a", "empty"}),
        (Filter(below=0.9), {"plate_a", "plate_c"}),
        (Filter(cause="outline"), {"plate_a", "plate_c"}),
        (Filter(cause="missed"), {"Plate_b", "plate_a", "other"}),
        (Filter(within=Range("dice", 0.1, 0.9)), {"plate_a", "plate_c"}),
        (Filter(within=Range("dice", 0.1, 0.9, closed=True)), {"plate_a", "plate_c", "Plate_b", "other"}),
        (Filter(within=Range("nsd", 0, 1)), set(TABLE.ids)),
        (Filter(ids=frozenset({"other", "gone"})), {"other"}),
        (Filter(text="plate", subset="val", below=0.6), {"plate_a"}),
        (Filter(), set(TABLE.ids)),
    ],
)
def test_only_what_passes_every_filter_is_listed(chosen: Filter, expected: set[str]) -> None:
    assert set(names(chosen)) == expected


def test_a_cause_is_no_filter_where_causes_are_not_measured() -> None:
    bare = ScoreTable(("a",), ("val",), np.array([False]), {"dice": np.array([0.5])})
    assert select(bare, Filter(cause="missed")).tolist() == [0]
