"""What a public server grants: numbers with a name in the environment each, see `Limits`; docs/server.md lists them.

limits = read_limits()                       # the defaults, or what $UNET_STUDIO_MAX_SOCKETS and so on say
bucket = Bucket(burst=100, per_second=20)
bucket.take(1)                               # 0.0: granted; else the seconds until it would be
"""

import logging
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import partial

MB = 1_000_000
PREFIX = "UNET_STUDIO_"
MOST_CLIENTS = 10_000  # whose use is remembered
LOG = logging.getLogger(__name__)


def _limit(default: int, meaning: str) -> int:
    number: int = field(default=default, metadata={"meaning": meaning})
    return number


@dataclass(frozen=True)
class Limits:
    """Each can be set by its name in capitals after `UNET_STUDIO_`. A client is an address, see `clients`."""

    max_sockets: int = _limit(60, "pages open at once, of all visitors")
    max_sockets_per_client: int = _limit(12, "pages open at once, of one address")
    max_requests_per_client: int = _limit(3000, "requests a minute, of one address")
    max_messages: int = _limit(20, "messages a second of one page; more of them wait")
    max_message_mb: int = _limit(1, "size of a message of a page")
    max_file_mb: int = _limit(50, "size of an image or ZIP for Predict")
    max_memory_mb: int = _limit(300, "uploads for Predict in memory, until they are on the disk, of all visitors")
    max_memory_per_client_mb: int = _limit(100, "the same, of one address")
    max_upload_mb: int = _limit(10_000, "uploads an hour, of all visitors")
    max_upload_per_client_mb: int = _limit(1000, "uploads an hour, of one address")


def read_limits() -> Limits:
    """The limits of the environment; a value that is no whole number from 1 is told in the log and not used."""
    values: dict[str, int] = {}
    for item in fields(Limits):
        name = PREFIX + item.name.upper()
        text = os.environ.get(name, "").strip()
        if text.isascii() and text.isdigit() and 0 < int(text) < 10**9:
            values[item.name] = int(text)
        elif text:
            LOG.warning("%s is %r: not a whole number from 1. The limit stays %s.", name, text[:40], item.default)
    return Limits(**values)


class Bucket:
    """So much a second, and what was not used before: at most `burst` at once."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.burst, self.per_second, self._clock = burst, per_second, clock
        self._left, self._at = burst, clock()

    def take(self, amount: float = 1.0) -> float:
        """Take it where there is so much; else take nothing and give the seconds until there will be.

        >>> bucket = Bucket(2, 1, clock=lambda: 0.0)
        >>> [bucket.take(), bucket.take(), bucket.take()]
        [0.0, 0.0, 1.0]
        """
        now = self._clock()
        self._left = min(self.burst, self._left + (now - self._at) * self.per_second)
        self._at = now
        if amount <= self._left:
            self._left -= amount
            return 0.0
        return (amount - self._left) / self.per_second

    def give_back(self, amount: float) -> None:
        """What was taken and not used."""
        self._left = min(self.burst, self._left + amount)


class Buckets:
    """A bucket for each client, of those that came last; for one thread."""

    def __init__(self, burst: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._new = partial(Bucket, burst, per_second, clock)
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, client: str) -> Bucket:
        """That of a client."""
        bucket = self._buckets.setdefault(client, self._new())
        self._buckets.move_to_end(client)
        if len(self._buckets) > MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return bucket
