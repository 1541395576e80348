"""Channels on the pages: what is shown of a stack is chosen beside it, and the prediction is not touched by it."""

import json
import shutil

import numpy as np
import pytest

from pages.server import paths, pixel_store
from pages.ui import channels_shown
from tests.helpers.pages import finish_job, show, texts
from tests.helpers.stacks import make_folder, make_stack
from unet_core.io.pixels import composite, default_colors, encode_png
from unet_core.runs import run as runs

TINY = ["--epochs", "1", "--base-channels", "2", "--depth", "1", "--image-size", "32", "--crops-per-image", "1"]


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    """A folder of images with four bands, and a run that was trained on the last and the first of them."""
    from unet_core.cli.parser import main

    folder = make_folder(tmp_path_factory.mktemp("bands") / "data", 4, number=4, dtype=np.uint8)
    runs_dir = folder.parent / "runs"
    assert main(["train", str(folder), "--runs-dir", str(runs_dir), "--channels", "3,0", "--threads", "1", *TINY]) == 0
    return folder, runs.find(runs_dir)[0]


@pytest.fixture
def run(bands, place):
    shutil.copytree(bands[1].folder, place / bands[1].id)
    return runs.Run(place / bands[1].id)


def viewer(app) -> dict:
    """What the page tells the viewer."""
    return next(
        data for data in (json.loads(item.proto.json) for item in app.get("bidi_component")) if "layers" in data
    )


def seen(app) -> np.ndarray:
    """The pixels that the screen gets."""
    return pixel_store.STORE.get(viewer(app)["layers"]["image"]["id"]).shown


def predicted(run, files):
    app = show("predict")
    app.file_uploader(key="uploads-0").set_value(files).run()
    return finish_job(app, "job")


def test_a_stack_is_shown_as_its_channels_are_chosen_and_predicted_once(run, bands):
    path = bands[0] / "images" / "cell_0.tif"
    image, _ = make_stack(4, 0, dtype=np.uint8)
    app = predicted(run, [(path.name, path.read_bytes(), "image/tiff")])
    assert not app.error
    np.testing.assert_array_equal(seen(app), composite(image))
    before, job = viewer(app), app.session_state["job"]
    assert before["channels"] == [[0, "channel 0"], [1, "channel 1"], [2, "channel 2"]]
    assert before["layers"]["image"]["channels"] == 4
    app.multiselect(key="predict-4-channels").set_value([3, 1]).run()
    np.testing.assert_array_equal(seen(app), composite(image, (3, 1), colors=default_colors(2)))
    app.slider(key="predict-4-limits").set_value((10.0, 90.0)).run()
    app.color_picker(key="predict-4-color-2-0-3").pick("#ff8000").run()
    expected = composite(image, (3, 1), (10, 90), [(255, 128, 0), default_colors(2)[1]])
    np.testing.assert_array_equal(seen(app), expected)
    after = viewer(app)
    assert after["channels"] == [[3, "channel 3"], [1, "channel 1"]]
    assert app.session_state["job"] is job
    others = [{name: layer for name, layer in data["layers"].items() if name != "image"} for data in (before, after)]
    assert others[0] == others[1], "the mask and the probability are the same"
    ids = [data["layers"]["image"]["id"] for data in (before, after)]
    assert ids[0] != ids[1]
    assert ids[0][:16] == ids[1][:16], "the browser stays where it is in the image"
    app.multiselect(key="predict-4-channels").set_value([]).run()
    assert not app.exception


def test_another_number_of_channels_is_an_error_that_names_the_image(run, bands):
    path = make_folder(bands[0].parent / "three", 3, number=1, dtype=np.uint8) / "images" / "cell_0.tif"
    app = predicted(run, [(path.name, path.read_bytes(), "image/tiff")])
    told = texts(app).replace("\\", "")
    assert "cell_0.tif: the model takes 2 channels, or the channels 3,0 of 4, but the image has 3 channels" in told


def test_files_with_a_channel_each_are_one_image(run):
    image, _ = make_stack(4, 0, dtype=np.uint8)
    files = [(f"cell_0_000{channel}.png", encode_png(image[:, :, channel]), "image/png") for channel in range(4)]
    app = predicted(run, files)
    assert any(caption.value == "1 image" for caption in app.caption)
    assert "channels of one image: cell_0" in texts(app).replace("\\", "")
    assert viewer(app)["name"] == "cell_0.png"
    np.testing.assert_array_equal(seen(app), composite(image))


def test_evaluate_shows_the_stack_too(run, bands):
    app = finish_job(show("evaluate"), "scoring")
    assert not app.error
    name = viewer(app)["name"]
    image, _ = make_stack(4, int(name[-1]), dtype=np.uint8)
    np.testing.assert_array_equal(seen(app), composite(image))
    app.multiselect(key="evaluate-4-channels").set_value([2]).run()
    np.testing.assert_array_equal(seen(app), composite(image, (2,)))


def test_gray_and_rgb_have_no_such_control(trained, place, sample_folder):
    shutil.copytree(trained.folder, place / trained.id)
    path = sorted((sample_folder / "images").iterdir())[0]
    app = predicted(runs.Run(place / trained.id), [(path.name, path.read_bytes(), "image/png")])
    assert viewer(app)["channels"] is None
    assert not any("channels" in str(item.key) for item in app.multiselect)


def test_the_train_page_previews_stacks(place, bands):
    app = show("train", dataset=paths.library().link(bands[0]).name)
    assert not app.exception
    assert not app.error
    assert "**4 images** with masks" in texts(app)


def test_names_and_colors():
    assert channels_shown.label_of(1, ("DAPI", "GFP")) == "GFP"
    assert channels_shown.label_of(1, ()) == "channel 1"
    assert channels_shown.from_hex("#ff8001") == (255, 128, 1)
