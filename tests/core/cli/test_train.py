"""Presets and comparisons from the command line."""

import json

import pytest

from unet_core.cli.parser import main
from unet_core.runs import run as runs

TINY = ["--base-channels", "2", "--depth", "1", "--image-size", "16", "--crops-per-image", "1", "--epochs", "1"]


def test_a_preset_is_where_the_settings_begin(tmp_path, sample_folder, capsys):
    arguments = ["train", str(sample_folder), "--runs-dir", str(tmp_path), "--preset", "strconv-ups-dice", *TINY]
    assert main([*arguments, "--loss", "bce_dice", "--no-deep-supervision"]) == 0
    run = runs.find(tmp_path)[0]
    config = run.config
    assert (config.model.down, config.model.up, config.train.loss) == ("strided_conv", "bilinear", "bce_dice")
    assert config.model.base_channels == 2
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["run"] == str(run.folder)
    stages = [line.rpartition(": ")[0] for line in err.splitlines() if line.endswith(" s")]
    names = ["Starting the process", "Loading PyTorch", "Reading images (8)", "Preparing the model", "First step"]
    assert stages == names


def test_the_four_configurations_in_one_command_and_one_table(tmp_path, sample_folder, capsys):
    four = ["--presets", "mp-tr-bce,mp-tr-dice, strconv-tr-bce,strconv-ups-dice"]
    assert main(["sweep", str(sample_folder), "--runs-dir", str(tmp_path), *four, *TINY]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out.splitlines()[-1])
    names = ["mp-tr-bce", "mp-tr-dice", "strconv-tr-bce", "strconv-ups-dice"]
    assert [row["name"] for row in result["runs"]] == names
    assert {"val_dice", "val_iou", "val_loss", "seconds", "parameters"} <= set(result["runs"][0])
    assert [run.config.train.series.split()[0] for run in runs.find(tmp_path)] == [result["series"]] * 4
    table = err.splitlines()[-5:]
    assert table[0].split()[:4] == ["name", "val_dice", "val_iou", "val_loss"]
    assert [line.split()[0] for line in table[1:]] == names


@pytest.mark.parametrize("command", [["train", "--preset", "unet99"], ["sweep", "--presets", "mp-tr-bce,unet99"]])
def test_an_unknown_preset_starts_nothing(command, tmp_path, sample_folder, capsys):
    assert main([command[0], str(sample_folder), "--runs-dir", str(tmp_path / "runs"), *command[1:]]) == 2
    assert "error: Unknown preset 'unet99'; available: default, paper-2015" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
