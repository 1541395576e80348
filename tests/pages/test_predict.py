"""The Predict page with a model that was really trained: in, see, measure, why, out."""

import io
import json
import shutil
import zipfile
from functools import partial

import numpy as np
import pytest
import tifffile

from pages.server import model_registry
from pages.views.predict import masks
from pages.views.predict.options import Options
from tests.helpers.pages import ROOT, finish_job, show, texts
from unet_core.inference.adjustments import Adjust
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.models import checkpoint
from unet_core.runs import run as runs

OLD_WAYS = json.loads((ROOT / "tests" / "golden" / "addresses_0_1.json").read_text())["/predict"]["way"]
settled = partial(finish_job, key="job")


@pytest.fixture
def model(trained, place):
    shutil.copytree(trained.folder, place / trained.id)
    return model_registry.Model(trained.id, runs.Run(place / trained.id).best, runs.Run(place / trained.id))


@pytest.fixture
def pictures(sample_folder):
    return sorted((sample_folder / "images").iterdir())[:3]


def upload(app, *files: tuple[str, bytes]):
    app.file_uploader(key="uploads-0").set_value([(name, data, "image/png") for name, data in files]).run()
    return settled(app)


def objects_table(app):
    return next(item.value for item in app.dataframe if "id" in item.value)


def test_without_a_model_the_ways_to_one_are_shown(place):
    app = show("predict")
    assert not app.exception
    assert "no model yet" in texts(app)
    assert app.text_input(key="hub_model")


def test_uploads_are_predicted_and_what_is_no_picture_is_named(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()), ("notes.png", b"just text"))
    assert any("notes.png" in error.value for error in app.error)
    image = images.read(pictures[0])
    assert f"{image.shape[1]} x {image.shape[0]} pixels" in texts(app)
    assert not any(select.key == "shown" for select in app.selectbox), "there is one picture to show"


def test_what_was_guessed_of_an_image_stands_below_it(model, pictures):
    stack = np.stack([images.read(path)[:48, :64] for path in pictures]).astype(np.float32) / 255
    stack[0, :6] = np.nan
    data = io.BytesIO()
    how = {"photometric": "rgb"} if stack.shape[3] == 3 else {"photometric": "minisblack"}
    tifffile.imwrite(data, stack if stack.shape[3] == 3 else stack[:, :, :, 0], metadata=None, **how)
    app = show("predict")
    upload(app, ("plate.tif", data.getvalue()))
    assert app.selectbox(key="shown").options == ["plate_000.tif", "plate_001.tif", "plate_002.tif"]
    shown = texts(app).replace("\\", "")
    assert "plate.tif: its 3 pages are taken for separate images" in shown
    assert "plate.tif: 384 of 3,072 pixels (12.5%) hold no data (NaN or infinite)" in shown


def test_what_was_brought_is_there_after_another_page(model, pictures):
    app = show("predict")
    upload(app, *((path.name, path.read_bytes()) for path in pictures))
    app.session_state["shown"] = pictures[1].name
    app.run()
    app.switch_page("home.py").run()
    app.switch_page("predict.py").run()
    settled(app)
    assert app.selectbox(key="shown").options == [path.name for path in pictures]
    app.button(key="clear").click().run()
    assert "Upload an image" in texts(app)


