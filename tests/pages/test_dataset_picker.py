"""The choice of a dataset: by name, on every page the same, kept in the address; old addresses still choose."""

import json
import shutil
from pathlib import Path

import pytest

from pages.server import paths
from pages.ui import dataset_picker
from pages.ui.dataset_picker import SAMPLE
from tests.helpers.pages import ROOT, make_run, show, texts
from unet_core.data import synthetic

OLD = json.loads((ROOT / "tests" / "golden" / "addresses_0_1.json").read_text())


@pytest.fixture
def cells(place, sample_folder, tmp_path) -> Path:
    """A folder of the user's own that is in the list as "my cells"."""
    root = shutil.copytree(sample_folder, tmp_path / "my cells")
    paths.library().link(root)
    return root


def open_page(app, page: str):
    """By the menu, which drops the parameters of the address."""
    app.query_params.clear()
    app.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    assert not app.exception
    return app


def menu(app):
    return app.selectbox(key="dataset")


def in_address(app) -> str:
    value = app.query_params["dataset"]
    return value if isinstance(value, str) else value[0]


def said(app) -> str:
    return texts(app).replace("\\", "")


def test_the_built_in_sample_is_chosen_at_first_and_stands_in_no_address(place):
    app = show("train")
    assert menu(app).options == [SAMPLE] and menu(app).value == SAMPLE
    assert "dataset" not in app.query_params
    assert "**8 images** with masks" in texts(app)


@pytest.mark.parametrize("page", ["data", "train"])
def test_a_dataset_is_chosen_by_its_name_and_kept_in_the_address(page, cells):
    app = show(page)
    menu(app).set_value("my cells").run()
    assert not app.exception and not app.error
    assert in_address(app) == "my cells"
    reloaded = show(page, dataset="my cells")
    assert menu(reloaded).value == "my cells"
    menu(reloaded).set_value(SAMPLE).run()
    assert "dataset" not in reloaded.query_params and menu(reloaded).value == SAMPLE


def test_the_choice_is_the_same_on_every_page(cells):
    app = show("data")
    menu(app).set_value("my cells").run()
    for page in ("train", "home", "train", "data"):
        open_page(app, page)
        if page != "home":
            assert menu(app).value == "my cells" and in_address(app) == "my cells"
    menu(app).set_value(SAMPLE).run()
    assert menu(open_page(app, "train")).value == SAMPLE


def test_a_link_chooses_another_dataset_in_a_session_that_has_one(cells, tmp_path, sample_folder):
    paths.library().link(sample_folder, "others")
    app = show("train", dataset="my cells")
    app.query_params["dataset"] = "others"
    app.run()
    assert menu(app).value == "others"


def test_training_starts_on_the_chosen_folder(cells, monkeypatch, place):
    started = []
    monkeypatch.setattr("unet_core.training.launch.launch", lambda config, folder: started.append(config) or run)
    run = make_run(place, cells)
    app = show("train", dataset="my cells")
    app.button(key="start").click().run()
    assert not app.exception
    assert [config.data.root for config in started] == [str(cells)]


@pytest.mark.parametrize("page", ["data", "train"])
def test_a_dataset_that_was_removed_is_said_and_nothing_is_chosen_in_its_place(page, cells):
    app = show(page, dataset="my cells")
    paths.library().remove("my cells")
    app.run()
    assert not app.exception
    assert menu(app).value is None
    assert "There is no dataset 'my cells' any more" in said(app)
    if page == "train":
        assert app.button(key="start").disabled
    app.run()
    assert "There is no dataset 'my cells' any more" in said(app)
    again = show(page, dataset="my cells")  # reloaded
    assert menu(again).value is None and "'my cells'" in said(again)
    menu(again).set_value(SAMPLE).run()
    assert menu(again).value == SAMPLE and not again.error
    paths.library().link(cells)
    assert menu(show(page, dataset="my cells")).value == "my cells"


