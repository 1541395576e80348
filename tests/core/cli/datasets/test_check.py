"""`unet-studio check`: readable lines, JSON, a report, and the exit status."""

import json
from pathlib import Path

import pytest

from tests.core.data.checks.planted import FAULTS, make_clean
from unet_core.cli.parser import main


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_clean(tmp_path / "cells", images=8)


def test_a_clean_dataset(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(root)]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["samples"], result["blocks_training"], result["findings"]) == (8, False, [])
    assert "8 samples, layout paired" in captured.err and "nothing is wrong" in captured.err


def test_what_blocks_training_exits_with_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FAULTS["masks padded"].plant(root, ["cell_02"])
    assert main(["check", str(root)]) == 1
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    [finding] = result["findings"]
    assert finding["count"] == len(finding["samples"]) > 0
    assert result["problem"]
    assert (finding["check"], finding["severity"], finding["samples"]) == ("mask_size", "error", ["cell_02"])
    assert finding["remedies"][0]["repairs"] == [
        {"kind": "fit", "samples": ["cell_02"], "options": {"at": "center", "how": "crop"}}
    ]
    assert "ERROR    Mask size (1): 1 mask has another size than the image: cell_02." in captured.err
    assert "repairs: Crop the masks; Scale the masks" in captured.err


def test_a_warning_exits_with_0_and_json_is_quiet(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FAULTS["inverted"].plant(root, ["cell_02"])
    assert main(["check", str(root), "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "" and json.loads(captured.out)["findings"][0]["check"] == "inverted"


def test_settings_count(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FAULTS["no masks"].plant(root, ["cell_02"])
    assert main(["check", str(root), "--json"]) == 1
    assert main(["check", str(root), "--json", "--unlabeled", "leave_out"]) == 0


def test_a_folder_without_masks_blocks_training_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    assert main(["check", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["blocks_training"]
    assert main(["check", str(tmp_path / "absent")]) == 2


def test_a_report_is_written(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = root.parent / "out" / "report.html"
    assert main(["check", str(root), "--html", str(report)]) == 0
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(capsys.readouterr().out)["report"] == str(report)
