"""The form of Train in a real Chromium: Start is always on the screen, the plan is the default, changes and resets."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser import Server, poll
from tests.pages.test_form import write_nuclei
from unet_core.data.library.library import Library

pytestmark = pytest.mark.browser

SECTIONS = ("model", "train", "data")


@pytest.fixture(scope="module")
def nuclei(server: Server) -> str:
    """The name of a dataset of 25 images in the list."""
    return Library(server.folder / "datasets").link(write_nuclei(server.folder / "nuclei")).name


def settle(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def open_form(page: Page, server: Server, query: str) -> None:
    page.goto(f"{server.url}/train?{query}")
    expect(page.get_by_role("button", name="Start training")).to_be_enabled()


def is_on_screen(page: Page, width: int, height: int) -> bool:
    """Whether all of Start is in the window and nothing lies over it."""
    start = page.locator(".st-key-start button")
    box = start.bounding_box()
    assert box is not None
    inside = box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
    return inside and page.evaluate("([x, y]) => !!document.elementFromPoint(x, y)?.closest('.st-key-start')", middle)


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (380, 760)])
def test_start_is_on_the_screen_however_far_the_form_is_scrolled(
    browser: Browser, server: Server, width: int, height: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(60_000)
    open_form(page, server, "")
    settle(page)
    assert is_on_screen(page, width, height)
    for section in SECTIONS:
        page.locator(f".st-key-section_{section} summary").click()
        settle(page)
    for name in ("Weight decay", "Split seed", "Depth (levels)"):
        field = page.get_by_label(name, exact=True)
        field.focus()
        poll(lambda: is_on_screen(page, width, height), what=f"Start beside {name}")
        bar, box = page.locator(".st-key-start_bar").bounding_box(), field.bounding_box()
        assert bar is not None and box is not None
        assert box["y"] >= bar["y"] + bar["height"] or box["y"] + box["height"] <= bar["y"], f"{name} is covered"
    context.close()


def test_the_plan_is_the_default_and_what_is_changed_stays(page: Page, server: Server, nuclei: str) -> None:
    open_form(page, server, f"dataset={nuclei}")
    epochs = page.get_by_label("Epochs", exact=True)
    expect(epochs).to_have_value("80")
    expect(page.get_by_label("Batch size (crops)", exact=True)).to_have_value("4")
    expect(page.get_by_text(re.compile("^Suggested: 80 epochs, 96 px crops"))).to_be_visible()

    epochs.fill("40")
    epochs.press("Enter")
    expect(page.get_by_text(re.compile(r"^40 epochs \(plan: 80\), 96 px crops"))).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]epochs=40\b"))
    expect(page.get_by_role("button", name="Reset to 80")).to_be_visible()

    page.reload()
    expect(page.get_by_text(re.compile(r"^40 epochs \(plan: 80\), 96 px crops"))).to_be_visible()
    expect(epochs).to_have_value("40")

    page.get_by_role("button", name="Reset to 80").click()
    expect(epochs).to_have_value("80")
    expect(page).not_to_have_url(re.compile("epochs="))

    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_text("suggested for this dataset")).to_be_visible()
    page.get_by_role("button", name="Use the general defaults instead").click()
    expect(epochs).to_have_value("15")
    expect(page).to_have_url(re.compile("plan=off"))
    page.keyboard.press("Escape")

    find = page.get_by_placeholder("Find a setting")
    find.fill("early stopping")
    find.press("Enter")
    patience = page.get_by_label("Early stopping patience (epochs)", exact=True)
    expect(patience).to_be_visible()
    expect(epochs).to_be_hidden()
    expect(patience).to_have_attribute("placeholder", "Off")
    patience.fill("5")
    patience.press("Enter")
    expect(page).to_have_url(re.compile("patience=5"))
    patience.fill("")
    patience.press("Enter")
    expect(page).not_to_have_url(re.compile("patience="))
    expect(patience).to_have_value("")


def test_quick_clicks_are_all_counted_and_a_section_stays_open(page: Page, server: Server) -> None:
    open_form(page, server, "")
    page.locator(".st-key-section_model summary").click()
    dropout = page.get_by_label("Dropout rate", exact=True)
    expect(dropout).to_be_visible()
    up = page.locator(".st-key-epochs").get_by_role("button").last
    for _ in range(5):
        up.click()
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("20")
    expect(page).to_have_url(re.compile("epochs=20"))
    dropout.fill("0.25")
    dropout.press("Enter")
    after = "element => getComputedStyle(element, '::after').content"
    head = page.locator(".st-key-section_model summary p")
    poll(lambda: head.evaluate(after) == '" · 1 changed"', what="the count in the head of the section")
    expect(dropout).to_be_visible()
    page.get_by_role("button", name="Reset all (2)").click()
    expect(dropout).to_have_value("0")
    poll(lambda: head.evaluate(after) == "none", what="no count")
