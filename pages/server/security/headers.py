"""What every answer tells the browser: which scripts may run, who may frame the app, what others may read.

Streamlit's program needs inline styles and scripts from blobs: each component's small loader is one. Nothing else is
loosened: no script of another site, no inline script but those of the document (by their digest), no `eval`.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FRAMES = "UNET_STUDIO_FRAMES"  # origins of pages that may show the app in a frame, by comma
HUB = "https://huggingface.co"  # which shows each Space in a frame
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Addresses of pages hold keys of uploads: they go to no other site.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(self), fullscreen=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=(), "
        "serial=(), midi=(), display-capture=(), browsing-topics=()"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
}
OPENER = {"Cross-Origin-Opener-Policy": "same-origin"}  # browsers heed it, and complain elsewhere, in secure contexts
SECURE_HOSTS = ("localhost", "127.0.0.1", "::1")


def digests(documents: Iterable[str]) -> list[str]:
    """The inline scripts of documents as a policy names them.

    >>> digests(["<script>alert(1)</script>"])
    ["'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"]
    """
    scripts = sorted({script for document in documents for script in INLINE.findall(document)})
    hashes = (hashlib.sha256(script.encode()).digest() for script in scripts)
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in hashes]


def ancestors() -> list[str]:
    """The pages that may frame the app: its own, on a Space the Hub's, and those of $UNET_STUDIO_FRAMES."""
    listed = [word.strip().rstrip("/") for word in os.environ.get(FRAMES, "").split(",")]
    own = [HUB] if os.environ.get("SPACE_ID") else []
    return ["'self'", *own, *(word for word in listed if re.fullmatch(r"[A-Za-z0-9+.*:/\[\]-]+", word))]


def policy(scripts: Iterable[str], host: str) -> str:
    """The Content-Security-Policy. `scripts`: sources beside our own files, `host`: as the browser says it."""
    sockets = f" ws://{host} wss://{host}" if host else ""  # older Safari does not count them among 'self'
    parts = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", *scripts]),
        "script-src-attr": "'none'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' blob:",
        "connect-src": f"'self' data: blob:{sockets}",
        "worker-src": "'self' blob:",
        "frame-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": " ".join(ancestors()),
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


class SecurityHeaders:
    """ASGI middleware around the server `app`; `documents` are the HTML documents whose inline scripts may run."""

    def __init__(self, app: ASGIApp, documents: Iterable[str] = ()) -> None:
        self.app = app
        self.scripts = digests(documents)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                raw = list(message.get("headers", []))
                headers = MutableHeaders(raw=raw)
                for name, value in self._headers(scope).items():
                    headers[name] = value
                message = {**message, "headers": raw}
            await send(message)

        await self.app(scope, receive, add if scope["type"] in ("http", "websocket") else send)

    def _headers(self, scope: Scope) -> dict[str, str]:
        host = Headers(scope=scope).get("host", "")
        shown = host if re.fullmatch(r"[A-Za-z0-9.:\[\]_-]{1,255}", host) else ""
        secure = scope.get("scheme") in ("https", "wss") or urlsplit(f"//{shown}").hostname in SECURE_HOSTS
        return ALWAYS | (OPENER if secure else {}) | {"Content-Security-Policy": policy(self.scripts, shown)}
