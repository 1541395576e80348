"""The Predict page in a real Chromium: in, see, another threshold, many pictures and a broken one, why, both ways."""

import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from benchmarks.overlay_frames import FIND
from tests.browser.test_overlay import ask, drawn, far, place, ready, view
from tests.helpers.browser import Server, poll, wait_until
from unet_core import overlay
from unet_core.data import synthetic
from unet_core.inference.predictor import Predictor, load_predictor
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.postprocessing import cleanup, objects
from unet_core.runs import run as runs

pytestmark = pytest.mark.browser

TRAINING = {"epochs": 12, "base-channels": 4, "depth": 2, "image-size": 64, "crops-per-image": 4, "batch-size": 8}


@pytest.fixture(scope="module")
def run(server: Server) -> runs.Run:
    """A small model that knows the sample's cells."""
    from unet_core.cli.parser import main

    data = synthetic.write(server.folder / "cells", images=16)
    settings = [f"--{name}={value}" for name, value in TRAINING.items()]
    assert main(["train", str(data), "--runs-dir", str(server.runs_dir), *settings]) == 0
    return runs.find(server.runs_dir)[0]


@pytest.fixture(scope="module")
def predictor(run: runs.Run) -> Predictor:
    return load_predictor(run.best)[0]


@pytest.fixture(scope="module")
def pictures(run: runs.Run) -> list[Path]:
    return sorted((Path(run.config.data.root) / "images").iterdir())


