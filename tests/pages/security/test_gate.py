"""The gate in front of a server: nothing behind it is reached by who is refused."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from pages.server.security.gate import HostGate

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]


class Behind:
    """What is behind the gate: counts who comes."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.origins: list[str | None] = []
        routes = [Route("/", self.respond, methods=METHODS), WebSocketRoute("/socket", self.talk)]
        app = Starlette(routes=routes, middleware=[Middleware(HostGate, names=names)])
        self.client = TestClient(app, base_url="http://localhost:8501")

    async def respond(self, request: Request) -> PlainTextResponse:
        self.origins.append(request.headers.get("origin"))
        return PlainTextResponse("in")

    async def talk(self, socket: WebSocket) -> None:
        self.origins.append(socket.headers.get("origin"))
        await socket.accept()
        await socket.send_text("in")
        await socket.close()

    def opens(self, **headers: str) -> str:
        """What a websocket gets: "in", or the sentence of the refusal."""
        try:
            with self.client.websocket_connect("/socket", headers={"Host": "localhost:8501"} | headers) as socket:
                return socket.receive_text()
        except WebSocketDenialResponse as refusal:
            assert refusal.status_code == 403
            return refusal.text


def test_the_own_page_comes_in() -> None:
    behind = Behind()
    assert behind.client.get("/").text == "in"
    assert behind.client.post("/", headers={"Origin": "http://localhost:8501"}).text == "in"
    assert behind.opens(Origin="http://localhost:8501") == "in"
    assert behind.opens(Host="localhost:8501") == "in", "a program sends no origin"


@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_host_is_refused_whatever_it_asks(method: str) -> None:
    behind = Behind()
    answer = behind.client.request(method, "/", headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    if method != "HEAD":
        assert answer.text.startswith('This server does not answer as "evil.example"')
    assert behind.origins == []


@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_page_reads_nothing_and_changes_nothing(method: str) -> None:
    behind = Behind()
    status = behind.client.request(method, "/", headers={"Origin": "https://evil.example"}).status_code
    assert status == (200 if method in ("GET", "HEAD") else 403)


def test_websockets_are_refused_before_they_open() -> None:
    behind = Behind()
    assert "pages of" in behind.opens(Origin="https://evil.example")
    assert "pages of" in behind.opens(Origin="null")
    assert "does not answer as" in behind.opens(Host="evil.example", Origin="http://evil.example")
    assert behind.origins == []


def test_two_hosts_or_none_are_refused() -> None:
    behind = Behind()
    twice = [("Host", "localhost:8501"), ("Host", "evil.example")]
    assert behind.client.get("/", headers=twice).status_code == 403
    assert behind.client.get("/", headers={"Host": ""}).status_code == 403


def test_the_server_behind_sees_its_own_page_where_a_listed_one_comes() -> None:
    behind = Behind(names=("studio.example.org",))
    assert behind.client.put("/", headers={"Origin": "https://studio.example.org"}).text == "in"
    assert behind.opens(Origin="https://studio.example.org") == "in"
    assert behind.origins == ["http://localhost:8501"] * 2


def test_a_refusal_stands_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    behind = Behind()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            behind.client.get("/", headers={"Host": "evil.example"})
        for number in range(200):
            behind.client.get("/", headers={"Host": f"evil{number}.example"})
    messages = [record.message for record in caplog.records if "does not answer as" in record.message]
    assert len([text for text in messages if '"evil.example"' in text]) == 1
    assert len(messages) == 50
