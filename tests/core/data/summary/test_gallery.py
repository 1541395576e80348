"""Filters, sorts and pages over facts."""

import pytest

from unet_core.data.checks.facts import SampleFacts
from unet_core.data.summary import gallery
from unet_core.data.summary.gallery import SORTS, Filter, select

FACTS = (
    SampleFacts("a/Cell 1", "a/Cell 1.png", subset="train", group="mouse1", height=10, width=20, dtype="uint8",
                mean=(51.0,), classes=((0, 150), (1, 50)), objects=3),
    SampleFacts("a/cell 2", "a/cell 2.png", subset="val", group="mouse2", height=30, width=30, dtype="uint16",
                mean=(6553.5,), classes=((0, 900), (255, 0)), objects=0),
    SampleFacts("b/cell 3", "b/cell 3.png", subset="train", height=5, width=5, dtype="float32",
                mean=(0.3, 0.5), classes=((0, 5), (2, 20)), objects=9),
    SampleFacts("b/damaged", "b/damaged.png", problem="cannot be read"),
)  # fmt: skip


def ids(chosen: Filter, sort: str = "name") -> list[str]:
    return [facts.id for facts in select(FACTS, chosen, sort)]


def test_without_a_filter_all_are_shown_by_name() -> None:
    assert ids(Filter()) == ["a/Cell 1", "a/cell 2", "b/cell 3", "b/damaged"]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(text=" CELL "), ["a/Cell 1", "a/cell 2", "b/cell 3"]),
        (Filter(text="b/"), ["b/cell 3", "b/damaged"]),
        (Filter(subset="val"), ["a/cell 2"]),
        (Filter(group="mouse1"), ["a/Cell 1"]),
        (Filter(class_index=1), ["a/Cell 1"]),
        (Filter(class_index=255), []),
        (Filter(ids=frozenset({"b/damaged"})), ["b/damaged"]),
        (Filter(ids=frozenset()), []),
        (Filter(text="cell", subset="train", class_index=2), ["b/cell 3"]),
    ],
)
def test_a_filter_keeps_what_has_all_that_it_asks_for(chosen: Filter, expected: list[str]) -> None:
    assert ids(chosen) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("largest", ["a/cell 2", "a/Cell 1", "b/cell 3"]),
        ("emptiest", ["a/cell 2", "a/Cell 1", "b/cell 3"]),
        ("fullest", ["b/cell 3", "a/Cell 1", "a/cell 2"]),
        ("darkest", ["a/cell 2", "a/Cell 1", "b/cell 3"]),
        ("brightest", ["b/cell 3", "a/Cell 1", "a/cell 2"]),
        ("objects", ["b/cell 3", "a/Cell 1", "a/cell 2"]),
        ("group", ["a/Cell 1", "a/cell 2", "b/cell 3"]),
    ],
)
def test_sorts_compare_all_types_and_put_unreadable_files_last(sort: str, expected: list[str]) -> None:
    assert ids(Filter(), sort) == [*expected, "b/damaged"]


def test_every_sort_is_tested() -> None:
    assert set(SORTS) == {"name", "largest", "emptiest", "fullest", "darkest", "brightest", "objects", "group"}


def test_brightness_is_a_share_of_the_range() -> None:
    shares = [gallery.brightness_share(facts) for facts in FACTS]
    assert shares == pytest.approx([0.2, 0.1, 0.4, 0.0])


def test_pages_begin_at_one_and_never_end_beyond_the_last() -> None:
    items = list(range(7))
    assert [gallery.count_pages(items[:count], 3) for count in (0, 1, 3, 4, 7)] == [1, 1, 1, 2, 3]
    assert list(gallery.page_of(items, 3, 3)) == [6]
    assert list(gallery.page_of(items, 4, 3)) == [6]
    assert list(gallery.page_of(items, 0, 3)) == [0, 1, 2]
    assert list(gallery.page_of([], 1, 3)) == []
