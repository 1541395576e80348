"""The view of one run in every state, by AppTest: what is said, which buttons there are, and what they do."""

import io
import json
import zipfile
from dataclasses import replace

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from pages.components import program_address
from pages.server import run_feed
from pages.views.train.live import next_steps, status
from tests.helpers.pages import EPOCH, STARTED, make_run, shoot, show, texts
from tests.pages.conftest import place
from unet_core.errors import RunError
from unet_core.runs import run as runs
from unet_core.runs import stages
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import Paused, RunFailed, RunFinished, StepFinished, Warned

__all__ = ["place"]  # a fixture

STEP = StepFinished(1, 1, 0.9, 0.01)
OVER = RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0)


@pytest.fixture
def held():
    """Holds the locks of runs, as their trainers would."""
    locks = []

    def hold(run: runs.Run) -> runs.Run:
        lock = FileLock(run.folder / "lock", thread_local=False)
        lock.acquire()
        locks.append(lock)
        return run

    yield hold
    for lock in locks:
        lock.release()


def labels(app: AppTest) -> set[str]:
    """The buttons of the run's own view."""
    known = ("Pause", "Stop", "Resume", "Move up", "Remove from queue", "Set learning rate", "Set epochs")
    found = {button.label for button in app.button}
    return {label for label in found if label in known or "more epoch" in label or "Fine-tune" in label}


def mounted(app: AppTest) -> dict[str, dict]:
    """The data that each component of the browser was given, by its name, without the address of its program."""
    protos = [element.proto for element in app.main if element.type == "bidi_component"]
    data = {proto.component_name.rpartition(".")[2]: json.loads(proto.json) for proto in protos}
    address = program_address()
    assert all({name: item.pop(name) for name in address} == address for item in data.values())
    return data


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


CHANGE = {"Set learning rate", "Set epochs"}


@pytest.mark.parametrize(
    ("events", "alive", "files", "state", "words", "buttons"),
    [
        ([STARTED, STEP], True, [], "running", "", {"Pause", "Stop"} | CHANGE),
        ([], True, [], "running", "", {"Pause", "Stop"}),
        (
            [STARTED, STEP, Paused(1, 1)],
            True,
            ["control/pause"],
            "paused",
            "keeps its memory",
            {"Resume", "Stop"} | CHANGE,
        ),
        ([STARTED, STEP], True, ["control/stop"], "stopping", "takes a moment", {"Stop"}),
        ([], True, ["queue"], "queued", "starts automatically", {"Remove from queue"}),
        ([STARTED, STEP], False, [], "interrupted", "stopped unexpectedly", {"Resume"}),
        ([STARTED, RunFailed("Lower *lr*.")], False, [], "failed", r"Lower \*learning rate\*\.", {"Resume"}),
        ([STARTED, EPOCH, OVER], False, ["checkpoints/last/"], "finished", "", {"Train 20 more epochs"}),
        ([STARTED, EPOCH, OVER], False, ["checkpoints/best/"], "finished", "", {"Fine-tune"}),
    ],
)
def test_each_state(events, alive, files, state, words, buttons, place, sample_folder, held):
    run = make_run(place, sample_folder, *events)
    for name in files:
        path = run.folder / name
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text("1\n")
    if alive:
        held(run)
    app = show("train")
    assert not app.exception
    assert state in " ".join(item.value for item in app.markdown)
    assert words.replace("\\.", ".") in texts(app).replace("\\.", ".")
    assert labels(app) == buttons
    assert mounted(app)["live_chart"] == {"run": run.id, "active": alive, "epoch": None}
    tiles = [metric.label for metric in app.metric]
    assert ("Best Dice" in tiles) == (not alive and bool(events))


