"""Routes by which the browser sends a dataset in chunks, straight to the disk and beyond Streamlit's upload limit.

    POST   /api/uploads                    {"name": ..., "files": [[path, size], ...]}: begin; gives the id
    GET    /api/uploads/<id>               what has arrived, or how far the unpacking is
    PUT    /api/uploads/<id>?offset=N      the next bytes of the files in their order, raw, at most `CHUNK`
    POST   /api/uploads/<id>/finish        {"name": ...}: unpack and make it a dataset, in a thread
    DELETE /api/uploads/<id>               cancel; nothing stays

Errors are {"error": "..."}. Each request needs a token that only the page gives (`issue_token`), in a header that
another site cannot send, and must come from the app's own pages. An upload's id cannot be guessed, and on a public
server it is found for the visitor alone who began it.
"""

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pages.server import paths
from pages.server.lru import LRU
from pages.server.visitors import quotas
from pages.server.visitors.libraries import all_libraries
from pages.server.visitors.secret import read_secret
from unet_core.data.library.finishing import FinishJob, FinishJobs
from unet_core.data.library.library import Library
from unet_core.data.library.manifest import Manifest
from unet_core.data.library.uploads import StorageError, Upload, UploadError, UploadGoneError, Uploads
from unet_core.errors import Cancelled, UnetError

CHUNK = 2**23  # bytes of one request
BUFFER = 2**20  # bytes that are gathered before they are written
MOST_LIST = 24 * 2**20  # bytes of the list of files
LIST_SECONDS = 60.0
TOKEN_SECONDS = 86_400 * 2
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
TOKEN_HEADER = "x-upload-token"
SECRET = ".upload_secret"  # in the folder of the library; signs the tokens

Answer = Callable[[Request, Uploads], Awaitable[Response]]
_JOBS = FinishJobs()
_UPLOADS: LRU[Path, Uploads] = LRU(1000)  # by the folder of the library


class _RefusedError(Exception):
    """A request that is answered with a status and an error."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def issue_token() -> str:
    """A token for one visitor's page, good for two days, also where the server is restarted: an upload then goes on."""
    text = f"{int(time.time())}.{secrets.token_urlsafe(16)}"
    return f"{text}.{_sign(text)}"


def is_token(token: str, seconds: float = TOKEN_SECONDS) -> bool:
    """Whether this server has issued a token in the last `seconds`."""
    text, _, signature = token.rpartition(".")
    if not token.isascii() or not hmac.compare_digest(signature, _sign(text)):
        return False
    return time.time() - int(text.partition(".")[0]) < seconds


def is_fresh(token: str) -> bool:
    """Whether a page may keep its token: it will be good for another day."""
    return is_token(token, TOKEN_SECONDS / 2)


def _sign(text: str) -> str:
    return hmac.new(read_secret(paths.datasets_dir() / SECRET), text.encode(), hashlib.sha256).hexdigest()


def _check(request: Request) -> None:
    """Raises _RefusedError where a request comes from another site or without a token."""
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    own = {headers.get("host"), headers.get("x-forwarded-host")} - {None}
    # A browser's own word comes first: behind some proxies the host is another than the page's.
    foreign = site != "same-origin" if site else origin is not None and urlsplit(origin).netloc not in own
    if foreign:
        raise _RefusedError(403, "Uploads are accepted from the app's own page only.")
    if not is_token(headers.get(TOKEN_HEADER, "")):
        raise _RefusedError(403, "The page is too old to upload. Reload it; the upload can be resumed.")


def _uploads(library: Library) -> Uploads:
    """The unfinished uploads of a library, that of the visitor who asks: those of others are not found."""
    return _UPLOADS.get_or_add(library.folder, lambda: Uploads(library))


def remove_abandoned() -> None:
    """At the start of the server: remove uploads that got no byte for a day; later each new upload does."""
    for library in all_libraries(paths.datasets_dir()):
        Uploads(library).remove_abandoned()


def _find_job(request: Request, uploads: Uploads) -> FinishJob | None:
    job = _JOBS.find(request.path_params["id"])
    return job if job is not None and job.library_folder == uploads.library.folder else None


class _Gate:
    """How many requests are at work."""

    def __init__(self, most: int) -> None:
        self.count, self.most = 0, most

    def __enter__(self) -> None:
        if self.count >= self.most:
            raise _RefusedError(503, "The server is busy with other uploads; trying again.")
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1


_LISTS, _CHUNKS = asyncio.Semaphore(4), _Gate(100)


