"""The server: `streamlit run app.py`. Its routes feed the live parts of the pages; at its start the queue resumes."""

import asyncio
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
from pages.server.paths import datasets_dir, runs_dir, uploads_dir
from pages.server.run_api import routes
from pages.server.security.errors import ErrorIds
from pages.server.security.gate import HostGate
from pages.server.security.headers import SecurityHeaders
from pages.server.security.throttle import Throttle
from pages.server.uploads import datasets as uploads
from pages.server.uploads.store import UploadStore
from pages.server.visitors.libraries import all_libraries
from pages.server.visitors.middleware import Visitors
from pages.server.visitors.setup import install, watch_runs
from pages.ui import unexpected
from unet_core.io import owners


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
        for library in all_libraries(datasets_dir()):
            library.empty_trash()
    except OSError:
        logging.getLogger(__name__).exception("The trash could not be emptied.")


@asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    with owners.acting_as(None):  # what is done here is the operator's
        await run_in_threadpool(resume_queue)
        await run_in_threadpool(uploads.remove_abandoned)
        await run_in_threadpool(remove_old_uploads)
        await run_in_threadpool(empty_trash)
        default_model.start()
        run_mirror.start()
    watching = asyncio.create_task(watch_runs())
    yield
    watching.cancel()
    default_model.stop()
    await run_in_threadpool(run_mirror.stop)


def own_names() -> list[str]:
    """The names of this server that Streamlit's settings tell."""
    single = [st.get_option(name) or "" for name in ("server.address", "browser.serverAddress")]
    return [*single, *st.get_option("server.allowedHosts"), *st.get_option("server.corsAllowedOrigins")]


install()
base = st.get_option("server.baseUrlPath") or ""
addresses = [page.url_path for page in PAGES.values()]
app = st.App(
    "pages/main.py",
    routes=[
        *routes(base),
        *pixel_routes.routes(base),
        *uploads.routes(base),
        *index_page.routes(addresses, base),
    ],
    middleware=[  # the first is the outermost
        Middleware(SecurityHeaders, documents=index_page.find_all(addresses)),
        Middleware(ErrorIds),
        Middleware(HostGate, names=own_names()),
        Middleware(Throttle, base=base),
        Middleware(Visitors),
        Middleware(IconFont, base=base),
        Middleware(StaticCompression, base=base),
    ],
    lifespan=lifespan,
    on_script_error=unexpected.show,
)
