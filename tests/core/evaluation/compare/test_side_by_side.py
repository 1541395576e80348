"""Runs side by side: what differs, places among the same validation images, and which scores cannot be compared."""

from pathlib import Path

import pytest

from tests.helpers.pages import EPOCH, STARTED, make_run
from unet_core import compare as compare_by_name
from unet_core.data.splits import Split
from unet_core.errors import RunError
from unet_core.evaluation.compare.side_by_side import compare, group_by_dataset, rank
from unet_core.io.files import write_atomically
from unet_core.runs import manage
from unet_core.runs.events import EpochFinished
from unet_core.runs.manage import Notes
from unet_core.runs.run import Run


def scored(dice: float) -> EpochFinished:
    return EpochFinished(1, 3, 0.9, 0.8, dice, dice / 2, 0.01, 12.5, 4.0, best=True)


def make(folder: Path, root: Path, *events, val: str = "c", **changes) -> Run:
    run = make_run(folder, root, *events)
    write_atomically(run.folder / "config.json", run.config.replace(**changes).to_json())
    run.write_split(Split(train=("a", "b"), val=tuple(val), test=()), {name: name for name in "abcdef"})
    return run


def test_settings_that_differ_and_what_was_reached(tmp_path: Path) -> None:
    first = make(tmp_path, tmp_path / "cells", STARTED, scored(0.75))
    second = make(tmp_path, tmp_path / "cells", STARTED, scored(0.5), loss="dice", lr=0.5)
    comparison = compare([first, second])
    assert comparison.differences == {"loss": ["auto", "dice"], "lr": [first.config.train.lr, 0.5]}
    assert comparison.explain().startswith("They differ in: ")
    assert "Loss function (Auto (cross-entropy + Dice), Dice)" in comparison.explain()
    assert [row.val_dice for row in comparison.rows] == [0.75, 0.5]
    assert comparison.warnings == ()
    values = comparison.to_dict()
    assert values["differences"] == comparison.differences
    assert [run["val_images"] for run in values["runs"]] == [1, 1]
    assert [run["model_mib"] for run in values["runs"]] == [None, None]
    assert [run["seconds"] for run in values["runs"]] == [4.0, 4.0]
    assert compare([first, first]).explain() == "The runs have the same settings."


def test_the_size_of_the_weights(tmp_path: Path) -> None:
    run = make(tmp_path, tmp_path / "cells", STARTED, EPOCH)
    run.best.mkdir(parents=True)
    (run.best / "model.safetensors").write_bytes(bytes(2**19))
    assert compare([run]).entries[0].model_mib == 0.5


def test_scores_on_different_images_are_said_and_have_places_of_their_own(tmp_path: Path) -> None:
    made = [
        make(tmp_path, tmp_path / "cells", STARTED, scored(dice), val=val)
        for dice, val in ((0.5, "cd"), (0.75, "dc"), (0.875, "ef"), (0.75, "cd"))
    ]
    waiting = make_run(tmp_path, tmp_path / "cells")
    board = rank([*made, waiting])
    assert [entry.row.run for entry in board.entries] == [made[k].id for k in (2, 1, 3, 0)] + [waiting.id]
    assert [entry.val_set for entry in board.entries] == [1, 2, 2, 2, None]
    assert board.places == {made[2].id: 1, made[1].id: 1, made[3].id: 1, made[0].id: 3}
    (warning,) = board.warnings
    assert "validated on different images (2 sets): their scores cannot be compared" in warning
    assert rank(made[:2]).warnings == ()


def test_runs_of_different_datasets_are_grouped_and_not_compared(tmp_path: Path) -> None:
    first = make(tmp_path / "runs", tmp_path / "cells", STARTED, EPOCH)
    second = make(tmp_path / "runs", tmp_path / "roads", STARTED, EPOCH)
    damaged = make(tmp_path / "runs", tmp_path / "cells", STARTED, EPOCH)
    (damaged.folder / "config.json").write_text("{")
    assert group_by_dataset([first, second, damaged]) == {
        str(tmp_path / "cells"): [first],
        str(tmp_path / "roads"): [second],
    }
    comparison = compare([first, second, damaged])
    assert comparison.warnings == (
        "These runs were trained on different datasets (cells, roads): their scores cannot be compared.",
    )
    assert comparison.entries[2].dataset == ""


def test_equal_names_are_told_apart(tmp_path: Path) -> None:
    made = [make(tmp_path, tmp_path / "cells", STARTED) for _ in range(3)]
    for run, name in zip(made, ("same", "same", "<b>other"), strict=True):
        manage.write_notes(run, Notes(name))
    names = [row.name for row in compare(made).rows]
    assert names == [f"same ({made[0].id})", f"same ({made[1].id})", "‹b›other"]


def test_one_run_is_too_few_and_an_unknown_one_is_said(tmp_path: Path) -> None:
    run = make(tmp_path, tmp_path / "cells", STARTED)
    with pytest.raises(RunError, match="two runs or more"):
        compare_by_name(run)
    with pytest.raises(RunError, match="There is no run 'gone'"):
        compare_by_name(run, "gone", runs_dir=tmp_path)
    assert compare_by_name(run, run.id, str(run.folder), runs_dir=tmp_path) == compare([run, run, run])
