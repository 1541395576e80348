"""The sweep form, its table and its curves, by Streamlit's AppTest over fabricated runs."""

import json
from pathlib import Path

import pytest

from tests.helpers.pages import show, texts
from unet_core.config.presets import FOUR
from unet_core.config.schema import RunConfig
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunFinished, RunStarted
from unet_core.training import sweep


@pytest.fixture
def filed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, RunConfig]]:
    """What the buttons file, in place of filing it."""
    asked: list[dict[str, RunConfig]] = []
    monkeypatch.setattr("unet_core.training.sweep.start", lambda wanted, runs_dir: asked.append(wanted) or "sweep-1")
    return asked


def open_sweep():
    app = show("train")
    app.session_state["view"] = "Sweep"
    app.run()
    assert not app.exception
    return app


def button(app, key):
    return next(found for found in app.button if found.key == key)


def make_runs(runs_dir: Path, root: Path, epochs: int = 2, **lists) -> None:
    base = RunConfig().replace(root=str(root))
    for number, (key, config) in enumerate(sweep.grid(base, lists).items()):
        run = runs.create(runs_dir, config.replace(series=f"sweep-20261121-1 {key}"))
        log = EventLog(run.events)
        log.append(RunStarted("cpu", "fp32", 1, 4321, 1, 1, 6, 2, 0, epochs=epochs, steps_per_epoch=3))
        for epoch in range(1, epochs + 1):
            dice = 0.5 + 0.01 * number + 0.001 * epoch
            log.append(EpochFinished(epoch, 3 * epoch, 0.9, 0.8, dice, 0.4, 0.01, 9.0, 60.0 * epoch, best=True))
        log.append(RunFinished("completed", epochs, dice, 0.4, 9.0, 8.0))
        log.close()
        run.beat()


def test_without_a_choice_there_is_nothing_to_file(place, filed):
    app = open_sweep()
    assert button(app, "start_sweep").disabled
    assert "No sweeps yet" in texts(app)


def test_lists_make_runs_and_what_is_left_empty_stays_as_in_the_form(place, filed, sample_folder):
    app = open_sweep()
    app.session_state["epochs"] = 3
    app.multiselect(key="sweep_loss").set_value(["bce", "dice"])
    app.multiselect(key="sweep_up").set_value(["nearest"])
    app.text_input(key="sweep_seed").set_value("0-1")
    app.run()
    assert button(app, "start_sweep").label == "Add 4 runs to the queue"
    assert "12 epochs in total" in texts(app)
    button(app, "start_sweep").click().run()
    assert not app.exception
    [wanted] = filed
    assert list(wanted) == ["bce, seed 0", "bce, seed 1", "dice, seed 0", "dice, seed 1"]
    one = wanted["dice, seed 1"]
    assert (one.model.up, one.model.down, one.train.epochs, one.data.root) == (
        "nearest",
        "maxpool",
        3,
        str(sample_folder),
    )


def test_any_setting_can_be_varied(place, filed):
    app = open_sweep()
    app.multiselect(key="sweep_more").set_value(["lr", "deep_supervision"]).run()
    app.text_input(key="sweep_lr").set_value("0.01, 0.003")
    app.multiselect(key="sweep_deep_supervision").set_value([False, True])
    app.run()
    button(app, "start_sweep").click().run()
    assert [(c.train.lr, c.model.deep_supervision) for c in filed[0].values()] == [
        (0.01, False), (0.01, True), (0.003, False), (0.003, True),
    ]  # fmt: skip


def test_the_four_are_one_click_with_the_seeds_that_were_chosen(place, filed):
    app = open_sweep()
    button(app, "start_four").click().run()
    app.text_input(key="sweep_seed").set_value("0,1").run()
    assert "(8 runs)" in button(app, "start_four").label
    button(app, "start_four").click().run()
    assert list(filed[0]) == list(FOUR)
    assert len(filed[1]) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [("one", "expected int, got 'one'"), ("1, 1", "more than once"), ("0-96", "at most 96")],
)
def test_what_cannot_be_is_said_and_nothing_is_filed(place, filed, text, message):
    app = open_sweep()
    app.text_input(key="sweep_seed").set_value(text).run()
    assert not app.exception
    assert message in texts(app).replace("\\", "")
    assert not [found for found in app.button if found.key == "start_sweep"] or button(app, "start_sweep").disabled


def test_an_error_of_the_start_is_shown(place, monkeypatch):
    monkeypatch.setattr("unet_core.data.discovery.check", lambda found: [])
    app = open_sweep()
    monkeypatch.setattr("unet_core.training.worker.samples", None, raising=False)
    monkeypatch.setattr("unet_core.training.sweep.start", lambda wanted, runs_dir: runs.get(runs_dir, "none"))
    button(app, "start_four").click().run()
    assert not app.exception
    assert "There is no run" in texts(app)


def test_the_table_has_what_differs_and_what_was_reached(place, sample_folder):
    make_runs(place, sample_folder, loss=["bce", "dice"], seed=[0, 1, 2])
    app = open_sweep()
    table, means = (element.value for element in app.dataframe)
    assert list(table["loss"]) == ["Binary cross-entropy"] * 3 + ["Dice"] * 3
    assert list(table["seed"]) == ["0", "1", "2"] * 2
    assert list(table["best Dice"]) == pytest.approx([0.502, 0.512, 0.522, 0.532, 0.542, 0.552])
    assert list(table["minutes"]) == pytest.approx([8 / 60] * 6)  # of training, as the run itself reports it
    assert {"IoU at best", "loss at best", "best epoch", "parameters", "state", "run"} <= set(table.columns)
    assert "name" not in table.columns, "the settings say it all"
    assert list(means["settings"]) == ["dice", "bce"]
    assert list(means["Dice"]) == ["0.542 ± 0.010", "0.512 ± 0.010"]
    assert "6 of 6** runs done" in texts(app)


@pytest.mark.parametrize(("measure", "field"), [("Dice", 0.501), ("Loss", 0.8)])
def test_the_curves_of_all_runs_lie_over_one_another(place, sample_folder, measure, field):
    make_runs(place, sample_folder, loss=["bce", "dice"], seed=[0, 1])
    app = open_sweep()
    app.session_state["sweep_measure"] = measure
    app.run()
    (chart,) = app.get("plotly_chart")
    traces = json.loads(chart.proto.spec)["data"]
    assert [trace["name"] for trace in traces] == ["bce, seed 0", "bce, seed 1", "dice, seed 0", "dice, seed 1"]
    looks = [(trace["line"]["color"], trace["line"]["dash"]) for trace in traces]
    assert len(set(looks)) == 4
    assert looks[0][0] == looks[1][0] != looks[2][0], "runs that differ in their seed alone share a color"
    assert traces[0]["x"] == [1, 2]
    assert traces[0]["y"][0] == pytest.approx(field)
