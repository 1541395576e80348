"""Share in a real browser: narrow and wide, both themes, by keyboard names; an upload that is followed to its end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_accessibility import check
from tests.helpers.browser import ROOT, Server
from tests.helpers.hub_push_server import TOKEN, running_push_hub
from unet_core.data import synthetic


@pytest.fixture(scope="module")
def hub():
    with running_push_hub() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", running.endpoint)
        patch.setenv("HF_HUB_DISABLE_XET", "1")
        patch.delenv("HF_TOKEN", raising=False)
        yield running


@pytest.fixture(scope="module")
def shared(hub, tmp_path_factory: pytest.TempPathFactory):
    """A server with one trained run that uploads to the Hub of the tests."""
    folder = tmp_path_factory.mktemp("share")
    synthetic.write(folder / "cells", images=8)
    small = ["--epochs", "1", "--base-channels", "2", "--depth", "1", "--image-size", "32", "--crops-per-image", "1"]
    command = [
        sys.executable,
        "-m",
        "unet_core",
        "train",
        str(folder / "cells"),
        "--runs-dir",
        str(folder / "runs"),
        *small,
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(folder / "hf"))
        server = Server(folder)
        server.start()
    yield server
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    log = server.log.read_text()
    assert "Traceback" not in log and TOKEN not in log


def open_share(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/share")
    page.get_by_role("tab", name="Files").wait_for()
    page.get_by_role("heading", name="Scores").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (380, 760)])
def test_the_page_fits_and_meets_level_aa(
    browser: Browser, shared: Server, width: int, height: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(120_000)
    open_share(page, shared)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Hugging Face repository", "Access token"):
        assert page.get_by_role("textbox", name=name).bounding_box()["y"] < height
    upload = page.get_by_role("button", name="Upload").first.bounding_box()
    assert upload["y"] + upload["height"] <= height  # all that is needed is on the first screen
    card = page.locator(".st-key-share_card")
    box = card.bounding_box()
    for table in card.locator("table").all():
        inner = table.bounding_box()
        assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
    assert check(page) == []
    context.close()


@pytest.mark.browser
def test_an_upload_is_followed_to_its_page(page: Page, shared: Server, hub) -> None:
    page.set_default_timeout(120_000)
    open_share(page, shared)
    page.get_by_role("textbox", name="Hugging Face repository").fill("anna/cells-unet")
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Access token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="as private").click()
    link = page.get_by_role("link", name="anna/cells-unet")
    expect(link).to_have_attribute("href", f"{hub.endpoint}/anna/cells-unet")
    expect(page.get_by_role("textbox", name="Access token")).to_have_value("")
    files = hub.repos["anna/cells-unet"].files
    run = next(Path(shared.runs_dir).iterdir())
    assert files["model.safetensors"] == (run / "checkpoints" / "best" / "model.safetensors").read_bytes()
    assert os.fsencode(shared.folder) not in b"".join(files.values())


@pytest.mark.browser
def test_the_zip_is_downloaded(page: Page, shared: Server, tmp_path: Path) -> None:
    import zipfile

    page.set_default_timeout(120_000)
    open_share(page, shared)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as ZIP").click()
    waiting.value.save_as(tmp_path / "model.zip")
    assert waiting.value.suggested_filename == "cells-unet.zip"
    assert "cells-unet/README.md" in zipfile.ZipFile(tmp_path / "model.zip").namelist()
