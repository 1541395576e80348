"""The part of the Share page that makes a page of plain files: off the page's thread, and nothing private in it."""

import io
import json
import shutil
import threading
import zipfile

import pytest

from pages.server.sharing.page_job import PageJob
from pages.views.share import page
from tests.helpers.pages import finish_job, show, texts
from unet_core.errors import HubError
from unet_core.runs import run as runs
from unet_core.sharing import privacy
from unet_core.static_page import build, runtime


@pytest.fixture
def run(trained, place, monkeypatch) -> runs.Run:
    monkeypatch.setattr(
        runtime, "load", lambda file, progress, cancelled: {"ort.wasm.mjs": b"1", "ort.wasm.wasm.gz": b"2"}
    )
    monkeypatch.setattr(privacy, "_names", list)  # whoever runs the tests
    shutil.copytree(trained.folder, place / trained.id)
    return runs.Run(place / trained.id)


def opened():
    return finish_job(show("share"), "scoring")


def made(app):
    return finish_job(app.button(key="share_page").click().run(), page.JOB)


def test_the_zip_holds_the_page_of_the_model(run):
    app = opened()
    assert page.JOB not in app.session_state  # nothing is made before it is asked for
    app = made(app)
    assert not app.error and not app.exception
    job: PageJob = app.session_state[page.JOB]
    archive = zipfile.ZipFile(io.BytesIO(job.read()))
    top = f"{job.options.title}/"
    names = {name.removeprefix(top) for name in archive.namelist()}
    assert {"index.html", "page.json", "model.onnx", "sw.js", "viewer/viewer.js", "runtime/ort.wasm.mjs"} <= names
    assert job.size == sum(entry.file_size for entry in archive.infolist())
    assert json.loads(archive.read(f"{top}page.json"))["title"] == job.options.title
    assert "Mean Dice" in archive.read(f"{top}index.html").decode()


def test_another_license_needs_another_page(run):
    app = made(opened())
    first = app.session_state[page.JOB]
    app.selectbox(key="share_license").set_value("mit").run()
    assert app.session_state[page.JOB] is None
    second = made(app).session_state[page.JOB]
    archive = zipfile.ZipFile(io.BytesIO(second.read()))
    assert first is not second
    assert "MIT" in archive.read(f"{second.options.title}/index.html").decode()


def test_without_network_it_says_what_to_do(run, monkeypatch):
    def fail(file, progress, cancelled):
        raise HubError(
            "ONNX Runtime Web could not be downloaded from https://a (no route). Connect to the internet once."
        )

    monkeypatch.setattr(runtime, "load", fail)
    app = made(opened())
    assert "could not be downloaded" in app.error[0].value
    assert app.session_state[page.JOB].read() == b""


def test_a_private_name_stops_it_until_it_is_allowed(run, monkeypatch):
    monkeypatch.setattr(privacy, "_names", lambda: [("segments", privacy.USER)])  # a word that the page holds
    app = made(opened())
    assert "segments" in app.warning[-1].value
    assert app.session_state[page.JOB].read() == b""
    app = finish_job(app.button(key="share_page_allow").click().run(), page.JOB)
    assert app.session_state[page.JOB].read()[:2] == b"PK"


def test_a_path_is_never_allowed(run, monkeypatch):
    monkeypatch.setattr(
        build, "private_content", lambda *_: [privacy.Leak("index.html", privacy.LOCAL_PATH, "/home/a")]
    )
    app = made(opened())
    assert "Private, so the page was not made" in app.error[0].value
    assert not [button for button in app.button if button.key == "share_page_allow"]


def test_it_can_be_canceled(run, monkeypatch):
    app, started, jobs = opened(), threading.Event(), []

    def load(file, progress, cancelled):
        assert started.wait(60)
        jobs[0].cancel()
        return {}

    monkeypatch.setattr(runtime, "load", load)
    app.button(key="share_page").click().run()
    jobs.append(app.session_state[page.JOB])
    started.set()
    assert jobs[0].wait(60)
    app.run()
    assert "The page was canceled." in texts(app)
    assert jobs[0].read() == b""
