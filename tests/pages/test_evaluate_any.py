"""The Evaluate page with models of no run, images added right there, copies of training images, large datasets."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import streamlit as st
import tifffile
from PIL import Image

from pages.server import model_registry, paths, scoring_job
from pages.server.evaluation import offers
from pages.server.hub import default_model
from pages.server.prediction_cache import PredictionCache
from pages.server.visitors.libraries import VISITORS
from pages.ui.dataset_picker import SAMPLE
from pages.views.data.sources import upload
from pages.views.evaluate import job
from tests.helpers.pages import finish_job, show, texts
from tests.helpers.processes import quick
from unet_core import evaluate
from unet_core.data import synthetic
from unet_core.data.groups import training_images
from unet_core.data.groups.training_images import TrainingImages
from unet_core.inference.predictor import Predictor
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import load_model, save_checkpoint
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.training import runner

settled = partial(finish_job, key="scoring")
NET = "net"  # the name of the added model


@pytest.fixture
def others(place, tmp_path):
    """Five images that the model has never seen, named "others"."""
    root = synthetic.write(tmp_path / "others", images=5, seed=7)
    paths.library().link(root)
    return root


@pytest.fixture
def added(trained, place) -> Path:
    """The best checkpoint of a run, copied without its run, as an added model is stored."""
    return Path(shutil.copytree(trained.best, place / "models" / NET))


@pytest.fixture
def run(trained, place) -> runs.Run:
    shutil.copytree(trained.folder, place / trained.id)
    return runs.Run(place / trained.id)


@pytest.fixture
def copies(place, tmp_path, sample_folder):
    """The eight images of the training in other formats under other names, pixel for pixel, named "copies"."""
    root = tmp_path / "copies"
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for number, path in enumerate(sorted((sample_folder / "images").iterdir())):
        pixels, to = images.read(path)[:, :, 0], root / "images" / f"x{number}"
        if number % 3 == 0:
            tifffile.imwrite(to.with_suffix(".tif"), pixels.astype(np.uint16))
        elif number % 3 == 1:
            Image.fromarray(np.dstack([pixels] * 3)).save(to.with_suffix(".bmp"))
        else:
            Image.fromarray(pixels).save(to.with_suffix(".webp"), lossless=True)
        shutil.copy(sample_folder / "masks" / path.name, root / "masks" / f"x{number}.png")
    paths.library().link(root)
    return root


def table(app):
    return next(element.value for element in app.dataframe if "image" in element.value)


def said(app) -> str:
    return texts(app).replace("\\", "")


def opened(**query: str):
    return settled(show("evaluate", **query))


def count(app) -> dict[str, int]:
    """How many rows there are of each subset."""
    return {str(name): int(number) for name, number in table(app)["subset"].value_counts().items()}


TRAIN, VAL = "train (trained on)", "val (chose the epoch)"


def test_a_model_without_a_run_is_evaluated_on_another_dataset_as_by_the_command_line(added, others):
    app = opened(model=NET, dataset="others")
    split = app.selectbox(key="split")
    assert split.value == "other" and len(split.options) == 2
    expected = evaluate(added, others)
    assert dict(zip(table(app)["image"], table(app)["dice"], strict=True)) == pytest.approx(
        {score.id: score.scores["dice"] for score in expected.images}, nan_ok=True
    )
    assert list(app.session_state["scoring"].scores.warnings) == expected.warnings
    code = next(block.value for block in app.code)
    assert repr(str(added)) in code and repr(str(others)) in code and "split='held-out'" in code


def test_the_model_of_the_server_comes_first(run, others, trained, tmp_path, monkeypatch):
    offered = Path(shutil.copytree(trained.best, tmp_path / "offered"))
    monkeypatch.setattr(default_model, "find", lambda: offered)
    app = opened(dataset="others")
    assert app.selectbox(key="run").options == ["offered", run.id] and app.selectbox(key="run").value == "offered"
    assert count(app) == {"new": 5}


def test_its_rows_open_their_image_with_it_on_predict(added, others):
    app = opened(model=NET, dataset="others")
    params = {key: values[0] for key, values in parse_qs(urlsplit(table(app)["predict"][0]).query).items()}
    assert params == {"model": NET, "example": table(app)["image"][0], "of": "others"}
    predict = finish_job(show("predict", **params), "job")
    (item,) = predict.session_state["brought"].items
    assert Path(item.file.label).is_relative_to(others)
    predict.button(key="evaluate").click().run()
    assert predict.title[0].value == "Evaluate" and predict.selectbox(key="run").value == NET


def test_a_part_of_a_run_that_the_address_asks_for_is_not_replaced_in_silence(added, others):
    app = opened(model=NET, dataset="others", split="Test")
    assert '"Test" is a part of the dataset of a run, and net is of no run of this machine' in said(app)
    assert app.selectbox(key="split").value == "other"
    assert "Another dataset is evaluated" not in said(opened(model=NET, dataset="others"))


def test_from_the_own_images_of_a_run_to_a_model_without_one_and_back(added, run, others):
    app = opened(model=run.id, split="All")
    assert app.selectbox(key="split").value == "all" and len(app.selectbox(key="split").options) == 7
    settled(app.selectbox(key="run").set_value(NET).run())
    assert app.selectbox(key="split").value == "other" and app.selectbox(key="dataset").value == SAMPLE
    settled(app.selectbox(key="run").set_value(run.id).run())
    assert len(app.selectbox(key="split").options) == 7 and not app.exception


def test_a_model_that_does_not_say_what_it_was_trained_on_is_not_trusted(added, others):
    change_images(added, None)
    app = opened(model=NET, dataset="others")
    warning = "It is not known which images this model was trained on"
    assert any(warning in box.value and "some of the 5 images" in box.value for box in app.warning)
    assert len(table(app)) == 5


def test_masks_that_do_not_fit_a_model_are_explained_by_what_it_knows(added, place, tmp_path):
    root = synthetic.write(tmp_path / "types", images=3, seed=2)
    for number, path in enumerate(sorted((root / "masks").iterdir())):
        mask = images.read_mask(path).copy()
        mask[:40, :40], mask[40:80, :40] = 3 + number, 9
        path.write_bytes(encode_png(mask))
    paths.library().link(root)
    app = opened(model=NET, dataset="types")
    assert "but one class asks for background and one other value" in app.error[0].value
    assert "This model takes 1 channel and knows background and foreground; neither can be changed" in said(app)
    assert not app.dataframe


def test_an_uploaded_checkpoint_knows_its_training_images(place, trained, copies, others):
    app = show("evaluate")
    assert "There is no model yet" in said(app)
    app.button(key="evaluate_add_button").click().run()
    files = [(path.name, path.read_bytes(), "application/octet-stream") for path in sorted(trained.best.iterdir())]
    app.file_uploader(key="weights").set_value(files).run()
    app.button(key="add_model").click().run()
    settled(app)
    assert [model.run for model in model_registry.find_models()] == [None]
    name = app.selectbox(key="run").value
    app = opened(model=name, dataset="copies")
    assert "6 images are left out: the model was trained on them" in said(app)
    assert count(app) == {VAL: 2}


def test_training_images_in_other_formats_are_left_out_or_marked(run, copies):
    app = opened(split="other", dataset="copies")
    assert "6 images are left out: the model was trained on them" in said(app) and count(app) == {VAL: 2}
    settled(app.selectbox(key="split").set_value("other-all").run())
    assert count(app) == {VAL: 2, TRAIN: 6}
    assert "The model was trained on 6 of these images, so their scores are too good" in said(app)


def test_training_images_are_refused_as_test_and_marked_where_they_are_asked_for(run, copies):
    app = opened(split="Test")
    refusal = app.error[0].value.replace("\\", "")
    assert "None of the 8 images belongs to the split 'test': they are 6 train, 2 val" in refusal
    assert not app.dataframe
    settled(app.button(key="choose_all").click().run())
    assert app.selectbox(key="split").value == "all" and count(app) == {VAL: 2, TRAIN: 6}
    assert "8 images: 6 train (trained on), 2 val (chose the epoch)." in said(app)
    assert "The model was **trained on** some of these images" in texts(app)
    names = sorted([*run.split()["train"], *run.split()["val"]])
    for name in run.split()["val"]:  # what remains was all trained on
        for path in copies.rglob(f"x{names.index(name)}.*"):
            path.unlink()
    st.cache_data.clear()  # as after half a minute
    app = opened(split="other", dataset="copies")
    assert "they are 6 train, 0 val, 0 test, 0 new" in app.error[0].value and not app.dataframe
    settled(app.button(key="choose_all").click().run())
    assert app.selectbox(key="split").value == "other-all" and count(app) == {TRAIN: 6}


def test_lossy_copies_of_training_images_are_told(run, place, tmp_path, sample_folder):
    root = Path(shutil.copytree(sample_folder, tmp_path / "lossy"))
    for path in sorted((root / "images").iterdir()):
        Image.open(path).save(path.with_suffix(".jpg"), quality=90)
        path.unlink()
    paths.library().link(root)
    app = opened(split="other", dataset="lossy")
    (warning,) = app.session_state["scoring"].scores.warnings
    assert "images look like images that the model was trained on, though their pixels differ" in warning
    assert warning in said(app)
    assert set(re.findall(r"cells_\d+", warning)) <= set(run.split()["train"])
    shared = Path(shutil.copytree(run.best, place / "models" / NET))
    change_images(shared, TrainingImages.without_looks)  # as a shared model comes
    app = opened(model=NET, dataset="lossy")
    assert "Lossy copies (JPEG) of training images cannot be recognized" in said(app)


def change_images(folder: Path, change: Callable[[TrainingImages], TrainingImages] | None) -> None:
    """What a checkpoint says of its training images; without `change` it says nothing, as those of older releases."""
    model, _ = load_model(folder)
    seen = training_images.load(folder)
    assert seen is not None and seen.has_looks
    shutil.rmtree(folder)
    save_checkpoint(folder, model, images=change(seen).to_values() if change else None)


def test_a_fine_tuned_child_does_not_score_the_images_of_its_parent_as_new(run, place, others, copies):
    child = runs.create(place, quick(others, epochs=1, init=run.id))
    log = EventLog(child.events)
    runner.run_to_end(child, log)
    log.close()
    app = opened(model=child.id, split="other", dataset="copies")
    assert "6 images are left out: the model was trained on them" in said(app)
    settled(app.selectbox(key="split").set_value("other-all").run())
    assert count(app)[TRAIN] == 6
    shutil.copytree(child.best, place / "models" / NET)
    app = opened(model=NET, dataset="copies")
    assert "6 images are left out: the model was trained on them" in said(app)


def test_images_that_are_uploaded_on_the_page_are_evaluated(run, monkeypatch, tmp_path):
    app = opened()
    assert app.selectbox(key="split").value == "held-out"
    app.button(key="evaluate_add_button").click().run()
    root = synthetic.write(tmp_path / "new cells", images=3, seed=5)
    name = paths.library().link(root).name
    with monkeypatch.context() as patched:
        done = upload.uploader.__globals__["Uploaded"](name, ("1 file of the system left out.",))
        patched.setattr(upload, "uploader", lambda key: done)
        app.run()
    settled(app)
    assert (app.selectbox(key="split").value, app.selectbox(key="dataset").value) == ("other", name)
    assert count(app) == {"new": 3}
    assert "1 file of the system left out." in said(app)
    assert "weights" not in [box.key for box in app.file_uploader], "the ways in are closed"


@pytest.fixture
def few(monkeypatch):
    """More than three images are many; nothing is predicted yet. Gives the digests of what is predicted."""
    predicted: list[str] = []
    real = Predictor.answer

    def answer(self, image, *rest, **options):
        predicted.append(image.tobytes())
        return real(self, image, *rest, **options)

    monkeypatch.setattr(offers, "MOST_IMAGES", 3)
    monkeypatch.setattr(scoring_job, "CACHE", PredictionCache())
    scoring_job.PACES.clear()
    monkeypatch.setattr(Predictor, "answer", answer)
    job.finished.clear()
    return predicted


def test_many_images_are_scored_only_on_request(run, others, few):
    app = opened(split="other", dataset="others")
    assert "More than 3 images are scored only on request. 5 images are not scored yet; that takes about" in said(app)
    assert app.button(key="score_offered").label == "Score 5 images" and not app.dataframe
    assert len(few) == 2, "to measure how long it takes"
    settled(app.button(key="score_offered").click().run())
    assert len(table(app)) == 5 and "on request" not in said(app)
    assert len(few) == 5
    settled(app.run())
    again = opened(split="other", dataset="others")
    assert len(table(again)) == 5 and len(few) == 5, "scores that are there are shown to everybody"


def test_what_is_predicted_already_is_not_asked_for(run, others, few, monkeypatch):
    settled(opened(split="other", dataset="others").button(key="score_offered").click().run())
    job.finished.clear()
    assert len(table(opened(split="other", dataset="others"))) == 5 and len(few) == 5
    job.finished.clear()
    for name in ("new_0", "new_1", "new_2", "new_3"):
        for kind in ("images", "masks"):
            source = others / kind / "cells_000.png"
            pixels = images.read(source)[:, :, 0] if kind == "images" else images.read_mask(source)
            changed = pixels + np.uint8(int(name[-1]) + 1) if kind == "images" else pixels
            (others / kind / f"{name}.png").write_bytes(encode_png(changed))
    st.cache_data.clear()  # as after half a minute
    app = opened(split="other", dataset="others")
    assert "4 of 9 images are not scored yet" in said(app)
    assert app.button(key="score_offered").label == "Score 9 images"


def test_few_but_huge_images_are_scored_only_on_request(run, others, few, monkeypatch):
    monkeypatch.setattr(offers, "MOST_IMAGES", 200)
    monkeypatch.setattr(offers, "MOST_MEGAPIXELS", 0.2)
    app = opened(split="other", dataset="others")
    assert "megapixels are scored only on request. 5 images (0 megapixels) are not scored yet; that" in said(app)
    assert not app.dataframe


def test_a_slow_model_is_scored_only_on_request(run, others, few, monkeypatch):
    monkeypatch.setattr(offers, "MOST_IMAGES", 200)
    monkeypatch.setattr(offers, "TIMED", 4)
    app = opened(split="other", dataset="others")
    assert len(table(app)) == 5
    monkeypatch.setattr(scoring_job, "CACHE", PredictionCache())
    job.finished.clear()
    pixels = sum(image.height * image.width for image in map(Image.open, (others / "images").iterdir()))
    scoring_job.PACES.put(model_registry.read_digest(model_registry.find_models()[0]), 61 / pixels)
    app = opened(split="other", dataset="others")
    assert "What takes more than 60 s is scored only on request. 5 images are not scored yet" in said(app)
    assert "that takes about 1 min 1 s" in said(app) and not app.dataframe


def test_nothing_huge_is_predicted_to_measure_the_time(run, others, few, monkeypatch):
    monkeypatch.setattr(offers, "MOST_TRIED", 100)
    app = opened(split="other", dataset="others")
    assert "5 images are not scored yet." in said(app) and few == []


def test_the_request_ends_with_the_dataset(run, others, copies, few):
    app = settled(opened(split="other-all", dataset="others").button(key="score_offered").click().run())
    assert len(table(app)) == 5
    settled(app.selectbox(key="dataset").set_value("copies").run())
    assert app.button(key="score_offered").label == "Score 8 images" and not app.dataframe


def test_the_card_of_the_share_page_asks_too(run, few, monkeypatch):
    monkeypatch.setattr(offers, "MOST_IMAGES", 1)
    app = settled(show("share", run=run.id))
    assert app.button(key="score_offered").label == "Score 2 images"
    settled(app.button(key="score_offered").click().run())
    assert "score_offered" not in [button.key for button in app.button]


def test_a_visitor_finds_no_model_or_dataset_of_another(added, others, place, trained, monkeypatch):
    stranger = "b" * 32
    hidden = place / VISITORS / stranger / "models" / "hidden"
    shutil.copytree(trained.best, hidden)
    theirs = paths.datasets_dir() / VISITORS / stranger / "secret"
    shutil.copytree(others, theirs)
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app = opened(model=NET, dataset="others")
    assert app.selectbox(key="run").options == [NET] and len(table(app)) == 5
    assert set(app.selectbox(key="dataset").options) == {SAMPLE, "others"}
    assert str(place) not in next(block.value for block in app.code)
    (others / "images" / "cells_000.png").write_bytes(b"no image")
    st.cache_data.clear()  # as after half a minute
    app = opened(model=NET, dataset="others")
    assert "cells_000.png" in app.error[0].value.replace("\\", "") and str(others.parent) not in said(app)
    assert "This model takes" not in said(app)
    app = opened(model="hidden")
    assert "The model hidden of this address is not available" in said(app) and not app.dataframe
    app = opened(model=NET, dataset="secret")
    assert "There is no dataset 'secret' any more" in said(app) and not app.dataframe
    app.button(key="evaluate_add_button").click().run()
    assert "bring_way" not in [way.key for way in app.segmented_control], "uploads alone"
