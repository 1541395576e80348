"""The walk of a newcomer with 25 images: from opening the app to an exported mask and a score, without scrolling.

The clicks are counted, so that a change that needs one more, or hides what comes next, is seen here.
"""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_walk import points
from tests.helpers.browser import ROOT, Server, poll
from tests.helpers.visitor import Visitor
from unet_core.data import synthetic
from unet_core.io import images
from unet_core.runs import run as runs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

IMAGES, CLICKS = 25, 11
REAL = Path(os.environ.get("UNET_DATA", ROOT.parent / "shared" / "data")) / "dsb2018" / "stage1_train"


def make_nuclei(folder: Path) -> Path:
    return synthetic.write(folder / "nuclei", IMAGES)


def copy_nuclei(folder: Path) -> Path:
    if not REAL.is_dir():
        pytest.skip(f"there is no {REAL}; UNET_DATA names the folder of real data")
    for source in sorted(REAL.iterdir())[:: len(list(REAL.iterdir())) // IMAGES][:IMAGES]:
        shutil.copytree(source, folder / "nuclei" / source.name)
    return folder / "nuclei"


@pytest.fixture
def page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


@pytest.fixture
def server(tmp_path: Path) -> Server:
    """Of its own for each walk: nothing was done there before."""
    server = Server(tmp_path)
    server.start()
    yield server
    for run in runs.find(server.runs_dir):
        run.request_stop()
        poll(lambda run=run: not run.state().active, 120, "the end of the run")
    server.kill()
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    "make_dataset", [make_nuclei, pytest.param(copy_nuclei, marks=pytest.mark.long)], ids=["synthetic", "dsb2018"]
)
def test_from_the_first_visit_to_a_mask_and_a_score(page: Page, server: Server, tmp_path: Path, make_dataset) -> None:
    visitor = Visitor(page)
    page.goto(server.url)
    visitor.click(page.get_by_role("link", name="Open Data"), "data")
    visitor.choose_files(page.get_by_role("button", name="Choose folder"), make_dataset(tmp_path))
    visitor.click(page.get_by_role("button", name="Upload", exact=True), "upload")
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("nuclei")
    visitor.click(page.get_by_role("link", name="Train on nuclei"), "train")
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("nuclei")
    visitor.click(page.get_by_role("button", name="Start training"), "start")

    poll(lambda: points(page, "steps"), 400, "the first point of the curve")
    visitor.see(page.get_by_role("img", name="Loss per batch").or_(page.locator(".live canvas").first), "the curve")
    run = runs.find(server.runs_dir)[0]
    assert Path(run.config.data.root) == server.folder / "datasets" / "nuclei"
    poll(lambda: run.has_best, 400, "the first epoch")
    visitor.click(page.get_by_role("link", name="Predict with this model"), "predict")

    visitor.click(page.get_by_role("button", name="example images"), "examples")
    viewer = page.locator(".viewer[data-state=ready]")
    visitor.see(viewer.locator(".stage"), "the mask")
    threshold = page.get_by_role("slider", name="Threshold")
    before = threshold.input_value()
    visitor.click(threshold, "threshold", position={"x": 20, "y": 5})
    expect(threshold).not_to_have_value(before)

    with page.expect_download() as download:
        visitor.click(page.get_by_role("button", name="Download", exact=True), "export")
    download.value.save_as(tmp_path / "mask.png")
    assert set(images.read_mask(tmp_path / "mask.png").ravel().tolist()) <= {0, 255}

    visitor.click(page.get_by_role("link", name="Evaluate").first, "evaluate")
    score = page.get_by_test_id("stMetric").filter(has_text="Mean Dice").get_by_test_id("stMetricValue")
    visitor.see(score, "the score")
    assert 0 <= float(score.inner_text()) <= 1
    assert len(visitor.clicks) == CLICKS <= 12, visitor.clicks
