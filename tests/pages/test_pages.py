"""The pages over fabricated run directories, by Streamlit's AppTest: every state is shown, nothing is thrown."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from streamlit.testing.v1 import AppTest

from pages import PAGES
from pages.server import paths
from pages.ui import addresses
from pages.ui.settings import applies, values_of
from pages.views.train import form
from tests.helpers.pages import EPOCH, STARTED, make_run, show, texts
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig
from unet_core.io.pixels import encode_png
from unet_core.models import architecture
from unet_core.runs import run as runs
from unet_core.runs.events import RunFailed, RunFinished, StepFinished, Warned

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", PAGES)
def test_first_visit(page, place):
    app = show(page)
    assert not app.exception
    assert app.title[0].value == ("UNet Studio" if page == "home" else PAGES[page].title)
    assert "Train" in texts(app) or page == "data"  # whose way there is a link


@pytest.mark.parametrize(
    ("events", "badge", "words"),
    [
        ([STARTED, StepFinished(1, 1, 0.9, 0.01)], "interrupted", "stopped unexpectedly"),
        ([STARTED, EPOCH, RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0)], "finished", "0.710"),
        ([STARTED, EPOCH, RunFinished("stopped", 1, 0.71, 0.55, 12.5, 4.0)], "stopped", "0.710"),
        ([STARTED, RunFailed("The loss is nan at step 2; lower lr.")], "failed", "The loss is nan at step 2"),
        ([STARTED, Warned("Skipped: a.png is damaged."), EPOCH], "interrupted", "a.png is damaged"),
    ],
)
def test_train_shows_each_state(events, badge, words, place, sample_folder):
    make_run(place, sample_folder, *events)
    app = show("train")
    assert not app.exception
    everything = texts(app) + " ".join(metric.value for metric in app.metric)
    assert words in everything
    assert badge in " ".join(markdown.value for markdown in app.markdown)
    assert [button.label for button in app.button if button.label == "Resume"] == (
        ["Resume"] if badge in ("interrupted", "failed") else []
    )


def test_train_shows_a_running_run_and_its_stop_button(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, StepFinished(1, 1, 0.9, 0.01))
    hold = "import sys, filelock\nwith filelock.FileLock(sys.argv[1]):\n    print(1, flush=True)\n    input()"
    command = [sys.executable, "-c", hold, str(run.folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as trainer:
        trainer.stdout.readline()
        app = show("train")
        assert not app.exception
        stop = next(button for button in app.button if button.key == "stop")
        start = next(button for button in app.button if button.key == "start")
        assert start.label == "Add to the queue" and not start.disabled
        assert run.id in start.help.replace("\\", "")
        stop.click().run()
        assert run.stop_requested()
        assert next(button for button in app.button if button.key == "stop").disabled
        trainer.communicate(b"\n")
    app.run()
    assert "interrupted" in " ".join(markdown.value for markdown in app.markdown)


def test_a_torn_last_event_is_passed_over(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH)
    with run.events.open("ab") as file:
        file.write(b'{"seq": 3, "time": 1.0, "ty')
    app = show("train")
    assert not app.exception
    assert "0.710" in [metric.value for metric in app.metric]


def test_a_folder_without_masks_is_explained_and_not_started(place, tmp_path):
    (tmp_path / "mine").mkdir()
    app = show("train", dataset=paths.library().link(tmp_path / "mine").name)
    assert not app.exception
    assert "no images with masks were found" in app.error[0].value
    assert next(button for button in app.button if button.key == "start").disabled
    assert runs.find(place) == []


def test_settings_that_contradict_each_other_are_explained(place):
    app = show("train")
    app.number_input(key="image_size").set_value(16).run()
    assert not app.exception
    assert "Crop size 16 is too small for depth 4" in app.error[0].value.replace("\\", "")
    assert next(button for button in app.button if button.key == "start").disabled


def test_a_menu_entry_for_every_setting_that_applies(place):
    app = show("train")
    keys = {widget.key for widget in [*app.number_input, *app.selectbox, *app.toggle, *app.text_input]}
    defaults = values_of(RunConfig())
    applying = {name for name in defaults if applies(name, defaults)}
    assert applying - set(form.ELSEWHERE) == keys & set(defaults)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_sets_the_form_and_the_architecture_is_drawn(name, place):
    app = show("train")
    app.selectbox(key="preset").set_value(name).run()
    assert not app.exception
    chosen = get_preset(name)
    assert app.selectbox(key="norm").value == chosen.model.norm
    assert app.number_input(key="base_channels").value == chosen.model.base_channels
    assert app.number_input(key="lr").value == chosen.train.lr
    app.session_state["view"] = "Model"
    app.run()
    assert not app.exception and not app.error
    shown = {metric.label: metric.value for metric in app.metric}
    model = dataclasses.replace(
        chosen.model, in_channels=chosen.model.in_channels or 3, num_classes=chosen.model.num_classes or 1
    )
    assert shown["Parameters"] == f"{architecture.parameter_count(model):,}"
    assert shown["Receptive field"] == f"{architecture.receptive_field(model)} px"


def test_augmented_crops_of_the_users_images(place):
    app = show("train")
    app.session_state["view"] = "Augmentation"
    app.selectbox(key="augment").set_value("light").run()
    assert not app.exception and not app.error
    assert sum(element.type == "image" for element in app.main) == 3 * 5 + 4


def test_home_lists_runs_with_their_scores(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH)
    app = show()
    assert not app.exception
    table = app.dataframe[0].value
    assert list(table["Run"]) == [f"/train?run={run.id}"]
    assert list(table["Best Dice"]) == [0.71]
    assert [list(curve) for curve in table["Dice"]] == [[0.71]]
    assert list(table["Predict"]) == [None], "there is no checkpoint to predict with"
    run.best.mkdir(parents=True)
    table = show().dataframe[0].value
    assert list(table["Predict"]) == [f"/predict?model={run.id}"]
    assert list(table["Evaluate"]) == [f"/evaluate?model={run.id}"]


def test_home_shows_the_run_that_trains(place, sample_folder, monkeypatch):
    run = make_run(place, sample_folder, STARTED, *(StepFinished(1, n, 1.0 / n, 0.01) for n in (1, 2, 3)), EPOCH)
    with FileLock(run.folder / "lock"):
        app = show()
        assert not app.exception
        assert {metric.label: metric.value for metric in app.metric} == {"Validation Dice": "0.710", "Loss": "0.333"}
        assert app.get("progress")[0].proto.value == 50
        opened = next(link.proto for link in app.get("page_link") if link.proto.label == "Open")
        assert opened.query_string == f"model={run.id}"
        monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
        assert not show().get("progress"), "strangers do not see it there"
    monkeypatch.delenv("UNET_STUDIO_PUBLIC")
    assert not show().get("progress")


def test_home_shows_runs_whatever_their_folder_is_called(place, sample_folder):
    run = make_run(place, sample_folder, STARTED, EPOCH)
    run.folder.rename(place / "from a colleague")
    make_run(place, sample_folder)  # one that never began
    app = show()
    assert not app.exception
    assert "/train?run=from a colleague" in list(app.dataframe[0].value["Run"])


def test_app_main_home_and_train_import_no_torch(place, tmp_path):
    script = (
        "import os, sys; from streamlit.testing.v1 import AppTest; import app\n"
        "here = os.getcwd() + '/pages/'\n"
        "at = AppTest.from_file(here + 'main.py', default_timeout=60).run(); assert not at.exception\n"
        "at.switch_page(here + 'train.py').run(); assert not at.exception and at.title[0].value == 'Train'\n"
        "sys.exit(' '.join({'torch', 'albumentations'} & set(sys.modules)) or 0)"
    )
    environment = os.environ | {"UNET_SAMPLE": str(tmp_path / "sample")}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_weights_from_elsewhere_become_a_model(place, tmp_path, sample_folder):
    import torch

    from tests.core.models.test_milesial import weights

    torch.save(weights(bilinear=False), tmp_path / "w.pth")
    app = show("predict")
    assert "no model yet" in texts(app)
    app.file_uploader(key="weights").set_value(("../carvana one.pth", b"just text", "")).run()
    app.button(key="add_model").click().run()
    assert not app.exception
    assert "not a file of PyTorch weights" in app.error[0].value
    app.file_uploader(key="weights").set_value(("../carvana one.pth", (tmp_path / "w.pth").read_bytes(), "")).run()
    app.button(key="add_model").click().run()
    assert not app.exception
    assert app.selectbox(key="run").options == ["carvana_one"]
    assert [path.name for path in (place / "models").iterdir()] == ["carvana_one"]
    image = next((sample_folder / "images").iterdir())
    app.file_uploader(key="uploads-0").set_value([(image.name, image.read_bytes(), "image/png")]).run()
    assert app.session_state["job"].wait(120)
    assert not app.run().exception and not app.error
    assert app.session_state["job"].prediction(image.name).num_classes == 2


def picture(path: Path, height: int = 20, width: int = 20, gray: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(np.full((height, width), gray, np.uint8)))


def without_a_mask(root: Path) -> None:
    picture(root / "images" / "a.png")
    picture(root / "images" / "lonely.png")
    picture(root / "masks" / "a.png")


def with_another_size(root: Path) -> None:
    picture(root / "images" / "a.png")
    picture(root / "masks" / "a.png", height=10)


def with_a_broken_picture(root: Path) -> None:
    picture(root / "masks" / "broken.png")
    (root / "images").mkdir()
    (root / "images" / "broken.png").write_bytes((root / "masks" / "broken.png").read_bytes()[:40])


def with_a_text_file(root: Path) -> None:
    picture(root / "masks" / "notes.png")
    (root / "images").mkdir()
    (root / "images" / "notes.png").write_text("just text")


@pytest.mark.parametrize(
    ("plant", "words"),
    [
        (lambda root: None, "It is empty"),
        (without_a_mask, "1 of 2 images has no mask: lonely.png"),
        (with_another_size, "the mask is 20 x 10 pixels, its image a.png is 20 x 20"),
        (with_a_broken_picture, "broken.png"),
        (with_a_text_file, "notes.png: not a supported image file"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_by_name(plant, words, place, tmp_path):
    root = tmp_path / "data"
    root.mkdir()
    plant(root)
    app = show("train", dataset=paths.library().link(root).name)
    assert not app.exception
    said = "\n".join(element.value for element in [*app.error, *app.warning]).replace("\\", "")
    assert words in said
    assert "Traceback" not in said


OLD = json.loads((ROOT / "tests" / "golden" / "addresses_0_1.json").read_text())


@pytest.mark.parametrize(
    ("old", "value", "key"), [("optimiser", "sgd", "optimizer"), ("normalisation", "unit", "normalization")]
)
def test_an_address_of_release_0_1_sets_the_same_setting(old, value, key, place):
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.switch_page(str(ROOT / "pages" / "train.py"))
    app.query_params[old] = value
    app.run()
    assert not app.exception
    assert app.selectbox(key=key).value == value
    assert old not in app.query_params
    assert app.query_params[key] == value


def test_a_value_of_an_old_address_that_does_not_exist_is_ignored(place):
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.switch_page(str(ROOT / "pages" / "train.py"))
    app.query_params["optimiser"] = "magic"
    app.run()
    assert not app.exception
    assert app.selectbox(key="optimizer").value == "adamw"


@pytest.mark.parametrize("view", OLD["/train"]["view"])
def test_every_view_of_release_0_1_is_still_reached_by_its_address(view, place):
    app = AppTest.from_file(str(ROOT / "pages" / "main.py"), default_timeout=60).run()
    app.switch_page(str(ROOT / "pages" / "train.py"))
    app.query_params["view"] = view
    app.run()
    assert not app.exception
    shown = app.session_state["view"]
    assert shown == addresses.VALUES.get("view", {}).get(view, view)


@pytest.mark.parametrize(("name", "value"), [("view", "The net"), ("optimiser", "sgd")])
def test_an_old_address_in_a_session_that_has_the_page_open(name, value, place):
    app = show("train")
    app.session_state["view"], app.session_state["optimizer"] = "Sweep", "adam"
    app.run()
    for old in list(app.query_params):  # a link replaces the whole query
        del app.query_params[old]
    app.query_params[name] = value
    app.run()
    assert not app.exception
    assert (app.session_state["view"] == "Model") == (name == "view")
    assert (app.session_state["optimizer"] == "sgd") == (name == "optimiser")
