"""The Predict page with a model that was really trained: in, see, measure, why, out."""

import io
import json
import shutil
import zipfile
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
from streamlit.testing.v1 import AppTest

from pages.components import viewer
from pages.server import model_registry
from pages.server.uploads.store import UploadStore
from pages.views.predict import address, masks
from pages.views.predict.options import Options
from tests.helpers.pages import ROOT, finish_job, show, texts
from unet_core.inference.adjustments import Adjust
from unet_core.inference.prediction import Prediction
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
    assert app.button(key="to_train").label == "Train a model"


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
    assert "Canceled" not in texts(app)


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


def reload(app, **more: str):
    """A new session with the address that the page has, as after F5 or for who got the link."""
    again = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60)
    again.switch_page(str(ROOT / "pages" / "predict.py"))
    for name, value in app.query_params.items():
        again.query_params[name] = value
    again.query_params.update(more)
    return settled(again.run())


def test_a_reload_finds_uploads_threshold_image_options_and_view(model, pictures):
    app = show("predict")
    upload(app, *((path.name, path.read_bytes()) for path in pictures))
    app.session_state["shown"] = pictures[1].name
    app.session_state["threshold"] = 0.25
    view = viewer.ViewSettings(threshold=0.25, opacity=0.8, mode="heat", style="both", gamma=2, inverted=True)
    settings = asdict(view) | {"count": 1, "limits": [3, 200.5], "hidden": [1]}
    app.session_state["_overlay viewer"]["view"] = viewer.ViewSettings(**viewer.valid_settings(settings))
    settled(app.run())
    again = reload(app, min_area="7")  # a bound widget, whose value the browser puts there
    assert [item.name for item in again.session_state["brought"].items] == [path.name for path in pictures]
    assert again.session_state["shown"] == pictures[1].name
    assert again.session_state["threshold"] == 0.25
    assert again.number_input(key="min_area").value == 7
    restored = again.session_state["_overlay viewer"]["view"]
    assert restored == app.session_state["_overlay viewer"]["view"]
    assert (restored.mode, restored.limits, restored.hidden) == ("heat", (3, 200.5), (1,))
    first, second = (shown.session_state["job"].prediction(pictures[1].name) for shown in (app, again))
    np.testing.assert_array_equal(first.probability, second.probability)
    assert "3 images" in texts(again)


def test_a_remedy_that_was_tried_is_in_the_address_too(model, pictures):
    app = show("predict")
    upload(app, ("dark.png", encode_png(255 - images.read(pictures[0])[:, :, 0])))
    app.button(key="try-inverted").click().run()
    settled(app)
    assert reload(app).session_state["adjust"] == Adjust(invert=True)


@pytest.mark.parametrize(
    "adjust", [Adjust(), Adjust(swap=True, scale=0.25), Adjust(stretch=True, invert=True), Adjust(scale=2)]
)
def test_an_adjustment_is_read_as_it_is_written(adjust):
    text = address.encode_adjust(adjust)
    assert address.decode_adjust(text or "") == adjust
    assert (text is None) == (not adjust)


@pytest.mark.parametrize("text", ["scale=0", "scale=abc", "scale=1e9", "delete", "invert=,scale=nan", "<b>"])
def test_what_is_no_adjustment_is_none(text):
    assert address.decode_adjust(text) in (Adjust(), Adjust(invert=True))


