"""A call in a thread of its own, whose caller waits no longer than the other side keeps silent."""

import threading
import time
from collections.abc import Callable
from typing import Any

from unet_core.errors import Cancelled


class Abandoned(BaseException):
    """Nobody waits for the call any more; it ends the thread in the middle of what it does."""


class Watch:
    """What the two sides of a call share: `beat` says that something arrived, `silence` how long it may take."""

    def __init__(self, silence: float) -> None:
        self.silence = silence
        self.done = self.total = 0  # bytes
        self._abandoned = threading.Event()
        self._last = time.monotonic()

    def beat(self, silence: float | None = None) -> None:
        """Something arrived; from now on `silence` seconds may pass. Ends the thread where nobody waits."""
        self._last = time.monotonic()
        self.silence = self.silence if silence is None else silence
        if self._abandoned.is_set():
            raise Abandoned

    def run(
        self,
        name: str,
        call: Callable[["Watch"], Any],
        silent: Callable[[], Exception],
        progress: Callable[[int, int], None] | None,
        cancelled: Callable[[], bool],
    ) -> Any:
        """What `call` gives, from a daemon thread called `name`.

        Raises what it raises, Cancelled, or the exception of `silent` where nothing was heard for too long.
        """
        results: list[Any] = []
        errors: list[Exception] = []

        def work() -> None:
            try:
                results.append(call(self))
            except Abandoned:
                pass
            except Exception as error:  # noqa: BLE001 - raised again where someone waits for it
                errors.append(error)

        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(0.05)
                if cancelled():
                    raise Cancelled(f"{name}: canceled.")
                if progress is not None and self.total:
                    progress(min(self.done, self.total), self.total)
                if time.monotonic() - self._last > self.silence:
                    raise silent()
        finally:
            self._abandoned.set()
        if errors:
            raise errors[0]
        return results[0]
