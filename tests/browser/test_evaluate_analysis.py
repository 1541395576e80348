"""The views "Errors" and "Robustness" in a real Chromium: an image that is clicked, a place, curves that come."""

import pytest
from playwright.sync_api import Page, expect

from tests.helpers.browser import Server
from tests.helpers.known_faults import make_run, write

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("analysis"))
    make_run(server.runs_dir, write(server.folder / "data"))
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


def settle(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def test_an_image_of_the_gallery_opens_in_the_viewer(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/evaluate?evaluate_view=Errors")
    first = page.locator("[class*=st-key-open-fault] button").first
    first.wait_for()
    name = first.inner_text().strip()
    expect(page.locator(".st-key-losses .main-svg").first).to_be_visible()
    first.click()
    expect(page.locator(".st-key-evaluate_shown strong")).to_have_text(name)
    page.locator(".st-key-errors canvas").first.wait_for()


def test_places_and_curves_come_by_themselves(server: Server, page: Page) -> None:
    page.goto(f"{server.url}/evaluate?evaluate_view=Errors&errors_list=Suspected+label+errors")
    page.locator(".st-key-find_suspects button").click()
    page.locator("[class*=st-key-suspects_table] canvas").first.wait_for()
    page.get_by_text("Robustness", exact=True).click()
    page.locator(".st-key-measure_robustness button").click()
    page.locator(".st-key-corrupted canvas").first.wait_for()
    expect(page.locator(".st-key-robustness .main-svg").first).to_be_visible()
    settle(page)
    assert "evaluate_view=Robustness" in page.url
