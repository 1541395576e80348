"""A published Space without a Docker engine: its Dockerfile's steps in a bare Debian, and a visitor in the Hub's frame.

Needs root, debootstrap, openssl and a package index: `make test-long`, minutes.
"""

import shutil
import socket
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.helpers import debian_root
from tests.helpers.browser import ARGUMENTS, CHROMIUM, poll
from tests.helpers.debian_root import Container, is_running
from tests.helpers.dockerfile import Image, read_image
from tests.helpers.tls_proxy import make_certificate, running_tls_proxy
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.models.checkpoint import verify
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import EpochFinished
from unet_core.runs.run import Run, create, find
from unet_core.sharing.space.publish import plan_space
from unet_core.sharing.space.readme import SpaceOptions
from unet_core.training import runner

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(3600)]

HUB, SPACE = "huggingface.co", "anna-cells.hf.space"
OF_A_SPACE = {"SPACE_ID": "anna/cells", "SPACE_HOST": SPACE}  # what the Hub tells the container
FRAME = (
    f'<!doctype html><title>Space</title><iframe src="https://{SPACE}/%s" style="width:1380px;height:960px"></iframe>'
)
TINY = "epochs=100&base_channels=2&depth=2&image_size=32&crops_per_image=20&precision=fp32&threads=1"
GONE_SECONDS = 5.0  # of the issue: from the signal until no trainer is left


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Image]]:
    """The root of a Space that was published with a tiny model, and what its Dockerfile says."""
    if lacking := debian_root.missing():
        pytest.skip(f"Needs {lacking}.")
    folder = tmp_path_factory.mktemp("space")
    synthetic.write(folder / "cells", images=8)
    settings = {"epochs": 2, "base_channels": 2, "depth": 2, "image_size": 32, "crops_per_image": 1, "threads": 1}
    run = create(folder / "runs", RunConfig().replace(root=str(folder / "cells"), precision="fp32", **settings))
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    for item in plan_space(run, "anna/cells", SpaceOptions()).items:
        path = folder / "files" / item.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.data)
    image = read_image((folder / "files" / "Dockerfile").read_text())
    started = time.monotonic()
    debian_root.make_base(folder / "root")
    base = time.monotonic()
    debian_root.build(folder / "root", image, folder / "files")
    print(f"base {base - started:.0f} s, steps of the Dockerfile {time.monotonic() - base:.0f} s")
    yield folder / "root", image
    shutil.rmtree(folder / "root")  # 1.5 GB


@pytest.fixture
def container(space: tuple[Path, Image], tmp_path: Path) -> Iterator[Container]:
    root, image = space
    shutil.rmtree(root / "data")
    (root / "data").mkdir()
    shutil.chown(root / "data", 1000, 1000)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Container(root, image, tmp_path / "log", STREAMLIT_SERVER_PORT=str(port), **OF_A_SPACE) as running:
        started = time.monotonic()
        poll(lambda: is_healthy(port), 120, "the container")
        print(f"healthy after {time.monotonic() - started:.1f} s")
        yield running
    assert "Traceback" not in (tmp_path / "log").read_text()


def port_of(container: Container) -> int:
    return int(container.environment["STREAMLIT_SERVER_PORT"])


def is_healthy(port: int) -> bool:
    try:
        return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).status == 200)
    except OSError:
        return False


class _Hub(BaseHTTPRequestHandler):
    """The page of the Hub with a frame of the Space; the path says which page of the app it shows."""

    def do_GET(self) -> None:
        body = (FRAME % self.path.lstrip("/")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub_page(container: Container, tmp_path: Path, browser: Browser) -> Iterator[Page]:
    """A browser for which the Hub and the Space are two sites with HTTPS, as they are."""
    hub = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=partial(hub.serve_forever, 0.05), daemon=True)
    thread.start()
    certificate = make_certificate(tmp_path)
    with (
        running_tls_proxy(certificate, hub.server_port) as hub_port,
        running_tls_proxy(certificate, port_of(container)) as space_port,
    ):
        rules = f"MAP {HUB}:443 127.0.0.1:{hub_port},MAP {SPACE}:443 127.0.0.1:{space_port}"
        chromium = browser.browser_type.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, f"--host-resolver-rules={rules}", "--ignore-certificate-errors"]
        )
        page = chromium.new_context(viewport={"width": 1400, "height": 1000}, ignore_https_errors=True).new_page()
        page.set_default_timeout(120_000)
        yield page
        chromium.close()
    hub.shutdown()
    hub.server_close()
    thread.join()


