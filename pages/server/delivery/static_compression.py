"""Streamlit's own scripts and styles, compressed once and sent so to every visitor.

Streamlit sends them as they are, since it would compress them anew at each visit: 2.7 MB for a first one. They never
change while the server runs, so here each is compressed once.
"""

import gzip
import threading
from pathlib import PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SUFFIXES = (".js", ".css", ".svg", ".json")
MOST_BYTES = 32 * 2**20  # of compressed files in memory; all of Streamlit's take 6


class StaticCompression:
    """ASGI middleware around the server `app`; `base` is the path below which the server answers."""

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app = app
        self.root = f"/{base.strip('/')}/static/".replace("//", "/")
        self._compressed: dict[str, bytes] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._applies_to(scope):
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        start: Message = {}
        body = bytearray()
        passes = False  # what is no whole file goes through as it comes: not found, not modified, a range of bytes

        async def collect(message: Message) -> None:
            nonlocal passes
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                passes = message["status"] != 200 or "content-encoding" in headers
                if not passes:
                    start.update(message)
            if passes:
                await send(message)
            elif message["type"] == "http.response.body":
                if path not in self._compressed:
                    body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    await self._respond(path, start, bytes(body), send)

        await self.app(scope, receive, collect)

    def _applies_to(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self.root):
            return False
        headers = Headers(scope=scope)
        accepts = "gzip" in headers.get("accept-encoding", "") and "range" not in headers
        return accepts and PurePosixPath(scope["path"]).suffix in SUFFIXES

    async def _respond(self, path: str, start: Message, body: bytes, send: Send) -> None:
        data = self._compressed.get(path)
        if data is None:
            data = await run_in_threadpool(gzip.compress, body, 9, mtime=0)
            with self._lock:
                if path not in self._compressed and self._bytes + len(data) <= MOST_BYTES:
                    self._compressed[path] = data
                    self._bytes += len(data)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-encoding"] = "gzip"
        headers["content-length"] = str(len(data))
        headers.add_vary_header("Accept-Encoding")
        await send({**start, "headers": headers.raw})
        await send({"type": "http.response.body", "body": data})
