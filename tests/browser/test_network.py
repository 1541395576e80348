"""What a visit costs and says: every page opened directly, without and with a run; bytes, failures, the console."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pages import PAGES
from tests.helpers.browser import ROOT, Server

pytestmark = pytest.mark.browser

MOST_BYTES = 1_000_000


class Visit:
    """Watches a page from before its first request."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.addresses: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfailed", lambda sent: self.errors.append(f"{sent.failure} {sent.url}"))
        page.on("response", lambda got: self.errors.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", lambda e: self.addresses.update({e["requestId"]: e["request"]["url"]}))
        session.on("Network.loadingFinished", lambda e: self.bytes.update({e["requestId"]: e["encodedDataLength"]}))


def open_directly(browser: Browser, address: str) -> Visit:
    """As a new visitor, whose browser has kept nothing."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    visit = Visit(page)
    page.goto(address)
    page.get_by_role("heading", level=1).first.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")
    visit.title = page.title()
    context.close()
    return visit


def test_every_page_opens_directly_without_an_error_and_the_first_visit_is_small(browser: Browser, server: Server):
    visits = {name: open_directly(browser, f"{server.url}/{page.url_path}") for name, page in PAGES.items()}
    golden = ROOT / "tests" / "golden" / "release_0_1" / "run"
    shutil.copytree(golden, server.runs_dir / "20261101-100000-golden")
    visits |= {
        f"{name} with a run": open_directly(browser, f"{server.url}/{page.url_path}") for name, page in PAGES.items()
    }
    assert {name: visit.errors for name, visit in visits.items() if visit.errors} == {}
    for name, visit in visits.items():
        title = PAGES[name.removesuffix(" with a run")].title
        assert visit.title == title or "UNet Studio" in visit.title, name
    assert 300_000 < sum(visits["home"].bytes.values()) < MOST_BYTES
    for name in ("home", "predict", "predict with a run"):
        assert not [address for address in visits[name].addresses.values() if "Plotly" in address], name


def test_every_icon_is_drawn_by_the_part_of_the_font(page: Page, server: Server):
    from pages.server.delivery import icon_font

    page.goto(server.url)
    page.get_by_role("heading", level=1).first.wait_for()
    page.evaluate("document.fonts.ready")
    widths = page.evaluate(
        """(names) => {
          const line = document.createElement("span");
          const family = getComputedStyle(document.querySelector("[data-testid=stIconMaterial]")).fontFamily;
          line.style.cssText = `font: 100px ${family}; font-feature-settings: "liga"; white-space: nowrap;`;
          document.body.append(line);
          return names.map((name) => [name, (line.textContent = name, line.getBoundingClientRect().width)]);
        }""",
        sorted(icon_font.find_names()),
    )
    assert [name for name, width in widths if abs(width - 100) > 1] == []


def test_the_app_works_below_a_base_path(browser: Browser, tmp_path: Path):
    server = Server(tmp_path, base="deep/er")
    server.start()
    try:
        visits = [open_directly(browser, f"{server.url}{path}") for path in ("", "/train")]
    finally:
        server.kill()
    assert [visit.errors for visit in visits] == [[], []]
    assert any("/deep/er/_stcore/health" in address for address in visits[1].addresses.values())
