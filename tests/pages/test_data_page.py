"""The ways in of the Data page, and what can be done with a dataset as a whole."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pages.components.uploader import Uploaded
from pages.server import paths
from pages.ui.dataset_picker import SAMPLE
from pages.views.data.sources import upload
from tests.helpers.browser import poll
from tests.helpers.hub_server import Repo, running_hub
from tests.helpers.pages import STARTED, make_run, show, texts
from unet_core.data import synthetic
from unet_core.data.library.library import UPLOADED
from unet_core.runs import run as runs


@pytest.fixture
def disk(place, tmp_path, monkeypatch) -> Path:
    """The folder below which folders of this machine may be chosen: cells (three images) and empty."""
    root = tmp_path / "disk"
    synthetic.write(root / "lab" / "cells", images=3)
    (root / "empty").mkdir()
    monkeypatch.setenv("UNET_DATA_ROOT", str(root))
    return root


@pytest.fixture
def uploaded(place, tmp_path) -> Path:
    """A dataset that was uploaded, named "mine"; its folder."""
    staging = synthetic.write(paths.datasets_dir() / ".staging", images=3)
    return paths.library().add(staging, "mine").root


def said(app) -> str:
    return texts(app).replace("\\", "")


def menu(app):
    return app.selectbox(key="dataset")


def button(app, label: str):
    return next(one for one in app.button if one.label.replace("\\", "").startswith(label))


def folders_page(**query):
    app = show("data", **query)
    app.session_state["add_dataset"] = True
    app.session_state["bring_way"] = "Folder on this machine"
    app.run()
    assert not app.exception
    return app


def names() -> list[str]:
    return [entry.name for entry in paths.library().entries()]


def test_whoever_has_no_dataset_sees_the_ways_in(place, uploaded):
    assert "bring_way" not in [way.key for way in show("data").segmented_control]
    paths.library().remove("mine")
    app = show("data")
    assert [way.options for way in app.segmented_control if way.key == "bring_way"] == [
        ["Upload", "Folder on this machine", "Hugging Face Hub"]
    ]


def test_an_upload_becomes_the_chosen_dataset_and_what_was_left_out_is_said(uploaded, monkeypatch):
    arrived = [Uploaded("mine", ("1 file was left out: <b>notes.txt",))]
    monkeypatch.setattr(upload, "uploader", lambda key: arrived.pop() if arrived else None)
    app = show("data")
    app.session_state["add_dataset"] = True
    app.run()
    assert not app.exception
    assert menu(app).value == "mine" and "notes.txt" in said(app)
    assert app.session_state["add_dataset"] is False
    assert [toast.value for toast in app.toast] == ["mine added."]
    menu(app).set_value(SAMPLE).run()
    assert "notes.txt" not in said(app)


def test_a_name_from_the_browser_that_is_no_dataset_is_explained(place, monkeypatch):
    arrived = [Uploaded("../etc", ())]
    monkeypatch.setattr(upload, "uploader", lambda key: arrived.pop() if arrived else None)
    app = show("data")
    assert not app.exception
    assert "There is no dataset" in said(app) and menu(app).value == SAMPLE


def test_a_folder_is_found_by_clicks_and_linked(disk):
    app = folders_page()
    assert "1 folder" in button(app, "lab").label and "empty" in button(app, "empty").label
    button(app, "lab").click().run()
    button(app, "cells").click().run()
    assert "3 images" in button(app, "images").label and "3 images" in button(app, "masks").label
    button(app, "lab").click().run()  # up again, by the way to the folder
    button(app, "cells").click().run()
    button(app, "Use this folder").click().run()
    assert not app.exception
    assert menu(app).value == "cells"
    entry = paths.library().find("cells")
    assert (entry.root, entry.kind) == (disk / "lab" / "cells", "folder")
    assert app.session_state["add_dataset"] is False


@pytest.mark.parametrize("text", ["{}", '"{}"', "'{}'  ", "file://{}", "{}/"])
def test_a_typed_path_is_opened(text, disk):
    app = folders_page()
    app.text_input(key="folder_path").set_value(text.format(disk / "lab" / "cells")).run()
    assert not app.exception and not app.error
    button(app, "Use this folder").click().run()
    assert paths.library().find("cells").root == disk / "lab" / "cells"


@pytest.mark.parametrize("text", ["/etc", "{}/..", "{}/nothing", "~root", "file:///etc/passwd"])
def test_a_path_outside_or_of_nothing_is_refused(text, disk):
    app = folders_page()
    app.text_input(key="folder_path").set_value(text.format(disk)).run()
    assert not app.exception
    assert app.error
    button(app, "Use this folder").click().run()
    assert all(entry.root == disk for entry in paths.library().entries())


def test_a_folder_that_vanishes_while_it_is_shown(disk):
    app = folders_page()
    button(app, "lab").click().run()
    shutil.rmtree(disk / "lab")
    app.run()
    assert not app.exception
    assert "1 folder" in said(app)  # that of `disk`, where the browser is again


def test_in_public_mode_there_are_uploads_alone(disk, monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app = show("data")
    app.session_state["bring_way"] = "Folder on this machine"
    app.run()
    assert not app.exception
    assert "bring_way" not in [way.key for way in app.segmented_control]
    assert "folder_path" not in [box.key for box in app.text_input]
    assert str(disk) not in said(app)


def test_a_dataset_is_renamed_and_stays_the_chosen_one(uploaded):
    app = show("data", dataset="mine")
    app.text_input(key="new_name:mine").set_value("my nuclei")
    app.button(key="rename_sure").click().run()
    assert not app.exception and not app.error
    assert menu(app).value == "my nuclei" and names() == ["my nuclei"]
    app.text_input(key="new_name:my nuclei").set_value("Built-in sample")
    app.button(key="rename_sure").click().run()
    assert app.error and names() == ["my nuclei"]


def test_an_uploaded_dataset_is_deleted_after_a_question_that_says_what_goes(uploaded):
    app = show("data", dataset="mine")
    assert "remove_sure" not in [one.key for one in app.button]
    app.session_state["remove"] = True
    app.run()
    assert "Delete **mine** with its 7 files" in said(app) and "Runs that were trained on it stay" in said(app)
    app.button(key="remove_sure").click().run()
    assert not app.exception and not app.error
    assert menu(app).value == SAMPLE and names() == [] and not uploaded.exists()
    assert "Dataset mine removed" in said(app)
    app.button(key="undo-dataset-1").click().run()
    assert not app.exception and not app.error
    assert menu(app).value == "mine" and names() == ["mine"] and uploaded.exists()


def test_a_linked_folder_is_only_forgotten(disk):
    paths.library().link(disk / "lab" / "cells")
    app = show("data", dataset="cells")
    app.session_state["remove"] = True
    app.run()
    assert "stays as it is" in said(app)
    app.button(key="remove_sure").click().run()
    assert not app.exception
    assert names() == [] and len(list((disk / "lab" / "cells" / "images").iterdir())) == 3
    app.button(key="undo-dataset-1").click().run()
    assert not app.exception and names() == ["cells"] and menu(app).value == "cells"


def test_a_dataset_is_not_removed_while_a_run_trains_on_it(uploaded, place):
    run = make_run(place, uploaded, STARTED)
    hold = "import sys, filelock\nwith filelock.FileLock(sys.argv[1]):\n    print(1, flush=True)\n    input()"
    command = [sys.executable, "-c", hold, str(run.folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as trainer:
        trainer.stdout.readline()
        app = show("data", dataset="mine")
        app.session_state["remove"] = True
        app.run()
        assert f"Run {run.id} is training on this dataset" in said(app)
        assert "remove_sure" not in [one.key for one in app.button]
        trainer.communicate(b"\n")


def test_the_sample_has_neither_name_nor_bin(place):
    app = show("data")
    assert not {"rename_sure", "remove_sure"} & {one.key for one in app.button}


def test_where_a_dataset_lies_is_said(disk, uploaded):
    paths.library().link(disk / "lab" / "cells")
    assert str(disk / "lab" / "cells") in said(show("data", dataset="cells"))
    assert "Uploaded" in said(show("data", dataset="mine")) and paths.library().find("mine").kind == UPLOADED
    assert runs.find(paths.runs_dir()) == []


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def download(app, repo: str):
    app.session_state["add_dataset"] = True
    app.session_state["bring_way"] = "Hugging Face Hub"
    app.run()
    app.text_input(key="hub_dataset").set_value(repo).run()
    assert not app.button(key="hub_dataset_start").disabled
    app.button(key="hub_dataset_start").click().run()
    assert not app.exception
    return app


def test_a_dataset_of_the_hub_is_downloaded_and_chosen(place, hub, sample_folder):
    files = {path.relative_to(sample_folder).as_posix(): path.read_bytes() for path in sample_folder.rglob("*.png")}
    hub.repos["datasets/org/cells"] = Repo(files | {"train.py": b"raise SystemExit"})
    app = download(show("data"), "org/cells")
    if "hub_download" in app.session_state:
        assert app.session_state["hub_download"].wait(60)
        app.run()
    assert not app.exception and not app.error
    assert menu(app).value == "cells" and "train.py" in said(app)
    assert paths.library().find("cells").kind == "hub" and "From the Hugging Face Hub" in said(app)
    app.session_state["remove"] = True
    assert "It can be restored for 24 hours" in said(app.run())


def test_a_dataset_that_the_hub_does_not_have_is_explained(place, hub):
    app = download(show("data"), "org/nothing")
    assert app.session_state["hub_download"].wait(60)
    app.run()
    assert not app.exception
    assert "org/nothing" in said(app) and menu(app).value == SAMPLE and names() == []


def test_a_download_is_cancelled_and_leaves_nothing(place, hub, sample_folder):
    image = next((sample_folder / "images").iterdir())
    hub.repos["datasets/org/cells"] = Repo({"images/1.png": image.read_bytes()})
    hub.silent.add("/datasets/org/cells/resolve")
    app = download(show("data"), "org/cells")
    poll(lambda: any(method == "HEAD" for method, *_ in hub.requests), what="the first request for the file")
    app.button(key="hub_dataset_cancel").click().run()
    hub.released.set()
    assert app.session_state["hub_download"].wait(60)
    app.run()
    assert not app.exception
    assert "The download was canceled" in said(app) and names() == []
