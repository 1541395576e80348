"""The Evaluate page with a model that was really trained: every image, its errors, another threshold, cancel."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pages.server import model_registry, scoring_job
from pages.server.scoring_job import ScoringJob
from tests.helpers.pages import finish_job, show, texts
from unet_core import metrics
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data import discovery
from unet_core.data.discovery import find
from unet_core.data.masks.coding import IGNORE
from unet_core.data.recipe.recipe import Recipe, make_repair
from unet_core.evaluation import scores as evaluation
from unet_core.inference.predictor import load_predictor
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs

settled = partial(finish_job, key="scoring")


@pytest.fixture
def model(trained, place):
    shutil.copytree(trained.folder, place / trained.id)
    run = runs.Run(place / trained.id)
    return model_registry.Model(run.id, run.best, run)


def table(app):
    return next(element.value for element in app.dataframe if "image" in element.value)


def viewer(app) -> dict:
    """What the page tells the viewer."""
    return next(data for data in (json.loads(one.proto.json) for one in app.get("bidi_component")) if "layers" in data)


def scored(model: model_registry.Model, split: str = "held-out") -> ScoringJob:
    job = ScoringJob(model, split)
    job.start()
    assert job.wait(60)
    return job


def test_every_held_back_image_is_listed_worst_first_and_the_worst_is_shown(model):
    app = settled(show("evaluate"))
    rows = table(app)
    assert sorted(rows["image"]) == sorted(model.run.split()["val"])
    assert {"dice", "iou", "precision", "recall", "accuracy"} <= set(rows.columns)
    assert list(rows["dice"]) == sorted(rows["dice"])
    assert "chosen on the validation images" in texts(app)
    told = viewer(app)
    assert (told["name"], told["settings"]["mode"]) == (rows["image"][0], "errors")
    assert {"image", "probability", "mask", "truth"} <= set(told["layers"])
    app.session_state["shown_image"] = rows["image"][1]
    assert viewer(app.run())["name"] == rows["image"][1]


def test_the_scores_and_masks_are_those_of_the_command_line(model):
    job = scored(model, "all")
    predictor, _ = load_predictor(model.folder)
    chosen = evaluation.select(find(Path(model.run.config.data.root)), model.run.split(), "all")
    expected, _ = evaluation.evaluate(predictor, chosen, model.run.data)
    dataset = evaluation.load_selected(chosen, model.run.data, predictor.model.config)
    rescored = evaluation.score_images(dataset, chosen, lambda sample, image: predictor.mask(image))
    masks = {item.sample.id: item.pred for item in rescored}
    assert [(item.id, item.subset) for item in job.scores.images] == [(item.id, item.subset) for item in expected]
    for ours, theirs in zip(job.scores.images, expected, strict=True):
        np.testing.assert_array_equal(job.scores.mask(ours.id), masks[ours.id])
        np.testing.assert_equal(ours.scores, theirs.scores)


def test_another_threshold_is_told_with_its_dice_beside_the_models(model):
    app = settled(show("evaluate"))
    name = viewer(app)["name"]
    job = app.session_state["scoring"]
    loaded, sample = model_registry.load(model), job.scores.samples[name]
    answer = scoring_job.predict_image(loaded, job.scores.digests[name], images.read(sample.image), object())

    def dice(at: float) -> str:
        return f"{metrics.scores(metrics.count(answer.mask(at), job.scores.truth(name), 1))['dice']:.3f}"

    quantiles = [float(np.quantile(answer.probability, share)) / 255 for share in (0.9, 0.97, 0.99, 0.5, 0.2)]
    threshold = next(each for each in quantiles if dice(each) != dice(0.5) and round(each, 2) != 0.5)
    memory = app.session_state["_overlay errors"]
    memory["view"] = replace(memory["view"], threshold=threshold)  # as the browser tells it on release
    app.run()
    words = f"**{dice(0.5)}** at the model's threshold 0.50, **{dice(threshold)}** at {threshold:.2f}"
    assert words in texts(app)


def test_a_cancelled_scoring_keeps_what_is_done_and_goes_on_when_asked(model):
    with model_registry.DEVICE_LOCK.turn(object()):  # the device is another visitor's
        app = show("evaluate")
        job = app.session_state["scoring"]
        assert "1 job ahead" in str(app.get("progress")[0].proto)
        app.button(key="cancel_scoring").click().run()
        assert job.wait(60)
        app.run()
        assert "Cancelled before any image was scored" in texts(app)
    app.button(key="score_again").click().run()
    settled(app)
    assert len(table(app)) == len(model.run.split()["val"])


def test_half_of_it_is_shown_as_half(model, monkeypatch):
    real = scoring_job.predict_image

    def once(loaded, digest, image, ticket, cancelled=lambda: False):
        if ticket.scores.images:
            ticket.cancel()
        return real(loaded, digest, image, ticket, cancelled)

    with monkeypatch.context() as patched:
        patched.setattr(scoring_job, "predict_image", once)
        app = settled(show("evaluate"))
    assert len(table(app)) == 1
    number = len(model.run.split()["val"])
    assert f"Cancelled after 1 of {number} images" in texts(app)
    app.button(key="score_again").click().run()
    settled(app)
    assert len(table(app)) == number


def test_who_left_and_comes_back_finds_it_going_on(model):
    now = 0.0
    job = ScoringJob(model, "held-out", clock=lambda: now)
    with model_registry.DEVICE_LOCK.turn(object()):
        job.start()
        now = 31.0
        assert job.wait(60)
    assert job.abandoned
    app = show()
    app.session_state["scoring"] = job
    app.session_state["scoring_for"] = (str(model.folder), model_registry.read_digest(model), "held-out")
    app.switch_page("evaluate.py").run()
    settled(app)
    assert len(table(app)) == len(model.run.split()["val"])


@pytest.mark.parametrize(
    ("address", "split"),
    [("held-out", "held-out"), ("val", "val"), ("validation", "val"), ("trained on", "train"), ("all", "all")],
)
def test_an_address_of_an_older_release_chooses_the_same_images(model, address, split):
    app = show()
    app.switch_page("evaluate.py")
    app.query_params["split"] = address
    settled(app.run())
    assert app.selectbox(key="split").value == split


def test_a_damaged_checkpoint_is_explained(model):
    weights = model.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    app = settled(show("evaluate"))
    assert "model.safetensors" in app.error[0].value and "damaged" in app.error[0].value


def test_a_data_set_that_is_gone_is_explained(model, monkeypatch):
    monkeypatch.setattr(discovery, "search_data", lambda data: discovery.search(Path(data.root) / "gone"))
    app = settled(show("evaluate"))
    assert "gone" in app.error[0].value and not app.dataframe


def test_images_are_scored_with_the_repairs_of_the_training(model):
    name = min(model.run.split()["val"])
    before = scored(model)
    assert before.scores.warnings == []
    recipe = Recipe((make_repair("invert", [name]), make_repair("scale_intensity", [name], factor=0.5)))
    (model.run.folder / "studio.json").write_text(recipe.to_json())
    after = scored(model)
    assert np.array_equal(after.scores.truth(name), 1 - before.scores.truth(name))
    assert after.scores.digests[name] != before.scores.digests[name], "no prediction of the unrepaired image"
    others = set(model.run.split()["val"]) - {name}
    assert all(np.array_equal(after.scores.truth(other), before.scores.truth(other)) for other in others)
    assert after.scores.warnings[0].startswith("studio.json of the dataset now holds other repairs")


def test_several_classes_are_shown_with_their_names_and_what_does_not_count(place, tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "data" / kind).mkdir(parents=True)
    for number in range(3):
        mask = rng.integers(0, 4, (20, 24)).astype(np.uint8)
        (tmp_path / "data" / "images" / f"{number}.png").write_bytes(encode_png(mask * 60))
        (tmp_path / "data" / "masks" / f"{number}.png").write_bytes(encode_png(mask))
    run = runs.create(place, RunConfig().replace(root=str(tmp_path / "data"), ignore_index=3))
    (run.folder / "split.json").write_text("{}")
    save_checkpoint(run.best, UNet(ModelConfig(in_channels=1, num_classes=3, base_channels=2, depth=1, image_size=32)))
    app = settled(show("evaluate"))
    told = viewer(app)
    assert told["class_names"] == ["class 0", "class 1", "class 2"]
    assert told["multiclass"] and {"classes", "truth"} <= set(told["layers"])
    scores = app.session_state["scoring"].scores
    assert {value for name in scores.truths for value in np.unique(scores.truth(name))} == {0, 1, 2, IGNORE}
    assert "at the model's threshold" not in texts(app)
