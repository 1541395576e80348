"""The server: `streamlit run app.py`. Its routes feed the live parts of the pages; at its start the queue resumes."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from pages import PAGES
from pages.server import pixel_routes
from pages.server.delivery import index_page
from pages.server.delivery.icon_font import IconFont
from pages.server.delivery.static_compression import StaticCompression
from pages.server.hub import default_model, run_mirror
from pages.server.paths import library, runs_dir, uploads_dir
from pages.server.run_api import routes
from pages.server.uploads import datasets as uploads
from pages.server.uploads.store import UploadStore


def resume_queue() -> None:
    """Start the waiting processes of queued runs that a restart of the machine has ended."""
    from unet_core.runs import queue

    try:
        queue.restart_orphans(runs_dir())
    except Exception:  # the pages must come up also where the runs folder cannot be read
        logging.getLogger(__name__).exception("The queue could not be resumed.")


def remove_old_uploads() -> None:
    """Remove what visitors have uploaded for Predict and left."""
    try:
        UploadStore(uploads_dir()).remove_old()
    except OSError:
        logging.getLogger(__name__).exception("Old uploads could not be removed.")


def empty_trash() -> None:
    """Remove runs and datasets for good that were deleted a day ago."""
    from unet_core.runs import manage

    try:
        manage.empty_trash(runs_dir())
        library().empty_trash()
    except OSError:
        logging.getLogger(__name__).exception("The trash could not be emptied.")


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    await run_in_threadpool(resume_queue)
    await run_in_threadpool(uploads.remove_abandoned)
    await run_in_threadpool(remove_old_uploads)
    await run_in_threadpool(empty_trash)
    default_model.start()
    run_mirror.start()
    yield
    default_model.stop()
    await run_in_threadpool(run_mirror.stop)


base = st.get_option("server.baseUrlPath") or ""
app = st.App(
    "pages/main.py",
    routes=[
        *routes(base),
        *pixel_routes.routes(base),
        *uploads.routes(base),
        *index_page.routes([page.url_path for page in PAGES.values()], base),
    ],
    middleware=[Middleware(IconFont, base=base), Middleware(StaticCompression, base=base)],
    lifespan=lifespan,
)
