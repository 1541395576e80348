"""The limits of a public server, see `limits`: who asks for more than the share gets 429 or 503 and a sentence."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.server.paths import is_public
from pages.server.security import streamlit_parts
from pages.server.security.clients import client_of
from pages.server.security.gate import respond
from pages.server.security.limits import MB, Bucket, Buckets, Limits, read_limits
from pages.server.security.uploads import RefusedError, UploadBudget

MOST_BODY = 100_000  # bytes of a request that brings no upload
MOST_LIST = 4 * MB  # of the list of files of a dataset
MOST_CHUNK = 9 * MB  # of a part of a dataset; one is 2**23 bytes
STALL_SECONDS = 30.0  # without a byte of a body
BODY_SECONDS = 900.0  # for all of it
BURST_SECONDS = 5.0  # of messages that a page may send at once
TOO_BIG = 1009  # why a websocket is closed
LOG = logging.getLogger(__name__)


class Throttle:
    """ASGI middleware around the server `app`, at work where visitors are strangers; `base`: the server's base path."""

    def __init__(
        self,
        app: ASGIApp,
        base: str = "",
        limits: Limits | None = None,
        held: Callable[[], Mapping[str, int]] = streamlit_parts.held_uploads,
    ) -> None:
        self.app, self._given, self._held = app, limits, held
        self.root = f"/{base.strip('/')}/".replace("//", "/")
        self._sockets: Counter[str | None] = Counter()

    @cached_property
    def limits(self) -> Limits:
        """Read at the first request."""
        return self._given or read_limits()

    @cached_property
    def _requests(self) -> Buckets:
        most = self.limits.max_requests_per_client
        return Buckets(most, most / 60)

    @cached_property
    def _uploads(self) -> UploadBudget:
        return UploadBudget(self.limits, self._held)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or not is_public():
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        client = client_of(scope)
        try:
            if client is not None and (seconds := self._requests.of(client).take()):
                raise RefusedError(429, "Too many requests come from your address. Wait a minute.", seconds)
            if scope["type"] == "websocket":
                await self._serve_socket(scope, receive, watch, client)
            else:
                await self._serve_request(scope, receive, watch, client)
        except RefusedError as error:
            LOG.info("Refused: %s", error)
            if not started:
                await respond(scope, receive, send, error.status, str(error), error.seconds)

    # ---- websockets

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send, client: str | None) -> None:
        self._check_place(client)
        self._sockets[client] += 1
        try:
            await self.app(scope, self._slowed(receive, send), send)
        finally:
            self._sockets[client] -= 1
            self._sockets += Counter()  # forgets those at zero

    def _check_place(self, client: str | None) -> None:
        """Raises RefusedError where no page more can be open."""
        if self._sockets.total() >= self.limits.max_sockets:
            raise RefusedError(503, "All places of this server are taken. Try again in a few minutes.", 120)
        if client is not None and self._sockets[client] >= self.limits.max_sockets_per_client:
            most = self.limits.max_sockets_per_client
            raise RefusedError(429, f"{most} pages are open from your address, the most here. Close one.", 60)

    def _slowed(self, receive: Receive, send: Send) -> Receive:
        """As `receive`, without what a visitor may not send, and no faster than the limit: the browser waits."""
        rate, most = self.limits.max_messages, self.limits.max_message_mb * MB
        bucket = Bucket(rate * BURST_SECONDS, rate)

        async def take() -> Message:
            while True:
                message = await receive()
                if message["type"] != "websocket.receive":
                    return message
                if seconds := bucket.take():
                    await asyncio.sleep(seconds)
                    bucket.take()
                data = message.get("bytes") or b""
                if len(data) > most:
                    await send({"type": "websocket.close", "code": TOO_BIG})
                    return {"type": "websocket.disconnect", "code": TOO_BIG}
                if streamlit_parts.is_allowed(data):
                    return message

        return take

    # ---- requests

    async def _serve_request(self, scope: Scope, receive: Receive, send: Send, client: str | None) -> None:
        path = "/" + scope["path"].removeprefix(self.root)
        headers, method = Headers(scope=scope), scope["method"]
        if path[1:].startswith(streamlit_parts.CLOSED):
            raise RefusedError(404, "Not found.")
        if method in ("GET", "HEAD"):
            if "text/html" in headers.get("accept", ""):
                self._check_place(client)  # said in words, in place of a page that waits for its websocket
            await self.app(scope, receive, send)
            return
        most, reserved = self._reserve(path, method, headers, client)
        with reserved:
            await self.app(scope, _bounded(receive, most), send)

    def _reserve(
        self, path: str, method: str, headers: Headers, client: str | None
    ) -> tuple[int, AbstractContextManager[None]]:
        """(the most bytes of the body, the place for what it brings). Raises RefusedError."""
        text = headers.get("content-length", "")
        size = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None
        is_file, is_dataset = path[1:].startswith(streamlit_parts.UPLOADS), path.startswith("/api/uploads")
        if method == "PUT" and (is_file or is_dataset):
            if size is None:
                raise RefusedError(411, "An upload must say its length.")
            if is_file:
                session = path[1:].removeprefix(streamlit_parts.UPLOADS).partition("/")[0]
                return size, self._uploads.in_memory(client, session, size)
            _check_size(size, MOST_CHUNK)
            self._uploads.count(client, size)
            return size, nullcontext()
        most = MOST_LIST if is_dataset else MOST_BODY
        _check_size(size or 0, most)
        return most, nullcontext()


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise RefusedError(413, f"A request can carry {most:,} bytes here, not {size:,}.")


def _bounded(receive: Receive, most: int) -> Receive:
    """As `receive`. Raises RefusedError where a body has more bytes than `most`, or stalls."""
    loop = asyncio.get_running_loop()
    ends, arrived, is_over = loop.time() + BODY_SECONDS, 0, False

    async def take() -> Message:
        nonlocal arrived, is_over
        if is_over:  # it is asked whether the visitor has gone
            return await receive()
        try:
            async with asyncio.timeout_at(min(loop.time() + STALL_SECONDS, ends)):
                message = await receive()
        except TimeoutError as error:
            raise RefusedError(408, "The upload came too slowly. Try again.") from error
        arrived += len(message.get("body", b""))
        is_over = not message.get("more_body", False)
        _check_size(arrived, most)
        return message

    return take
