"""A link that names a model opens that model, however quickly it is clicked and whatever the server is busy with."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser import ROOT, Server

pytestmark = pytest.mark.browser

OLD, NEW = "20261101-100000-old", "20261103-100000-new"
CLICKS = [5, pytest.param(50, marks=pytest.mark.long)]  # on each of the two links


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("links"))
    for name in (OLD, NEW):
        shutil.copytree(Path(ROOT) / "tests" / "golden" / "release_0_1" / "run", server.runs_dir / name)
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("clicks", CLICKS)
@pytest.mark.parametrize(
    ("link", "title"), [("Predict with this model", "Predict"), ("Evaluate this model", "Evaluate")]
)
def test_the_named_model_opens_at_every_click(
    browser: Browser, server: Server, link: str, title: str, clicks: int
) -> None:
    for number in range(clicks):
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{server.url}/train?run={OLD}")
        page.get_by_role("link", name=link).click()  # as soon as it is there: the page is still being drawn
        assert_open(page, title)
        if number % 10 == 0:
            page.reload()
            assert_open(page, title)
        context.close()


def assert_open(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.get_by_role("combobox", name="Model")).to_have_value(OLD)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    assert f"run={OLD}" in page.url
    expect(page.get_by_role("combobox", name="Model")).to_have_value(OLD)
