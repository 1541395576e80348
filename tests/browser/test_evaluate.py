"""Evaluate in a real Chromium: the first screen, reload, link, export of charts, to Predict; undo of removals."""

import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser import ROOT, Server
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data import discovery, synthetic
from unet_core.data.splits import Split
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunFinished, RunStarted, StepFinished

pytestmark = pytest.mark.browser

LONG = "plate_7_well_C04_field_12_channel_DAPI_nuclei"  # a name as microscopes write them
EDGES = "(box) => { const { top, bottom } = box.getBoundingClientRect(); return { top, bottom }; }"
IS_WHOLE = "(name) => name.scrollWidth <= name.parentElement.clientWidth"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("evaluate"))
    data = synthetic.write(server.folder / "data" / "cells", images=8)
    for kind in ("images", "masks"):
        for path in sorted((data / kind).iterdir()):
            path.rename(path.with_name(f"{LONG}_{path.name}"))
    make_run(server.runs_dir, data)
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def make_run(runs_dir: Path, data: Path) -> None:
    """A run of two epochs as its trainer would leave it, with a model that has learned nothing."""
    run = runs.create(runs_dir, RunConfig().replace(root=str(data), epochs=2))
    samples = {sample.id: sample for sample in discovery.find(data)}
    records = {name: f"file:{discovery.content_hash(sample.image, sample.page)}" for name, sample in samples.items()}
    names = sorted(samples)
    run.write_split(Split(train=tuple(names[:4]), val=tuple(names[4:]), test=()), records)
    model = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=32)
    save_checkpoint(run.best, UNet(model))
    log = EventLog(run.events)
    log.append(RunStarted("cpu", "fp32", 1, 1000, 4, 4, 6, 2, 0, epochs=2, steps_per_epoch=3))
    for epoch in (1, 2):
        for step in range(3 * epoch - 2, 3 * epoch + 1):
            log.append(StepFinished(epoch, step, 1 / step, 0.01))
        log.append(EpochFinished(epoch, 3 * epoch, 0.9, 0.8, 0.4 * epoch, 0.2 * epoch, 0.01, 12.5, 4.0, best=True))
    log.append(RunFinished("completed", 2, 0.8, 0.4, 12.0, 4.0))
    log.close()


@pytest.fixture
def run(server: Server) -> runs.Run:
    return runs.find(server.runs_dir)[-1]


