"""All measures by one path: the same numbers by the command line, in Python and from the two masks; a table of them."""

import csv
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from unet_core import evaluate
from unet_core.cli.parser import main
from unet_core.config.choices import METRIC_SETS
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.evaluation.error_analysis import CAUSES
from unet_core.evaluation.measures.objects import measure_objects
from unet_core.evaluation.measures.registry import (
    MEASURES,
    Measured,
    Settings,
    average,
    choose_measures,
    measure,
    names_of,
)
from unet_core.evaluation.summary import ImageScore, describe_classes, summarize, to_csv
from unet_core.io.pixels import encode_png
from unet_core.metrics import METRICS, count
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet

Array = NDArray[np.uint8]
BASIC = ["image", *METRICS, "subset", "empty"]


def square(left: int, side: int = 6, value: int = 1) -> Array:
    mask = np.zeros((16, 24), np.uint8)
    mask[4 : 4 + side, left : left + side] = value
    return mask


def scored(name: str, pred: Array, target: Array, classes: int = 1, numbers: bool = False) -> ImageScore:
    objects = target.astype(np.int32) if numbers else None
    return ImageScore(name, "new", count(pred, target, classes), None, measure(pred, target, classes, objects))


def measured_of(item: ImageScore) -> Measured:
    assert item.measured is not None
    return item.measured


@pytest.fixture
def model_and_data(tmp_path: Path) -> tuple[Path, Path]:
    """A model that was not trained, and six images of numbered squares."""
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "model", UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1)))
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for number in range(6):
        mask = square(2, 5) + square(12, 7, value=2)
        image = np.clip(mask * 100.0 + rng.normal(20, 15, mask.shape), 0, 255).astype(np.uint8)
        (tmp_path / "data" / "images" / f"{number}.png").write_bytes(encode_png(image))
        (tmp_path / "data" / "masks" / f"{number}.png").write_bytes(encode_png(mask))
    return tmp_path / "model", tmp_path / "data"


