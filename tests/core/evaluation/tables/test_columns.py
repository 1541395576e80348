"""The columns of a table of scores: the numbers of the scores themselves, names and labels of all measures."""

import numpy as np
import pytest

from unet_core.evaluation.measures.registry import MEASURES, measure
from unet_core.evaluation.object_scores import ObjectCounts
from unet_core.evaluation.summary import ImageScore
from unet_core.evaluation.tables.columns import add_measures, describe_column, make_table
from unet_core.metrics import METRICS, count

RNG = np.random.default_rng(0)


def masks(classes: int) -> tuple[np.ndarray, np.ndarray]:
    labels = max(classes, 2)
    return tuple(RNG.integers(0, labels, (12, 15)).astype(np.uint8) for _ in range(2))


def score(name: str, classes: int = 1, objects: ObjectCounts | None = None) -> ImageScore:
    pred, target = masks(classes)
    return ImageScore(name, "val", count(pred, target, classes), objects)


def test_a_column_has_the_scores_of_the_images_in_their_order() -> None:
    items = [score("b"), score("a"), score("c")]
    table = make_table(items)
    assert table.ids == ("b", "a", "c") and len(table) == 3
    assert list(table.values) == list(METRICS)
    for name, values in table.values.items():
        assert values.tolist() == [item.scores[name] for item in items]
    assert table.rank.tolist() == [1, 0, 2]
    assert table.numbers == {"b": 0, "a": 1, "c": 2}
    assert not table.has_causes


def test_objects_are_a_column_where_one_image_has_them() -> None:
    table = make_table([score("a"), score("b", objects=ObjectCounts(2, 1, 1))])
    np.testing.assert_array_equal(table.values["object_f1"], [np.nan, 2 / 3])


def test_all_measures_are_columns_with_the_values_of_the_registry() -> None:
    pairs = {name: masks(1) for name in "ab"}
    items = [ImageScore(name, "new", count(*pair, 1)) for name, pair in pairs.items()]
    numbers = {name: (target > 0).astype(np.int32) for name, (_, target) in pairs.items()}
    measured = {name: measure(*pair, 1, numbers[name]) for name, pair in pairs.items()}
    table = make_table(add_measures(items, measured))
    assert set(table.values) == set(METRICS) | set(MEASURES)
    assert table.has_causes
    for name, entry in MEASURES.items():
        np.testing.assert_array_equal(table.values[name], [entry.function(measured[item.id]) for item in items])


def test_measures_of_some_images_alone_are_no_columns() -> None:
    pair = masks(1)
    items = [ImageScore(name, "new", count(*pair, 1)) for name in "ab"]
    table = make_table(add_measures(items, {"a": measure(*pair, 1)}))
    assert set(table.values) == set(METRICS)


def test_several_classes_have_columns_of_their_own_and_the_labels_their_names() -> None:
    pairs = {name: masks(3) for name in "ab"}
    items = [ImageScore(name, "new", count(*pair, 3)) for name, pair in pairs.items()]
    measured = {name: measure(*pair, 3) for name, pair in pairs.items()}
    table = make_table(add_measures(items, measured))
    for index in range(3):
        assert table.values[f"iou_{index}"].tolist() == [METRICS["iou"].function(item.counts)[index] for item in items]
        assert table.values[f"hd95_{index}"].tolist() == [measured[name].surface.hd95[index] for name in "ab"]
    assert "object_f1_50" not in table.values, "no objects"
    assert describe_column("dice_1", ["sky", "road"]).label == "Dice: road"
    assert describe_column("hd95_2", ["sky", "road"]).label == "HD95: class 2"
    assert describe_column("hd95_2").is_length and describe_column("hd95_2").best == 0


def test_every_measure_has_a_label_of_its_own_and_what_is_best() -> None:
    columns = {name: describe_column(name) for name in [*METRICS, *MEASURES]}
    assert len({column.label for column in columns.values()}) == len(columns)
    zero = {name for name, column in columns.items() if column.best == 0}
    assert zero == {"hd95", "count_error", "count_error_split", *(name for name in MEASURES if name.startswith("lost"))}
    assert {name for name, column in columns.items() if not column.is_share} == {
        "hd95",
        "count_error",
        "count_error_split",
    }
    with pytest.raises(KeyError):
        describe_column("nothing")


def test_no_image_is_an_empty_table() -> None:
    table = make_table([])
    assert len(table) == 0 and table.values["dice"].shape == (0,)
