"""A run of release 0.1, made before the modules moved: it is read, shown, predicted with, continued and resumed."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.processes import events
from unet_core.cli.parser import main
from unet_core.config.fields import RENAMED
from unet_core.config.schema import RunConfig, all_fields
from unet_core.errors import ConfigError
from unet_core.io import images
from unet_core.runs import control, manage, snapshots
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import RunFinished
from unet_core.runs.history import History
from unet_core.runs.run import Run, RunState
from unet_core.training.runner import run_to_end

GOLDEN = Path(__file__).parents[1] / "golden"
COLORS = GOLDEN / "colors_0_1"
ADDRESSES = json.loads((GOLDEN / "addresses_0_1.json").read_text())
DATA = COLORS / "data"
HERE = ["--device", "cpu", "--precision", "fp32"]  # bf16, where a CPU has it, gives other digits


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A copy of the run whose data lies where the tests are."""
    copy = Run(shutil.copytree(COLORS / "run", tmp_path / "runs" / "20261125-121341-data-focal_dice"))
    settings = json.loads((copy.folder / "config.json").read_text())
    settings["data"]["root"] = str(DATA)
    (copy.folder / "config.json").write_text(json.dumps(settings))
    return copy


def train_here(run: Run) -> None:
    log = EventLog(run.events)
    run_to_end(run, log)
    log.close()


def test_it_is_read(run: Run) -> None:
    assert run.state() is RunState.FINISHED
    assert (run.config.train.optimizer, run.config.model.normalization) == ("sgd", "unit")
    assert run.data.color_map == (COLORS / "run" / "colour_map.txt").read_text().strip()
    assert manage.notes(run) == manage.Notes("the old name", "kept from 0.1")
    history = History()
    for event, at in read_events(run.events)[0]:
        history.add(event, at)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]
    assert snapshots.epochs(run.snapshots) == [1, 2]


def test_its_predictions_are_those_of_before(run: Run, tmp_path: Path, capsys) -> None:
    pictures = [str(DATA / "images" / f"{name}.png") for name in ("tile0", "tile5")]
    where = ["--runs-dir", str(run.folder.parent), *HERE, "--output", str(tmp_path / "masks")]
    assert main(["predict", run.id, *pictures, *where, "--tta", "flips"]) == 0
    for name in ("tile0", "tile5"):
        mask = images.read_mask(tmp_path / "masks" / f"{name}.png")
        assert (mask == images.read_mask(COLORS / "prediction" / f"{name}.png")).all()
        assert mask.any()


def test_its_scores_are_those_of_before_also_by_the_old_flag(run: Run, tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    colors = (COLORS / "run" / "colour_map.txt").read_text().strip()
    where = ["--runs-dir", str(run.folder.parent), *HERE, "--output", str(table)]
    assert main(["evaluate", run.id, str(DATA), "--split", "all", "--colour-map", colors, *where]) == 0
    with table.open() as new, (COLORS / "scores.csv").open() as old:
        assert list(csv.reader(new)) == list(csv.reader(old))


def test_it_is_continued(run: Run) -> None:
    run.control.mkdir(exist_ok=True)
    control.request_continue(run.control, 1, None)
    train_here(run)
    assert run.state() is RunState.FINISHED
    end = events(run)[-1]
    assert isinstance(end, RunFinished) and end.reason == "completed"
    assert snapshots.epochs(run.snapshots) == [1, 2, 3]


def test_it_is_resumed_and_learns_what_it_would_have_learned(run: Run, tmp_path: Path) -> None:
    """Without its end and with one epoch more it is as one that was killed; both ways give the same weights."""
    lines = run.events.read_bytes().splitlines(keepends=True)
    run.events.write_bytes(b"".join(lines[:-1]))
    settings = json.loads((run.folder / "config.json").read_text())
    settings["train"]["epochs"] = 3
    (run.folder / "config.json").write_text(json.dumps(settings))
    again = Run(shutil.copytree(run.folder, tmp_path / "again"))
    for one in (run, again):
        train_here(one)
    assert run.state() is RunState.FINISHED
    ends = [events(one)[-1] for one in (run, again)]
    assert all(isinstance(end, RunFinished) for end in ends)
    assert ends[0].val_dice == ends[1].val_dice
    assert (run.last / "model.safetensors").read_bytes() == (again.last / "model.safetensors").read_bytes()
    assert np.isfinite(ends[0].val_dice)


def test_a_file_with_both_names_of_a_setting_is_refused() -> None:
    values = RunConfig().to_dict()
    values["train"]["optimiser"] = "sgd"
    with pytest.raises(ConfigError, match="given twice"):
        RunConfig.from_dict(values)


def test_every_setting_in_an_old_address_is_one_of_today() -> None:
    settings = {option.name for option in all_fields()}
    old = set(ADDRESSES["/train"]["keys"]) - {"view", "source", "root", "run", "sweep", "sweep_measure"}
    assert {RENAMED.get(name, name) for name in old} <= settings
    assert set(RENAMED) <= old


@pytest.mark.parametrize(("old", "value"), [("optimiser", "sgd"), ("normalisation", "unit")])
def test_old_flags_and_python_names_set_the_same(old: str, value: str) -> None:
    from unet_core.cli.common import read_settings
    from unet_core.cli.parser import make_parser

    parsed = make_parser().parse_args(["train", "DATA", f"--{old}", value])
    assert read_settings(parsed)[RENAMED[old]] == value
    assert RunConfig().replace(**{old: value}) == RunConfig().replace(**{RENAMED[old]: value})


def test_no_run_is_hidden(run: Run) -> None:
    assert runs.find(run.folder.parent) == [run]
