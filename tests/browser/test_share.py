"""Share in a real browser: narrow and wide, both themes, by keyboard names; an upload that is followed to its end."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_accessibility import Watch
from tests.helpers.browser import Server
from tests.helpers.hub_push_server import TOKEN, running_push_hub
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.data.discovery import content_hash
from unet_core.data.splits import Split
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunFinished, RunStarted
from unet_core.runs.run import create


@pytest.fixture(scope="module")
def hub():
    with running_push_hub() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", running.endpoint)
        patch.setenv("HF_HUB_DISABLE_XET", "1")
        patch.delenv("HF_TOKEN", raising=False)
        yield running


@pytest.fixture(scope="module")
def shared(hub, tmp_path_factory: pytest.TempPathFactory):
    """A server with one run, made without a trainer, that uploads to the Hub of the tests."""
    folder = tmp_path_factory.mktemp("share")
    make_trained_run(folder)
    server = Server(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(folder / "hf"))
        server.start()
    yield server
    server.kill()
    log = server.log.read_text()
    assert "Traceback" not in log and TOKEN not in log


def make_trained_run(folder: Path) -> None:
    """In `runs`, on `cells`: a network as it is drawn, a log with one epoch, and a split with two validation images."""
    synthetic.write(folder / "cells", images=6)
    config = RunConfig().replace(root=str(folder / "cells"), base_channels=2, depth=1, image_size=32)
    run = create(folder / "runs", config)
    model = replace(config.model, in_channels=1, num_classes=1)
    save_checkpoint(run.best, UNet(model))
    ids = sorted(path.stem for path in (folder / "cells" / "images").iterdir())
    records = {name: f"file:{content_hash(folder / 'cells' / 'images' / f'{name}.png')}" for name in ids}
    run.write_split(Split(tuple(ids[:4]), tuple(ids[4:]), ()), records)
    log = EventLog(run.events)
    log.append(RunStarted("cpu", "fp32", 1, 1000, 1, 1, 4, 2, 0, epochs=1, steps_per_epoch=3))
    log.append(EpochFinished(1, 3, 0.9, 0.8, 0.71, 0.55, 0.01, 12.5, 4.0, best=True))
    log.append(RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0))
    log.close()


def open_share(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/share")
    page.get_by_role("tab", name="Files").wait_for()
    page.get_by_role("heading", name="Scores").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (380, 760)])
def test_the_page_fits_and_meets_level_aa(browser: Browser, shared: Server, width: int, height: int) -> None:
    watch = Watch(browser)
    page = watch.page
    page.set_viewport_size({"width": width, "height": height})
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
    watch.check("card")
    for name in ("Card source", "Files"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        watch.check(name)
    watch.end()


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
    page.set_default_timeout(120_000)
    open_share(page, shared)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download as ZIP").click()
    waiting.value.save_as(tmp_path / "model.zip")
    assert waiting.value.suggested_filename == "cells-unet.zip"
    assert "cells-unet/README.md" in zipfile.ZipFile(tmp_path / "model.zip").namelist()