def test_who_left_in_the_middle_and_comes_back_finds_it_going_on(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    left = app.session_state["job"]
    left.state, left._done = "cancelled", []  # as after half a minute without a look
    settled(app.run())
    assert app.session_state["job"] is not left
    assert app.session_state["job"].names_done == (pictures[0].name,)
    assert "Cancelled" not in texts(app)


def test_a_zip_of_pictures_with_one_broken_delivers_the_others(model, pictures):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for path in pictures:
            file.writestr(f"plate/{path.name}", path.read_bytes())
        file.writestr("plate/broken.png", pictures[0].read_bytes()[:100])
    app = show("predict")
    upload(app, ("plate.zip", packed.getvalue()))
    assert any("broken.png" in error.value for error in app.error)
    assert len(app.session_state["job"].names_done) == 3


def test_examples_are_those_the_run_was_not_trained_on(model):
    app = show("predict")
    app.segmented_control(key="way").set_value("Examples").run()
    app.button(key="examples-all").click().run()
    settled(app)
    parts = model.run.split()
    held_back = set(parts["val"]) | set(parts["test"])
    assert {name.rpartition(".")[0] for name in app.session_state["job"].names_done} == held_back


@pytest.mark.parametrize("way", OLD_WAYS)
def test_an_address_of_an_older_release_opens_the_same_way(model, way):
    app = show()
    app.switch_page("predict.py")
    app.query_params["way"] = way
    app.run()
    assert not app.exception
    assert app.segmented_control(key="way").value == way


def test_smallest_object_and_pixel_size_change_the_table_without_another_forward_pass(model, pictures, monkeypatch):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    probability = app.session_state["job"].prediction(pictures[0].name).probability
    app.session_state["threshold"] = float(np.quantile(probability, 0.9)) / 255  # cuts it into many pieces
    before = objects_table(app.run())
    monkeypatch.setattr(model_registry, "submit", lambda *_: pytest.fail("a second forward pass"))
    app.number_input(key="min_area").set_value(int(before["area_px2"].median()) + 1).run()
    after = objects_table(app)
    assert 0 < len(after) < len(before)
    assert after["area_px2"].min() > before["area_px2"].median()
    app.number_input(key="pixel_size").set_value(0.5).run()
    assert not app.exception
    in_micrometers = objects_table(app)
    np.testing.assert_allclose(in_micrometers["area_um2"], after["area_px2"] * 0.25)


def test_a_threshold_beside_all_probabilities_is_explained_and_mended(model, pictures):
    app = show("predict")
    app.session_state["threshold"] = 0.99
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    assert "The mask is empty" in texts(app)
    assert "0.0% foreground" in texts(app)
    app.button(key="try-threshold").click().run()
    assert not app.exception
    assert app.session_state["threshold"] < 0.99
    assert "0.0% foreground" not in texts(app)


def test_an_inverted_picture_is_explained_tried_inverted_and_undone(model, pictures):
    image = images.read(pictures[0])[:, :, 0]
    app = show("predict")
    upload(app, ("dark.png", encode_png(255 - image)))
    app.button(key="try-inverted").click().run()
    settled(app)
    assert app.session_state["adjust"] == Adjust(invert=True)
    job = app.session_state["job"]
    turned = job.prediction("dark.png").probability
    assert "inverted" in str(app.get("badge")) or "inverted" in texts(app)
    app.button(key="undo_adjust").click().run()
    settled(app)
    assert app.session_state["adjust"] == Adjust()
    app.button(key="try-inverted").click().run()
    app.file_uploader(key="uploads-1").set_value([("plain.png", encode_png(image), "image/png")]).run()
    settled(app)
    assert "adjust" not in app.session_state, "what was tried on one picture is not done to the next"
    np.testing.assert_array_equal(app.session_state["job"].prediction("plain.png").probability, turned)


def test_all_results_are_those_of_the_pictures(model, pictures):
    app = show("predict")
    upload(app, *((path.name, path.read_bytes()) for path in pictures))
    brought, job = app.session_state["brought"], app.session_state["job"]
    config = checkpoint.load_model(model.folder)[0].config
    work = masks.Work({item.name: item for item in brought.items}, job, model, config, Adjust())
    options = Options(0, False, False, None, ())
    from pages.views.predict import downloads

    data = downloads.make_zip(masks.all_results(work, 0.3, options), ["mask", "coco"])
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        saved = {name: packed.read(name) for name in packed.namelist() if name.endswith(".png")}
        told = json.loads(packed.read("coco.json"))
    assert len(saved) == len(told["images"]) == 3
    for path in pictures:
        mask = images.decode(next(saved[name] for name in saved if path.stem in name), path.name)[:, :, 0]
        np.testing.assert_array_equal(mask > 0, job.prediction(path.name).mask(0.3) > 0)


def test_a_damaged_checkpoint_is_explained(model, pictures):
    weights = model.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    assert any("model.safetensors" in error.value and "damaged" in error.value for error in app.error)


def test_weights_that_are_uploaded_become_the_model_of_the_page(model, pictures, place):
    files = [(path.name, path.read_bytes(), "application/octet-stream") for path in model.folder.iterdir()]
    app = show("predict")
    app.file_uploader(key="weights").set_value(files).run()
    app.button(key="add_model").click().run()
    assert not app.exception
    brought = next((place / "models").iterdir()).name
    assert app.selectbox(key="run").value == brought
    app.file_uploader(key="weights").set_value([("x.safetensors", b"\xff" * 20, "application/octet-stream")]).run()
    app.button(key="add_model").click().run()
    assert any("x.safetensors" in error.value for error in app.error)
