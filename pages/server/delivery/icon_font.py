"""The icons of the pages: a part of Streamlit's icon font, sent in place of it.

Streamlit's font has 3,900 icons and is a third of all that a first visit loads. `docs/make_icons.py` makes the part,
with what the pages and Streamlit itself name. It stands in for the very file that it was made from: where
another version of Streamlit brings another file, that one is sent as it is.
"""

import hashlib
import json
import re
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pages.server.paths import streamlit_files

PAGES = Path(__file__).parents[2]
FOLDER = PAGES / "assets" / "icons"
FONT, NAMES = FOLDER / "icons.woff2", FOLDER / "icons.json"
ICON = re.compile(r":material/([a-z0-9_]+):")


def find_original() -> Path | None:
    """Streamlit's font of icons, as it is installed; None where this version of Streamlit has it elsewhere."""
    media = streamlit_files() / "static" / "media"
    return next(iter(sorted(media.glob("MaterialSymbols-Rounded.*.woff2"))), None)


def find_names(folder: Path = PAGES) -> set[str]:
    """The icons that the pages name."""
    texts = (path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    return {name for text in texts for name in ICON.findall(text)}


def read_part(original: Path | None) -> bytes | None:
    """The part, if it was made from this file and has all icons of the pages."""
    try:
        facts = json.loads(NAMES.read_text(encoding="utf-8"))
        if original is None or hashlib.sha256(original.read_bytes()).hexdigest() != facts["sha256"]:
            return None
        return FONT.read_bytes() if find_names() <= set(facts["icons"]) else None
    except (OSError, ValueError, KeyError):
        return None  # as good as none: the original has all icons


class IconFont:
    """ASGI middleware around the server `app`; `base` is the path below which the server answers."""

    def __init__(self, app: ASGIApp, base: str = "") -> None:
        self.app = app
        original = find_original()
        self.part = read_part(original)
        name = original.name if original else ""
        self.path = f"/{base.strip('/')}/static/media/{name}".replace("//", "/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        applies = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] == self.path
        if self.part is None or not applies:
            await self.app(scope, receive, send)
            return
        tag = f'"{hashlib.sha256(self.part).hexdigest()[:16]}"'
        # Asked again at each visit: another version of the app has other icons under the same address.
        headers = {"Cache-Control": "public, no-cache", "ETag": tag}
        if Headers(scope=scope).get("if-none-match") == tag:
            await Response(None, 304, headers)(scope, receive, send)
        else:
            await Response(self.part, 200, headers, "font/woff2")(scope, receive, send)