def open_in_frame(page: Page, path: str) -> FrameLocator:
    page.goto(f"https://{HUB}/{path}")
    return page.frame_locator("iframe")


def packed_dataset(folder: Path) -> Path:
    root = synthetic.write(folder / "mine", images=6)
    path = folder / "mine.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(root.parent))
    return path


def test_nothing_but_the_data_folder_can_be_written(container: Container) -> None:
    """As user 1000, of the app's own permissions: the disk is read-only in this test, in Docker it need not be."""
    root = container.folder
    writable = [
        path
        for path in (root, root / "app", *(root / "app").rglob("*"), root / "images", root / "usr/local/lib")
        if not path.is_symlink() and (path.stat().st_uid == 1000 or path.stat().st_mode & 0o002)
    ]
    assert writable == []
    unreadable = [path for path in (root / "app").rglob("*") if not path.stat().st_mode & 0o004]
    assert unreadable == []
    users = {Path(f"/proc/{pid}").stat().st_uid for pid in container.processes()}
    assert users == {1000}
    first = Path(f"/proc/{container.processes()[0]}/cmdline").read_bytes().split(b"\0")
    assert first[0] == b"tini"


def test_a_visitor_in_the_frame_of_the_hub_gets_a_mask_with_the_model_of_the_space(
    hub_page: Page, container: Container, tmp_path: Path
) -> None:
    picture = next((synthetic.write(tmp_path / "new", images=1) / "images").iterdir())
    refused: list[str] = []
    hub_page.on(
        "response", lambda response: response.status < 400 or refused.append(f"{response.status} {response.url}")
    )
    frame = open_in_frame(hub_page, "")
    expect(frame.get_by_text("cells is ready: upload images and get their masks.")).to_be_visible(timeout=120_000)
    frame.get_by_role("link", name="Predict with this model").click()
    expect(frame.get_by_role("heading", name="Predict")).to_be_visible(timeout=120_000)
    frame.locator('.st-key-uploads-0 input[type="file"]').set_input_files(str(picture))
    expect(frame.locator(".viewer[data-state=ready]")).to_be_visible(timeout=120_000)
    assert refused == []


def test_a_training_is_saved_and_gone_when_the_container_ends(
    hub_page: Page, container: Container, tmp_path: Path
) -> None:
    frame = open_in_frame(hub_page, "data")
    panel = frame.locator("details", has_text="Add a dataset")
    expect(panel).to_be_visible(timeout=120_000)
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()
    frame.locator('.uploader input[data-is="files"]').set_input_files(packed_dataset(tmp_path))
    frame.get_by_label("Name of the dataset").fill("mine")
    frame.locator(".uploader").get_by_role("button", name="Upload", exact=True).click()
    expect(frame.get_by_text("6 images scanned")).to_be_visible(timeout=120_000)
    frame = open_in_frame(hub_page, f"train?{TINY}&dataset=mine")
    frame.get_by_role("button", name="Start training").click(timeout=120_000)
    run = poll(lambda: next(iter(find(container.folder / "data/runs")), None), 120, "a run")
    poll(lambda: epochs_of(run) >= 2, 240, "two epochs")

    before, started = epochs_of(run), time.monotonic()
    trainers = [pid for pid in container.processes() if b"unet_core.training.worker" in command_of(pid)]
    assert len(trainers) == 1
    container.terminate()
    poll(lambda: not any(map(is_running, trainers)), GONE_SECONDS, "its end")
    trainer_seconds = time.monotonic() - started
    assert container.process is not None
    code = container.process.wait(60)
    print(
        f"trainer gone after {trainer_seconds:.2f} s, container after {time.monotonic() - started:.2f} s, status {code}"
    )
    assert run.state().value == "interrupted" and not run.queued
    verify(run.last)
    verify(run.best)
    assert epochs_of(run) >= before
    shutil.rmtree(container.folder / "data")
    (container.folder / "data").mkdir()


def epochs_of(run: Run) -> int:
    return sum(isinstance(event, EpochFinished) for event, _ in read_events(run.events)[0])


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
