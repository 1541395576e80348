"""The model that a server offers first, and the line on Home about the mirror of its runs."""

import shutil

import pytest

from pages.server.hub import default_model, run_mirror
from tests.helpers.hub_push_server import TOKEN, PushHub, running_push_hub
from tests.helpers.hub_server import Repo, running_hub
from tests.helpers.pages import show, texts
from unet_core.runs import run as runs


@pytest.fixture
def offered(trained, tmp_path, monkeypatch):
    """A checkpoint folder that this server offers."""
    folder = tmp_path / "app" / "model" / "HeLa"
    shutil.copytree(trained.best, folder)
    monkeypatch.setenv("UNET_STUDIO_MODEL", str(folder))
    return folder


def test_home_and_predict_offer_it_without_any_run(place, offered):
    home = show("home")
    assert not home.exception and "**HeLa** is ready" in texts(home)
    app = show("predict")
    assert not app.exception
    assert app.selectbox(key="run").options == ["HeLa"] and app.selectbox(key="run").value == "HeLa"


def test_it_comes_before_runs_and_a_link_to_a_run_still_opens_that(place, trained, offered):
    shutil.copytree(trained.folder, place / trained.id)
    app = show("predict")
    assert app.selectbox(key="run").options == ["HeLa", trained.id] and app.selectbox(key="run").value == "HeLa"
    assert show("predict", model=trained.id).selectbox(key="run").value == trained.id


def test_what_is_not_there_is_said_to_its_owner_and_not_to_strangers(place, monkeypatch, tmp_path):
    monkeypatch.setenv("UNET_STUDIO_MODEL", str(tmp_path / "nowhere"))
    for page in ("home", "predict"):
        assert "nowhere has no config.json" in texts(show(page)).replace("\\", "")
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    for page in ("home", "predict"):
        text = texts(show(page)).replace("\\", "")
        assert "The model of this server is not available at the moment." in text and "nowhere" not in text


def test_a_model_of_the_hub_is_downloaded_by_a_thread_that_tries_again(place, trained, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("UNET_STUDIO_MODEL", "org/net")
    monkeypatch.setattr(default_model, "RETRY_SECONDS", 0.05)
    with running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        assert "is being downloaded" in texts(show("home"))
        thread = default_model.start()
        assert thread is not None
        while "no such model" not in default_model.problem():
            assert thread.is_alive()
        hub.repos["org/net"] = Repo({path.name: path.read_bytes() for path in trained.best.iterdir()})
        thread.join(60)
    assert not thread.is_alive() and default_model.problem() == ""
    assert default_model.start() is None  # nothing to be done
    assert show("predict").selectbox(key="run").options == ["org--net"]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("UNET_STUDIO_MIRROR", "anna/runs")
    with running_push_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


def test_runs_are_mirrored_from_start_to_stop_and_home_says_nothing(place, trained, hub: PushHub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    shutil.copytree(trained.folder, place / trained.id)
    run_mirror.start()
    run_mirror.stop()  # copies once more; by then the runs were fetched, or there is none
    assert run_mirror.describe() == ("", False)
    run_mirror.start()
    while run_mirror.describe()[0]:
        assert not run_mirror.describe()[1]
    run_mirror.stop()
    assert f"runs/{trained.id}/config.json" in hub.repos["anna/runs"].files
    shutil.rmtree(place)
    place.mkdir()
    run_mirror.start()
    while run_mirror.describe()[0]:
        assert not run_mirror.describe()[1]
    run_mirror.stop()
    assert [run.id for run in runs.find(place)] == [trained.id]
    assert "Runs are not copied" not in texts(show("home"))


def test_without_a_token_it_says_so_to_its_owner_alone(place, hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    run_mirror.start()
    assert "UNET_STUDIO_MIRROR is set, but not HF_TOKEN" in texts(show("home")).replace("\\", "")
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    text = texts(show("home"))
    assert "Runs are not copied to the Hub at the moment." in text and "HF" not in text.split("Runs are not copied")[1]
    monkeypatch.delenv("UNET_STUDIO_MIRROR")
    run_mirror.start()
    assert run_mirror.describe() == ("", False)


def test_a_page_does_not_wait_for_a_hub_that_is_silent(place, hub: PushHub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.silent.add("/api/models/")
    run_mirror.start()
    try:
        app = show("home")
        assert not app.exception and "Earlier runs are being fetched from the Hub" in texts(app)
    finally:
        keeper = run_mirror._STATE["keeper"]
        assert keeper.fetching
        hub.silent.clear()
        hub.released.set()
        monkeypatch.setattr(run_mirror, "STOP_SECONDS", 60)
        run_mirror.stop()
