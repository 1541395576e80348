"""Unexpected errors on a public server: a visitor is given a number, and the log has the details under it."""

import logging
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.server.paths import is_public
from pages.server.security.gate import respond

LOG = logging.getLogger(__name__)


def record(error: BaseException) -> str:
    """Write an error to the log; gives the number that it has there."""
    error_id = secrets.token_hex(4)
    LOG.error("Error %s", error_id, exc_info=error)
    return error_id


def describe(error_id: str) -> str:
    """What a visitor is told.

    >>> describe("1a2b3c4d")
    'Something went wrong on the server (error 1a2b3c4d). Try again; if it stays, report this number.'
    """
    return f"Something went wrong on the server (error {error_id}). Try again; if it stays, report this number."


class ErrorIds:
    """ASGI middleware around the server `app`: an error of a route is answered with a number where strangers visit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception as error:
            if scope["type"] != "http" or not is_public() or started:
                raise
            await respond(scope, receive, send, 500, describe(record(error)))
