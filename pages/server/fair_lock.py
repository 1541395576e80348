"""A fair lock whose queue can be watched, of all visitors: for one forward pass at a time, a few images decoded."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unet_core.errors import Cancelled

CHECK_SECONDS = 0.2  # how often a waiting job checks whether it was cancelled


class FairLock:
    """A lock that is fair: first come, first served, and each ticket can see how many are ahead of it.

    `places`: how many may be in at once.
    """

    def __init__(self, places: int = 1) -> None:
        self.places = places
        self._tickets: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, ticket: object, cancelled: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Wait for one's turn and keep it for the body of the `with`. Raises Cancelled where `cancelled` says so."""
        with self._changed:
            self._tickets.append(ticket)
            try:
                while self._index(ticket) >= self.places:
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
            index = self._index(ticket)
            return index if index >= self.places else 0

    def _index(self, ticket: object) -> int:
        return next((index for index, other in enumerate(self._tickets) if other is ticket), 0)

    def _leave(self, ticket: object) -> None:
        self._tickets.remove(ticket)
        self._changed.notify_all()
