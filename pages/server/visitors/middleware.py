"""Gives each browser of a public server its cookie, and says to all routes who asks."""

import os

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.server.paths import is_public
from pages.server.visitors import identity
from unet_core.io import owners


class Visitors:
    """ASGI middleware; on a server of one's own it does nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_public():
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        cookie = cookie_parser(headers.get("cookie", "")).get(identity.COOKIE, "")
        # The header first: only a page whose browser refuses cookies sends it.
        owner = identity.find_owner(headers.get(identity.HEADER, "")) or identity.find_owner(cookie)
        is_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        new = _renew(cookie, _is_secure(scope, headers)) if is_page else ""

        async def send_with_cookie(message: Message) -> None:
            if new and message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                if message["status"] == 304 or answer.get("content-type", "").startswith("text/html"):
                    answer.append("set-cookie", new)
                    answer["cache-control"] = "private, no-cache"  # nobody else may get this visitor's cookie
            await send(message)

        with owners.acting_as(owner or owners.STRANGER):
            await self._app(scope, receive, send_with_cookie)


def _renew(cookie: str, is_secure: bool) -> str:
    """The header that sets the cookie, "" where the one that the browser has is fresh."""
    if cookie and identity.is_fresh(cookie):
        return ""
    value = identity.sign((identity.read(cookie) if cookie else None) or identity.make_token())
    # The page of a Space stands in a frame of another site: browsers keep its cookie apart for each site around it.
    place = "SameSite=None; Secure; Partitioned" if _is_space() else "SameSite=Lax" + "; Secure" * is_secure
    return f"{identity.COOKIE}={value}; Path=/; Max-Age={identity.VALID_SECONDS}; HttpOnly; {place}"


def _is_space() -> bool:
    return bool(os.environ.get("SPACE_ID"))


def _is_secure(scope: Scope, headers: Headers) -> bool:
    return scope.get("scheme") == "https" or headers.get("x-forwarded-proto", "") == "https"