def test_a_folder_that_has_vanished_is_said(cells):
    cells.rename(cells.with_name("elsewhere"))
    app = show("train", dataset="my cells")
    assert not app.exception
    assert "is no longer there" in said(app)
    assert app.button(key="start").disabled


def test_a_name_with_markup_is_inert(place, sample_folder):
    name = "<b>x<b> ![](http:_e.x_a.png) $a$"
    root = paths.library().link(sample_folder, name)
    app = show("train", dataset=root.name)
    assert menu(app).value == root.name
    paths.library().remove(root.name)
    app.run()
    assert "\\!\\[" in app.error[0].value


@pytest.mark.parametrize("source", ["Local folder", "Folder on this machine"])
def test_an_old_address_of_a_folder_adds_it_to_the_list(source, place, tmp_path):
    root = synthetic.write(tmp_path / "mine", images=3)
    app = show("train", source=source, root=str(root), epochs="3")
    assert not app.exception and not app.error
    assert menu(app).value == "mine" and "**3 images** with masks" in texts(app)
    assert app.number_input(key="epochs").value == 3
    assert {"source", "root"} & set(app.query_params) == set()
    assert [(entry.name, entry.root) for entry in paths.library().entries()] == [("mine", root)]
    show("train", source=source, root=str(root))
    assert len(paths.library().entries()) == 1


@pytest.mark.parametrize("source", OLD["/train"]["source"])
def test_every_source_of_release_0_1_is_still_reached_by_its_address(source, place):
    app = show("train", source=source)
    assert not app.exception
    assert menu(app).value == SAMPLE
    assert "source" not in app.query_params


def test_an_old_address_of_the_sample_chooses_it(cells):
    app = show("train", dataset="my cells")
    app.query_params.clear()
    app.query_params["source"] = SAMPLE
    app.run()
    assert menu(app).value == SAMPLE


def test_an_old_address_outside_the_data_root_is_refused(place, tmp_path, monkeypatch):
    root = synthetic.write(tmp_path / "mine", images=3)
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "link").symlink_to(root)
    monkeypatch.setenv("UNET_DATA_ROOT", str(tmp_path / "allowed"))
    for path in (str(root), f"{tmp_path}/allowed/../mine", str(tmp_path / "allowed" / "link"), "/etc"):
        app = show("train", source="Local folder", root=path)
        assert not app.exception
        assert menu(app).value is None and app.error, path
        assert app.button(key="start").disabled
    assert paths.library().entries() == []


def test_an_old_address_of_a_folder_is_refused_in_public_mode(place, tmp_path, monkeypatch):
    root = synthetic.write(tmp_path / "mine", images=3)
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app = show("train", source="Local folder", root=str(root))
    assert not app.exception
    assert menu(app).value is None
    assert "Folders of the server cannot be chosen here" in said(app)
    assert paths.library().entries() == []


def test_not_even_a_folder_of_the_list_is_chosen_by_its_path_in_public_mode(cells, monkeypatch):
    app = show("train", source="Local folder", root=str(cells))
    assert menu(app).value == "my cells" and not app.error
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")  # whether a path is right would tell what lies on the server
    app = show("train", source="Local folder", root=str(cells))
    assert menu(app).value is None and "Folders of the server" in said(app)


def test_the_name_of_a_folder(cells, sample_folder, tmp_path):
    assert dataset_picker.name_of(cells) == "my cells"
    assert dataset_picker.name_of(sample_folder) == SAMPLE
    assert dataset_picker.name_of(tmp_path) == ""


def test_runs_are_listed_with_the_name_of_their_dataset(cells, sample_folder, place):
    make_run(place, cells)
    paths.library().rename("my cells", "nuclei of May")
    assert list(show().dataframe[0].value["Dataset"]) == ["nuclei of May"]
    app = show("train", view="Runs")
    assert list(app.dataframe[0].value["data"]) == ["nuclei of May"]
