"""An unforeseen error: a number for a stranger, the details in the log; elsewhere as before."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from pages.server.security.errors import ErrorIds
from pages.ui import unexpected


async def fail(request: Request) -> Response:
    raise ZeroDivisionError("inner-detail")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/", fail)], middleware=[Middleware(ErrorIds)])
    return TestClient(app, raise_server_exceptions=False)


def test_a_route_that_fails_gives_a_number(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    with caplog.at_level(logging.ERROR):
        answer = client.get("/")
    error_id = answer.text.partition("(error ")[2][:8]
    assert answer.status_code == 500
    assert answer.text.strip() == (
        f"Something went wrong on the server (error {error_id}). Try again; if it stays, report this number."
    )
    assert f"Error {error_id}" in caplog.text
    assert "inner-detail" in caplog.text
    assert client.get("/").text != answer.text, "each has its own"


def test_elsewhere_a_route_fails_as_before(client: TestClient) -> None:
    assert client.get("/").text == "Internal Server Error"


def test_a_page_shows_the_number(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def script() -> None:
        from pages.ui import unexpected

        unexpected.show(KeyError("inner-detail"))

    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    with caplog.at_level(logging.ERROR):
        shown = AppTest.from_function(script).run().error[0].value
    assert "inner-detail" not in shown
    assert shown.partition("(error ")[2][:8] in caplog.text
    monkeypatch.delenv("UNET_STUDIO_PUBLIC")
    assert unexpected.show(KeyError("inner-detail")) is False
