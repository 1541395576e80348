"""A run reads with the repairs that it was made with, whatever becomes of those beside the images."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.core.training.test_runner import killed, run_here, stored
from tests.helpers.processes import make_data, png, quick
from unet_core import evaluate
from unet_core.cli.parser import main
from unet_core.data.recipe.recipe import Recipe, make_repair, save
from unet_core.runs import run as runs
from unet_core.runs import run_data
from unet_core.runs.event_log import read_events
from unet_core.runs.events import Warned
from unet_core.runs.run import Run

INVERT = Recipe((make_repair("invert", ["p1", "p4"]), make_repair("leave_out", ["p6"])))
OTHER = Recipe((make_repair("shift", down=5), make_repair("leave_out", ["p0"])), (("labels", "instances"),))


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two masks are inverted, and one image is not to be used."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = make_data(tmp_path / "data", 7)
    for name in ("p1", "p4"):
        path = root / "masks" / f"{name}.png"
        path.write_bytes(png(255 - cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)))
    return root


def warnings(run: Run) -> list[str]:
    return [event.message for event, _ in read_events(run.events)[0] if isinstance(event, Warned)]


def forget(root: Path) -> None:
    (root / "studio.json").unlink()


def test_a_run_that_is_resumed_after_the_repairs_changed_is_bit_equal(tmp_path: Path, cells: Path) -> None:
    save(cells, INVERT)
    config = quick(cells, epochs=3, crops_per_image=3)
    reference = run_here(runs.create(tmp_path / "reference", config))
    assert "p6" not in {name for ids in reference.split().values() for name in ids}
    assert any(text.startswith("2 repairs of studio.json are applied: ") for text in warnings(reference))
    run = run_here(runs.create(tmp_path / "killed", config), {5: killed})
    for change in (lambda: save(cells, OTHER), lambda: forget(cells)):
        change()
        resumed = Run(run.folder)
        run_here(resumed, {9: killed})
    run_here(Run(run.folder))
    said = [text for text in warnings(run) if "other repairs" in text]
    assert len(said) == 3
    assert said[0] == (
        "studio.json of the dataset now holds other repairs than the run was trained with (2, kept with it); images "
        "and masks are read as in the training. A new run takes the repairs of now."
    )
    assert stored(run.last) == stored(reference.last)
    assert run.split() == reference.split()


def test_a_run_without_repairs_stays_without(tmp_path: Path, cells: Path) -> None:
    config = quick(cells, epochs=2, crops_per_image=3)
    reference = run_here(runs.create(tmp_path / "reference", config))
    run = run_here(runs.create(tmp_path / "killed", config), {3: killed})
    save(cells, OTHER)
    run_here(Run(run.folder))
    assert not (run.folder / "studio.json").exists()
    assert stored(run.last) == stored(reference.last)


def test_scores_are_those_of_the_training_and_say_so(tmp_path: Path, cells: Path) -> None:
    save(cells, INVERT)
    run = run_here(runs.create(tmp_path / "runs", quick(cells, epochs=1)))
    before = evaluate(run, cells, split="all")
    assert len(before.images) == 6
    assert not any("studio.json of the dataset" in text for text in before.warnings)
    save(cells, OTHER)
    after = evaluate(run, cells, split="all")
    assert [(score.id, score.scores) for score in after.images] == [(score.id, score.scores) for score in before.images]
    assert after.warnings[0].startswith(
        "studio.json of the dataset now holds other repairs than the run was trained with (2, kept with it); images "
    )
    now = evaluate(run, cells, split="all", recipe="auto")
    assert sorted(score.id for score in now.images) == ["p1", "p2", "p3", "p4", "p5", "p6"]
    assert not any("other repairs" in text for text in now.warnings)
    assert len(evaluate(run, cells, split="all", recipe="none").images) == 7


def test_the_command_scores_as_the_training_read(
    tmp_path: Path, cells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(cells, INVERT)
    run = run_here(runs.create(tmp_path / "runs", quick(cells, epochs=1)))
    expected = evaluate(run, cells, split="all")
    save(cells, OTHER)

    def command(*words: str) -> dict[str, Any]:
        capsys.readouterr()
        assert main(["evaluate", str(run.folder), str(cells), "--split", "all", *words]) == 0
        result: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
        return result

    assert command()["mean_dice"] == pytest.approx(expected.mean["dice"])
    assert command()["warnings"][0].startswith("studio.json of the dataset now holds other repairs")
    assert command("--recipe", "none")["images"] == 7
    assert command("--recipe", str(run.folder / "studio.json"))["images"] == 6


def test_another_folder_is_scored_with_its_own_repairs(tmp_path: Path, cells: Path) -> None:
    save(cells, INVERT)
    run = run_here(runs.create(tmp_path / "runs", quick(cells, epochs=1)))
    other = make_data(tmp_path / "other", ["p1", "x"])
    assert {score.id for score in evaluate(run, other, split="all").images} == {"p1", "x"}
    save(other, Recipe((make_repair("leave_out", ["x"]),)))
    result = evaluate(run, other, split="all")
    assert {score.id for score in result.images} == {"p1"}
    assert "1 repair of studio.json is applied: Left out: x." in result.warnings


def test_the_settings_of_a_run_train_it_again(tmp_path: Path, cells: Path) -> None:
    save(cells, INVERT)
    run = run_here(runs.create(tmp_path / "runs", quick(cells, epochs=1)))
    assert run.repeatable == run.config, "while the dataset has the same repairs"
    save(cells, OTHER)
    again = run_here(runs.create(tmp_path / "again", run.repeatable))
    assert again.config.data.recipe == str(run.folder / "studio.json")
    assert stored(again.last) == stored(run.last)
    without = run_here(runs.create(tmp_path / "without", quick(cells, epochs=1, recipe="none")))
    assert without.repeatable.data.recipe == "none"
    assert run_data.find_changes(without.data)
