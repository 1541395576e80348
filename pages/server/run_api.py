"""What the live parts of a page ask the server for, by routes of their own: small, never cached, for the own page only.

    GET /api/runs/<id>/events?since=N&life=L     what is new after event N, and where the run stands (`Curves.since`)
    GET /api/runs/<id>/film?since=V              the epochs of the learning film that are newer than version V
    GET /api/runs/<id>/film/probes               the probe images and their true masks
    GET /api/runs/<id>/film/<epoch>              the probes' masks after an epoch

Errors are {"error": "..."} with status 400 or 404. The disk is read in threads, away from the server's event loop.
"""

import gzip
import json
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pages.server import run_feed, snapshot_feed
from pages.server.paths import runs_dir
from unet_core.errors import RunError
from unet_core.runs import run as runs

GZIP_FROM = 1000  # bytes; a packet of the network holds more anyway
LARGEST = 2**63  # a number above it is none of ours

Answer = Callable[[runs.Run, Request], bytes]


class _BadRequestError(Exception):
    """The address asks for something that cannot be."""


def number(request: Request, name: str) -> int:
    """A whole number of the query, 0 where it is missing. Raises _BadRequestError."""
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < LARGEST):
        raise _BadRequestError(f"{name} must be a whole number from 0, not {text[:40]!r}.")
    return int(text)


def _route(path: str, answer: Answer) -> Route:
    """A route about one run; `answer` gives the JSON and is called in a thread."""

    def work(request: Request) -> tuple[int, bytes]:
        try:
            return 200, answer(runs.get(runs_dir(), request.path_params["run_id"]), request)
        except RunError:
            return 404, _json({"error": f"There is no run {request.path_params['run_id'][:80]!r} here."})
        except _BadRequestError as error:
            return 400, _json({"error": str(error)})

    async def respond(request: Request) -> Response:
        packed = "gzip" in request.headers.get("accept-encoding", "")
        status, body, packed = await run_in_threadpool(lambda: _pack(*work(request), packed))
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding"}
        if packed:
            headers["Content-Encoding"] = "gzip"
        return Response(body, status, headers, "application/json")

    return Route(path, respond, methods=["GET"])


def _pack(status: int, body: bytes, packed: bool) -> tuple[int, bytes, bool]:
    packed = packed and len(body) >= GZIP_FROM
    return status, gzip.compress(body, 3) if packed else body, packed


def _json(content: object) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def _events(run: runs.Run, request: Request) -> bytes:
    return run_feed.feed_of(run).answer(number(request, "since"), number(request, "life"))


def _film(run: runs.Run, request: Request) -> bytes:
    return _json(snapshot_feed.index(run, number(request, "since")))


def _probes(run: runs.Run, request: Request) -> bytes:
    return _json(snapshot_feed.probes(run))


def _frame(run: runs.Run, request: Request) -> bytes:
    return _json(snapshot_feed.frame(run, request.path_params["epoch"]))


def routes(base: str = "") -> list[Route]:
    """All of them, below a base path where the server has one."""
    run = f"{'/' * bool(base.strip('/'))}{base.strip('/')}/api/runs/{{run_id}}"
    return [
        _route(f"{run}/events", _events),
        _route(f"{run}/film", _film),
        _route(f"{run}/film/probes", _probes),
        _route(f"{run}/film/{{epoch:int}}", _frame),
    ]
