"""A server on a free port and a real Chromium; both end with the tests."""

import pytest
from playwright.sync_api import Browser, Page

from tests.helpers.browser import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("app"))
    server.start()
    yield server
    server.kill()
    assert "Traceback" not in server.log.read_text()


@pytest.fixture
def page(browser: Browser) -> Page:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    refused: list[str] = []  # by the policy of `pages.server.security.headers`, in any tab
    context.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()
    assert refused == []
