"""The keys of all pages: the sheet, going to a page, nothing while typing, and the switch that turns them off."""

import pytest
from playwright.sync_api import Page, expect

from pages import PAGES
from tests.helpers.browser import Server

pytestmark = pytest.mark.browser

FOCUSED = """() => {
  let at = document.activeElement;
  while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
  const [style, box] = [getComputedStyle(at), at.getBoundingClientRect()];
  const isMarked = [at, at.closest("[data-testid], label, [role=group]"), at.parentElement].some((each) => each
    && (getComputedStyle(each).outlineStyle !== "none" || getComputedStyle(each).boxShadow !== "none"
      || getComputedStyle(each).borderColor !== "rgba(0, 0, 0, 0)"));
  const text = at.matches("button, a, summary") ? at.innerText : "";
  const name = at.tagName === "BODY" ? "" : (at.getAttribute("aria-label") || text || at.id || at.tagName).trim();
  return { name, isSeen: box.width > 0 && box.right > 0 && style.visibility === "visible", isMarked };
}"""


def open_page(page: Page, server: Server, path: str = "") -> None:
    page.goto(f"{server.url}/{path}")
    page.get_by_role("heading", level=1).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.locator(".shortcuts").wait_for(state="attached")


def test_a_question_mark_shows_the_keys_of_every_page_and_escape_closes_them(page: Page, server: Server) -> None:
    own = {"data": "Search the gallery", "train": "Move between epochs", "predict": "Previous or next image"}
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    for name, entry in PAGES.items():
        open_page(page, server, entry.url_path)
        page.keyboard.press("?")
        expect(sheet.get_by_text("Open Train")).to_be_visible()
        for key, words in own.items():
            expect(sheet.get_by_text(words)).to_have_count(
                1 if key == name or (key, name) == ("predict", "data") else 0
            )
        page.keyboard.press("Escape")
        expect(sheet).to_be_hidden()


def test_g_and_a_letter_open_a_page_within_the_session(page: Page, server: Server) -> None:
    open_page(page, server)
    page.evaluate("window.sameDocument = true")
    titles = {"t": "Train", "p": "Predict", "D": "Data", "e": "Evaluate", "c": "Compare", "h": "UNet Studio"}
    for key, title in titles.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
    assert page.evaluate("window.sameDocument")
    page.keyboard.press("t")  # without g
    expect(page.get_by_role("heading", level=1, name="UNet Studio")).to_be_visible()


def test_who_types_is_not_disturbed_and_who_wants_no_keys_turns_them_off(page: Page, server: Server) -> None:
    open_page(page, server, "data?data_view=Gallery")
    search = page.get_by_role("textbox", name="Search")
    search.wait_for()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("gt?")
    expect(search).to_have_value("gt?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    sheet.get_by_role("checkbox", name="Use keyboard shortcuts").uncheck()
    sheet.get_by_role("button", name="Close").click()
    open_page(page, server)
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", level=1, name="UNet Studio")).to_be_visible()
    expect(sheet).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()  # there they come back
    sheet.get_by_role("checkbox", name="Use keyboard shortcuts").check()
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()


@pytest.mark.parametrize("width", [380, 1440])
def test_tab_reaches_what_is_seen_in_order_and_shows_where_it_is(page: Page, server: Server, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    open_page(page, server, "predict")
    page.get_by_role("button", name="Train a model").wait_for()
    stops: list[dict] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
        if not stops[-1]["name"]:
            break
    names = [stop["name"] for stop in stops]
    assert [stop for stop in stops if stop["name"] and not (stop["isSeen"] and stop["isMarked"])] == []
    menu = ["Expand sidebar"] if width == 380 else ["Home", "Data", "Train", "Predict", "Evaluate", "Compare"]
    order = [next(index for index, name in enumerate(names) if name.endswith(word)) for word in menu]
    order.append(names.index("Keyboard shortcuts"))
    order.append(next(index for index, name in enumerate(names) if name.endswith("Train a model")))
    assert order == sorted(order), names