def test_no_run_yet(place):
    app = show("train")
    assert "No runs yet" in texts(app) and set(mounted(app)) == {"activity", "shortcuts"}


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ([], "**33%** · epoch 1 of 2 · estimating the time left…"),
        (["control/pause"], "**33%** · epoch 1 of 2 · estimating the time left…"),
        (["control/stop"], "**33%** · epoch 1 of 2"),
    ],
)
def test_how_far_the_run_is_stands_in_the_row_that_stays(files, line, place, sample_folder, held):
    run = held(make_run(place, sample_folder, STARTED, STEP, StepFinished(1, 2, 0.8, 0.01)))
    for name in files:
        (run.folder / name).touch()
    bars = show("train").get("progress")
    assert [(bar.proto.value, bar.proto.text) for bar in bars] == [(33, line)]


def test_before_the_first_step_there_is_no_bar(place, sample_folder, held):
    held(make_run(place, sample_folder, STARTED))
    assert not show("train").get("progress")


def test_time_left_by_the_pace_of_an_earlier_run_until_there_is_one(place, sample_folder, held, monkeypatch):
    earlier = make_run(place, sample_folder, STARTED, *(replace(EPOCH, epoch=n, seconds=60.0 * n) for n in (1, 2)))
    earlier.folder.rename(place / "20200101-000000-earlier")
    run = make_run(place, sample_folder, replace(STARTED, epochs=15))
    feed = run_feed.feed_of(held(run))
    assert feed.standing()["by_past"]
    assert feed.standing()["left"] == 15 * 60.0
    log = EventLog(run.events)
    log.append(STEP)
    log.close()
    share = 1 - 1 / (15 * STARTED.steps_per_epoch)
    assert feed.standing()["left"] == round(15 * 60.0 * share, 1)
    text = show("train").get("progress")[0].proto.text
    assert text == "**2%** · epoch 1 of 15 · about 15 min left, by the pace of earlier runs"


def test_the_next_steps_of_a_run_that_is_over_are_links_to_its_model(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    run.best.mkdir(parents=True)
    run.last.mkdir(parents=True)
    app = show("train")
    links = [(link.proto.label, link.proto.query_string) for link in app.get("page_link")]
    model = f"model={run.id}"
    assert ("Predict with this model", model) in links and ("Evaluate this model", model) in links
    assert len(links) == len(set(links)), "each of them once"
    downloads = [button.proto.label for button in app.get("download_button")]
    assert [label for label in downloads if not label.startswith("CSV")] == ["Download model"]


def test_the_zip_of_the_model_holds_what_predicts(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    run.best.mkdir(parents=True)
    (run.best / "model.safetensors").write_bytes(b"weights")
    with zipfile.ZipFile(io.BytesIO(next_steps.pack_model(run))) as packed:
        assert packed.namelist() == [f"{run.id}/model.safetensors"]


def test_one_run_has_one_duration(place, sample_folder):
    """The tile, the table and Home say what the trainer counted, not what the clock says."""
    over = replace(OVER, seconds=125.0)
    make_run(place, sample_folder, STARTED, replace(EPOCH, seconds=124.0), over)
    tiles = {metric.label: metric.value for metric in show("train").metric}
    assert tiles["Training time"] == "2 min 5 s"
    table = show("train", view="All runs").dataframe[0].value
    assert list(table["duration"]) == ["2 min 5 s"]
    assert list(show("home").dataframe[0].value["Training time"]) == ["2 min 5 s"]


def test_the_stages_of_the_start_stay_readable(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    recorder = stages.Recorder(run.folder, clock=iter([10.0, 12.5, 30.4]).__next__)
    recorder.begin(stages.IMPORT)
    recorder.begin(stages.READ)
    recorder.count(180)
    recorder.end()
    line = "Start: Loading PyTorch 2.5 s · Reading images (180) 18 s"
    assert line in [caption.value for caption in show("train").caption]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "5 s"), (47.4, "45 s"), (89.0, "1 min 30 s"), (90.0, "2 min"), (3600.0, "1 h"), (7777.0, "2 h 10 min")],
)
def test_an_estimate_is_rounded(seconds, words):
    assert status.round_duration(seconds) == words


