"""WCAG 2.1, levels A and AA, by axe-core on every page in both themes; and no page asks another host for anything."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from pages import PAGES
from tests.helpers.browser import ROOT, Server

pytestmark = pytest.mark.browser

AXE = (ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
TRAIN_VIEWS = ["Check", "Model", "Sweep", "Runs"]


def start(folder: Path, run: bool) -> Server:
    server = Server(folder)
    if run:
        golden = ROOT / "tests" / "golden" / "release_0_1" / "run"
        shutil.copytree(golden, server.runs_dir / "20261101-100000-golden")
    server.start()
    return server


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("empty"), run=False)
    yield server
    server.kill()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = start(tmp_path_factory.mktemp("finished"), run=True)
    yield server
    server.kill()


def find_violations(page: Page, url: str) -> list[str]:
    """What axe-core says of a page that has been drawn, a line for each element."""
    page.goto(url)
    page.get_by_role("heading", level=1).first.wait_for()
    return check(page)


def check(page: Page) -> list[str]:
    """The same of the page that is open."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate(AXE)
    violations = page.evaluate("async (levels) => (await axe.run({ runOnly: levels })).violations", LEVELS)
    return [
        f"{violation['id']}: {node['html'][:120]} ({node['failureSummary'][:200]})"
        for violation in violations
        for node in violation["nodes"]
    ]


def predict_examples(page: Page, server: Server) -> list[str]:
    """Of Predict with a result: folded, with its side open, and with the sheet of keys."""
    page.goto(f"{server.url}/predict")
    page.get_by_role("button", name="example image").click()
    page.locator(".viewer[data-state=ready]").wait_for()
    violations = check(page)
    page.get_by_role("button", name="Images and settings").click()
    page.get_by_role("button", name="Hide settings").wait_for()
    violations += check(page)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    return violations + check(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["empty", "finished"])
def test_every_page_meets_level_aa_and_asks_no_other_host(
    browser: Browser, request: pytest.FixtureRequest, state: str, scheme: str
) -> None:
    server: Server = request.getfixturevalue(state)
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    hosts: set[str] = set()
    page.on("request", lambda sent: hosts.add(sent.url.partition("://")[2].partition("/")[0].partition(":")[0]))
    addresses = [entry.url_path for entry in PAGES.values()]
    addresses += [f"train?view={view}" for view in TRAIN_VIEWS] if state == "finished" else []
    violations = {address: find_violations(page, f"{server.url}/{address}") for address in addresses}
    if state == "finished":
        violations["predict with a result"] = predict_examples(page, server)
    context.close()
    assert {address: lines for address, lines in violations.items() if lines} == {}
    assert hosts - {""} == {"127.0.0.1"}  # "" of data: addresses
