"""The outermost part of the server: who is not to be answered is told why, and reaches nothing."""

import logging
from collections.abc import Iterable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.server.security import hosts

SAFE_METHODS = ("GET", "HEAD")  # they change nothing, and a page of another site cannot read what they answer
MOST_LOGGED = 50  # different refusals: who sends many must not fill the disk
LOG = logging.getLogger(__name__)


async def respond(scope: Scope, receive: Receive, send: Send, status: int, text: str, retry_after: int = 0) -> None:
    """Answer a request or the opening of a websocket with a plain sentence."""
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(retry_after)} if retry_after else {})
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": text[:120]})
        return
    await PlainTextResponse(f"{text}\n", status, headers)(scope, receive, send)


class HostGate:
    """ASGI middleware around the server `app`: `Host` and `Origin` of each request and websocket, see `hosts`.

    `names` are those of the configuration beside $UNET_STUDIO_HOSTS, which is read anew each time.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        self.app = app
        self.names = tuple(names)
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        values, origins = hosts.header(scope["headers"], "host"), hosts.header(scope["headers"], "origin")
        host = values[0] if len(values) == 1 else ""
        origin = ", ".join(origins) if origins else None
        forwarded = next(iter(hosts.header(scope["headers"], "x-forwarded-host")), "")
        checks_origin = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        reason = hosts.refuse(host, origin, forwarded, hosts.own_names(self.names), checks_origin)
        if reason is not None:
            self._log(reason)
            await respond(scope, receive, send, 403, reason)
            return
        if origin is not None and checks_origin and origin.partition("://")[2] != host:
            # Streamlit compares it with the host once more, and knows neither our list nor the proxy.
            kept = [(name, value) for name, value in scope["headers"] if name != b"origin"]
            scope = {**scope, "headers": [*kept, (b"origin", f"http://{host}".encode("latin-1"))]}
        await self.app(scope, receive, send)

    def _log(self, reason: str) -> None:
        if reason not in self._logged and len(self._logged) < MOST_LOGGED:
            self._logged.add(reason)
            LOG.warning("%s", reason)
