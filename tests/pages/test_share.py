"""The Share page: what would leave is seen first, an upload is followed, a token is used once and kept nowhere."""

import io
import shutil
import sys
import zipfile

import pytest

from pages.server.push_job import PushJob
from pages.views.share import upload
from pages.views.share.preview import size_text
from tests.helpers.hub_push_server import TOKEN, PushRepo, running_push_hub
from tests.helpers.pages import finish_job, make_run, show, texts
from unet_core.runs import run as runs


@pytest.fixture
def run(trained, place) -> runs.Run:
    shutil.copytree(trained.folder, place / trained.id)
    return runs.Run(place / trained.id)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running_push_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def opened(**query: str):
    return finish_job(show("share", **query), "scoring")


def named(app, repo: str = "anna/cells"):
    return app.text_input(key="share_repo").set_value(repo).run()


def button(app):
    return app.button(key="share_push")


def code(app) -> str:
    """The source of the card."""
    return next(element.value for element in app.code if element.value.startswith("---"))


def test_without_a_model_it_says_where_to_begin(place):
    app = show("share")
    assert not app.exception
    assert "There is no trained model yet" in texts(app)


def test_a_run_without_a_checkpoint_is_not_offered(place, sample_folder):
    make_run(place, sample_folder)
    assert "There is no trained model yet" in texts(show("share"))


def test_card_and_files_are_seen_before_anything_leaves(run, hub):
    app = named(opened())
    assert not app.exception and not app.error
    shown = texts(app)
    assert "## cells" in shown and "Mean Dice" in shown
    assert code(app).startswith("---\nlibrary_name: unet-studio\nlicense: unknown\n")
    files = next(element.value for element in app.dataframe if "File" in element.value)
    assert {"README.md", "model.safetensors", "config.json", "scores.csv", "curves.png"} <= set(files["File"])
    app.selectbox(key="share_file").set_value("config.json").run()
    assert any('"base_channels": 2' in element.value for element in app.code)
    assert hub.requests == []


def test_choices_change_the_card(run, hub):
    app = named(opened(), "anna/nuclei")
    app.selectbox(key="share_license").set_value("cc-by-4.0").run()
    app.text_area(key="share_description").set_value("Nuclei in <b>H&E</b>").run()
    app.toggle(key="share_images").set_value(False).run()
    assert "license: cc-by-4.0" in code(app) and "Nuclei in \\<b\\>H&E" in code(app)
    assert "### By image" not in code(app)
    assert "scores.csv" not in set(next(element.value for element in app.dataframe if "File" in element.value)["File"])
    assert app.toggle(key="share_names").disabled


def test_an_upload_needs_a_name_and_a_token(run, hub):
    app = opened()
    assert button(app).disabled and "Enter a repository" in button(app).help
    app = named(app)
    assert button(app).disabled and "access token" in button(app).help
    app.text_input(key="share_token").set_value(TOKEN).run()
    assert not button(app).disabled
    assert "as private" in button(app).label


def test_the_upload_is_followed_and_the_token_is_gone(run, hub):
    app = named(opened())
    app.text_input(key="share_token").set_value(TOKEN).run()
    button(app).click().run()
    app = finish_job(app, "push_job")
    assert f"[anna/cells]({hub.endpoint}/anna/cells) (private)" in texts(app).replace("\\", "")
    assert isinstance(hub.repos["anna/cells"], PushRepo) and hub.repos["anna/cells"].private
    assert app.session_state["share_token"] == ""
    assert TOKEN not in repr(app.session_state)
    assert TOKEN not in repr(vars(app.session_state["push_job"]))


def test_public_is_asked_for(run, hub):
    app = named(opened())
    app.segmented_control(key="share_access").set_value("Public").run()
    app.text_input(key="share_token").set_value(TOKEN).run()
    assert "as public" in button(app).label
    button(app).click().run()
    finish_job(app, "push_job")
    assert not hub.repos["anna/cells"].private


def test_a_refusal_is_shown(run, hub):
    app = named(opened())
    app.text_input(key="share_token").set_value("hf_wrong").run()
    button(app).click().run()
    app = finish_job(app, "push_job")
    assert "wrong or expired" in app.error[0].value


