"""The form of Train: what follows the plan, what stays as set, search, resets, and what Start launches."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.server import paths
from pages.server.datasets.fingerprints import find_fingerprint
from pages.server.datasets.reading import find_reading
from pages.server.lru import LRU
from pages.ui import form_state
from pages.views.train.settings.sections import FIRST, matches
from tests.helpers.pages import make_run, show, texts
from tests.pages.test_before_start import other
from unet_core.config.labels import fields_by_name, in_words, label_of
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import fingerprint
from unet_core.data.recipe.recipe import Recipe
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs

OPTIONS = form_state.options()


def write_nuclei(root: Path) -> Path:
    """25 images of 96 x 96 pixels with a few disks, and their masks; returns the folder."""
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    rows, columns = np.mgrid[:96, :96]
    for number in range(25):
        draws = np.random.default_rng(number)
        mask = np.zeros((96, 96), bool)
        for row, column in draws.integers(12, 84, (4, 2)):
            mask |= (rows - row) ** 2 + (columns - column) ** 2 < 64
        image = np.where(mask, 180, 40) + draws.integers(0, 30, mask.shape)
        (root / "images" / f"{number:02}.png").write_bytes(encode_png(image.astype(np.uint8)))
        (root / "masks" / f"{number:02}.png").write_bytes(encode_png((255 * mask).astype(np.uint8)))
    return root


@pytest.fixture(scope="module")
def nuclei(tmp_path_factory) -> Path:
    return write_nuclei(tmp_path_factory.mktemp("own") / "nuclei")


@pytest.fixture
def own(place, nuclei) -> str:
    """The name of that dataset in the list."""
    return paths.library().link(nuclei).name


@pytest.fixture
def started(place, sample_folder, monkeypatch) -> list[RunConfig]:
    """The settings that Start gave."""
    configs: list[RunConfig] = []
    run = make_run(place, sample_folder)
    monkeypatch.setattr("unet_core.training.launch.launch", lambda config, folder: configs.append(config) or run)
    return configs


def widgets_of(app):
    return {widget.key: widget for widget in [*app.number_input, *app.selectbox, *app.toggle, *app.text_input]}


def shown(app) -> dict[str, object]:
    """What the widgets of the settings show, as values of settings."""
    values = {name: widget.value for name, widget in widgets_of(app).items() if name in OPTIONS}
    return {name: form_state._decode(OPTIONS[name], value) for name, value in values.items()}


def line(app) -> str:
    """The line above Start."""
    lines = (item.value.replace("\\", "") for item in app.caption)
    return next(text for text in lines if " px crop" in text and "epoch" in text)


def style(app) -> str:
    """The style sheets of the page, which mark what is changed."""
    return "\n".join(element.proto.body for element in app.get("html"))


def press(app, key: str):
    app.button(key=key).click().run()
    assert not app.exception
    return app


def launched(app, started) -> dict[str, object]:
    press(app, "start")
    config = started[-1]
    return {name: getattr(getattr(config, option.section), name) for name, option in OPTIONS.items()}


def test_the_plan_is_the_default_for_a_dataset_of_ones_own(own, started):
    app = show("train", dataset=own)
    assert not app.exception and not app.error
    values = shown(app)
    assert (values["epochs"], values["image_size"], values["batch_size"]) == (80, 96, 4)
    assert line(app).startswith("Suggested: 80 epochs, 96 px crops")
    assert "reset_all" not in [button.key for button in app.button], "nothing was changed"
    assert not {"epochs", "image_size", "plan"} & set(app.query_params)
    config = launched(app, started)
    assert (config["epochs"], config["image_size"], config["batch_size"]) == (80, 96, 4)


def test_the_sample_keeps_the_measured_defaults_unless_asked(place):
    app = show("train")
    assert shown(app)["epochs"] == 15 and "Suggested" not in line(app)
    press(app, "plan_on")
    assert app.query_params["plan"] == "on"
    assert "plan" in line(app) or "Suggested" in line(app)


def test_what_is_changed_stays_and_the_rest_follows_the_dataset(own, place, sample_folder, tmp_path):
    few = paths.library().link(shutil.copytree(sample_folder, tmp_path / "few")).name
    app = show("train", dataset=own)
    app.number_input(key="epochs").set_value(40).run()
    assert line(app).startswith("40 epochs (plan: 80), 96 px crops")
    assert app.query_params["epochs"] == "40"
    before = shown(app)
    app.selectbox(key="dataset").set_value(few).run()
    assert not app.exception
    after = shown(app)
    assert after["epochs"] == 40 and "epochs (plan: " in line(app)
    assert after["image_size"] != before["image_size"], "an untouched one follows the plan"
    app.selectbox(key="dataset").set_value("Built-in sample").run()
    assert shown(app)["epochs"] == 40 and shown(app)["image_size"] == 128


def test_the_plan_follows_what_it_depends_on(own):
    app = show("train", dataset=own)
    app.number_input(key="batch_size").set_value(2).run()
    assert shown(app)["epochs"] == 40, "twice the steps an epoch"
    assert "1 more differs from the plan" in line(app)
    press(app, "reset-batch_size")
    assert shown(app)["epochs"] == 80 and line(app).startswith("Suggested: ")


def test_an_address_wins_over_the_plan_also_where_it_says_the_general_default(own, started):
    app = show("train", dataset=own, epochs="15", lr="0.01")
    values = shown(app)
    assert (values["epochs"], values["lr"], values["image_size"]) == (15, 0.01, 96)
    assert line(app).startswith("15 epochs (plan: 80)")
    assert app.query_params["epochs"] == "15"
    assert launched(app, started)["epochs"] == 15


def test_general_defaults_and_back(own):
    app = show("train", dataset=own, lr="0.01")
    press(app, "plan_off")
    values = shown(app)
    assert (values["epochs"], values["image_size"], values["batch_size"], values["lr"]) == (15, 128, 16, 0.01)
    assert line(app).startswith("15 epochs, 128 px crops") and "plan" not in line(app)
    again = show("train", **app.query_params)
    assert shown(again) == values, "the address keeps it"
    press(app, "plan_on")
    assert shown(app)["epochs"] == 80 and shown(app)["lr"] == 0.01


def test_a_preset_wins_over_the_plan(own):
    app = show("train", dataset=own)
    assert app.selectbox(key="preset_or_plan").value is None, "the plan is in use"
    app.selectbox(key="preset_or_plan").set_value("carvana").run()
    assert not app.exception
    values = shown(app)
    assert (values["epochs"], values["image_size"], values["batch_size"]) == (15, 160, 16)
    assert app.selectbox(key="preset").value == "carvana"


def test_a_copied_run_wins_over_the_plan(own, place, nuclei):
    config = RunConfig().replace(root=str(nuclei), epochs=15, lr=0.02)
    runs.create(place, config)
    app = show("train", view="Runs", dataset=own)
    app.session_state["runs_table"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    press(app, "run_copy")
    values = shown(app)
    assert {name: values[name] for name in ("epochs", "image_size", "batch_size", "lr")} == {
        "epochs": 15,
        "image_size": 128,
        "batch_size": 16,
        "lr": 0.02,
    }


def test_what_start_launches_is_what_the_form_shows(own, started):
    app = show("train", dataset=own)
    wanted = {name: other(option) for name, option in OPTIONS.items() if name not in ("recipe", "init", "series")}
    wanted |= {"device": "cpu", "precision": "fp32", "in_channels": 0, "channels": "", "num_classes": 1, "depth": 2}
    wanted |= {"image_size": 64, "deep_supervision": False, "class_names": "", "color_map": "", "group_by": "none"}
    wanted |= {"layout": "paired", "labels": "classes", "loss": "focal_dice", "schedule": "plateau", "padding": "same"}
    wanted |= {"ignore_index": 7, "unlabeled": "leave_out", "normalization": "unit", "encoder": "plain"}
    wanted |= {"folds": 4, "fold": 3, "train_share": 0.5}
    for values in ({}, wanted):
        for name, value in values.items():
            app.session_state[name] = form_state.encode(OPTIONS[name], value)
        app.run()
        assert not app.exception and not app.error
        config, form = launched(app, started), shown(app)
        assert len(form) > 40
        assert {name: config[name] for name in form} == form
        assert {name: config[name] for name in values if name in form} == {
            name: value for name, value in values.items() if name in form
        }
    assert {"focal_gamma", "plateau_patience"} <= set(form), "those of the chosen loss and schedule were among them"


def test_zeros_that_mean_something_are_words(place, started):
    app = show("train")
    fields = widgets_of(app)
    for name, words in (("crops_per_image", "Auto"), ("clip_norm", "Off"), ("patience", "Off"), ("threads", "Auto")):
        assert fields[name].value is None and fields[name].placeholder == words
    assert fields["class_names"].placeholder == "From the dataset"
    assert app.selectbox(key="loss").options[:2] == ["Auto (cross-entropy + Dice)", "Binary cross-entropy"]
    app.number_input(key="patience").set_value(5).run()
    assert launched(app, started)["patience"] == 5
    app.number_input(key="patience").set_value(None).run()
    assert launched(app, started)["patience"] == 0 and "patience" not in app.query_params
    app.number_input(key="clip_norm").set_value(0.0).run()
    assert launched(app, started)["clip_norm"] == 0.0


def test_changed_settings_are_marked_counted_and_reset(place):
    app = show("train")
    app.number_input(key="epochs").set_value(7).run()
    app.number_input(key="clip_norm").set_value(1.0).run()
    app.selectbox(key="optimizer").set_value("sgd").run()
    assert not app.exception
    labels = {button.key: button.label for button in app.button if (button.key or "").startswith("reset")}
    assert labels == {
        "reset_all": "Reset all (3)",
        "reset-epochs": "Reset to 15",
        "reset-clip_norm": "Reset to Off",
        "reset-optimizer": "Reset to AdamW",
    }
    assert '.st-key-section_train summary p::after { content: " · 2 changed"; }' in style(app)
    assert ".st-key-setting-epochs {" in style(app) and ".st-key-section_model" not in style(app)
    press(app, "reset-clip_norm")
    assert shown(app)["clip_norm"] == 0 and shown(app)["epochs"] == 7
    press(app, "reset_all")
    assert shown(app) == shown(show("train"))
    assert set(app.query_params) <= {"view"}


def test_a_search_shows_what_matches_wherever_it_is(place):
    app = show("train")
    keys = [element.key for element in app.main if getattr(element, "key", None) in OPTIONS]
    assert tuple(keys[:8]) == FIRST
    app.text_input(key="find_setting").set_value("learning rate schedule").run()
    assert set(shown(app)) == {"schedule"}
    app.text_input(key="find_setting").set_value("peak").run()
    assert set(shown(app)) == {"lr"}, "by its description"
    app.number_input(key="lr").set_value(0.02).run()
    app.text_input(key="find_setting").set_value("elastic").run()
    assert set(shown(app)) == {"augment"}, "by what an option says"
    app.text_input(key="find_setting").set_value("clip_norm").run()
    assert set(shown(app)) == {"clip_norm"}, "by the name on the command line"
    app.text_input(key="find_setting").set_value("zzz").run()
    assert shown(app) == {} and "No setting matches zzz" in texts(app)
    app.text_input(key="find_setting").set_value("").run()
    assert shown(app)["lr"] == 0.02


def test_every_setting_is_found_by_its_label_and_says_its_default(place):
    for name, option in OPTIONS.items():
        assert matches(option, option.noun) and matches(option, name)
    helps = {key: widget.help for key, widget in widgets_of(show("train")).items() if key in OPTIONS}
    assert "Default: 15. Name: `epochs`." in helps["epochs"]
    assert "**Binary cross-entropy + Dice** (`bce_dice`)" in helps["loss"]


def test_help_names_both_defaults(own):
    app = show("train", dataset=own)
    assert "Suggested for this dataset: 80. General default: 15." in app.number_input(key="epochs").help


def test_a_choice_that_no_menu_offers_is_left_out():
    def script() -> None:
        import streamlit as st

        from pages.ui import form_state

        form_state.read()
        st.session_state["loss"] = "20261128-000000-run"  # as from a message that somebody wrote by hand
        form_state.read()
        st.text(form_state.value_of("loss"))
        st.text(form_state.prepare(form_state.options()["loss"]))

    app = AppTest.from_function(script).run()
    assert not app.exception and [text.value for text in app.text] == [OPTIONS["loss"].default] * 2


def test_a_plan_that_takes_long_leaves_the_page_and_start_waits(own, nuclei, monkeypatch):
    go_on, real = threading.Event(), fingerprint.measure_samples
    monkeypatch.setattr(fingerprint, "measure_samples", lambda *few, **more: go_on.wait(60) and real(*few, **more))
    monkeypatch.setattr("pages.server.datasets.fingerprints._JOBS", LRU(4))
    monkeypatch.setattr("pages.views.train.dataset.QUICK_SECONDS", 0)
    monkeypatch.setattr("pages.server.datasets.reading.FRESH_SECONDS", 600.0)  # a busy machine reads nothing anew
    data = DataConfig(root=str(nuclei.resolve()))
    assert find_reading(data, 0).wait(60)
    app = show("train", dataset=own)
    assert not app.exception
    assert "Making the plan" in app.get("progress")[0].proto.text
    assert app.button(key="start").disabled and shown(app)["epochs"] == 15
    assert "Suggested" not in texts(app).replace("Suggestions", "")
    go_on.set()
    assert find_fingerprint(data, 0, Recipe()).wait(60)
    app.run()
    assert not app.get("progress") and not app.button(key="start").disabled
    assert shown(app)["epochs"] == 80


def test_a_device_that_is_not_there_is_refused_before_start(place, monkeypatch):
    monkeypatch.setattr("unet_core.planning.devices.find_devices", lambda: ("cpu",))
    app = show("train", device="cuda")
    assert not app.exception
    [error] = app.error
    assert "Device 'cuda' is not available; available: cpu. Use 'auto'." in error.value.replace("\\", "")
    assert app.button(key="start").disabled and app.button(key="check").disabled
    app.selectbox(key="device").set_value("auto").run()
    assert not app.error and not app.button(key="start").disabled
    app.selectbox(key="precision").set_value("fp16").run()
    assert "needs a CUDA device" in app.error[0].value


def test_messages_call_settings_as_the_form_does():
    assert in_words("Expected image_size to be 8 or more.") == "Expected crop size to be 8 or more."
    assert {option.label for option in fields_by_name().values() if "_" in option.label} == set()
    assert label_of("num_classes") == "Number of classes"
