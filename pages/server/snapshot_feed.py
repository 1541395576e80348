"""Predictions over epochs as the browser gets them: the epochs of a run with their Dice, and the small images.

The images go out as they lie on the disk (PNG: an image, masks of class indices); the browser draws the colors.
The routes of `run_api` ask from threads of the server.
"""

import base64
import threading
import time
from pathlib import Path
from typing import Any

from pages.server import run_feed
from pages.server.lru import LRU
from unet_core import overlay
from unet_core.io.filenames import readable
from unet_core.runs import run as runs
from unet_core.runs import snapshots

MOST = 32  # runs whose index is cached
SETTLED = 1_000_000_000  # ns; a folder changed so lately may change again without showing it in its time

Row = tuple[int, list[float | None], int]


class SnapshotFeed:
    """The index of a run's snapshots: read again only where their folder has changed."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._changed_at = 0
        self._rows: dict[int, Row] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[Row]:
        """(epoch, Dice of each probe or None, a number that changes with its predictions) of each complete epoch."""
        with self._lock:
            try:
                changed_at = self.run.snapshots.stat().st_mtime_ns
            except OSError:
                return []
            if changed_at != self._changed_at:
                self._rows = {epoch: row for epoch in snapshots.epochs(self.run.snapshots) if (row := self._row(epoch))}
                settled = time.time_ns() - changed_at > SETTLED
                self._changed_at = changed_at if settled else 0
            return list(self._rows.values())

    def _row(self, epoch: int) -> Row | None:
        version = snapshots.read_version(self.run.snapshots, epoch)
        row = self._rows.get(epoch)
        if row is not None and row[2] == version:
            return row
        scores = snapshots.read_scores(self.run.snapshots, epoch)
        if scores is None:
            return None
        return epoch, [None if score is None else round(score, 4) for score in scores], version


_FEEDS: LRU[Path, SnapshotFeed] = LRU(MOST)


def feed_of(run: runs.Run) -> SnapshotFeed:
    """The one of a run, for all who ask."""
    return _FEEDS.get_or_add(run.folder, lambda: SnapshotFeed(run))


def list_epochs(run: runs.Run, since: int) -> dict[str, Any]:
    """The epochs newer than version `since`; "count" of all tells a reader that some are gone."""
    rows = feed_of(run).rows()
    return {"count": len(rows), "epochs": [row for row in rows if row[2] > since]}


def read_probes(run: runs.Run) -> dict[str, Any]:
    """Each probe's image and ground truth as PNG in base64, None where it cannot be read; the colors of the classes."""
    started = run_feed.history(run).started
    classes = started.num_classes if started else 1
    count = max((len(row[1]) for row in feed_of(run).rows()), default=0)
    names = snapshots.names(run.snapshots)
    probes = [
        {
            "name": readable(names[number]) if number < len(names) else "",
            "image": _read_image(run, snapshots.image_name(number)),
            "truth": _read_image(run, snapshots.truth_name(number)),
        }
        for number in range(count)
    ]
    colors = overlay.palette(classes)[: max(2, classes)].tolist()
    return {"probes": probes, "colors": colors, "bare": classes == 1}


def read_masks(run: runs.Run, epoch: int) -> dict[str, Any]:
    """Each probe's prediction after an epoch as PNG in base64, None where it cannot be read."""
    count = next((len(row[1]) for row in feed_of(run).rows() if row[0] == epoch), 0)
    return {
        "epoch": epoch,
        "masks": [_read_image(run, snapshots.mask_name(epoch, number)) for number in range(count)],
    }


def _read_image(run: runs.Run, name: str) -> str | None:
    data = snapshots.read_png(run.snapshots, name)
    return None if data is None else base64.b64encode(data).decode("ascii")
