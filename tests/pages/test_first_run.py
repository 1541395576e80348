"""The guide on Home: its states, its one click, what it opens, and when it is gone."""

import pytest

from pages.server.visitors import identity
from pages.views.home import first_run
from tests.helpers.pages import EPOCH, STARTED, make_run, show, texts
from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.io import owners
from unet_core.runs import run as runs
from unet_core.runs.events import RunFinished

HEADING = "Your first model in three steps"


def states(app) -> list[str]:
    """Of the three steps."""
    lines = [element.value for element in app.markdown if " · " in element.value]
    return [line.rpartition("(")[2].rstrip(")") for line in lines if line.endswith(")")]


def has_guide(app) -> bool:
    assert not app.exception
    return HEADING in [element.value for element in app.header]


@pytest.fixture
def finished(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH, RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0))
    run.best.mkdir(parents=True)
    (run.best / "model.safetensors").touch()
    (run.best / "config.json").write_text("{}")
    assert run.has_best
    return run


def test_without_a_run_training_on_the_sample_takes_one_click(place, sample_folder, monkeypatch):
    launched = []

    def launch(config: RunConfig, runs_dir):
        launched.append((config, runs_dir))
        return make_run(place, sample_folder, STARTED)

    monkeypatch.setattr(first_run.launch, "launch", launch)
    app = show()
    assert has_guide(app) and states(app) == ["done", "now", "later"]
    assert app.button(key="guide_predict").disabled and app.button(key="guide_evaluate").disabled
    app.button(key="guide_start").click().run()
    assert launched == [(RunConfig().replace(root=str(sample_folder.resolve())), place)]
    assert has_guide(app) and states(app) == ["done", "now", "later"]
    assert "guide_start" not in [button.key for button in app.button]


def test_why_training_did_not_start_is_said(place, monkeypatch):
    def refuse(config, runs_dir):
        raise RunError("The disk is full. Free some space.")

    monkeypatch.setattr(first_run.launch, "launch", refuse)
    app = show()
    app.button(key="guide_start").click().run()
    assert "The disk is full. Free some space." in texts(app)
    assert states(app) == ["done", "now", "later"]


def test_a_trained_model_leads_to_masks_and_scores(place, finished, monkeypatch):
    opened = []
    monkeypatch.setattr(first_run.st, "switch_page", lambda page, query_params: opened.append((page, query_params)))
    app = show()
    assert states(app) == ["done", "done", "now"]
    assert "Best Dice on validation images: 0.710" in texts(app)
    app.button(key="guide_predict").click().run()
    assert opened == [("predict.py", {"model": finished.id, "example": "all"})]
    assert states(app) == ["done", "done", "now"]
    assert app.button(key="guide_end").label == "Skip the guide"
    app.button(key="guide_evaluate").click().run()
    assert opened[1:] == [("evaluate.py", {"model": finished.id})]
    app.run()
    assert states(app) == ["done", "done", "done"]
    assert app.button(key="guide_end").label == "Close the guide"


def test_skipped_it_stays_away_also_for_the_next_visit(place, monkeypatch):
    app = show()
    app.button(key="guide_end").click().run()
    assert not has_guide(app) and not has_guide(show())
    assert runs.find(place) == []


def test_a_server_for_everybody_remembers_it_for_the_visit_alone(place, monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app = show()
    app.button(key="guide_end").click().run()
    assert not has_guide(app)
    assert has_guide(show())


def test_on_a_server_for_everybody_it_shows_no_run_of_another_visitor(place, sample_folder, finished, monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    make_run(place, sample_folder, STARTED)
    app = show()
    assert has_guide(app) and states(app) == ["done", "now", "later"] and not app.get("progress")
    assert "guide_start" in [button.key for button in app.button]
    identity._SESSIONS.put("test session id", "a" * 32)  # AppTest has no browser
    monkeypatch.setattr(first_run.launch, "launch", lambda config, runs_dir: owners.record(finished.folder))
    app.button(key="guide_start").click().run()
    assert states(app) == ["done", "done", "now"], "the run that the visitor started"


def test_with_a_second_run_it_is_gone(place, sample_folder):
    make_run(place, sample_folder, STARTED)
    assert has_guide(show())
    make_run(place, sample_folder, STARTED)
    assert not has_guide(show())


def test_a_damaged_run_does_not_break_it(place, sample_folder):
    run = make_run(place, sample_folder, STARTED)
    (run.folder / "config.json").write_text("{")
    assert has_guide(show())


def test_the_dataset_that_is_chosen_is_named(place, sample_folder, monkeypatch):
    app = show()
    app.session_state[first_run.dataset_picker.CHOICE] = "My *cells*"
    app.run()
    assert "The dataset **My \\*cells\\***." in texts(app)
    assert "guide_start" not in [button.key for button in app.button]


def test_hints_are_for_those_who_have_the_guide(place, finished):
    hint = first_run.HINTS["train"]
    app = show("train")
    assert hint in texts(app)
    app.session_state[first_run.OVER] = True
    app.run()
    assert hint not in texts(app)