def settle(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def open_evaluate(page: Page, server: Server, query: str = "") -> None:
    page.goto(f"{server.url}/evaluate{query}")
    page.locator(".st-key-errors canvas").first.wait_for()
    settle(page)


def shown(page: Page) -> str:
    return page.locator(".st-key-evaluate_shown strong").inner_text()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_numbers_table_and_viewer_are_on_the_first_screen(page: Page, server: Server, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    open_evaluate(page, server)
    for key in ("evaluate_bar", "evaluate_numbers"):
        assert page.locator(f".st-key-{key}").evaluate(EDGES)["bottom"] < height / 3
    table = page.locator("[data-testid=stDataFrame]").first
    assert table.evaluate(EDGES)["bottom"] < height * 0.65
    stage = page.locator(".st-key-errors canvas").first
    seen = 180 if width == 1440 else 100
    assert stage.evaluate(EDGES)["top"] < height - seen, "the image itself is seen"
    if width == 1440:
        scroller = table.locator(".dvn-scroller")
        across, there = scroller.evaluate("(box) => [box.scrollWidth, box.clientWidth]")
        assert across <= there, "all columns without scrolling sideways"
    name = shown(page)
    assert name.startswith(LONG)
    assert page.locator(".st-key-evaluate_shown strong").evaluate(IS_WHOLE)


def test_the_selected_image_survives_a_reload_and_its_row_opens_it_on_predict(
    page: Page, server: Server, run: runs.Run
) -> None:
    open_evaluate(page, server)
    first = shown(page)
    name = next(name for name in sorted(run.split()["val"]) if name != first)
    open_evaluate(page, server, f"?image={name}&sort=By+image+name")
    assert shown(page) == name
    page.reload()
    page.locator(".st-key-errors canvas").first.wait_for()
    settle(page)
    assert shown(page) == name and f"image={name}" in page.url
    page.get_by_role("link", name="Predict this image").click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    page.locator(".st-key-viewer canvas").first.wait_for()
    settle(page)
    params = parse_qs(urlsplit(page.url).query)
    assert params["example"] == [name]
    page.reload()
    page.locator(".st-key-viewer canvas").first.wait_for()


def test_the_link_is_copied_and_opens_the_same_view(browser: Browser, server: Server, run: runs.Run) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(60_000)
    name = max(run.split()["val"])
    open_evaluate(page, server, f"?image={name}")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    params = parse_qs(urlsplit(link).query)
    assert params["model"] == [run.id] and params["image"] == [name]
    other = context.new_page()
    other.set_default_timeout(60_000)
    other.goto(link)
    other.locator(".st-key-errors canvas").first.wait_for()
    settle(other)
    assert shown(other) == name
    context.close()


def test_without_the_clipboard_the_link_is_shown_to_be_copied(page: Page, server: Server, run: runs.Run) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined });")
    open_evaluate(page, server)
    page.get_by_role("button", name="Copy link").click()
    field = page.get_by_label("Link to this view")
    expect(field).to_be_visible()
    assert f"model={run.id}" in field.input_value()
    expect(page.get_by_text("Press Ctrl+C")).to_be_visible()


def test_a_model_of_no_run_on_images_that_are_uploaded_right_here(
    page: Page, server: Server, run: runs.Run, tmp_path: Path
) -> None:
    shutil.copytree(run.best, server.runs_dir / "models" / "lone")
    synthetic.write(tmp_path / "night shift", images=3, seed=9)
    page.set_viewport_size({"width": 1440, "height": 900})
    open_evaluate(page, server, "?model=lone")
    expect(page.get_by_role("combobox", name="Images")).to_have_value("Another dataset (not trained on)")
    page.get_by_role("button", name="Add…").click()
    page.locator(".uploader[data-state]").wait_for()  # its program is loaded
    page.locator("[data-is=folder]").set_input_files(tmp_path / "night shift")
    page.get_by_role("button", name="Upload", exact=True).last.click()
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("night shift")
    expect(page.get_by_text("3 images: 3 new.")).to_be_visible()
    page.locator(".st-key-errors canvas").first.wait_for()
    settle(page)
    expect(page.get_by_text("Add images with masks")).to_have_count(0)
    assert page.locator(".st-key-evaluate_numbers").evaluate(EDGES)["bottom"] < 400
    page.reload()
    page.locator(".st-key-errors canvas").first.wait_for()
    settle(page)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("lone")
    expect(page.get_by_role("combobox", name="Dataset")).to_have_value("night shift")
    name = shown(page)
    page.get_by_role("link", name="Predict this image").click()
    expect(page.get_by_role("heading", name="Predict", exact=True)).to_be_visible()
    page.locator(".st-key-viewer canvas").first.wait_for()
    settle(page)
    params = parse_qs(urlsplit(page.url).query)
    assert params["run"] == ["lone"] and params["example"] == [name] and params["of"] == ["night shift"]
    shutil.rmtree(server.runs_dir / "models" / "lone")