def open_page(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/predict")
    expect(page.get_by_role("heading", name="Predict")).to_be_visible()


def upload(page: Page, *files) -> None:
    field = page.locator('[class*="st-key-uploads"] input[type="file"]')
    field.set_input_files([str(file) if isinstance(file, Path) else file for file in files])


def packed(pictures: dict[str, bytes]) -> dict:
    """A ZIP as the browser uploads it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as file:
        for name, content in pictures.items():
            file.writestr(name, content)
    return {"name": "plate.zip", "mimeType": "application/zip", "buffer": data.getvalue()}


def standing(page: Page):
    """The line on the page; the viewer has the same in words for screen readers."""
    return page.locator("p:not(.spoken)", has_text=re.compile(r"\d+ x \d+ pixels"))


def number_of_objects(page: Page) -> int:
    return int(re.search(r"(\d+) objects?", standing(page).inner_text())[1])


def test_a_mask_is_seen_moved_and_looked_at_closely(page: Page, server: Server, predictor: Predictor, pictures):
    open_page(page, server)
    upload(page, *pictures[:2])
    ready(page)
    image = images.read(pictures[0])
    answer = predictor.answer(image)

    def count(threshold: float) -> int:
        return len(objects.find(answer.mask(threshold), image))

    assert ask(page, "viewer.data.name") == pictures[0].name
    assert number_of_objects(page) == count(0.5)
    page.get_by_role("button", name="Contrast, brightness and gamma").click()
    page.get_by_role("button", name="Full range").click()
    page.get_by_role("combobox", name="Style").select_option("fill")  # outlines are as wide as the screen has it
    ready(page)
    assert far(drawn(page, image.shape[:2]), overlay.draw(image, answer.mask(0.5), 1)) == 0

    threshold = page.get_by_role("slider", name="Threshold")
    ask(page, "viewer.zoom(3, 100, 100)")
    kept = view(page)
    wanted = next(t for t in (0.8, 0.9, 0.2, 0.1, 0.95, 0.05) if count(t) != count(0.5))
    threshold.fill(str(wanted))
    expect(standing(page)).to_contain_text(f"{count(wanted)} objects")
    ready(page)
    assert view(page) == kept
    expect(page.get_by_role("region", name=f"Table of {count(wanted)} objects")).to_be_visible()

    page.get_by_role("button", name="Next").click()
    wait_until(page, f"{FIND}?.viewer.data.name === '{pictures[1].name}'")
    ready(page)
    assert ask(page, "viewer.view.fitted")
    page.get_by_role("button", name="Previous").click()
    wait_until(page, f"{FIND}?.viewer.data.name === '{pictures[0].name}'")
    ready(page)
    assert view(page) == kept

    page.get_by_role("button", name="Next").click()
    wait_until(page, f"{FIND}?.viewer.data.name === '{pictures[1].name}'")
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="UNet Studio")).to_be_visible()
    page.get_by_role("link", name="Predict", exact=True).click()
    ready(page)
    assert ask(page, "viewer.data.name") == pictures[1].name
    assert ask(page, "viewer.settings.threshold") == wanted
    page.get_by_role("button", name="Previous").click()
    wait_until(page, f"{FIND}?.viewer.data.name === '{pictures[0].name}'")
    ready(page)
    assert view(page) == kept
    expect(standing(page)).to_contain_text(f"{count(wanted)} objects")


WATCH = """new MutationObserver(() => {
  window.sawProgress ||= Boolean(document.querySelector('[role=progressbar]'));
}).observe(document.body, { childList: true, subtree: true })"""


def test_two_hundred_with_a_broken_one_arrive_but_for_it(page: Page, server: Server, pictures, tmp_path):
    whole = [images.read(path)[:, :, 0] for path in pictures[:4]]
    many = {f"{number:03}.png": encode_png(np.roll(whole[number % 4], number)) for number in range(200)}
    many["117.png"] = many["117.png"][:60]
    open_page(page, server)
    page.evaluate(WATCH)  # it may be gone before one has looked
    upload(page, packed(many))
    wait_until(page, "window.sawProgress")
    expect(page.get_by_text("1 of 199", exact=True)).to_be_visible(timeout=120_000)
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("alert").filter(has_text="117.png")).to_be_visible()
    expect(page.get_by_text("199 images, 1 that cannot be predicted")).to_be_visible()
    page.get_by_role("button", name="All 199 images").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all (ZIP)").click()
    download.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as file:
        names = file.namelist()
        masks = [name for name in names if re.search(r"\d{3}\.png$", name)]
        table = next(name for name in names if name.endswith(".csv"))
        rows = list(csv.reader(io.StringIO(file.read(table).decode("utf-8-sig"))))
    assert len(masks) == 199
    assert not any("117" in name for name in masks)
    assert len(rows) > 199


def test_what_is_done_stays_after_cancel_and_the_rest_can_follow(page: Page, server: Server, pictures):
    whole = np.tile(images.read(pictures[5])[:128, :128, 0], (5, 5))
    many = {f"{number:02}.png": encode_png(np.roll(whole, 3 * number + 1)) for number in range(120)}
    open_page(page, server)
    upload(page, packed(many))
    ready(page)  # the first ones are shown while the others are predicted
    page.get_by_role("button", name="Cancel").click()
    told = page.get_by_role("alert").filter(has_text="Canceled")
    expect(told).to_be_visible()
    done, wanted = map(int, re.search(r"(\d+) of (\d+) images", told.inner_text()).groups())
    assert 0 < done < wanted == len(many)
    expect(page.get_by_role("button", name="Predict the rest")).to_be_visible()
    ready(page)


def test_an_inverted_picture_is_named_and_mended(page: Page, server: Server, pictures):
    plain = images.read(pictures[2])[:, :, 0]
    files = {"plain.png": plain, "turned.png": 255 - plain}
    plain, turned = ({"name": n, "mimeType": "image/png", "buffer": encode_png(p)} for n, p in files.items())
    open_page(page, server)
    upload(page, plain)
    ready(page)
    expected = standing(page).inner_text()
    page.get_by_role("button", name="Images and settings").click()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Upload an image or pick")).to_be_visible()
    upload(page, turned)
    ready(page)
    panel = page.locator(".st-key-why")
    expect(panel.get_by_role("button").first).to_have_text(re.compile("nvert"))
    assert standing(page).inner_text() != expected
    panel.get_by_role("button").first.click()
    expect(page.get_by_text(expected, exact=True)).to_be_visible()
    expect(standing(page)).to_have_count(1)  # that of before is there until the page has run
    expect(page.get_by_text("Input adjusted: inverted")).to_be_visible()


def test_a_row_is_an_object_and_an_object_a_row(page: Page, server: Server, predictor: Predictor, pictures):
    image = images.read(pictures[3])
    found = objects.find(predictor.answer(image).mask(0.5), image).rows()
    open_page(page, server)
    upload(page, pictures[3])
    ready(page)
    first, third = found[0], found[2]
    page.mouse.click(*place(page, first["centroid_x_px"], first["centroid_y_px"]))
    selected = page.locator('[data-testid="stDataFrame"] [role=row][aria-selected=true]')
    expect(selected).to_have_count(1)
    expect(selected).to_have_attribute("aria-rowindex", "2")  # the header is the first
    grid = page.locator('[data-testid="stDataFrame"] .dvn-scroller')
    grid.click(position={"x": 16, "y": 35 * 3 + 18})
    poll(lambda: ask(page, "viewer.settings.selected") == third["id"], what="the row's object in the viewer")
    expect(selected).to_have_attribute("aria-rowindex", "4")


def test_the_keyboard_reaches_every_control(page: Page, server: Server, pictures):
    open_page(page, server)
    upload(page, *pictures[:2])
    ready(page)
    page.get_by_role("button", name="Previous").focus()
    focused = """() => {
        let at = document.activeElement;
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return at?.getAttribute('aria-label') || at?.name || at?.innerText || at?.tagName;
    }"""
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focused))
        if "All 2 images" in str(reached[-1]):
            break
    else:
        pytest.fail(f"Tab never came to the last button, only to {reached}")
    order = ["Next", "Show", "Threshold", "Opacity", "Zoom in (+)", "Full screen", f"{pictures[0].name}: image"]
    places = [next(i for i, name in enumerate(reached) if name and wanted in name) for wanted in order]
    assert places == sorted(places)


def box_of(page: Page, selector: str) -> dict:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768)])
def test_image_mask_and_export_are_on_the_first_screen(page: Page, server: Server, pictures, width: int, height: int):
    page.set_viewport_size({"width": width, "height": height})
    open_page(page, server)
    contents = {path.name: path.read_bytes() for path in pictures[:3]} | {"notes.png": b"just text"}
    upload(page, *({"name": name, "mimeType": "image/png", "buffer": data} for name, data in contents.items()))
    ready(page)
    expect(page.get_by_role("alert").filter(has_text="notes.png")).to_be_in_viewport(ratio=1)
    wait_until(page, f"{FIND}.viewer.stage.getBoundingClientRect().bottom <= innerHeight")
    stage = box_of(page, ".viewer .stage")
    corners = ask(page, "[viewer.view.onStage(0, 0), viewer.view.onStage(...viewer.data.size)].flat()")
    left, top, right, bottom = corners
    assert -0.5 <= left < right <= stage["width"] + 0.5
    assert -0.5 <= top < bottom <= stage["height"] + 0.5
    assert stage["x"] >= 0
    assert stage["y"] >= 0
    assert stage["x"] + stage["width"] <= width
    assert stage["height"] > 0.35 * height
    for name in ("Next", "Download", "All 3 images"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    page.get_by_role("button", name="Images and settings").click()  # the side makes it narrower, no less whole
    expect(page.get_by_role("button", name="Upload").first).to_be_in_viewport(ratio=1)
    wait_until(page, f"{FIND}.viewer.stage.getBoundingClientRect().bottom <= innerHeight")


STICKS_OUT = """() => {
  const found = [];
  const all = "button, input, select, label, p, h1, [role=slider], .stage, .readout, .about";
  const look = (root) => {
    for (const each of root.querySelectorAll(all)) {
      const box = each.getBoundingClientRect();
      const isSeen = box.width && each.checkVisibility({ visibilityProperty: true, opacityProperty: true });
      const scrolls = each.closest(".st-key-strip, [data-testid=stDataFrame], [data-testid=stSidebar]");
      if (isSeen && !scrolls && (box.left < -1 || box.right > innerWidth + 1)) found.push(each.outerHTML.slice(0, 90));
    }
    for (const each of root.querySelectorAll("*")) if (each.shadowRoot) look(each.shadowRoot);
  };
  look(document);
  if (document.querySelector("[data-testid=stMain]").scrollWidth > innerWidth) found.push("the page scrolls sideways");
  return found;
}"""


@pytest.mark.parametrize("width", [700, 380])
def test_nothing_is_cut_off_on_a_narrow_screen(page: Page, server: Server, pictures, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    open_page(page, server)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    assert page.evaluate(STICKS_OUT) == []
    upload(page, *pictures[:3])
    ready(page)
    assert page.evaluate(STICKS_OUT) == []
    stage = box_of(page, ".viewer .stage")
    assert stage["x"] + stage["width"] <= width
    page.get_by_role("button", name="Images and settings").click()
    expect(page.get_by_role("button", name="Hide settings")).to_be_visible()
    assert page.evaluate(STICKS_OUT) == []


def in_address(page: Page, words: str) -> None:
    """Wait until the address says so, and until the page has been drawn for it."""
    wait_until(page, "(words) => location.search.includes(words)", arg=words)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_a_reload_keeps_uploads_threshold_view_and_options_and_a_stranger_sees_nothing(
    page: Page, server: Server, predictor: Predictor, pictures
):
    open_page(page, server)
    upload(page, *pictures[:3])
    ready(page)
    page.get_by_role("button", name="Next").click()
    wait_until(page, f"{FIND}?.viewer.data.name === '{pictures[1].name}'")
    ready(page)
    # One after the other, each when the page has taken the one before: a visitor looks before going on.
    page.get_by_role("slider", name="Threshold").fill("0.3")
    in_address(page, "threshold=0.3")
    page.get_by_role("slider", name="Opacity").fill("0.9")
    in_address(page, "opacity=0.9")
    page.get_by_role("combobox", name="Style").select_option("both")
    in_address(page, "style=both")
    page.get_by_role("button", name="Images and settings").click()
    page.get_by_text("Objects and units").click()
    field = page.get_by_role("spinbutton", name="Minimum object size (px)")
    field.fill("20")
    field.press("Enter")
    in_address(page, "min_area=20")
    mask = cleanup.clean(predictor.answer(images.read(pictures[1])).mask(0.3), 20, False)
    expect(standing(page)).to_contain_text(f"{len(objects.find(mask, images.read(pictures[1])))} objects")
    expected = standing(page).inner_text()
    address = page.url
    page.reload()
    ready(page)
    expect(page.get_by_text(expected, exact=True)).to_be_visible()
    assert ask(page, "viewer.data.name") == pictures[1].name
    settings = ask(page, "viewer.settings")
    assert (settings["threshold"], settings["opacity"], settings["style"]) == (0.3, 0.9, "both")
    expect(page.get_by_text("3 images", exact=True)).to_be_visible()
    assert page.url == address

    stranger = page.context.browser.new_context().new_page()
    key = re.search(r"upload=([\w-]+)", address)[1]
    stranger.goto(address.replace(key, key[::-1]))
    expect(stranger.get_by_text("no longer on the server")).to_be_visible()
    expect(stranger.get_by_text("Upload an image or pick")).to_be_visible()
    assert pictures[1].stem not in stranger.locator("body").inner_text()
    stranger.context.close()


def test_arrow_keys_change_the_image_and_a_question_mark_shows_all_keys(page: Page, server: Server, pictures):
    open_page(page, server)
    upload(page, *pictures[:3])
    ready(page)

    def shows(number: int) -> None:
        wait_until(page, f"{FIND}?.viewer.data.name === '{pictures[number].name}'")
        ready(page)
        page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    page.keyboard.press("ArrowRight")
    shows(1)
    page.keyboard.press("ArrowRight")
    shows(2)
    page.keyboard.press("ArrowLeft")
    shows(1)
    page.locator(".viewer .stage").focus()
    before = view(page)
    page.keyboard.press("ArrowRight")  # moves the image, as ever
    assert view(page)["x"] > before["x"]
    assert ask(page, "viewer.data.name") == pictures[1].name
    page.get_by_role("slider", name="Opacity").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**opacity=0.51**")
    assert ask(page, "viewer.data.name") == pictures[1].name

    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.keyboard.press("?")
    expect(sheet.get_by_text("Previous or next image")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    assert ask(page, "viewer.data.name") == pictures[1].name
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(sheet.get_by_text("Fit into the view")).to_be_visible()
    sheet.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Images and settings").click()
    page.get_by_text("Add a model").click()
    field = page.get_by_role("textbox", name="Hugging Face Hub model")
    field.press_sequentially("a?")
    expect(field).to_have_value("a?")
    expect(sheet).to_be_hidden()


def test_a_thumbnail_opens_its_image_and_says_its_whole_name(page: Page, server: Server, pictures):
    names = [f"a name that is much too long for its place {number:04}.png" for number in range(40)]
    data = [pictures[number % 4].read_bytes() for number in range(40)]
    files = [{"name": name, "mimeType": "image/png", "buffer": each} for name, each in zip(names, data, strict=True)]
    open_page(page, server)
    upload(page, *files)
    expect(page.get_by_text("1 of 40", exact=True)).to_be_visible()
    ready(page)
    strip = page.locator(".st-key-strip")
    expect(strip.get_by_role("button").filter(has_text="a name that")).to_have_count(12)
    third = strip.get_by_role("button", name=names[2])
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    wait_until(page, "[...document.querySelectorAll('.st-key-strip img')].every((each) => each.naturalWidth)")
    picture = strip.locator("img").nth(2)
    assert picture.evaluate(  # the button lies over the image
        """(image) => { const box = image.getBoundingClientRect();
        const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return Boolean(hit?.closest('button')) || box.bottom > innerHeight; }"""
    )
    third.click()
    wait_until(page, f"{FIND}?.viewer.data.name === '{names[2]}'")
    ready(page)
    third.hover()
    expect(page.get_by_role("tooltip")).to_contain_text(names[2])
    fourth = strip.get_by_role("button", name=names[3])
    fourth.focus()
    page.keyboard.press("Enter")
    wait_until(page, f"{FIND}?.viewer.data.name === '{names[3]}'")
