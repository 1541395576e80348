"""The Threshold view: the digits of the command, a slider that asks no model, a threshold used and taken back."""

import json
import shutil
from functools import partial

import pytest
import torch

from pages.server import model_registry, scoring_job
from pages.server.prediction_cache import PredictionCache
from pages.views.evaluate import threshold
from pages.views.evaluate.tuning import part_scores
from tests.core.evaluation.tuning.conftest import tuned_source as tuned_source
from tests.helpers.pages import finish_job, show, texts
from unet_core import choose_threshold
from unet_core.cli.parser import main
from unet_core.evaluation.tuning.frozen import read_record
from unet_core.inference.predictor import Predictor, load_predictor
from unet_core.io import owners
from unet_core.models.checkpoint import load_about, load_config, load_facts, save_checkpoint
from unet_core.runs import run as runs

settled = partial(finish_job, key="threshold_job")


@pytest.fixture
def run(tuned_source, place, tmp_path, monkeypatch):
    """Of a page that nobody has looked at: nothing is cached."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(scoring_job, "CACHE", PredictionCache())
    threshold.finished.clear()
    shutil.copytree(tuned_source.folder, place / tuned_source.id)
    return runs.Run(place / tuned_source.id)


@pytest.fixture
def answers(monkeypatch):
    """One entry for each image that goes through the model."""
    done, original = [], Predictor.answer

    def answer(self, image, *arguments, **options):
        done.append(image.shape)
        return original(self, image, *arguments, **options)

    monkeypatch.setattr(Predictor, "answer", answer)
    return done


def open_view(**query):
    app = finish_job(show("evaluate", evaluate_view="Threshold", **query), "scoring")
    return settled(app)


def metrics(app) -> dict[str, list[str]]:
    """The numbers by label, those of validation first."""
    shown: dict[str, list[str]] = {}
    for element in app.metric:
        shown.setdefault(element.label, []).append(element.value)
    return shown


def test_page_command_and_python_give_the_same_digits(run, capsys):
    app = open_view()
    assert not app.exception
    study = threshold.finished(*threshold.request_for(model_registry.Model(run.id, run.best, run)))["job"].study
    assert main(["threshold", str(run.folder), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: printed[name] for name in study.describe()} == study.describe() == choose_threshold(run).scores
    shown = metrics(app)
    for part, place in (("validation", 0), ("test", 1)):
        scores = printed[part]["at_model"]
        for name, label in part_scores.SHOWN.items():
            assert shown[label][place] == f"{scores[name]:.3f}"
    assert any(button.label == f"Best ({printed['best_threshold']:g})" for button in app.button)


def test_a_dragged_threshold_and_a_second_visit_ask_no_model(run, answers):
    app = open_view()
    asked = len(answers)
    assert asked == len(run.split()["val"]) + len(run.split()["test"])  # which the Images view has scored too
    app.slider(key=threshold.SLIDER).set_value(0.7).run()
    assert "at 0.7" in texts(app)
    threshold.finished.clear()
    scoring_job.CACHE = PredictionCache()
    job = threshold.ThresholdJob(model_registry.Model(run.id, run.best, run))
    job.start()
    assert job.wait(60) and job.state == "done"
    assert len(answers) == asked


def test_a_threshold_is_used_and_taken_back_without_predicting_anew(run, answers):
    app = open_view()
    asked = len(answers)
    app.slider(key=threshold.SLIDER).set_value(0.7).run()
    app.button(key="threshold_use").click().run()
    app = finish_job(app, "scoring")
    assert not app.exception
    assert load_config(run.best).threshold == 0.7
    assert "The threshold 0.7 was chosen on 3 validation images" in texts(app).replace("\\", "")
    assert app.button(key="threshold_use").disabled
    app.button(key="threshold_back").click().run()
    app = finish_job(app, "scoring")
    assert load_config(run.best).threshold == 0.5
    assert not any(button.key == "threshold_back" for button in app.button)
    assert len(answers) == asked


def test_only_the_owner_of_a_run_may_change_it(run):
    (run.folder / "owner").write_text("a" * 32 + "\n")
    job = threshold.ThresholdJob(model_registry.Model(run.id, run.best, run))
    job.start()
    assert job.wait(60)
    before = (run.best / "sha256").read_bytes()
    with owners.acting_as("b" * 32):
        threshold.use(job.model, job, "dice")
    assert (run.best / "sha256").read_bytes() == before
    with owners.acting_as("a" * 32):
        threshold.use(job.model, job, "dice")
    assert (run.best / "sha256").read_bytes() != before


def test_reliability_says_where_the_model_is_too_sure_and_a_temperature_is_for_display(run):
    app = open_view()
    before = (run.best / "sha256").read_bytes()
    assert "expected calibration error" in texts(app)
    app.toggle(key="threshold_temperature").set_value(True).run()
    assert "The mask at the threshold 0.5 does not change." in texts(app)
    assert (run.best / "sha256").read_bytes() == before


def test_the_best_settings_are_those_of_python_and_are_recorded(run):
    app = open_view()
    app.button(key="search_start").click().run()
    app = finish_job(app, "search_job")
    assert not app.exception
    best = choose_threshold(run, search=True).scores["search"]["best"]
    assert f"threshold {best['threshold']:g}" in texts(app).replace("\\", "")
    assert f"Mean Dice {best['validation']:.3f} on validation images" in texts(app)
    app.button(key="search_use").click().run()
    app = finish_job(app, "scoring")
    assert load_config(run.best).threshold == best["threshold"]
    record = read_record(run.best)
    assert (record.min_area, record.fill_holes, record.tta) == tuple(
        best[name] for name in ("min_area", "fill_holes", "tta")
    )


def test_the_images_view_says_where_another_threshold_is_much_better(run):
    predictor, _ = load_predictor(run.best)
    with torch.no_grad():
        predictor.model.head.bias -= 2
    save_checkpoint(run.best, predictor.model, about=load_about(run.best), images=load_facts(run.best, "images.json"))
    app = finish_job(show("evaluate"), "scoring")
    assert any(
        "Another threshold scores more" in caption.value
        and "validation images" in caption.help
        and "Choose another one in the Threshold view" in caption.help
        for caption in app.caption
    )
