"""The view of one run in every state, by AppTest: what is said, which buttons there are, and what they do."""

import json

import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from pages.components import program_address
from tests.helpers.pages import EPOCH, STARTED, make_run, shoot, show, texts
from tests.pages.conftest import place
from unet_core.errors import RunError
from unet_core.runs import run as runs
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
        ([], True, [], "running", "Loading the images", {"Pause", "Stop"}),
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
        ([STARTED, RunFailed("Lower *lr*.")], False, [], "failed", r"Lower \*lr\*\.", {"Resume"}),
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
    assert "No runs yet" in texts(app) and mounted(app) == {}


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
