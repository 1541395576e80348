"""A thread that fetches the mirrored runs when the server starts and then keeps the mirror up to date."""

import logging
import threading

from unet_core.errors import UnetError
from unet_core.sharing.mirror.mirror import Mirror

CHECK_SECONDS = 20.0  # between two looks at what has changed on the disk
RETRY_SECONDS = 60.0  # after a failure


class Keeper(threading.Thread):
    """Keeps a mirror from `start` to `stop`; a failure is logged, said by `problem`, and tried again.

    `fetching` is True until the runs of the mirror are here.
    """

    def __init__(self, mirror: Mirror, check: float = CHECK_SECONDS, retry: float = RETRY_SECONDS) -> None:
        super().__init__(name="mirror of runs", daemon=True)
        self.mirror = mirror
        self.problem = ""
        self.fetching = True
        self._check, self._retry = check, retry
        self._stopping = threading.Event()

    def stop(self, seconds: float) -> bool:
        """Copy what has changed once more and end; whether that was done within so many seconds."""
        self._stopping.set()
        self.join(seconds)
        return not self.is_alive()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._check if self._keep() else self._retry)
        if not self.fetching:
            self._keep(at_once=True)

    def _keep(self, at_once: bool = False) -> bool:
        """One round; whether all went well."""
        try:
            if self.fetching:
                self.mirror.fetch()
                self.fetching = False
            self.mirror.save(at_once)
            self.problem = ""
        except UnetError as error:
            self.problem = str(error)
            logging.getLogger(__name__).warning("Runs are not mirrored: %s", error)
        except Exception:  # the thread must live: the next round may go well
            self.problem = f"{self.mirror.reference}: unexpected error; see the server's log."
            logging.getLogger(__name__).exception("Runs are not mirrored.")
        return not self.problem
