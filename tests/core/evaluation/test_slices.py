"""Slices: mean Dice and interval by folder, size, brightness, contrast and foreground, against means made by hand."""

import numpy as np
import pytest

from unet_core.evaluation.intervals import bound_mean
from unet_core.evaluation.measures.image_facts import ImageFacts
from unet_core.evaluation.slices import PROPERTIES, divide, slice_scores
from unet_core.evaluation.summary import ImageScore
from unet_core.metrics import Counts


def score(name: str, dice: float, facts: ImageFacts | None = None, subset: str = "val", area: float = 20) -> ImageScore:
    """An image of 100 pixels with that Dice and `area` pixels of foreground; NaN: nothing there, nothing predicted."""
    if np.isnan(dice):
        tp, fp, fn, tn = 0.0, 0.0, 0.0, 100.0
    else:  # as many false positives as false negatives
        tp, fp, fn, tn = dice * area, (1 - dice) * area, (1 - dice) * area, 100 - area - (1 - dice) * area
    return ImageScore(name, subset, Counts(*(np.array([value]) for value in (tp, fp, fn, tn))), facts=facts)


def test_the_worst_slice_comes_first_with_its_mean_interval_and_images() -> None:
    rng = np.random.default_rng(0)
    bad, good = rng.uniform(0.1, 0.3, 16), rng.uniform(0.8, 1, 20)
    items = [score(f"plate 2/{row}", value) for row, value in enumerate(good)]
    items += [score(f"plate 1/{row}", value) for row, value in enumerate(bad)]
    first, second = slice_scores(items, ["folder"])
    assert (first.of, first.name, second.name) == ("folder", "plate 1", "plate 2")
    assert first.mean == pytest.approx(bad.mean()) and second.mean == pytest.approx(good.mean())
    assert first.ids == tuple(f"plate 1/{row}" for row in range(16))
    expected = bound_mean(np.array([item.scores["dice"] for item in items[20:]]))
    assert first.interval == expected and first.interval.low < bad.mean() < first.interval.high
    assert not first.interval.too_few


def test_undefined_images_are_counted_and_left_out() -> None:
    items = [score("a/1", 0.5), score("a/2", float("nan")), score("b/1", float("nan")), score("c", 0.9)]
    slices = slice_scores(items, ["folder"])
    assert [(part.name, part.undefined, len(part.ids)) for part in slices] == [
        ("a", 1, 2),
        ("(top folder)", 0, 1),
        ("b", 1, 1),
    ]
    assert slices[0].mean == pytest.approx(0.5) and np.isnan(slices[2].mean)
    assert slices[0].interval.too_few and np.isnan(slices[0].interval.low)


def test_dark_images_that_score_low_are_a_slice() -> None:
    levels = np.linspace(0.1, 0.9, 64)
    items = [
        score(f"{row}", 0.3 if level < 0.3 else 0.9, ImageFacts(64, 64, float(level), 0.1))
        for row, level in enumerate(levels)
    ]
    slices = slice_scores(items)
    assert {part.of for part in slices} == {"brightness"}, "all else is the same in every image"
    assert [len(part.ids) for part in slices] == [16] * 4
    assert slices[0].name == "10 to 29 %" and slices[0].mean == pytest.approx(0.3)
    assert sorted(name for part in slices for name in part.ids) == sorted(item.id for item in items)


@pytest.mark.parametrize(("images", "bins"), [(3, 0), (4, 2), (29, 2), (30, 2), (45, 3), (60, 4), (500, 4)])
def test_there_are_as_many_ranges_as_have_enough_images(images: int, bins: int) -> None:
    groups = divide(np.arange(images, dtype=np.float64))
    assert len(groups) == bins
    if images >= 30:
        assert min(map(len, groups.values())) >= 15


def test_equal_values_stay_together_and_ranges_say_what_is_in_them() -> None:
    sizes = np.array([256.0] * 40 + [320] * 10 + [360, 520, 696, 1024])
    groups = divide(sizes, unit=" px")
    assert {name: len(rows) for name, rows in groups.items()} == {"256 px": 40, "320 to 1024 px": 14}
    assert len(divide(np.full(50, 3.0))) == 1


def test_names_of_neighbors_have_the_digits_that_tell_them_apart() -> None:
    names = list(divide(np.array([0.50001, 0.50002, 0.50003, 0.50004])))
    assert names == ["0.50001 to 0.50002", "0.50003 to 0.50004"]


def test_what_is_not_known_has_a_slice_of_its_own() -> None:
    facts = [ImageFacts(8, 8, value, 0.1) for value in (0.1, 0.2, 0.3, 0.4, float("nan"))]
    slices = slice_scores([score(str(row), 0.5, item) for row, item in enumerate(facts)], ["brightness"])
    assert {part.name: part.ids for part in slices} == {
        "10 to 20 %": ("0", "1"),
        "30 to 40 %": ("2", "3"),
        "unknown": ("4",),
    }


def test_float_images_beyond_0_to_1_have_no_percentages() -> None:
    facts = [ImageFacts(8, 8, value, 0.1) for value in (100, 200, 300, 400.0)]
    slices = slice_scores([score(str(row), 0.5, item) for row, item in enumerate(facts)], ["brightness"])
    assert {part.name for part in slices} == {"100 to 200", "300 to 400"}


def test_share_of_foreground_is_that_of_the_ground_truth() -> None:
    items = [score(str(row), 0.5, area=area) for row, area in enumerate((5, 10, 20, 40))]
    assert {part.name for part in slice_scores(items, ["foreground"])} == {"5 to 10 %", "20 to 40 %"}
    three = Counts(np.array([60.0, 5, 5]), np.array([0.0, 10, 0]), np.array([10.0, 0, 0]), np.array([10.0, 65, 75]))
    assert PROPERTIES["foreground"].value(ImageScore("a", "val", three)) == pytest.approx(1 - 70 / 80)


def test_subsets_are_named_as_everywhere() -> None:
    items = [score("a", 0.9, subset="train"), score("b", 0.4, subset="test")]
    assert [part.name for part in slice_scores(items, ["subset"])] == ["test (held out)", "train (trained on)"]


def test_without_facts_there_are_no_slices_of_images_themselves() -> None:
    items = [score(str(row), 0.5) for row in range(8)]
    assert slice_scores(items, ["size", "brightness", "contrast"]) == []
