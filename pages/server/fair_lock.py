"""A lock that is fair and can be watched: one forward pass at a time, for all visitors."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unet_core.errors import Cancelled

LOOK = 0.2  # seconds between two looks of one who waits at whether it was cancelled


class FairLock:
    """A lock that is fair: who comes first goes first, and sees how many are before it."""

    def __init__(self) -> None:
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, ticket: object, cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Wait for one's turn and keep it for the body of the `with`. Raises Cancelled where `cancelled` says so."""
        with self._changed:
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket:
                    if cancelled():
                        raise Cancelled("The prediction was cancelled while it waited.")
                    self._changed.wait(LOOK)
            except BaseException:
                self._leave(ticket)
                raise
        try:
            yield
        finally:
            with self._changed:
                self._leave(ticket)

    def place(self, ticket: object) -> int:
        """How many are before it: 0 where it is its turn, or where it does not stand in line."""
        with self._changed:
            return next((place for place, other in enumerate(self._waiting) if other is ticket), 0)

    def _leave(self, ticket: object) -> None:
        self._waiting.remove(ticket)
        self._changed.notify_all()
