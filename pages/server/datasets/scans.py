"""Scans of datasets that this server has read, so that a rerun of a page does not ask the disk for each file again."""

import time
from dataclasses import dataclass

from pages.server.lru import LRU
from unet_core.config.schema import DataConfig
from unet_core.data.checks.scan import Scan, load_cached

TRUSTED_SECONDS = 10.0  # that a scan counts as up to date without a look at the disk; longer where looking is slow
TIMES_THE_LOOK = 20


@dataclass
class _Entry:
    scan: Scan
    until: float


_ENTRIES: LRU[tuple[DataConfig, str], _Entry] = LRU(4)


def find(data: DataConfig, recipe: str) -> Scan | None:
    """The scan of a dataset, None where there is none or a file has changed; `recipe` is the text of its recipe."""
    key = (data, recipe)
    entry = _ENTRIES.get(key)
    started = time.monotonic()
    if entry is not None and started < entry.until:
        return entry.scan
    scan = load_cached(data)
    ended = time.monotonic()
    if scan is None:
        _ENTRIES.pop(key)
    else:
        _ENTRIES.put(key, _Entry(scan, ended + max(TRUSTED_SECONDS, TIMES_THE_LOOK * (ended - started))))
    return scan


def forget() -> None:
    """Look at the disk next time: a scan has ended, or the user asks for another."""
    _ENTRIES.clear()
