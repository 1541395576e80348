"""`unet-studio export` and `export_model`: from the name of a model to a file for other programs."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.core.export.model.test_onnx import make_model
from unet_core import export_model
from unet_core.cli.parser import main
from unet_core.data import synthetic
from unet_core.errors import ConfigError, PredictionError, RunError
from unet_core.models.checkpoint import save_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "best", make_model(), about={"fingerprint": {"dtype": "uint8"}})
    return tmp_path / "best"


def test_the_command_writes_the_file_and_reports_it(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(folder), "-o", str(tmp_path / "a.onnx")]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["format"], result["input_range"], result["notes"]) == ("onnx", 255.0, [])
    assert result["bytes"] == (tmp_path / "a.onnx").stat().st_size
    assert 0 <= result["largest_difference"] < 1e-4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-o", "a.zip"], "a.zip: a file of format 'onnx' ends in .onnx. Rename it."),
        (["-o", "a.onnx", "--format", "bioimage"], "ends in .zip. Rename it."),
        (["-o", "none/a.onnx"], "cannot be written"),
    ],
)
def test_mistakes_are_one_line(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    text: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(folder), *arguments]) == 2
    assert text in capsys.readouterr().err


def test_a_missing_package_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main(["export", str(folder), "-o", str(tmp_path / "a.onnx")]) == 2
    assert 'ONNX files need onnxscript. Install with: pip install "unet-studio[onnx]"' in capsys.readouterr().err
    assert not (tmp_path / "a.onnx").exists()


def test_python_does_the_same(folder: Path, tmp_path: Path) -> None:
    file = export_model(folder, tmp_path / "a.zip", format="safetensors")
    assert (file.format, file.difference, file.path) == ("safetensors", None, tmp_path / "a.zip")
    with pytest.raises(RunError):
        export_model(tmp_path / "none", tmp_path / "a.onnx")
    with pytest.raises(ConfigError, match="choose 255"):
        export_model(folder, tmp_path / "a.onnx", input_range=4095)
    with pytest.raises(PredictionError, match="The example has 3 channels"):
        export_model(folder, tmp_path / "b.zip", format="bioimage", example=np.zeros((64, 64, 3), np.uint8))


def test_a_run_is_checked_with_images_it_did_not_train_on(tmp_path: Path) -> None:
    from unet_core import train
    from unet_core.sharing import portable

    synthetic.write(tmp_path / "cells", images=12)
    small = {"epochs": 1, "base_channels": 2, "depth": 2, "image_size": 32, "crops_per_image": 1}
    run = train(tmp_path / "cells", runs_dir=tmp_path / "runs", **small)
    from unet_core.models.checkpoint import load_model

    config = load_model(run.best)[0].config
    images = portable.own_images(run, config)
    assert len(images) == min(3, len(run.split()["val"]))
    assert all(image.shape[2] == config.in_channels for image in images)
    shutil.rmtree(tmp_path / "cells")
    assert portable.own_images(run, config) == []
    assert export_model(run, tmp_path / "a.onnx").difference < 1e-4
