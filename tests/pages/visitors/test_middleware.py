"""The cookie, and who asks, on the way to every route."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from pages.server import pixel_routes, pixel_store
from pages.server.visitors import identity
from pages.server.visitors.middleware import Visitors
from tests.helpers.loops import run_async
from unet_core.io import owners

PAGE = {"accept": "text/html,*/*"}


@pytest.fixture(autouse=True)
def public(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    monkeypatch.setattr(identity, "_READERS", [])
    for name in ("SPACE_ID", "UNET_STUDIO_SECRET"):
        monkeypatch.delenv(name, raising=False)


async def who(request):
    return PlainTextResponse(owners.current() or "operator")


def who_in_thread(request):  # Starlette calls it in a thread
    return PlainTextResponse(owners.current() or "operator")


async def page(request):
    return HTMLResponse("<p>", headers={"Cache-Control": "public, max-age=100"})


async def unchanged(request):
    return Response(status_code=304)


APP = Starlette(
    routes=[
        Route("/who", who),
        Route("/thread", who_in_thread),
        Route("/", page),
        Route("/unchanged", unchanged),
        *pixel_routes.routes(),
    ],
    middleware=[Middleware(Visitors)],
)


def ask(path, headers=None, scheme="http"):
    """(status, headers, body) of a request."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": scheme,
        "server": ("127.0.0.1", 80),
        "headers": [(name.encode(), text.encode()) for name, text in (headers or {}).items()],
    }
    messages = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        messages.append(message)

    run_async(APP(scope, receive, send))
    answer = {name.decode(): text.decode() for name, text in messages[0]["headers"]}
    return messages[0]["status"], answer, b"".join(message.get("body", b"") for message in messages[1:])


def test_a_page_sets_a_cookie_and_later_requests_are_known_by_it():
    _, headers, _ = ask("/", PAGE)
    name, value = headers["set-cookie"].partition(";")[0].split("=", 1)
    assert name == identity.COOKIE and identity.read(value)
    assert headers["set-cookie"].endswith("; Path=/; Max-Age=7776000; HttpOnly; SameSite=Lax")
    assert headers["cache-control"] == "private, no-cache", "no cache may give it to another"
    for path in ("/who", "/thread"):
        assert ask(path, {"cookie": f"a=b; {name}={value}"})[2].decode() == identity.find_owner(value)
    assert "set-cookie" not in ask("/", PAGE | {"cookie": f"{name}={value}"})[1], "it has one"


def test_two_browsers_are_two_visitors():
    cookies = {ask("/", PAGE)[1]["set-cookie"] for _ in range(10)}
    assert len(cookies) == 10


@pytest.mark.parametrize("cookie", ["", "unet_visitor=", "unet_visitor=forged", "unet_visitor=a.b.c", "x" * 5000])
def test_who_is_not_known_is_a_stranger_and_gets_a_cookie_with_the_next_page(cookie):
    assert ask("/who", {"cookie": cookie})[2] == owners.STRANGER.encode()
    assert identity.COOKIE in ask("/", PAGE | {"cookie": cookie})[1]["set-cookie"]


def test_a_renewed_cookie_stays_the_same_visitor(monkeypatch):
    signed = identity.sign("token")
    monkeypatch.setattr(identity, "is_fresh", lambda signed: False)
    renewed = ask("/unchanged", PAGE | {"cookie": f"{identity.COOKIE}={signed}"})[1]["set-cookie"]
    assert identity.find_owner(renewed.partition(";")[0].partition("=")[2]) == identity.owner_of("token")


def test_only_pages_set_it():
    assert "set-cookie" not in ask("/who", PAGE)[1]
    assert "set-cookie" not in ask("/", {"accept": "*/*"})[1]


def test_on_a_space_it_is_for_the_frame_alone(monkeypatch):
    monkeypatch.setenv("SPACE_ID", "org/space")
    assert ask("/", PAGE)[1]["set-cookie"].endswith("HttpOnly; SameSite=None; Secure; Partitioned")


@pytest.mark.parametrize(("scheme", "headers"), [("https", {}), ("http", {"x-forwarded-proto": "https"})])
def test_behind_https_it_is_never_sent_in_the_clear(scheme, headers):
    assert ask("/", PAGE | headers, scheme)[1]["set-cookie"].endswith("HttpOnly; SameSite=Lax; Secure")


def test_the_header_of_a_session_stands_for_a_cookie():
    signed = identity.sign(identity.session_token("session"))
    assert ask("/who", {identity.HEADER: signed})[2].decode() == identity.find_owner(signed)


def test_locally_nobody_is_asked(monkeypatch):
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "0")
    status, headers, _ = ask("/", PAGE)
    assert status == 200 and "set-cookie" not in headers and headers["cache-control"] == "public, max-age=100"
    assert ask("/who")[2] == b"operator"


def test_pixels_are_for_whom_they_were_put(monkeypatch):
    import numpy as np

    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    first, second = (identity.sign(token) for token in ("first", "second"))
    with owners.acting_as(identity.find_owner(first)):
        own = pixel_store.STORE.put(pixels, "color")
        data = pixel_store.STORE.put_data([1, 2])
    with owners.acting_as(identity.find_owner(second)):
        others = pixel_store.STORE.put(pixels, "color")
    assert own[:32] == others[:32] and own != others, "stored once"
    for path in (f"/viewer/pixels/{own}/0/0/0", f"/viewer/values/{own}/0/0", f"/viewer/data/{data}"):
        assert ask(path, {"cookie": f"{identity.COOKIE}={first}"})[0] == 200
        for headers in ({}, {"cookie": f"{identity.COOKIE}={second}"}):
            assert (
                ask(path, headers)[::2]
                == ask("/viewer/data/" + "0" * 48, headers)[::2]
                == (404, b"No longer available.")
            )
    assert ask(f"/viewer/pixels/{own[:32]}/0/0/0", {"cookie": f"{identity.COOKIE}={first}"})[0] == 404