def save(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).last.click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_chart_is_saved_as_png_svg_and_csv(page: Page, server: Server, run: runs.Run, tmp_path: Path) -> None:
    open_evaluate(page, server)
    page.locator(".st-key-histogram .js-plotly-plot svg.main-svg").first.wait_for()
    page.locator(".st-key-export-histogram").get_by_role("button", name="Export").click()
    page.get_by_role("button", name="PNG", exact=True).wait_for()
    svg = save(page, "SVG", tmp_path)
    assert svg.name == f"{run.id}-dice.svg"
    text = svg.read_text()
    assert text.startswith("<svg") and "images" in text and "Dice" in text and text.count("<path") > 3
    png = save(page, "PNG", tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG") and len(png.read_bytes()) > 3000
    table = save(page, "CSV", tmp_path)
    assert table.read_text().splitlines()[0] == "image,Dice"
    assert len(table.read_text().splitlines()) == 1 + len(run.split()["val"])


def test_the_live_curves_are_saved_with_all_points(page: Page, server: Server, run: runs.Run, tmp_path: Path) -> None:
    page.goto(f"{server.url}/train?run={run.id}")
    page.locator(".live[data-epochs='2']").wait_for()
    settle(page)
    page.locator(".st-key-export-live_chart").get_by_role("button", name="Export").click()
    page.get_by_role("button", name="PNG", exact=True).wait_for()
    svg = save(page, "SVG", tmp_path)
    assert svg.name == f"{run.id}-curves.svg"
    for word in ("Loss", "Validation scores", "Learning rate", "validation", "IoU"):
        assert f">{word}<" in svg.read_text()
    assert save(page, "PNG", tmp_path).read_bytes().startswith(b"\x89PNG")
    steps = save(page, "CSV: steps", tmp_path).read_text().splitlines()
    events = [json.loads(line) for line in run.events.read_text().splitlines()]
    assert len(steps) == 1 + sum(event.get("type") == "step" for event in events)
    assert len(save(page, "CSV: epochs", tmp_path).read_text().splitlines()) == 3


def test_a_deleted_run_comes_back_by_undo_and_after_a_reload_by_restore(page: Page, server: Server) -> None:
    golden = Path(ROOT) / "tests" / "golden" / "release_0_1" / "run"
    folder = server.runs_dir / "20991101-100000-golden"  # the first row
    shutil.copytree(golden, folder)
    page.goto(f"{server.url}/train?view=Runs&runs={folder.name}")
    delete(page)
    assert not folder.exists()
    page.locator("[class*=st-key-removal-run]").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("deleted. It is kept")).to_have_count(0)
    settle(page)
    assert (folder / "config.json").is_file()
    page.goto(f"{server.url}/train?view=Runs&runs={folder.name}")
    delete(page)
    page.reload()
    page.get_by_text("Recently deleted (1)").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("Recently deleted")).to_have_count(0)
    assert (folder / "config.json").is_file()
    shutil.rmtree(folder)


def test_printing_leaves_the_content_and_no_menus(page: Page, server: Server) -> None:
    open_evaluate(page, server)
    page.emulate_media(media="print")
    for gone in ("[data-testid=stHeader]", ".st-key-export-histogram", ".st-key-copy_link", ".stDownloadButton"):
        expect(page.locator(gone).first).to_be_hidden()
    for there in (".st-key-evaluate_numbers", ".st-key-evaluate_trust", ".st-key-errors", ".st-key-histogram"):
        expect(page.locator(there).first).to_be_visible()
    heights = page.evaluate(
        "(box) => [box.scrollHeight, box.clientHeight]", page.get_by_test_id("stMain").element_handle()
    )
    assert heights[0] <= heights[1], "nothing is cut off below the first screen"


def delete(page: Page) -> None:
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("deleted. It is kept for 24 hours.")).to_be_visible()
    settle(page)


def test_the_report_is_made_and_downloaded(page: Page, server: Server, tmp_path: Path) -> None:
    open_evaluate(page, server)
    page.get_by_role("button", name="Report (HTML)").click()
    button = page.get_by_role("button", name="Download report")
    button.wait_for()
    with page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert download.value.suggested_filename.endswith("-report.html")
    assert text.count("<article ") == 4 and "<h2>Training curves</h2>" in text
    assert str(server.folder) not in text
