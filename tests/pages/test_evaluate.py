"""The Evaluate page with a model that was really trained: every image, its errors, another threshold, cancel."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from pages.server import model_registry, paths, scoring_job
from pages.server.scoring_job import ScoringJob
from pages.ui.dataset_picker import SAMPLE
from pages.views.evaluate import table as evaluate_table
from tests.helpers.pages import finish_job, show, texts
from unet_core import metrics
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data import discovery, synthetic
from unet_core.data.masks.coding import IGNORE
from unet_core.data.recipe.recipe import Recipe, make_repair
from unet_core.evaluation import scores as evaluation
from unet_core.evaluation.selection import Source, select_folder
from unet_core.hub import lineage
from unet_core.inference.predictor import load_predictor
from unet_core.io import images
from unet_core.io.files import write_atomically
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


def one(value) -> str:
    """Of a parameter of the address, which AppTest gives as a list."""
    return value[0] if isinstance(value, list) else value


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
    assert told["settings"]["style"] == "outline"
    app.query_params["image"] = rows["image"][1]
    assert viewer(app.run())["name"] == rows["image"][1]
    assert one(app.query_params["image"]) == rows["image"][1]


def test_the_scores_and_masks_are_those_of_the_command_line(model):
    job = scored(model, "all")
    predictor, _ = load_predictor(model.folder)
    seen = lineage.find_training_images(model.folder, model.run, model.run.folder.parent)
    selection = select_folder(Source(model.folder, model.run, seen), Path(model.run.config.data.root), "all")
    expected, dataset = evaluation.evaluate(predictor, selection)
    rescored = evaluation.score_images(dataset, selection.chosen, lambda sample, image: predictor.mask(image))
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
    words = f"Dice of this image: {dice(0.5)} at the model's threshold 0.50, {dice(threshold)} at {threshold:.2f}"
    assert words in texts(app)


def test_a_cancelled_scoring_keeps_what_is_done_and_goes_on_when_asked(model):
    with model_registry.DEVICE_LOCK.turn(object()):  # the device is another visitor's
        app = show("evaluate")
        job = app.session_state["scoring"]
        assert "1 job ahead" in str(app.get("progress")[0].proto)
        app.button(key="cancel_scoring").click().run()
        assert job.wait(60)
        app.run()
        assert "Canceled before any image was scored" in texts(app)
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
    assert f"Canceled after 1 of {number} images" in texts(app)
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


def test_a_data_set_that_is_gone_is_explained_with_a_remedy_that_is_right(model, place, monkeypatch):
    gone = place / "gone" / "cells"
    write_atomically(model.run.folder / "config.json", model.run.config.replace(root=str(gone)).to_json())
    app = show("evaluate")
    message = app.error[0].value.replace("\\", "")
    assert str(gone) in message and "Enter the folder" not in message
    assert 'choose "Another dataset (not trained on)" in Images' in message and not app.dataframe
    app.button(key="choose_other").click().run()
    settled(app)
    assert app.selectbox(key="split").value == "other" and app.selectbox(key="dataset").value == SAMPLE
    assert len(table(app)) > 0 and not app.error
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app.selectbox(key="split").set_value("held-out").run()
    assert str(gone.parent) not in app.error[0].value, "a visitor learns no folder of the server"


def test_a_data_set_that_vanishes_while_it_is_read_is_explained(model, monkeypatch):
    search = discovery.search
    monkeypatch.setattr(discovery, "search", lambda root, *rest, **settings: search(root / "gone"))
    app = settled(show("evaluate"))
    assert "gone" in app.error[0].value and not app.dataframe


def test_the_address_names_the_image_and_the_order(model):
    names = sorted(model.run.split()["val"])
    app = settled(show("evaluate", image=names[-1], sort="By image name"))
    assert list(table(app)["image"]) == names
    assert viewer(app)["name"] == names[-1] and f"**{names[-1]}**" in texts(app).replace("\\", "")
    app = settled(show("evaluate", image="../../etc/passwd"))
    assert "of this address is not among these images" in app.warning[-1].value  # after that about the threshold
    assert viewer(app)["name"] == table(app)["image"][0]


def test_rows_are_sorted_by_what_is_chosen_and_undefined_scores_come_last(model):
    app = settled(show("evaluate", split="All"))
    for label, column in evaluate_table.SORTS.items():
        app.selectbox(key="sort").set_value(label).run()
        assert list(table(app)[column]) == sorted(table(app)[column]), label


def test_each_row_opens_its_image_with_its_model_on_predict(model):
    app = settled(show("evaluate", split="All"))
    rows = table(app)
    assert len(rows) == 8
    for name, address in zip(rows["image"], rows["predict"], strict=True):
        params = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        assert urlsplit(address).path == "/predict" and params == {"model": model.name, "example": name}
    name = rows["image"][7]
    predict = show("predict", model=model.name, example=name)
    finish_job(predict, "job")
    assert predict.selectbox(key="run").value == model.name
    assert [item.stem for item in predict.session_state["brought"].items] == [name]
    assert predict.session_state["job"].names_done == (f"{name}.png",)
    assert one(predict.query_params["example"]) == name, "a reload opens it again"


def test_an_image_of_another_dataset_is_opened_by_its_name(model, place, tmp_path):
    paths.library().link(synthetic.write(tmp_path / "others", images=3, seed=9))
    app = settled(show("evaluate", split="other", dataset="others"))
    address = table(app)["predict"][0]
    params = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    assert params["of"] == "others"
    predict = finish_job(show("predict", **params), "job")
    (item,) = predict.session_state["brought"].items
    assert Path(item.file.label).is_relative_to(tmp_path / "others")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"example": "../../../etc/passwd"}, "is not in the dataset of"),
        ({"example": "/etc/passwd"}, "is not in the dataset of"),
        ({"example": "gone"}, "is not in the dataset of"),
        ({"example": "cells_000", "of": "../sample"}, "There is no dataset"),
        ({"example": "cells_000", "of": "nothing"}, "There is no dataset"),
    ],
)
def test_what_the_address_names_is_an_image_of_a_dataset_and_never_a_path(model, params, words):
    predict = show("predict", model=model.name, **params)
    assert not predict.exception and "brought" not in predict.session_state
    assert words in predict.warning[0].value.replace("\\", "")
    assert "example" not in predict.query_params


def test_an_image_opens_also_where_uploads_are_on_the_page(model, sample_folder):
    predict = show("predict")
    image = sorted((sample_folder / "images").iterdir())[0]
    predict.file_uploader(key="uploads-0").set_value([("mine.png", image.read_bytes(), "image/png")]).run()
    finish_job(predict, "job")
    name = min(model.run.split()["train"])
    predict.query_params["example"] = name
    finish_job(predict.run(), "job")
    assert [item.stem for item in predict.session_state["brought"].items] == [name]
    assert "upload" not in predict.query_params


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
