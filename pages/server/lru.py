"""A bounded cache: what was used least recently goes first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class LRU(Generic[K, V]):
    """Entries by key, bounded by their number or, with `size`, by what they take together; safe for many threads.

    The newest entry stays whatever its size, so that what was just made can be shown.
    """

    def __init__(self, most: int, size: Callable[[V], int] = lambda value: 1) -> None:
        self.most = most
        self._size = size
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._total = 0
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    @property
    def total(self) -> int:
        """What the entries take together: their number, or the sum of their sizes."""
        return self._total

    def get(self, key: K) -> V | None:
        """The entry, which counts as used; None where there is none (any more)."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def get_or_add(self, key: K, make: Callable[[], V]) -> V:
        """The entry, made first where there is none. `make` runs under the lock and must be quick."""
        with self._lock:
            if key not in self._entries:
                self.put(key, make())
            self._entries.move_to_end(key)
            return self._entries[key]

    def put(self, key: K, value: V) -> list[K]:
        """Add or replace an entry; gives the keys of those that had to go."""
        with self._lock:
            self.pop(key)
            self._entries[key] = value
            self._total += self._size(value)
            return self.shrink(self.most)

    def pop(self, key: K) -> None:
        """Drop an entry, if it is there."""
        with self._lock:
            if key in self._entries:
                self._total -= self._size(self._entries.pop(key))

    def shrink(self, most: int) -> list[K]:
        """Drop the oldest entries but the newest until the others fit into `most`; gives their keys."""
        dropped = []
        with self._lock:
            while self._total > most and len(self._entries) > 1:
                key, value = self._entries.popitem(last=False)
                self._total -= self._size(value)
                dropped.append(key)
        return dropped

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._total = 0
