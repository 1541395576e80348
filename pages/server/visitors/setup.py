"""Puts the limits in force for a server's process, and looks after runs that train for too long."""

import asyncio
import logging

from starlette.concurrency import run_in_threadpool

from pages.server.paths import is_public, runs_dir
from pages.server.visitors import quotas
from unet_core.io import owners
from unet_core.training import launch

LOOK_SECONDS = 5.0  # between two looks for runs that train for too long


def install() -> None:
    """For the server and each page: what may be started is asked here."""
    launch.admit_by(quotas.admit)


async def watch_runs() -> None:
    """On a public server, as long as it runs: stop visitors' runs that have had the device for too long."""
    while is_public():
        with owners.acting_as(None):
            try:
                await run_in_threadpool(quotas.stop_overlong, runs_dir())
            except OSError:
                logging.getLogger(__name__).exception("The runs could not be looked through.")
        await asyncio.sleep(LOOK_SECONDS)
