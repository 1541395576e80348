"""What the live parts of a page ask the server for, by routes of their own: small, never cached, for the own page only.

    GET /api/runs/<id>/events?since=N&life=L     what is new after event N, and where the run stands (`Curves.since`)
    GET /api/runs/<id>/film?since=V              the epochs of the snapshots that are newer than version V
    GET /api/runs/<id>/film/probes               the probe images and their ground truth
    GET /api/runs/<id>/film/<epoch>              the probes' predictions after an epoch
    GET /api/activity?run=ID                     what the server is busy with, see `activity.overview`

Errors are {"error": "..."} with status 400 or 404. The disk is read in threads, away from the server's event loop.
"""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.server import run_feed, snapshot_feed
from pages.server.activity import overview
from pages.server.paths import runs_dir
from unet_core.errors import RunError
from unet_core.runs import run as runs

COMPRESSION = Middleware(GZipMiddleware, minimum_size=1000, compresslevel=3)  # a network packet holds 1000 bytes anyway
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
LARGEST = 2**63  # a number above it is none of ours

Answer = Callable[[runs.Run, Request], Response]


class _BadRequestError(Exception):
    """A query parameter that makes no sense."""


def number(request: Request, name: str) -> int:
    """A whole number of the query, 0 where it is missing. Raises _BadRequestError."""
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < LARGEST):
        raise _BadRequestError(f"{name} must be a whole number from 0, not {text[:40]!r}.")
    return int(text)


def _route(path: str, answer: Answer) -> Route:
    """A route about one run; `answer` gives the response and is called in a thread."""

    def work(request: Request) -> Response:
        try:
            return answer(runs.get(runs_dir(), request.path_params["run_id"]), request)
        except RunError:
            return JSONResponse({"error": f"There is no run {request.path_params['run_id'][:80]!r} here."}, 404)
        except _BadRequestError as error:
            return JSONResponse({"error": str(error)}, 400)

    async def respond(request: Request) -> Response:
        response = await run_in_threadpool(work, request)
        response.headers.update(HEADERS)
        return response

    return Route(path, respond, methods=["GET"], middleware=[COMPRESSION])


def _events(run: runs.Run, request: Request) -> Response:
    news = run_feed.feed_of(run).encode_news(number(request, "since"), number(request, "life"))
    return Response(news, media_type="application/json")


def _film(run: runs.Run, request: Request) -> Response:
    return JSONResponse(snapshot_feed.list_epochs(run, number(request, "since")))


def _probes(run: runs.Run, request: Request) -> Response:
    return JSONResponse(snapshot_feed.read_probes(run))


def _masks(run: runs.Run, request: Request) -> Response:
    return JSONResponse(snapshot_feed.read_masks(run, request.path_params["epoch"]))


async def _respond_activity(request: Request) -> Response:
    watched = request.query_params.get("run", "")
    return JSONResponse(await run_in_threadpool(overview.describe, runs_dir(), watched), headers=HEADERS)


def routes(base: str = "") -> list[Route]:
    """All of them, below a base path where the server has one."""
    root = f"{'/' * bool(base.strip('/'))}{base.strip('/')}/api"
    run = f"{root}/runs/{{run_id}}"
    return [
        Route(f"{root}/activity", _respond_activity, methods=["GET"]),
        _route(f"{run}/events", _events),
        _route(f"{run}/film", _film),
        _route(f"{run}/film/probes", _probes),
        _route(f"{run}/film/{{epoch:int}}", _masks),
    ]
