"""`evaluate` on the command line: report, JSON and CSV, with the numbers of Python to the last digit."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from unet_core import evaluate
from unet_core.cli.parser import main
from unet_core.config.schema import ModelConfig
from unet_core.data import synthetic
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint whose weights are drawn, so that its probabilities lie on both sides of any threshold."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("models") / "drawn"
    save_checkpoint(folder, UNet(ModelConfig(in_channels=3, num_classes=1, base_channels=4, depth=2, image_size=32)))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.write(tmp_path_factory.mktemp("data") / "cells", images=4)


def undated(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "date"}


def read_report(path: Path) -> str:
    """Without the one line that differs."""
    return re.sub(r"<td>\d{4}-\d\d-\d\d \d\d:\d\d UTC</td>", "", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tta": "flips"},
        {"tile": 64},
        {"threshold": 0.4},
        {"tta": "flips", "tile": 96, "threshold": 0.55, "metrics": "all", "tolerance": 3.0, "split": "all"},
    ],
    ids=lambda options: "-".join(options) or "default",
)
def test_command_line_and_python_give_the_same(
    options: dict[str, Any], model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    files = [f"--{name}={tmp_path / name}" for name in ("report", "json", "output")]
    assert main(["evaluate", str(model), str(data), *flags, *files]) == 0
    out, err = capsys.readouterr()
    result = evaluate(model, data, report=tmp_path / "python.html", **options)
    stored = json.loads((tmp_path / "json").read_text())
    assert undated(stored) == undated(json.loads(json.dumps(result.to_dict())))
    assert read_report(tmp_path / "report") == read_report(tmp_path / "python.html")
    assert (tmp_path / "output").read_text() == result.to_csv()
    printed = json.loads(out.splitlines()[-1])
    assert {name: printed[name] for name in stored["summary"]} == stored["summary"]
    assert (printed["report"], printed["json"]) == (str(tmp_path / "report"), str(tmp_path / "json"))
    first = result.images[0]
    assert f"1/4 {first.id}  Dice {first.scores['dice']:.4f}" in err
    rows = {row["image"]: row for row in csv.DictReader((tmp_path / "output").read_text().splitlines())}
    assert rows[first.id]["dice"] == f"{first.scores['dice']:.6f}"
    assert f"<td>{first.scores['dice']:.4f}</td>" in read_report(tmp_path / "report")


def test_options_change_the_scores_and_the_report_names_them(model: Path, data: Path, tmp_path: Path) -> None:
    plain = evaluate(model, data)
    other = evaluate(model, data, tta="flips", threshold=0.45, report=tmp_path / "report.html")
    assert plain.mean["dice"] != other.mean["dice"]
    text = (tmp_path / "report.html").read_text()
    assert "unet-studio evaluate drawn cells --tta flips --threshold 0.45" in text
    assert "0.45, chosen for this evaluation" in text


def test_a_folder_in_place_of_a_file_is_refused_at_the_start(
    model: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("report", "json", "output"):
        assert main(["evaluate", str(model), str(data), f"--{name}={tmp_path}"]) == 2
        assert capsys.readouterr().err == f"error: {tmp_path} is a folder. Name a file in it.\n"


def test_a_threshold_for_several_classes_is_refused_before_anything_is_written(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_checkpoint(tmp_path / "three", UNet(ModelConfig(in_channels=3, num_classes=3, base_channels=2, depth=1)))
    report = tmp_path / "report.html"
    command = ["evaluate", str(tmp_path / "three"), str(data), "--threshold=0.5", f"--report={report}"]
    assert main(command) == 2
    assert "A threshold is for models of one class" in capsys.readouterr().err
    assert not report.exists()
