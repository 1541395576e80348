"""Masks to scores: sums and means by hand, the table others read, an honest interval."""

import csv
import io
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.helpers.selections import select
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.discovery import find
from unet_core.data.layouts import Sample
from unet_core.evaluation.scores import evaluate
from unet_core.evaluation.summary import ImageScore, by_class, interval, summarize, to_csv
from unet_core.io.pixels import encode_png
from unet_core.metrics import METRICS, Counts

Array = NDArray[np.uint8]
NAN = math.nan


def counts(tp: float, fp: float, fn: float, tn: float) -> Counts:
    return Counts(*(np.array([float(value)]) for value in (tp, fp, fn, tn)))


def folder(root: Path, pairs: dict[str, tuple[Array, Array]]) -> list[Sample]:
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for name, (image, mask) in pairs.items():
        (root / "images" / f"{name}.png").write_bytes(encode_png(image))
        (root / "masks" / f"{name}.png").write_bytes(encode_png(mask))
    return find(root)


def gray(value: int) -> tuple[Array, Array]:
    return np.full((4, 4), value, np.uint8), np.zeros((4, 4), np.uint8)


# Scoring ------------------------------------------------------------------------------------------------------------


class Bright:
    """A stand-in for a Predictor: what is brighter than half is foreground (or class 1, above 200 class 2)."""

    def __init__(self, **config: Any) -> None:
        settings = {"in_channels": 1, "num_classes": 1, "depth": 1, "image_size": 16} | config
        self.model = SimpleNamespace(config=ModelConfig(**settings))

    def mask(self, image: Array, threshold: float | None = None) -> Array:
        bright = image[:, :, 0] > 127
        return bright.astype(np.uint8) + (image[:, :, 0] > 200) * (self.model.config.num_classes > 1)


def halves(left: int, right: int) -> Array:
    return np.repeat(np.array([[left, right]], np.uint8), 4, 0).repeat(2, 1)


def test_each_image_is_predicted_and_compared_with_its_mask(tmp_path: Path) -> None:
    found = folder(
        tmp_path,
        {
            "half": (halves(255, 255), halves(255, 0)),  # 8 right, 8 too many
            "none": (halves(0, 0), halves(0, 0)),
            "right": (halves(0, 255), halves(0, 255)),
        },
    )
    chosen = {"val": [found[2]], "new": found[:2]}
    results, dataset = evaluate(Bright(), select(chosen, DataConfig()))  # type: ignore[arg-type]
    assert not dataset.skipped
    table = {item.id: item for item in results}
    assert {name: item.subset for name, item in table.items()} == {"right": "val", "half": "new", "none": "new"}
    assert table["right"].scores == dict.fromkeys(METRICS, 1.0)
    assert table["half"].scores == pytest.approx(
        {"dice": 2 / 3, "iou": 0.5, "precision": 0.5, "recall": 1, "accuracy": 0.5}
    )
    assert table["none"].counts.empty
    assert math.isnan(table["none"].scores["dice"])


def test_several_classes_and_ignored_pixels(tmp_path: Path) -> None:
    image = np.array([[0, 150, 255, 255]], np.uint8)
    found = folder(tmp_path, {"one": (image, np.array([[0, 1, 1, 9]], np.uint8))})
    (result,), _ = evaluate(Bright(num_classes=3), select({"new": found}, DataConfig(ignore_index=9)))  # type: ignore[arg-type]
    assert result.counts.tp.tolist() == [1, 1, 0]
    assert result.counts.fp.tolist() == [0, 0, 1]
    assert result.counts.fn.tolist() == [0, 1, 0]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_scored(tmp_path: Path) -> None:
    found = folder(tmp_path, {f"{number:02d}": gray(number) for number in range(10)})
    found[4].image.write_bytes(b"no picture")
    results, dataset = evaluate(Bright(), select({"new": found}, DataConfig()))  # type: ignore[arg-type]
    assert len(dataset.skipped) == 1
    assert str(found[4].image) in dataset.skipped[0]
    assert len(results) == 9


# Summaries ----------------------------------------------------------------------------------------------------------

SCORES = [
    ImageScore("a", "val", counts(6, 2, 2, 6)),  # dice 3/4, iou 6/10, precision 3/4, recall 3/4, accuracy 3/4
    ImageScore("b", "val", counts(1, 0, 3, 12)),  # dice 2/5, iou 1/4, precision 1, recall 1/4, accuracy 13/16
    ImageScore("c", "test", counts(0, 0, 0, 16)),  # nothing to find, nothing found
    ImageScore("d", "test", counts(0, 4, 0, 12)),  # nothing to find: dice 0, recall undefined
]


def test_summary_by_hand() -> None:
    found = summarize(SCORES)
    assert (found.images, found.empty) == (4, 1)
    assert found.mean["dice"] == pytest.approx((0.75 + 0.4 + 0) / 3)
    assert found.mean["iou"] == pytest.approx((0.6 + 0.25 + 0) / 3)
    assert found.mean["precision"] == pytest.approx((0.75 + 1 + 0) / 3)
    assert found.mean["recall"] == pytest.approx((0.75 + 0.25) / 2)
    assert found.mean["accuracy"] == pytest.approx((0.75 + 13 / 16 + 1 + 0.75) / 4)
    assert found.pooled["dice"] == pytest.approx(2 * 7 / (2 * 7 + 6 + 5))
    assert found.pooled["iou"] == pytest.approx(7 / (7 + 6 + 5))


