"""The dataset in the form of Train: its repairs, the settings that it fixes, and how a slow folder is read."""

import shutil
import threading
from pathlib import Path

import pytest

from pages.server import paths
from pages.server.datasets import reading as dataset_reading
from pages.server.datasets.fingerprints import find_fingerprint
from pages.server.datasets.reading import DatasetReading, find_reading
from tests.helpers.pages import make_run, show, texts
from unet_core.config.schema import DataConfig
from unet_core.data import discovery
from unet_core.data.recipe import recipe as recipes
from unet_core.data.recipe import recipes as recipe_files
from unet_core.data.recipe.recipe import Recipe, make_repair


@pytest.fixture
def cells(place, sample_folder, tmp_path) -> Path:
    """The eight images as a dataset of the list, named "cells"."""
    root = shutil.copytree(sample_folder, tmp_path / "cells")
    paths.library().link(root)
    return root


@pytest.fixture
def started(place, sample_folder, monkeypatch) -> list:
    """The settings that the start button gave."""
    configs = []
    run = make_run(place, sample_folder)
    monkeypatch.setattr("unet_core.training.launch.launch", lambda config, folder: configs.append(config) or run)
    return configs


def said(app) -> str:
    return texts(app).replace("\\", "")


def keys(app) -> set[str]:
    return {widget.key for widget in [*app.number_input, *app.selectbox, *app.toggle, *app.text_input]}


def test_repairs_are_told(cells):
    assert "applied, see Data" not in said(show("train", dataset="cells"))
    shift = make_repair("shift", ["cells_000"], down=3)
    recipes.save(cells, Recipe((shift,)))
    assert "1 repair is applied, see Data" in said(show("train", dataset="cells"))
    recipes.save(cells, Recipe((shift, make_repair("leave_out", ["cells_001", "cells_002"]))))
    app = show("train", dataset="cells")
    assert not app.exception and not app.error
    assert "2 repairs are applied, see Data" in said(app) and "**6 images** with masks" in said(app)


def test_a_change_of_the_recipe_is_seen_at_once(cells):
    app = show("train", dataset="cells")
    assert "**8 images** with masks" in said(app)
    recipes.save(cells, Recipe((make_repair("leave_out", ["cells_001"]),)))
    assert "**7 images** with masks" in said(app.run())


def test_settings_that_the_dataset_fixes_are_shown_as_they_are_in_effect(cells, started):
    recipes.save(cells, Recipe(settings=(("class_names", ("none", "nucleus")), ("ignore_index", 7))))
    app = show("train", dataset="cells")
    assert not app.exception and not app.error
    assert {"fixed_ignore_index", "fixed_class_names"} <= keys(app) and not {"ignore_index", "class_names"} & keys(app)
    shown = {box.key: box for box in app.text_input}
    assert shown["fixed_ignore_index"].value == "7" and shown["fixed_ignore_index"].disabled
    assert shown["fixed_class_names"].value == "none,nucleus"
    app.button(key="start").click().run()
    assert [(config.data.ignore_index, config.model.class_names) for config in started] == [(7, "none,nucleus")]


def test_what_the_user_has_set_wins_over_the_dataset(cells, started):
    recipes.save(cells, Recipe(settings=(("ignore_index", 7),)))
    app = show("train", dataset="cells", ignore_index="9")
    assert not app.exception
    assert "ignore_index" in keys(app) and app.number_input(key="ignore_index").value == 9
    app.button(key="start").click().run()
    assert [config.data.ignore_index for config in started] == [9]


def test_a_setting_that_is_undone_has_its_widget_again(cells):
    recipes.save(cells, Recipe(settings=(("ignore_index", 7),)))
    app = show("train", dataset="cells")
    assert "ignore_index" not in keys(app)
    recipes.save(cells, Recipe())
    app.run()
    assert "ignore_index" in keys(app) and app.number_input(key="ignore_index").value is None


def test_a_damaged_recipe_is_said_and_nothing_starts(cells):
    (cells / "studio.json").write_text("{")
    app = show("train", dataset="cells")
    assert not app.exception
    assert "studio.json" in said(app)
    assert app.button(key="start").disabled
    for view in ("Check", "Augmentation", "Sweep"):
        app.session_state["view"] = view
        assert not app.run().exception


def test_settings_in_the_address_count_from_the_first_run(cells, monkeypatch):
    asked = []
    real = dataset_reading.find_reading
    monkeypatch.setattr(
        "pages.views.train.dataset.find_reading", lambda data, classes: asked.append(data) or real(data, classes)
    )
    show("train", dataset="cells", labels="classes", ignore_index="3")
    assert {(data.labels, data.ignore_index) for data in asked} == {("classes", 3)}


def test_a_slow_folder_shows_how_far_it_is_and_the_form_beside_it(cells, monkeypatch):
    monkeypatch.setattr("pages.views.train.dataset.QUICK_SECONDS", 0)
    go_on, real = threading.Event(), discovery.check

    def slow(samples):
        assert go_on.wait(60)
        return real(samples)

    monkeypatch.setattr(discovery, "check", slow)
    app = show("train", dataset="cells")
    assert not app.exception
    assert app.get("progress")
    assert app.button(key="start").disabled and app.number_input(key="epochs").value == 15
    app.session_state["view"] = "Augmentation"
    assert "once the dataset is read" in said(app.run())
    go_on.set()
    reading = find_reading(DataConfig(root=str(cells)), 0)
    assert reading.wait(60)
    app.run()
    assert find_fingerprint(DataConfig(root=str(cells)), 0, recipe_files.of(DataConfig(root=str(cells)))).wait(60)
    app.run()
    assert not app.exception and not app.get("progress")
    assert "**8 images** with masks" in said(app)
    assert not app.button(key="start").disabled


