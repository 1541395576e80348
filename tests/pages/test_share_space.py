"""The Share page publishes a Space: its files first, then the upload, and what a free account is told."""

import shutil

import pytest

from pages.views.share import space
from tests.helpers.hub_push_server import TOKEN, PushRepo, running_push_hub
from tests.helpers.pages import finish_job, show, texts
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


def opened(token: str = TOKEN, name: str = "anna/cells"):
    app = finish_job(show("share"), "scoring")
    app.text_input(key="share_token").set_value(token).run()
    return app.text_input(key="share_space").set_value(name).run()


def text_of(app) -> str:
    return texts(app).replace("\\", "")


def button(app):
    return app.button(key="share_publish")


def test_the_files_are_seen_before_anything_leaves(run, hub):
    app = opened()
    assert not app.exception and not button(app).disabled
    table = next(element.value for element in app.dataframe if "README.md" in set(element.value["File"]))
    names = list(table["File"])
    assert names[:3] == ["README.md", "model/cells/config.json", "model/cells/model.safetensors"]
    assert names[-1].startswith("UNet Studio: ") and "Dockerfile" in names
    assert any("sdk: docker" in element.value for element in app.code)
    assert hub.requests == []


def test_it_is_published_followed_and_the_token_is_gone(run, hub):
    app = opened()
    button(app).click().run()
    app = finish_job(app, space.JOB)
    assert f"Published: [anna/cells]({hub.endpoint}/spaces/anna/cells)" in text_of(app)
    repo = hub.repos["spaces/anna/cells"]
    assert isinstance(repo, PushRepo) and repo.private and repo.sdk == "docker"
    assert app.session_state["share_token"] == "" and TOKEN not in repr(app.session_state)


def test_a_free_account_is_told_what_is_free(run, hub):
    hub.refused["/api/repos/create"] = (402, {})
    app = opened()
    button(app).click().run()
    app = finish_job(app, space.JOB)
    assert "paid plan of anna (402)" in text_of(app) and "Free: run it on this machine" in text_of(app)
    assert hub.repos == {}


def test_it_needs_a_name_that_is_one_and_a_token(run, hub):
    assert button(opened(name="")).disabled
    assert button(opened(token="")).disabled
    app = opened(name="cells")
    assert button(app).disabled and "not the name of a space" in text_of(app)


def test_names_of_this_machine_can_be_allowed(run, hub, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "private")  # stands in the README
    app = opened()
    assert button(app).disabled and "README.md: the user name (private)" in text_of(app)
    app.checkbox(key="space_allow").check().run()
    assert not button(app).disabled