def test_command_line_and_python_give_the_same_numbers_to_the_last_digit(
    model_and_data: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = model_and_data
    options = ["--labels", "instances", "--metrics", "all", "--tolerance", "0.5", "--pixel-size", "0.25"]
    assert main(["evaluate", str(model), str(data), *options, "--output", str(tmp_path / "a.csv")]) == 0
    printed = json.loads(capsys.readouterr().out)
    result = evaluate(model, data, metrics="all", tolerance=0.5, pixel_size=0.25, labels="instances")
    assert result.measures is not None
    flat = result.summary.to_dict()
    assert set(flat) >= {f"mean_{name}" for name in MEASURES} | {"pooled_nsd", "dice_bound_low"}
    assert {name: printed[name] for name in flat} == {
        name: value if math.isfinite(value) else None for name, value in flat.items()
    }
    assert (tmp_path / "a.csv").read_text() == result.to_csv()
    rows = list(csv.DictReader(io.StringIO(result.to_csv())))
    assert list(rows[0])[: len(BASIC)] == BASIC
    for row, item in zip(rows, result.images, strict=True):
        for name, entry in MEASURES.items():
            value = entry.function(measured_of(item))
            assert (float(row[name]) if row[name] else math.nan) == pytest.approx(value, abs=1e-6, nan_ok=True)
        lost = sum(float(row[f"lost_{cause}"]) for cause in CAUSES)
        assert lost == pytest.approx(1 - float(row["dice"]), abs=1e-5)
        assert row["errors"].startswith("Dice ")


def test_basic_metrics_are_what_they_were(
    model_and_data: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = model_and_data
    assert main(["evaluate", str(model), str(data), "--labels", "instances"]) == 0
    assert not [name for name in json.loads(capsys.readouterr().out) if "hd95" in name]
    result = evaluate(model, data, labels="instances")
    assert result.measures is None
    assert result.to_csv().split("\n")[0].startswith(",".join(BASIC))
    assert "nsd" not in result.to_csv()


@pytest.mark.parametrize("options", [["--tolerance", "-1"], ["--pixel-size", "0"]])
def test_wrong_settings_are_refused_before_the_model_is_looked_for(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(tmp_path / "none"), str(tmp_path), "--metrics", "all", *options]) != 0
    assert "must be" in capsys.readouterr().err


def test_the_sets_of_metrics() -> None:
    assert list(METRIC_SETS) == ["basic", "all"]
    assert choose_measures("basic") is None
    assert choose_measures("all", 3, 0.5) == Settings(3, 0.5)
    with pytest.raises(ConfigError, match=r"Unknown metrics 'most'\. Use one of basic, all"):
        choose_measures("most")


def test_means_leave_out_what_is_undefined_and_count_it() -> None:
    nothing = np.zeros_like(square(2))
    items = [
        scored("right", square(2), square(2), numbers=True),
        scored("shifted", square(3), square(2), numbers=True),
        scored("missed", nothing, square(2), numbers=True),
        scored("empty", nothing, nothing, numbers=True),
    ]
    means = average([measured_of(item) for item in items])
    assert (means.mean["hd95"], means.undefined["hd95"]) == (0.5, 2)
    assert (means.mean["nsd"], means.undefined["nsd"]) == (pytest.approx(2 / 3), 1)
    assert means.pooled["nsd"] == (40 + 40) / (40 + 40 + 20)
    assert means.mean["object_f1_50"] == pytest.approx(2 / 3)
    assert means.pooled["object_f1_50"] == 2 * 2 / (2 + 3)
    assert means.mean["count_error"] == -0.25
    assert "hd95" not in means.pooled
    flat = summarize(items).to_dict()
    assert flat["mean_hd95"] == 0.5
    assert flat["undefined_hd95"] == 2
    assert "undefined_count_error" not in flat


def test_masks_without_objects_have_no_columns_of_objects_but_of_regions() -> None:
    item = scored("a", square(3), square(2))
    names = names_of([measured_of(item)])
    assert "v_rand" in names
    assert not [name for name in names if name.startswith("object")]
    (row,) = csv.DictReader(io.StringIO(to_csv([item])))
    assert "panoptic_quality" not in row
    assert row["v_rand"]


def test_a_table_of_images_with_and_without_measures_stays_in_its_columns() -> None:
    with_objects = scored("a", square(3), square(2), numbers=True)
    bare = ImageScore("b", "new", with_objects.counts)
    without, full = csv.DictReader(io.StringIO(to_csv([bare, with_objects])))
    assert (without["hd95"], without["errors"], full["hd95"]) == ("", "", "1.000000")


def test_several_classes_have_columns_scores_and_a_confusion_matrix() -> None:
    target, pred = square(2) + square(12, value=2), square(2) + square(12)
    items = [scored("a", pred, target, 3), scored("b", target, target, 3)]
    first, second = csv.DictReader(io.StringIO(to_csv(items)))
    assert (first["hd95_2"], first["nsd_2"], second["hd95_2"], second["nsd_2"]) == (
        "",
        "0.000000",
        "0.000000",
        "1.000000",
    )
    assert first["errors"].endswith("1 of 2 objects with a wrong class.")
    described = describe_classes(items)
    assert described["confusion"] == [[2 * (384 - 72), 0, 0], [0, 72, 0], [0, 36, 36]]
    assert described["scores_by_class"][2]["mean_recall"] == 0.5
    assert described["scores_by_class"][2]["undefined_precision"] == 1
    assert describe_classes([ImageScore("a", "new", items[0].counts)]) == {}
    assert describe_classes([scored("a", square(2), square(2))]) == {}


def test_every_measure_has_a_description_and_split_ones_say_so() -> None:
    for name, entry in MEASURES.items():
        assert entry.description
        assert ("separated" in entry.description) == name.endswith("_split") or name == "lost_split"


def test_the_split_columns_are_those_of_separated_objects() -> None:
    rows, columns = np.mgrid[:40, :60]
    truth = np.where((rows - 20) ** 2 + (columns - 18) ** 2 < 144, 1, 0).astype(np.int32)
    truth[((rows - 20) ** 2 + (columns - 39) ** 2 < 144) & (truth == 0)] = 2
    mask = (truth > 0).astype(np.uint8)
    item = measure(mask, mask, 1, truth)
    assert MEASURES["object_f1_50_split"].function(item) == measure_objects(mask, mask, truth, split=True).f1() == 1
    assert MEASURES["object_f1_50"].function(item) < 1
