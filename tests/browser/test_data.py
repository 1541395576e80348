"""A dataset in a real Chromium: brought in, seen, repaired, trained on and evaluated; by keyboard alone once."""

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.helpers.browser import Server, poll
from unet_core.data import discovery, synthetic
from unet_core.data.library.library import Library
from unet_core.data.masks import files
from unet_core.data.reading import read_image
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

TINY = "epochs=1&base_channels=2&depth=1&image_size=32&crops_per_image=1&precision=fp32"
MARGIN = 4  # pixels that a planted mask is larger than its image, on each side
FAULTY = ("cells_001", "cells_004")
MOST_TABS = 150


@pytest.fixture
def cells(tmp_path) -> Path:
    """Six images with masks."""
    return synthetic.write(tmp_path / "cells", images=6, seed=3)


@pytest.fixture
def faulty(cells) -> Path:
    """The same; two masks are larger than their images."""
    root = Path(shutil.copytree(cells, cells.with_name("faulty")))
    for name in FAULTY:
        path = root / "masks" / f"{name}.png"
        path.write_bytes(encode_png(np.pad(images.read_mask(path), MARGIN)))
    return root


def library(server: Server) -> Library:
    return Library(server.folder / "datasets")


def picker(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Dataset", exact=True)


def zip_of(root: Path) -> Path:
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.*")):
            archive.write(file, file.relative_to(root.parent))
    return path


def open_ways_in(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/data")
    panel = page.locator("details", has_text="Add a dataset")
    expect(panel).to_be_visible()
    if panel.get_attribute("open") is None:
        panel.locator("summary").click()


def upload(page: Page, server: Server, kind: str, path: Path, name: str) -> None:
    """Choose a folder or files, give the dataset a name, and wait until it is the chosen one."""
    open_ways_in(page, server)
    expect(page.locator(".uploader[data-state=idle], .uploader[data-state=done]")).to_be_visible()
    page.locator(f'.uploader input[data-is="{kind}"]').set_input_files(path)
    page.get_by_label("Name of the dataset").fill(name)
    page.locator(".uploader").get_by_role("button", name="Upload", exact=True).click()
    expect(picker(page)).to_have_value(name)
    expect(page.get_by_text("6 images scanned")).to_be_visible()


def repair(page: Page) -> None:
    """In the Mask Doctor: crop the masks that are larger than their images."""
    expect(page.get_by_text("2 masks have another size than the image").first).to_be_visible()
    page.get_by_test_id("stMain").get_by_text("Mask Doctor", exact=True).click()
    page.get_by_role("button", name=re.compile("^Crop the masks")).click()
    expect(page.get_by_text("1 repair applied")).to_be_visible()
    expect(page.get_by_text("2 masks have another size than the image")).to_have_count(0)


def train(page: Page, server: Server, name: str) -> runs.Run:
    """One epoch of a tiny model."""
    before = {run.id for run in runs.find(server.runs_dir)}
    page.goto(f"{server.url}/train?{TINY}&dataset={name}")
    expect(picker(page)).to_have_value(name)
    page.get_by_role("button", name="Start training").click()
    return finish(page, server, before)


def finish(page: Page, server: Server, before: set[str]) -> runs.Run:
    """The run that is not one of those before, once it is over."""
    run = poll(lambda: next((run for run in runs.find(server.runs_dir) if run.id not in before), None), what="a run")
    expect(page.locator(".st-key-standing")).to_contain_text("finished", timeout=120_000)
    # The row of a finished run takes another place on the page: until the page is drawn, its links are there twice.
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    expect(page.get_by_role("link", name="Evaluate this model")).to_have_count(1)
    return run


def expect_no_overflow(page: Page) -> None:
    width, inner = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width <= inner


def test_a_folder_is_dropped_repaired_trained_on_and_evaluated(page: Page, server: Server, cells, faulty):
    upload(page, server, "folder", faulty, "my cells")
    root = library(server).find("my cells").root
    assert "dataset=my" in page.url
    stored = {path.name: path.read_bytes() for path in sorted((root / "masks").iterdir())}
    repair(page)
    assert {path.name: path.read_bytes() for path in sorted((root / "masks").iterdir())} == stored
    for sample in discovery.search(root, recipe=discovery.recipes.load(root)).samples:
        mask = files.read(sample, read_image(sample).shape)
        np.testing.assert_array_equal(mask.values, images.read_mask(cells / "masks" / f"{sample.id}.png"))

    page.get_by_role("link", name="Train on my cells").click()
    expect(page.get_by_text("6 images with masks")).to_be_visible()
    page.get_by_role("button", name="Details", exact=True).click()
    expect(page.get_by_text("1 repair is applied, see Data")).to_be_visible()
    run = train(page, server, "my cells")
    assert Path(run.config.data.root) == root
    page.get_by_role("link", name="Evaluate this model").click()
    expect(page.get_by_text("Mean Dice", exact=True)).to_be_visible()

    page.get_by_test_id("stTopNav").get_by_role("link", name="Train").click()  # the menu drops what the address has
    expect(picker(page)).to_have_value("my cells")
    page.reload()
    expect(picker(page)).to_have_value("my cells")
    page.get_by_role("button", name="Details", exact=True).click()
    page.get_by_role("link", name="View and repair this dataset").click()
    expect(picker(page)).to_have_value("my cells")
    page.get_by_test_id("stTopNav").get_by_role("link", name="Home").click()
    expect(page.get_by_text("Recent runs")).to_be_visible()
    page.go_back()
    expect(picker(page)).to_have_value("my cells")


def test_a_zip_file_is_dropped_and_scored_on_a_narrow_screen(page: Page, server: Server, cells):
    page.set_viewport_size({"width": 700, "height": 900})
    train(page, server, "my cells")
    upload(page, server, "files", zip_of(cells), "unseen")
    expect_no_overflow(page)
    page.goto(f"{server.url}/evaluate?split=other&dataset=unseen")
    # Its six images are those of the run under another name: four were trained on.
    expect(page.get_by_text("images are left out: the model was trained on them")).to_be_visible()
    expect(page.get_by_text("Mean Dice", exact=True)).to_be_visible()
    expect_no_overflow(page)
    page.goto(f"{server.url}/data?dataset=unseen")
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(picker(page)).to_have_value("Built-in sample")
    assert "unseen" not in [entry.name for entry in library(server).entries()]
    page.goto(f"{server.url}/train?dataset=unseen")
    expect(page.get_by_text("There is no dataset 'unseen' any more")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_disabled()


def test_an_address_of_an_older_release_adds_the_folder(page: Page, server: Server, cells):
    page.goto(f"{server.url}/train?source=Local+folder&root={cells}&epochs=3")
    expect(picker(page)).to_have_value("cells")
    expect(page.get_by_text("6 images with masks")).to_be_visible()
    expect(page.get_by_role("spinbutton", name="Epochs")).to_have_value("3")
    assert library(server).find("cells").root == cells
    page.reload()
    expect(picker(page)).to_have_value("cells")


def reach(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press Tab, or another key, until something has the focus."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        if target.evaluate("one => one === one.getRootNode().activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{target} was not reached by {MOST_TABS} times {key}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    reach(page, target)
    page.keyboard.press(key)


def choose(page: Page, now: str, name: str) -> None:
    """Another button of a group: Tab leads to the one that is pressed, the arrows to the others."""
    reach(page, page.get_by_role("radio", name=now, exact=True))
    reach(page, page.get_by_role("radio", name=name, exact=True), "ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_role("radio", name=name, exact=True)).to_be_checked()


def enter(page: Page, label: str, value: int) -> None:
    reach(page, page.get_by_role("spinbutton", name=label))
    page.keyboard.press("Control+a")
    page.keyboard.type(str(value))
    page.keyboard.press("Enter")


def test_all_of_it_by_keyboard_alone(page: Page, server: Server, faulty):
    before = {run.id for run in runs.find(server.runs_dir)}
    page.goto(server.url)
    press(page, page.get_by_role("link", name="Open Data"))
    expect(page.get_by_text("48 images scanned")).to_be_visible()
    panel = page.locator("details", has_text="Add a dataset")
    if panel.get_attribute("open") is None:
        press(page, panel.locator("summary"))
    choose(page, "Upload", "Folder on this machine")
    reach(page, page.get_by_role("textbox", name="Path"))
    page.keyboard.type(f'"{faulty}"')
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"{faulty}: 2 folders")).to_be_visible()
    press(page, page.get_by_role("button", name="Use this folder"))
    expect(picker(page)).to_have_value("faulty")
    expect(page.get_by_text("6 images scanned")).to_be_visible()
    choose(page, "Overview", "Mask Doctor")
    press(page, page.get_by_role("button", name=re.compile("^Crop the masks")))
    expect(page.get_by_text("1 repair applied")).to_be_visible()
    press(page, page.get_by_role("link", name=re.compile("^Train on ")))
    press(page, page.get_by_role("button", name="Details", exact=True))
    expect(page.get_by_text("1 repair is applied, see Data")).to_be_visible()
    page.keyboard.press("Escape")
    enter(page, "Epochs", 1)
    enter(page, "Crop size (px)", 32)
    enter(page, "Base channels", 2)
    press(page, page.get_by_role("button", name="Start training"))
    run = finish(page, server, before)
    assert (run.config.data.root, run.config.train.epochs, run.config.model.base_channels) == (str(faulty), 1, 2)
    press(page, page.get_by_role("link", name="Evaluate this model"))
    expect(page.get_by_text("Mean Dice", exact=True)).to_be_visible()