def test_summary_of_images_with_nothing_defined() -> None:
    found = summarize([SCORES[2], SCORES[2]])
    assert (found.images, found.empty, found.mean["accuracy"]) == (2, 2, 1)
    undefined = (*(found.mean[name] for name in ("dice", "iou", "recall")), found.pooled["dice"], *found.dice_interval)
    assert all(math.isnan(value) for value in undefined)


def test_summary_of_one_image_has_no_interval() -> None:
    found = summarize(SCORES[:1])
    assert found.mean["dice"] == found.pooled["dice"] == 0.75
    assert all(math.isnan(bound) for bound in found.dice_interval)


@pytest.mark.parametrize("seed", range(5))
def test_interval_holds_the_mean_and_is_the_same_each_time(seed: int) -> None:
    values = np.random.default_rng(seed).beta(5, 2, 30)
    low, high = interval(values)
    assert values.min() <= low < values.mean() < high <= values.max()
    np.random.seed(seed)
    assert interval(values) == (low, high)
    assert interval(np.append(values, NAN)) == (low, high)


def test_interval_is_that_of_the_normal_law_for_many_values() -> None:
    values = np.random.default_rng(0).normal(0.7, 0.1, 400)
    low, high = interval(values)
    error = values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_interval_of_equal_values_is_that_value() -> None:
    assert interval(np.array([0.5] * 8)) == (0.5, 0.5)


@pytest.mark.parametrize("values", [[], [0.5], [NAN, NAN], [0.5, NAN]])
def test_interval_of_under_two_values_is_undefined(values: list[float]) -> None:
    assert all(math.isnan(bound) for bound in interval(np.array(values, float)))


# The table ----------------------------------------------------------------------------------------------------------


def test_csv_by_hand() -> None:
    assert to_csv(SCORES).split("\n") == [
        "image,dice,iou,precision,recall,accuracy,subset,empty",
        "a,0.750000,0.600000,0.750000,0.750000,0.750000,val,0",
        "b,0.400000,0.250000,1.000000,0.250000,0.812500,val,0",
        "c,,,,,1.000000,test,1",
        "d,0.000000,0.000000,0.000000,,0.750000,test,0",
        "",
    ]


def test_csv_begins_with_the_columns_others_rely_on() -> None:
    assert to_csv(SCORES).startswith("image,dice,iou,precision,recall,accuracy")
    assert to_csv([]).startswith("image,dice,iou,precision,recall,accuracy")


@pytest.mark.parametrize("name", ["train/a b", 'with "quotes", and comma', "line\nbreak", "ünïcode", "=1+1"])
def test_csv_reads_back(name: str) -> None:
    item = ImageScore(name, "new", counts(1, 2, 3, 4))
    (row,) = csv.DictReader(io.StringIO(to_csv([item])))
    assert row["image"] == name
    assert {metric: float(row[metric]) for metric in METRICS} == pytest.approx(item.scores, abs=1e-6)


def test_csv_of_several_classes_has_the_columns_of_each() -> None:
    three = Counts(np.array([2.0, 0, 1]), np.array([1.0, 0, 1]), np.array([1.0, 0, 0]), np.array([0.0, 4, 2]))
    (row,) = csv.DictReader(io.StringIO(to_csv([ImageScore("a", "new", three)])))
    assert list(row)[8:] == ["dice_0", "iou_0", "dice_1", "iou_1", "dice_2", "iou_2"]
    assert float(row["dice_0"]) == pytest.approx(4 / 6, abs=1e-6)
    assert float(row["iou_0"]) == pytest.approx(2 / 4, abs=1e-6)
    assert (row["dice_1"], row["iou_1"]) == ("", "")
    assert float(row["dice_2"]) == pytest.approx(2 / 3, abs=1e-6)
    assert float(row["dice"]) == pytest.approx((4 / 6 + 2 / 3) / 2, abs=1e-6)


def test_scores_of_each_class_pool_all_pixels() -> None:
    def counts(*rows: tuple[float, float, float]) -> Counts:
        tp, fp, fn = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
        return Counts(tp, fp, fn, np.zeros_like(tp))

    scores = [
        ImageScore("a", "val", counts((6, 2, 0), (0, 0, 0), (0, 0, 2))),
        ImageScore("b", "val", counts((2, 0, 2), (0, 0, 0), (4, 2, 0))),
    ]
    first, absent, third = by_class(scores)
    assert (first.index, first.dice, first.iou) == (0, pytest.approx(16 / 20), pytest.approx(8 / 12))
    assert (first.pixels, first.images) == (10, 2)
    assert math.isnan(absent.dice) and math.isnan(absent.iou) and absent.images == 0
    assert (third.dice, third.pixels, third.images) == (pytest.approx(8 / 12), 6, 2)
    only = by_class([ImageScore("a", "val", counts((3, 1, 0)))])
    assert [item.index for item in only] == [1]