async def _begin(request: Request, uploads: Uploads) -> Response:
    async with _LISTS:  # a few at a time: a list may have some MiB
        body = await _read(request, MOST_LIST)
        upload = await run_in_threadpool(_begin_upload, body, uploads)
    return JSONResponse({"id": upload.id, "arrived": 0, "total": upload.manifest.total, "chunk": CHUNK}, 201)


def _begin_upload(body: bytes, uploads: Uploads) -> Upload:
    manifest = Manifest.from_json(body)
    quotas.check_room(manifest.total)
    return uploads.begin(manifest)


async def _status(request: Request, uploads: Uploads) -> Response:
    if job := _find_job(request, uploads):
        return JSONResponse(job.status())
    upload = await run_in_threadpool(uploads.find, request.path_params["id"])
    arrived, total = upload.arrived, upload.manifest.total
    return JSONResponse({"state": "receiving", "arrived": arrived, "total": total, "chunk": CHUNK})


async def _receive(request: Request, uploads: Uploads) -> Response:
    offset, size = _number(request.query_params.get("offset")), _number(request.headers.get("content-length"))
    if size > CHUNK:
        raise _RefusedError(413, f"One request carries at most {CHUNK:,} bytes, not {size:,}.")
    upload = await run_in_threadpool(uploads.find, request.path_params["id"])
    with _CHUNKS:
        receiving = upload.receive(offset, size)
        write = receiving.__enter__()
        buffer = bytearray()
        try:
            try:
                async for part in request.stream():
                    buffer += part
                    if len(buffer) >= BUFFER:
                        await run_in_threadpool(write, bytes(buffer))
                        buffer.clear()
            finally:
                if buffer:
                    await run_in_threadpool(write, bytes(buffer))
        finally:
            await run_in_threadpool(receiving.__exit__, None, None, None)  # what was written counts
    return JSONResponse({"arrived": upload.arrived})


async def _finish(request: Request, uploads: Uploads) -> Response:
    body = await _read(request, 10_000)
    job = _find_job(request, uploads)
    if job is None or job.can_be_repeated:
        try:
            name = str(json.loads(body or b"{}").get("name", ""))[:200]
        except (ValueError, AttributeError) as error:
            raise _RefusedError(400, "The name cannot be read.") from error
        upload = await run_in_threadpool(uploads.find, request.path_params["id"])
        job = _JOBS.start(upload, name)  # another request may have started it meanwhile
    return JSONResponse(job.status(), 202)


async def _cancel(request: Request, uploads: Uploads) -> Response:
    upload = await run_in_threadpool(uploads.find, request.path_params["id"])
    await run_in_threadpool(upload.cancel)
    return JSONResponse({"state": "cancelled"})


async def _read(request: Request, most: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(LIST_SECONDS):  # who sends a byte a minute keeps others waiting
            async for part in request.stream():
                body += part
                if len(body) > most:
                    raise _RefusedError(413, f"The list of files is longer than {most:,} bytes. Split the dataset.")
    except TimeoutError as error:
        raise _RefusedError(503, "The list of files came too slowly; trying again.") from error
    return bytes(body)


def _number(text: str | None) -> int:
    if not (text and text.isascii() and text.isdigit() and len(text) < 19):
        raise _RefusedError(400, "The offset and the length must be whole numbers from 0.")
    return int(text)


def _route(path: str, method: str, answer: Answer) -> Route:
    async def respond(request: Request) -> Response:
        content: dict[str, Any]
        try:
            _check(request)
            response = await answer(request, _uploads(paths.library()))
        except _RefusedError as error:
            status, content = error.status, {"error": str(error)}
        except UploadError as error:
            status, content = 409, {"error": str(error), "arrived": error.arrived}
        except StorageError as error:
            status, content = 507, {"error": str(error)}
        except (Cancelled, ClientDisconnect):
            status, content = 410, {"error": "The upload was canceled."}
        except UploadGoneError as error:
            status, content = 404, {"error": str(error)}
        except UnetError as error:
            status, content = 400, {"error": str(error)}
        else:
            response.headers.update(HEADERS)
            return response
        return JSONResponse(content, status, HEADERS)

    return Route(path, respond, methods=[method])


def root_of(base: str = "") -> str:
    """The path that all routes begin with, below the server's base path."""
    return f"{'/' * bool(base.strip('/'))}{base.strip('/')}/api/uploads"


def routes(base: str = "") -> list[Route]:
    """All of them, below a base path where the server has one."""
    root = root_of(base)
    return [
        _route(root, "POST", _begin),
        _route(f"{root}/{{id}}", "GET", _status),
        _route(f"{root}/{{id}}", "PUT", _receive),
        _route(f"{root}/{{id}}/finish", "POST", _finish),
        _route(f"{root}/{{id}}", "DELETE", _cancel),
    ]