def test_areas_in_place_of_the_usual_outlines_are_kept_too(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    assert app.session_state["_overlay viewer"]["view"].style == "outline"
    assert "style" not in app.query_params
    assert reload(app, style="fill").session_state["_overlay viewer"]["view"].style == "fill"


def test_nonsense_in_the_address_is_ignored(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    again = reload(
        app, threshold="7", mode="delete", opacity="x", limits="9,1", gamma="inf", image="other", color="#12"
    )
    assert again.session_state["threshold"] == 0.5
    assert again.session_state["_overlay viewer"]["view"] == viewer.ViewSettings(style="outline")


def test_uploads_lie_on_the_disk_alone(model, pictures, place):
    app = show("predict")
    upload(app, *((path.name, path.read_bytes()) for path in pictures))
    kept = app.session_state["upload"]
    assert [path.read_bytes() for _, path in kept.files] == [path.read_bytes() for path in pictures]
    assert all(place / "uploads" in path.parents for _, path in kept.files)
    assert all(isinstance(item.file.content(), Path) for item in app.session_state["brought"].items)
    assert app.file_uploader(key="uploads-1").value in (None, [])  # and Streamlit holds no copy of them
    app.button(key="clear").click().run()
    assert "Upload an image" in texts(app) and "upload" not in app.query_params
    app.button(key="dismiss-cleared images-1").click().run()  # "Delete now"
    assert list((place / "uploads").iterdir()) == []


def test_cleared_images_come_back_by_undo(model, pictures, place):
    app = show("predict")
    upload(app, *((path.name, path.read_bytes()) for path in pictures))
    kept = app.session_state["upload"]
    app.session_state["shown"] = pictures[1].name
    app.run()
    app.button(key="clear").click().run()
    assert "Images cleared" in texts(app)
    app.button(key="undo-cleared images-1").click().run()
    settled(app)
    assert app.session_state["upload"] == kept and app.query_params["upload"] in (kept.key, [kept.key])
    assert app.selectbox(key="shown").options == [path.name for path in pictures]
    app.button(key="clear").click().run()
    store = UploadStore(place / "uploads")
    store.remove(kept.key)
    app.button(key="undo-cleared images-1").click().run()
    assert not app.exception and "no longer on the server" in texts(app)


def test_new_uploads_take_the_place_of_cleared_ones_on_the_disk(model, pictures, place):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    app.button(key="clear").click().run()
    number = app.session_state["intake_number"]
    app.file_uploader(key=f"uploads-{number}").set_value([("b.png", pictures[1].read_bytes(), "image/png")]).run()
    settled(app)
    assert [path.name for path in (place / "uploads").iterdir()] == [app.session_state["upload"].key]
    assert "Images cleared" not in texts(app)


def test_an_upload_that_is_gone_is_told(model, pictures, place):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    shutil.rmtree(place / "uploads")
    again = reload(app)
    assert "The images of this address are no longer on the server" in texts(again)
    assert "upload" not in again.query_params
    assert "no longer on the server" in texts(app.run())  # also where the page was open all the time
    upload_again = (
        again.file_uploader(key="uploads-0").set_value([("b.png", pictures[1].read_bytes(), "image/png")]).run()
    )
    settled(upload_again)
    assert "no longer on the server" not in texts(again)


def test_who_has_not_got_the_key_reaches_nothing(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    key = app.session_state["upload"].key
    for other in (key[:-1] + ("A" if key[-1] != "A" else "B"), "../uploads/" + key, "", "*"):
        stranger = reload(app, upload=other)
        assert "brought" not in stranger.session_state
        assert pictures[0].stem not in texts(stranger)


def test_examples_are_there_after_a_reload_too(model):
    app = show("predict")
    app.button(key="try_examples").click().run()
    settled(app)
    shown = app.session_state["job"].names_done
    assert len(shown) > 1
    assert reload(app).session_state["job"].names_done == shown


def test_more_files_join_those_that_are_there_and_the_new_one_is_shown(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    app.file_uploader(key="uploads-1").set_value([(pictures[1].name, pictures[1].read_bytes(), "image/png")]).run()
    settled(app)
    assert app.session_state["job"].names_done == (pictures[0].name, pictures[1].name)
    assert app.selectbox(key="shown").value == pictures[1].name


def test_an_image_is_removed_and_comes_back(model, pictures):
    app = show("predict")
    upload(app, *((path.name, path.read_bytes()) for path in pictures))
    app.session_state["shown"] = pictures[1].name
    app.run()
    app.button(key="remove_image").click().run()
    settled(app)
    left = [pictures[0].name, pictures[2].name]
    assert app.selectbox(key="shown").options == left
    app.button(key="undo-removed image-1").click().run()
    settled(app)
    assert app.selectbox(key="shown").options == [path.name for path in pictures]
    assert app.selectbox(key="shown").value == pictures[1].name
    app.button(key="remove_image").click().run()
    settled(app)
    again = reload(app)
    assert again.selectbox(key="shown").options == left
    again.button(key="undo_remove").click().run()
    settled(again)
    assert again.selectbox(key="shown").options == [path.name for path in pictures]


def test_files_that_are_no_images_are_named_and_not_counted(model, pictures):
    app = show("predict")
    upload(app, (pictures[0].name, pictures[0].read_bytes()), ("empty.png", b""), ("notes.png", b"just text"))
    assert "1 image, 2 that cannot be predicted" in texts(app)
    told = [error.value.replace("\\", "") for error in app.error]
    assert any("empty.png: empty (0 bytes)" in message for message in told)
    assert app.session_state["job"].names_done == (pictures[0].name,)


def test_the_strip_shows_a_page_of_thumbnails_with_whole_names(model, pictures):
    many = {
        f"a rather long name of an image {number:03}.png": np.full((9, 9), number, np.uint8) for number in range(30)
    }
    app = show("predict")
    upload(app, *((name, encode_png(pixels)) for name, pixels in many.items()))
    names = list(many)

    def shown() -> list[str]:
        return [button.help.replace("\\", "") for button in app.button if button.key.startswith("open-")]

    assert shown() == names[:12]
    app.button(key="strip_on").click().run()
    assert shown() == names[12:24]
    assert app.selectbox(key="shown").value == names[0]  # to look at other thumbnails opens none
    app.button(key="open-14").click().run()
    assert app.selectbox(key="shown").value == names[14]
    app.selectbox(key="shown").set_value(names[29]).run()
    assert shown() == names[24:]
    assert app.button(key="strip_on").disabled


def test_the_side_folds_away_when_there_is_a_result_and_comes_back(model, pictures):
    def is_folded() -> bool:
        return any("st-key-side" in item.proto.body and "display: none" in item.proto.body for item in app.get("html"))

    app = show("predict")
    assert not is_folded()
    upload(app, (pictures[0].name, pictures[0].read_bytes()))
    assert is_folded()
    app.button(key="toggle_side").click().run()
    assert not is_folded()
    app.button(key="toggle_side").click().run()
    assert is_folded()
    assert app.number_input(key="min_area")  # folded widgets keep their values


def street_prediction(name: str) -> Prediction:
    """Sky, buildings and a road of one class each, without a background."""
    classes = np.zeros((30, 40), np.uint8)
    classes[10:20, :20], classes[10:20, 20:], classes[20:] = 1, 2, 3
    plain = np.full((30, 40), 200, np.uint8)
    return Prediction(4, uncertainty=255 - plain, classes=classes, confidence=plain, name=name)


def scene_page() -> None:
    import numpy as np
    import streamlit as st

    from pages.views.predict import image_viewer, measurements
    from tests.pages.test_predict import street_prediction
    from unet_core.export.result import Result

    prediction = street_prediction("street")
    names = ("sky", "building", "tree", "road")
    result = Result("street", np.zeros((30, 40, 3), np.uint8), prediction.classes, 4, class_names=names)
    image_viewer.show(result, prediction, "street.png", 0.5, None, "street")
    image_viewer.show_caption(result, "")
    measurements.show(result, None, ("street",))
    st.session_state["measured"] = "objects" in result.__dict__


def test_a_scene_has_areas_of_classes_and_objects_only_when_asked_for():
    app = AppTest.from_function(scene_page).run()
    assert not app.exception
    assert "40 x 30 pixels · sky 33% · road 33% · building 17% · tree 17%" in texts(app)
    assert "No objects are counted" in texts(app)
    assert not app.session_state["measured"]
    assert list(app.dataframe[0].value["class"]) == ["sky", "road", "building", "tree"]
    app.toggle(key="measure_regions").set_value(True).run()
    assert not app.exception
    assert "3 objects" in texts(app)


def test_trained_models_of_others_are_named_where_they_can_be_added(place, monkeypatch):
    text = "[Download the file](https://github.com/mateuszbuda/brain-segmentation-pytorch/releases/download/v1.0/"
    assert any(text in caption.value for caption in show("predict").caption)
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    assert not any(text in caption.value for caption in show("predict").caption)
