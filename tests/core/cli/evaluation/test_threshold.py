"""The command `threshold` and Python: the same digits, and what the page is given."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.evaluation.tuning.conftest import tuned_run as tuned_run
from tests.core.evaluation.tuning.conftest import tuned_source as tuned_source
from unet_core import choose_threshold, reset_threshold
from unet_core.cli.parser import main
from unet_core.models.checkpoint import load_config
from unet_core.runs import run as runs


def ask(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> tuple[dict[str, Any], str]:
    """(the JSON object, what was printed for people)."""
    assert main(["threshold", *map(str, arguments)]) == status
    output = capsys.readouterr()
    return (json.loads(output.out.splitlines()[-1]) if output.out else {}), output.err


def test_command_and_python_say_the_same_and_change_nothing_unasked(
    tuned_run: runs.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (tuned_run.best / "sha256").read_bytes()
    result, text = ask(capsys, tuned_run.folder)
    choice = choose_threshold(tuned_run)
    assert {name: result[name] for name in choice.scores} == choice.scores
    assert (result["threshold"], result["applied"]) == (0.5, False)
    assert choice.threshold == result["best_threshold"]
    assert f"test at {choice.threshold:g}: dice" in text
    assert (tuned_run.best / "sha256").read_bytes() == before
    dice = choice.curve.mean["dice"]
    assert dice.max() == result["validation"]["at_best"]["dice"]


def test_it_is_applied_and_reset(tuned_run: runs.Run, capsys: pytest.CaptureFixture[str]) -> None:
    result, text = ask(capsys, tuned_run.folder, "--metric", "iou", "--apply", "--json")
    assert result["applied"] and result["threshold"] == result["best_threshold"]
    assert result["record"].startswith(f"The threshold {result['threshold']:g} was chosen on 3 validation images on 20")
    assert load_config(tuned_run.best).threshold == result["best_threshold"]
    assert "1/" not in text
    assert ask(capsys, tuned_run.folder, "--reset")[0] == {"threshold": 0.5, "applied": False, "reset": True}
    assert load_config(tuned_run.best).threshold == 0.5
    choice = choose_threshold(str(tuned_run.folder), metric="iou", apply=True)
    assert choice.record is not None and choice.record.threshold == result["best_threshold"]
    assert reset_threshold(tuned_run) == 0.5


def test_a_checkpoint_of_no_run_needs_a_folder(
    tuned_run: runs.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    from unet_core.data import synthetic

    shutil.copytree(tuned_run.best, tmp_path / "model")
    assert "is not a run" in ask(capsys, tmp_path / "model", status=2)[1]
    data = synthetic.write(tmp_path / "others", images=3, seed=9)
    result, _ = ask(capsys, tmp_path / "model", data, "--apply")
    assert (result["chosen_on"], result["images"], result["test_images"]) == ("new images of others", 3, 0)
    assert load_config(tmp_path / "model").threshold == result["best_threshold"]
    assert "was chosen on 3 new images on 20" in result["record"]  # without the name of the folder: models are shared
