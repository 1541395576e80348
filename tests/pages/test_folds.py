"""The views Folds and More labels of the Compare page, by Streamlit's AppTest over fabricated runs with kept scores."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.pages import show, texts
from unet_core.config.schema import RunConfig
from unet_core.errors import DataError
from unet_core.evaluation.intervals import bound_mean
from unet_core.experiments import cross_validation, learning_curve, validation
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunFailed, RunFinished, RunStarted
from unet_core.training import sweep

STARTED = RunStarted("cpu", "fp32", 1, 4321, 1, 1, 6, 2, 0, epochs=2, steps_per_epoch=3)
EPOCH = EpochFinished(1, 3, 0.9, 0.8, 0.71, 0.55, 0.01, 12.5, 4.0, best=True)
DONE = RunFinished("completed", 1, 0.71, 0.55, 9.0, 8.0)


def write_run(runs_dir: Path, config: RunConfig, name: str, train: list[str], val: dict[str, float] | None) -> runs.Run:
    """A finished run with a Dice for each validation image; None: it failed."""
    run = runs.create(runs_dir, config.replace(series=name))
    log = EventLog(run.events)
    for event in (STARTED, EPOCH, DONE if val is not None else RunFailed("The loss is NaN.")):
        log.append(event)
    log.close()
    run.beat()
    ids = val or {}
    parts = {"train": dict.fromkeys(train, "px:1"), "val": dict.fromkeys(ids, "px:2"), "test": {}}
    (run.folder / "split.json").write_text(json.dumps(parts))
    run.best.mkdir(parents=True)
    (run.best / "sha256").write_text("0  model.safetensors\n")
    images = [
        {"id": key, "tp": [1000 * dice / 2], "fp": [0], "fn": [1000 * (1 - dice)], "tn": [9000]}
        for key, dice in ids.items()
    ]  # 2 TP / (2 TP + FN) = dice
    kept = {"version": validation.VERSION, "checkpoint": (run.best / "sha256").read_text(), "images": images}
    (run.folder / validation.FILE).write_text(json.dumps(kept))
    return run


@pytest.fixture
def folded(place, sample_folder):
    """A cross-validation of four folds, of which the third failed."""
    base = RunConfig().replace(root=str(sample_folder))
    rng = np.random.default_rng(0)
    for number, (name, config) in enumerate(cross_validation.configure(base, 4).items()):
        val = {f"p{number}{k}": float(rng.uniform(0.7, 0.9)) for k in range(6)}
        write_run(place, config, f"folds-1 {name}", ["q"], None if number == 2 else val)
    return place


def open_view(view: str):
    app = show("compare")
    app.session_state["compare_view"] = view
    app.run()
    assert not app.exception
    return app


def find_button(app, key):
    return next(button for button in app.button if button.key == key)


def frame(app, key="dice"):
    return next(element.value for element in app.dataframe if key in element.value.columns)


def test_the_table_has_every_fold_and_names_the_one_that_failed(folded):
    app = open_view("Folds")
    table = frame(app)
    assert list(table["fold"]) == [1, 2, 3, 4]
    assert list(table["state"]) == ["finished", "finished", "failed", "finished"]
    result = cross_validation.read("folds-1", folded)
    shown = [None if np.isnan(value) else value for value in table["dice"]]
    assert shown == [fold.summary and pytest.approx(fold.summary.mean["dice"]) for fold in result.folds]
    assert "**3 of 4** folds finished and scored" in texts(app)
    assert "Left out: fold 3 of 4 is not finished (failed): The loss is NaN." in texts(app).replace("\\", "")
    values = {metric.label: metric.value for metric in app.metric}
    spread = result.spread["dice"]
    assert values["Dice over folds"] == f"{spread.mean:.3f} ± {spread.sd:.3f}"
    bound = bound_mean(np.array([score.scores["dice"] for score in result.scores]))
    assert values["95 % interval"] == f"{bound.low:.3f} to {bound.high:.3f}"
    assert "Dice of all 18 images" in values
    (chart,) = app.get("plotly_chart")
    assert [trace["name"] for trace in json.loads(chart.proto.spec)["data"]] == ["fold 1", "fold 2", "fold 4"]


def test_the_ensemble_is_of_the_finished_folds_and_says_what_it_has_seen(folded, monkeypatch):
    made = []

    def make(models, output, runs_dir):
        made.append(([Path(model).name for model in models], output))
        output.mkdir(parents=True)
        (output / "model.safetensors").write_bytes(b"")

    for run in runs.find(folded):
        (run.best / "model.safetensors").write_bytes(b"0" * 10)
    monkeypatch.setattr("unet_core.experiments.ensembles.make_ensemble", make)
    app = open_view("Folds")
    assert "Every image of the dataset trained some member" in texts(app)
    button = find_button(app, "folds_make_ensemble")
    assert button.label == "Make the ensemble of 3 of 4 folds"
    button.click().run()
    assert not app.exception
    [(members, folder)] = made
    finished = [run.id for run in runs.find(folded) if run.config.data.fold != 3]
    assert sorted(members) == sorted(finished)
    assert folder == folded / "models" / "ensemble-folds-1"
    assert "**Ensemble** ensemble" in texts(app)


def test_a_click_queues_the_folds_with_the_settings_of_a_run(place, sample_folder, monkeypatch):
    asked = []

    def start(configs, runs_dir, name="", kind="sweep"):
        asked.append((dict(configs), kind))
        return "folds-2"

    monkeypatch.setattr(sweep, "start", start)
    base = RunConfig().replace(root=str(sample_folder.resolve()), epochs=7, loss="dice", train_share=0.5)
    run = write_run(place, base, "", ["q"], {"p": 0.5})
    app = open_view("Folds")
    assert app.selectbox(key="folds_settings").options == ["Suggested for this dataset", run.id]
    app.selectbox(key="folds_settings").set_value(run.id).run()
    app.number_input(key="folds_number").set_value(3).run()
    assert "3 runs, 21 epochs in total" in texts(app)
    find_button(app, "folds_start").click().run()
    assert not app.exception
    [(configs, kind)] = asked
    assert kind == "folds" and [config.data.fold for config in configs.values()] == [1, 2, 3]
    assert {(config.train.loss, config.train.epochs, config.data.train_share) for config in configs.values()} == {
        ("dice", 7, 1.0)
    }


def test_what_the_start_refuses_is_said(place, monkeypatch):
    def refuse(*arguments):
        raise DataError("There are too few images.")

    monkeypatch.setattr(sweep, "start", refuse)
    app = open_view("Folds")
    find_button(app, "folds_start").click().run()
    assert not app.exception and "There are too few images." in texts(app)


@pytest.fixture
def curve(place, sample_folder):
    """Four shares, whose Dice follow a power law."""
    base = RunConfig().replace(root=str(sample_folder))
    hard = np.random.default_rng(0).normal(0, 0.02, 20)
    hard -= hard.mean()
    for name, config in learning_curve.configure(base).items():
        images = round(40 * config.data.train_share)
        mean = 0.9 - 0.05 * config.data.train_share**-0.5
        val = {f"p{k:02d}": float(mean + hard[k]) for k in range(20)}
        write_run(place, config, f"labels-1 {name}", [f"q{k}" for k in range(images)], val)
    return place


def test_the_curve_and_what_more_labels_may_bring(curve):
    app = open_view("More labels")
    table = frame(app)
    assert list(table["images"]) == [10, 20, 30, 40]
    assert list(table["dice"]) == pytest.approx([0.8, 0.9 - 0.05 * 2**0.5, 0.9 - 0.05 * 0.75**-0.5, 0.85], abs=1e-6)
    result = learning_curve.read("labels-1", curve)
    gain = 0.05 - 0.05 * 2**-0.5
    assert result.extrapolation.gain == pytest.approx(gain, abs=1e-3)
    assert result.sentence in "\n".join(str(element.value) for element in app.info).replace("\\", "")
    (chart,) = app.get("plotly_chart")
    traces = {trace["name"]: trace for trace in json.loads(chart.proto.spec)["data"]}
    assert set(traces) == {"power law", "mean Dice, 95 % interval"}
    assert "Each number of images has one run" in texts(app)


def test_with_two_runs_nothing_is_extrapolated(curve):
    for run in runs.find(curve):
        if run.config.data.train_share in (0.25, 0.75):
            (run.folder / "queue").write_text("1")
    result = learning_curve.read("labels-1", curve)
    assert result.extrapolation is None and len(result.problems) == 2
    app = open_view("More labels")
    assert "**2 of 4** runs finished and scored" in texts(app)
    assert "Left out so far: 25% of images is not finished (queued)." in texts(app).replace("\\", "")
    (chart,) = app.get("plotly_chart")
    assert [trace["name"] for trace in json.loads(chart.proto.spec)["data"]] == ["mean Dice, 95 % interval"]


def test_runs_that_validate_on_other_images_are_not_compared(curve):
    run = next(run for run in runs.find(curve) if run.config.data.train_share == 0.5)
    values = json.loads((run.folder / validation.FILE).read_text())
    values["images"][0]["id"] = "other"
    (run.folder / validation.FILE).write_text(json.dumps(values))
    result = learning_curve.read("labels-1", curve)
    assert result.extrapolation is None and result.sentence.endswith("the runs validate on other images.")
    assert "The dataset changed between the runs" in result.problems[0]


def test_a_click_queues_the_shares(place, monkeypatch):
    asked = []
    monkeypatch.setattr(sweep, "start", lambda configs, *rest: asked.append(dict(configs)) or "labels-2")
    app = open_view("More labels")
    app.number_input[0].set_value(3)
    find_button(app, "labels_start").click().run()
    assert not app.exception
    assert [config.train.epochs for config in asked[0].values()] == [12, 6, 4, 3]


def test_finished_runs_that_are_not_scored_are_scored_in_a_job(place, trained, monkeypatch):
    """A real run as the only fold that is left: its kept scores are those of the job."""
    import shutil

    folder = place / trained.id
    shutil.copytree(trained.folder, folder)
    run = runs.Run(folder)
    config = run.config.replace(folds=2, fold=1, series="folds-3 fold 1 of 2")
    (folder / "config.json").write_text(config.to_json())
    app = open_view("Folds")
    job = app.session_state["validation_job"][1]
    assert job.wait(60)
    app.run()
    assert not app.exception
    kept = validation.read(run)
    assert kept is not None and len(kept) == len(run.split()["val"])
    assert "**1 of 2** folds finished and scored" in texts(app)
    assert "fold 2 of 2 is not there: its run was deleted" in texts(app).replace("\\", "")
