"""Routes for the browser: the JavaScript modules of all components, and the viewer's pixels and values."""

import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.server import pixel_store
from pages.server.pixel_store import GoneError

HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOLDER = Path(__file__).parents[1] / "components"
FILES = tuple(sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")))


def _pixels(request: Request) -> Response:
    path = request.path_params
    layer = pixel_store.STORE.get(path["id"])
    if isinstance(layer, bytes):
        raise GoneError
    data = layer.tile(path["level"], path["column"], path["row"])
    return Response(data, 200, HEADERS | {"Content-Encoding": "gzip"}, "application/octet-stream")


def _values(request: Request) -> Response:
    path = request.path_params
    layer = pixel_store.STORE.get(path["id"])
    if isinstance(layer, bytes):
        raise GoneError
    data = pixel_store.pack(pixel_store.cut(layer.values, pixel_store.VALUES, path["column"], path["row"]))
    return Response(data, 200, HEADERS | {"Content-Encoding": "gzip"}, "application/octet-stream")


def _data(request: Request) -> Response:
    text = pixel_store.STORE.get(request.path_params["id"])
    if not isinstance(text, bytes):
        raise GoneError
    return Response(gzip.compress(text, 3), 200, HEADERS | {"Content-Encoding": "gzip"}, "application/json")


@cache
def _program() -> dict[str, bytes]:
    """All modules by their path below the components' folder, compressed."""
    return {name: gzip.compress((FOLDER / name).read_bytes(), mtime=0) for name in FILES}


@cache
def version() -> str:
    """Changes with any module or its name, so that no browser keeps an old one."""
    parts = [part for name, text in _program().items() for part in (name.encode(), text)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _file(request: Request) -> Response:
    name = request.path_params["file"]
    if name not in FILES or request.path_params["version"] != version():
        raise GoneError
    return Response(_program()[name], 200, HEADERS | {"Content-Encoding": "gzip"}, "text/javascript")


def _route(path: str, answer: Any, in_thread: bool = True) -> Route:
    """A route; what takes time is answered in a thread, away from the server's event loop."""

    def work(request: Request) -> Response:
        try:
            return answer(request)  # type: ignore[no-any-return]
        except GoneError:
            return Response("No longer available.", 404, {"Cache-Control": "no-store"}, "text/plain")

    async def respond(request: Request) -> Response:
        return await run_in_threadpool(work, request) if in_thread else work(request)

    return Route(path, respond, methods=["GET"])


def routes(base: str = "") -> list[Route]:
    """All of them, below a base path where the server has one."""
    root = root_of(base)
    return [
        _route(f"{root}/pixels/{{id}}/{{level:int}}/{{column:int}}/{{row:int}}", _pixels),
        _route(f"{root}/values/{{id}}/{{column:int}}/{{row:int}}", _values),
        _route(f"{root}/data/{{id}}", _data),
        _route(f"{root}/{{version}}/{{file:path}}", _file, in_thread=False),
    ]


def root_of(base: str = "") -> str:
    """The path that all routes begin with, below the server's base path."""
    return f"{'/' * bool(base.strip('/'))}{base.strip('/')}/viewer"