def test_a_reading_holds_longer_the_longer_it_took(cells):
    now = 0.0
    reading = DatasetReading(DataConfig(root=str(cells)), 0, clock=lambda: now)
    assert reading.fresh
    reading.start()
    assert reading.wait(60)
    assert (reading.state, len(reading.readable), reading.problems) == ("done", 8, [])
    assert reading.coding is not None and reading.coding.num_classes == 1
    now = dataset_reading.FRESH_SECONDS - 0.1
    assert reading.fresh
    now = dataset_reading.FRESH_SECONDS
    assert not reading.fresh
    slow = DatasetReading(DataConfig(root=str(cells)), 0, clock=lambda: now)
    slow._started_at = now - 20
    slow._ended_at, slow.state = now, "done"
    now += 20 * dataset_reading.FRESH_FACTOR - 1
    assert slow.fresh


def test_a_reading_that_nobody_looks_at_ends_and_is_begun_anew(cells, monkeypatch):
    now = 0.0
    reading = DatasetReading(DataConfig(root=str(cells)), 0, clock=lambda: now)
    now = 31.0
    reading.start()
    assert reading.wait(60)
    assert reading.abandoned and not reading.fresh


def test_one_reading_serves_all_who_look_at_the_same_folder(cells):
    data = DataConfig(root=str(cells))
    first = find_reading(data, 0)
    assert find_reading(data, 0) is first and find_reading(data, 2) is not first
    assert first.wait(60)
    assert find_reading(data, 0) is first


def test_repairs_can_be_left_out(cells, started):
    recipes.save(cells, Recipe((make_repair("leave_out", ["cells_001"]),), (("ignore_index", 7),)))
    app = show("train", dataset="cells")
    app.selectbox(key="recipe").set_value("none").run()
    assert not app.exception and not app.error
    assert "**8 images** with masks" in said(app) and "applied, see Data" not in said(app)
    assert "ignore_index" in keys(app)
    app.button(key="start").click().run()
    assert [(config.data.recipe, config.data.ignore_index) for config in started] == [("none", None)]
    app.selectbox(key="recipe").set_value("auto").run()
    assert "**7 images** with masks" in said(app)


def test_a_dataset_without_repairs_asks_nothing_of_them(cells):
    assert "recipe" not in keys(show("train", dataset="cells"))
    assert show("train", dataset="cells", recipe="none").selectbox(key="recipe").value == "none"


def test_a_copied_run_brings_the_repairs_that_it_was_trained_with(cells, place, started):
    trained_with = Recipe((make_repair("leave_out", ["cells_001"]),))
    recipes.save(cells, trained_with)
    run = make_run(place, cells)
    recipes.save(cells, Recipe())
    app = show("train", view="Runs")
    app.session_state["runs_table"] = {"selection": {"rows": [0], "columns": []}}
    app.run()
    app.button(key="run_copy").click().run()
    assert not app.exception and not app.error
    assert app.selectbox(key="dataset").value == "cells"
    assert app.selectbox(key="recipe").value == str(run.folder / "studio.json")
    assert "**7 images** with masks" in said(app)
    app.button(key="start").click().run()
    assert [config.data.recipe for config in started] == [str(run.folder / "studio.json")]


def test_an_address_can_name_the_recipe_of_a_run_and_no_other_file(cells, place, tmp_path):
    (tmp_path / "studio.json").write_text(Recipe((make_repair("leave_out", ["cells_001"]),)).to_json())
    for path in (str(tmp_path / "studio.json"), "/etc/passwd", str(place / "x" / ".." / ".." / "studio.json")):
        app = show("train", dataset="cells", recipe=path)
        assert not app.exception and not app.error
        assert "**8 images** with masks" in said(app)


def test_a_run_whose_copy_of_the_repairs_is_damaged_is_explained(cells, place):
    recipes.save(cells, Recipe((make_repair("leave_out", ["cells_001"]),)))
    run = make_run(place, cells)
    (run.folder / "studio.json").write_text("{")
    app = show("train", view="Runs", dataset="cells")
    app.session_state["runs_table"] = {"selection": {"rows": [0], "columns": []}}
    assert not app.run().exception
    app.button(key="run_copy").click().run()
    assert not app.exception
    assert "studio.json" in said(app) and app.button(key="start").disabled


def test_a_folder_without_a_readable_image_cannot_be_started(cells):
    images = sorted((cells / "images").iterdir())
    for path in images[1:]:
        path.write_bytes(b"no image")
    app = show("train", dataset="cells")
    assert not app.button(key="start").disabled, "one can be read: the trainer says how many are too few"
    images[0].write_bytes(b"no image")
    shutil.copytree(cells, cells.with_name("others"))
    paths.library().link(cells.with_name("others"))
    app = show("train", dataset="others")
    assert not app.exception and app.button(key="start").disabled
    assert f"{images[0].name}: not a supported image file" in said(app)