def test_commands_become_control_files(place, sample_folder, held):
    run = held(make_run(place, sample_folder, STARTED, STEP))
    app = press(show("train"), "Pause")
    assert (run.control / "pause").exists() and "Resume" in labels(app)
    press(app, "Resume")
    assert not (run.control / "pause").exists()
    app.number_input(key=f"change_lr:{run.id}:0").set_value(0.0005).run()
    press(app, "Set learning rate")
    assert float((run.control / "lr").read_text()) == 0.0005
    assert "Learning rate set to 0.0005 from the next step." in [toast.value for toast in app.toast]
    app.number_input(key=f"change_epochs:{run.id}:0").set_value(7).run()
    press(app, "Set epochs")
    assert int((run.control / "epochs").read_text()) == 7
    press(app, "Stop")
    assert run.stop_requested() and next(button for button in app.button if button.label == "Stop").disabled


def test_the_form_of_changes_begins_with_what_holds(place, sample_folder, held):
    run = held(make_run(place, sample_folder, STARTED, StepFinished(1, 1, 0.9, 0.0123)))
    app = show("train")
    assert app.number_input(key=f"change_lr:{run.id}:0").value == 0.0123
    assert app.number_input(key=f"change_epochs:{run.id}:0").value == STARTED.epochs


def test_a_command_that_fails_says_why_until_the_next_one(place, sample_folder, monkeypatch):
    run = make_run(place, sample_folder, STARTED, STEP)
    started = []

    def fail(found: runs.Run) -> None:
        started.append(found.id)
        raise RunError("No *room*.")

    monkeypatch.setattr("unet_core.training.launch.start", fail)
    app = press(show("train"), "Resume")
    assert started == [run.id]
    assert "No \\*room\\*" in app.error[0].value
    app.run()
    assert "No \\*room\\*" in app.error[0].value
    monkeypatch.setattr("unet_core.training.launch.start", lambda found: None)
    assert not press(app, "Resume").error


def test_a_run_that_is_over_goes_on(place, sample_folder, monkeypatch):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    run.last.mkdir(parents=True)
    asked = []
    monkeypatch.setattr(
        "unet_core.training.launch.continue_run", lambda found, epochs, lr: asked.append((found.id, epochs, lr))
    )
    app = show("train")
    app.number_input(key=f"more_epochs:{run.id}").set_value(5).run()
    app.number_input(key=f"more_lr:{run.id}").set_value(0.001).run()
    press(app, "Train 5 more epochs")
    assert asked == [(run.id, 5, 0.001)]


def test_fine_tuning_sets_the_form(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    run.best.mkdir(parents=True)
    app = press(show("train"), "Fine-tune")
    assert app.session_state["init"] == run.id


def test_the_position_in_the_queue_is_shown_and_given_up(place, sample_folder, held):
    made = [make_run(place, sample_folder) for _ in range(3)]
    for number, run in enumerate(made, 1):
        (run.folder / "heartbeat").unlink()
        (run.folder / "queue").write_text(f"{number:020d}\n")
    app = show("train")  # the newest run
    assert "position **3** of 3 in the queue" in texts(app)
    press(app, "Move up")
    assert "position **2** of 3 in the queue" in texts(app)
    press(app, "Remove from queue")
    assert not made[2].folder.exists()
    assert "position **2** of 2 in the queue" in texts(app)


def test_few_warnings_stand_open_the_others_in_a_list(place, sample_folder):
    make_run(place, sample_folder, *(Warned(f"Skipped: a_{number}.png") for number in range(9)), STARTED)
    app = show("train")
    assert [item.value for item in app.warning][:3] == [f"Skipped\\: a\\_{number}.png" for number in (6, 7, 8)]
    assert "All 9 warnings" in [item.label for item in app.expander]


def test_a_run_whose_settings_are_damaged_is_still_shown(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    run.last.mkdir(parents=True)
    (run.folder / "config.json").write_text("{")
    app = show("train")
    assert not app.exception
    assert "config.json" in app.error[0].value and "0.710" in [metric.value for metric in app.metric]


def test_the_film_is_there_from_the_first_epoch(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, OVER)
    shoot(run, 1, [0.5, None])
    app = show("train")
    assert not app.exception
    assert mounted(app)["learning_film"] == {"run": run.id, "active": False, "epoch": None}
