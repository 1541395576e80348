"""The HTML document of every page: Streamlit's own, which is told where its server is.

Streamlit's frontend does not know whether the `/train` of an address is a page or a folder that a proxy has put before
the app. It asks below both, and a page that is opened directly answers the first with 404: an error in the browser's
console at each visit. Here the document says it: what precedes the page's name.
"""

import json
import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.server.paths import streamlit_files

TITLE = "UNet Studio"
# Runs in the browser before Streamlit's program, which reads this object once.
SCRIPT = """<script>
  window.__streamlit = {{
    ...window.__streamlit,
    BACKEND_BASE_URL: location.origin + location.pathname.replace(new RegExp("/(?:" + {pages}.join("|") + ")?/*$"), ""),
  }};
</script>"""


def find_document() -> str | None:
    """Streamlit's document; None where this version of Streamlit has it elsewhere."""
    try:
        return (streamlit_files() / "index.html").read_text(encoding="utf-8")
    except OSError:
        return None


def adapt(document: str, pages: Sequence[str]) -> str:
    """The document with our title and the script before all others; `pages` are the addresses, "" is the first.

    >>> adapt("<title>Streamlit</title>", ["train"]).startswith("<title>UNet Studio</title>")
    True
    """
    script = SCRIPT.format(pages=json.dumps([re.escape(name) for name in pages if name]))
    return document.replace("<title>Streamlit</title>", f"<title>{TITLE}</title>\n    {script}", 1)


def find_all(pages: Sequence[str]) -> list[str]:
    """The documents that a visitor may get: Streamlit's own and the adapted one; none where it has none."""
    document = find_document()
    return [] if document is None else [document, adapt(document, pages)]


def routes(pages: Sequence[str], base: str = "") -> list[Route]:
    """A route for each page, below a base path where the server has one; none where there is no such document."""
    document = find_document()
    if document is None or adapt(document, pages) == document:
        return []
    text = adapt(document, pages)
    root = f"/{base.strip('/')}/".replace("//", "/")  # with a slash at its end: what it names is relative to that

    async def respond(request: Request) -> Response:
        return Response(text, 200, {"Cache-Control": "no-cache"}, "text/html")

    return [Route(root + name, respond, methods=["GET"]) for name in pages]