def test_what_is_no_name_is_said(run, hub):
    app = named(opened(), "cells")
    assert "not the name of a model" in app.error[0].value.replace("\\", "")
    assert button(app).disabled


def test_private_content_cannot_be_uploaded(run, hub):
    app = named(opened())
    app.text_input(key="share_token").set_value(TOKEN).run()
    app.text_area(key="share_description").set_value("from /home/zoe/cells").run()
    assert "Private, so nothing can be uploaded" in app.error[0].value
    assert button(app).disabled


def test_names_can_be_allowed(run, hub, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "zoe")
    app = named(opened())
    app.text_input(key="share_token").set_value(TOKEN).run()
    app.text_area(key="share_description").set_value("by Zoe").run()
    assert button(app).disabled
    app.checkbox(key="share_allow").check().run()
    assert not button(app).disabled


def test_the_token_of_the_machine_serves_its_owner_but_no_stranger(run, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    app = named(opened())
    assert not button(app).disabled
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    app.run()
    assert button(app).disabled
    app.text_input(key="share_token").set_value("hf_visitor").run()
    button(app).click().run()
    finish_job(app, "push_job")
    assert TOKEN not in hub.headers()


def test_without_the_dataset_the_card_has_no_scores(run, hub):
    path = run.folder / "config.json"
    path.write_text(path.read_text().replace(run.config.data.root, "/nowhere/cells"))
    app = named(opened())
    assert not app.exception
    assert "cannot be scored" in texts(app)
    assert "dataset was not available" in code(app)


def test_the_zip_holds_the_same_files(run, hub, tmp_path, monkeypatch):
    app = named(opened())
    made = app.session_state["share_items"][1]

    class Made:
        items = made

    data = upload._zip(Made, "cells")
    names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    assert names == {f"cells/{item.name}" for item in made}


def test_markup_in_names_is_inert(run, hub):
    app = named(opened())
    app.text_input(key="share_dataset").set_value("![x](http://evil.example/a) <img src=http://evil.example/b>").run()
    shown = "\n".join(str(element.value) for element in app.markdown)
    assert "](http://evil" not in shown and "<img" not in shown.replace("\\<img", "")


def test_a_cancelled_upload_shows_nothing(run, hub):
    hub.silent.add("/anna/cells.git")
    app = named(opened())
    app.text_input(key="share_token").set_value(TOKEN).run()
    button(app).click().run()
    job: PushJob = app.session_state["push_job"]
    job.cancel()
    app = finish_job(app, "push_job")
    assert "was canceled" in texts(app)
    assert hub.repos.get("anna/cells", PushRepo()).files == {}


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB")])
def test_sizes_are_for_people(size, text):
    assert size_text(size) == text


def export_job(app):
    name, (_, job) = next(iter(app.session_state["export_jobs"].items()))
    return name, job


def test_a_model_is_made_for_other_programs_off_the_page(run):
    app = opened()
    app.selectbox(key="export_format").set_value("safetensors").run()
    app.button(key="export_make").click().run()
    name, job = export_job(app)
    assert name == "safetensors" and job.wait(60)
    app.run()
    assert not app.exception and not app.error
    assert job.content.data[:2] == b"PK" and job.content.difference is None
    assert any(element.proto.label.startswith("Download safetensors (") for element in app.get("download_button"))


def test_the_onnx_file_becomes_part_of_what_is_shared(run):
    app = opened()
    app.button(key="export_make").click().run()
    name, job = export_job(app)
    assert name == "onnx" and job.wait(120)
    app.run()
    assert not app.exception and not app.error
    assert "Largest difference of a probability from the model" in texts(app)
    files = next(element.value for element in app.dataframe if "File" in element.value)
    assert "model.onnx" in set(files["File"])
    app.selectbox(key="share_license").set_value("mit").run()  # other words, the same weights
    files = next(element.value for element in app.dataframe if "File" in element.value)
    assert "model.onnx" in set(files["File"])


def test_a_missing_package_is_a_message_with_the_command(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    app = opened()
    app.button(key="export_make").click().run()
    assert export_job(app)[1].wait(60)
    app.run()
    assert not app.exception
    assert 'pip install "unet-studio[onnx]"' in app.error[0].value.replace("\\", "")
    assert app.button(key="export_again").label == "Try again"
