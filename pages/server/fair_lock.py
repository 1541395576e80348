"""A fair lock whose queue can be watched: one forward pass at a time, for all visitors."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unet_core.errors import Cancelled

CHECK_SECONDS = 0.2  # how often a waiting job checks whether it was cancelled


class FairLock:
    """A lock that is fair: first come, first served, and each ticket can see how many are ahead of it."""

    def __init__(self) -> None:
        self._tickets: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, ticket: object, cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Wait for one's turn and keep it for the body of the `with`. Raises Cancelled where `cancelled` says so."""
        with self._changed:
            self._tickets.append(ticket)
            try:
                while self._tickets[0] is not ticket:
                    if cancelled():
                        raise Cancelled("The prediction was canceled while it waited.")
                    self._changed.wait(CHECK_SECONDS)
            except BaseException:
                self._leave(ticket)
                raise
        try:
            yield
        finally:
            with self._changed:
                self._leave(ticket)

    def count_ahead(self, ticket: object) -> int:
        """How many are ahead of it: 0 where it is its turn, or where it does not wait."""
        with self._changed:
            return next((ahead for ahead, other in enumerate(self._tickets) if other is ticket), 0)

    def _leave(self, ticket: object) -> None:
        self._tickets.remove(ticket)
        self._changed.notify_all()
