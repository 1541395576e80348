"""A dataset in a real Chromium: brought in, seen, repaired, trained on and evaluated; by keyboard alone once."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server, poll
from unet_core.data import synthetic
from unet_core.data.library.library import Library
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

TINY = "epochs=1&base_channels=2&depth=1&image_size=32&crops_per_image=1&precision=fp32"


@pytest.fixture
def cells(tmp_path) -> Path:
    """Six images with masks."""
    return synthetic.write(tmp_path / "cells", images=6, seed=3)


def library(server: Server) -> Library:
    return Library(server.folder / "datasets")


def picker(page: Page):
    return page.get_by_role("combobox", name="Dataset", exact=True)


def zip_of(root: Path) -> Path:
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(root.parent))
    return path


def open_ways_in(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/data")
    expect(page.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    panel = page.locator("details", has_text="Add a dataset")
    expect(panel).to_be_visible()
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()
    expect(page.locator(".uploader[data-state=idle], .uploader[data-state=done]")).to_be_visible()


def upload(page: Page, server: Server, kind: str, path: Path, name: str) -> None:
    """Choose a folder or files, give the dataset a name, and wait until it is the chosen one."""
    open_ways_in(page, server)
    page.locator(f'.uploader input[data-is="{kind}"]').set_input_files(path)
    page.get_by_label("Name of the dataset").fill(name)
    page.locator(".uploader").get_by_role("button", name="Upload", exact=True).click()
    expect(picker(page)).to_have_value(name)


def train(page: Page, server: Server, name: str) -> runs.Run:
    """One epoch of a tiny model, from the link of the Data page."""
    before = {run.id for run in runs.find(server.runs_dir)}
    page.goto(f"{server.url}/train?{TINY}&dataset={name}")
    expect(picker(page)).to_have_value(name)
    page.get_by_role("button", name="Start training").click()
    run = poll(lambda: next((run for run in runs.find(server.runs_dir) if run.id not in before), None), what="a run")
    expect(page.locator(".st-key-standing")).to_contain_text("finished", timeout=120_000)
    return run


def test_a_folder_is_dropped_trained_on_and_evaluated(page: Page, server: Server, cells):
    upload(page, server, "folder", cells, "my cells")
    assert [entry.name for entry in library(server).entries()] == ["my cells"]
    assert "dataset=my" in page.url
    run = train(page, server, "my cells")
    assert Path(run.config.data.root) == library(server).find("my cells").root
    page.get_by_role("link", name="Evaluate this model").click()
    expect(page.get_by_text("Mean Dice", exact=True)).to_be_visible()
    page.get_by_test_id("stTopNav").get_by_role("link", name="Train").click()
    expect(picker(page)).to_have_value("my cells")
    page.reload()
    expect(picker(page)).to_have_value("my cells")
