"""The part of the icon font has all icons of the pages, and stands in for the very file it was made from."""

import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.server.delivery import icon_font
from pages.server.delivery.icon_font import IconFont

ORIGINAL = icon_font.find_original()


def make_client() -> TestClient:
    routes = [Route("/{path:path}", lambda request: PlainTextResponse(request.url.path))]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(IconFont, base="base")]))


def test_it_has_every_icon_of_the_pages() -> None:
    names = set(json.loads(icon_font.NAMES.read_text())["icons"])
    assert {"home", "database", "error"} <= icon_font.find_names()
    missing = icon_font.find_names() - names
    assert missing == set(), "run: python -m docs.make_icons"


def test_it_is_sent_in_place_of_the_original_and_asked_again_at_each_visit() -> None:
    client, path = make_client(), f"/base/static/media/{ORIGINAL.name}"
    answer = client.get(path)
    assert answer.content == icon_font.FONT.read_bytes()
    assert len(answer.content) < 80_000
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("font/woff2", "public, no-cache")
    again = client.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"if-none-match": '"another"'}).status_code == 200
    assert client.get("/base/static/media/other.woff2").text == "/base/static/media/other.woff2"
    assert client.get(f"/static/media/{ORIGINAL.name}").text == f"/static/media/{ORIGINAL.name}"


@pytest.mark.parametrize("fault", ["another file", "no file", "an icon more", "no list"])
def test_where_it_does_not_fit_the_original_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "another file":
        (tmp_path / ORIGINAL.name).write_bytes(ORIGINAL.read_bytes() + b"\0")
        monkeypatch.setattr(icon_font, "find_original", lambda: tmp_path / ORIGINAL.name)
    elif fault == "no file":
        monkeypatch.setattr(icon_font, "find_original", lambda: None)
    elif fault == "an icon more":
        monkeypatch.setattr(icon_font, "find_names", lambda: {"home", "no_such_icon"})
    else:
        monkeypatch.setattr(icon_font, "NAMES", tmp_path / "icons.json")
    path = f"/base/static/media/{ORIGINAL.name}"
    assert make_client().get(path).text == path
