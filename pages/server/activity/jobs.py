"""The background jobs of the server that go on, for whoever wants to show that something does."""

import threading
import weakref
from typing import Generic, TypeVar

T = TypeVar("T")


class Running(Generic[T]):
    """Jobs from their start to their end, with what they do in a word or two; a job that nobody holds drops out."""

    def __init__(self) -> None:
        self._jobs: weakref.WeakKeyDictionary[T, str] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def add(self, job: T, label: str) -> None:
        with self._lock:
            self._jobs[job] = label

    def remove(self, job: T) -> None:
        with self._lock:
            self._jobs.pop(job, None)

    def listed(self) -> list[tuple[T, str]]:
        """(job, what it does), the oldest first."""
        with self._lock:
            return list(self._jobs.items())
