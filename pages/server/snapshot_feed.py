"""The learning film of a run as the browser gets it: which epochs there are with their Dice, and the small pictures.

The pictures go out as they lie on the disk (PNG: an image, masks of class indices); the browser lays the colors over.
No Streamlit in here: the routes of `api` ask from threads of the server.
"""

import base64
import json
import threading
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

from pages.server import run_feed
from unet_core import overlay
from unet_core.runs import run as runs
from unet_core.runs import snapshots

MOST = 32  # films that are remembered
SETTLED = 1_000_000_000  # ns; a folder changed so lately may change again without showing it in its time


class SnapshotFeed:
    """The index of a film: read again only where its folder has changed."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self._folder_at = 0
        self._rows: dict[int, list[Any]] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[list[Any]]:
        """[epoch, Dice of each probe or None, a number that changes with its pictures] of each complete epoch."""
        with self._lock:
            try:
                folder_at = self.run.snapshots.stat().st_mtime_ns
            except OSError:
                return []
            if folder_at != self._folder_at:
                self._rows = {epoch: row for epoch in snapshots.epochs(self.run.snapshots) if (row := self._row(epoch))}
                settled = time.time_ns() - folder_at > SETTLED
                self._folder_at = folder_at if settled else 0
            return list(self._rows.values())

    def _row(self, epoch: int) -> list[Any] | None:
        path = self.run.snapshots / f"{epoch:04}.json"
        try:
            version = path.stat().st_mtime_ns // 1000
            known = self._rows.get(epoch)
            if known is not None and known[2] == version:
                return known
            scores = json.loads(path.read_text(encoding="utf-8"))["dice"]
            return [epoch, [None if score is None else round(float(score), 4) for score in scores], version]
        except (OSError, ValueError, KeyError, TypeError):
            return None


_known: OrderedDict[Path, SnapshotFeed] = OrderedDict()
_known_lock = threading.Lock()


def of(run: runs.Run) -> SnapshotFeed:
    """The one of a run, for all who ask."""
    with _known_lock:
        found = _known.setdefault(run.folder, SnapshotFeed(run))
        _known.move_to_end(run.folder)
        while len(_known) > MOST:
            _known.popitem(last=False)
    return found


def index(run: runs.Run, since: int) -> dict[str, Any]:
    """The epochs whose pictures are newer than version `since`; "count" of all tells a reader that some are gone."""
    rows = of(run).rows()
    return {"count": len(rows), "epochs": [row for row in rows if row[2] > since]}


def probes(run: runs.Run) -> dict[str, Any]:
    """Each probe's image and true mask as PNG in base64, None where it cannot be read; the colors of the classes."""
    started = run_feed.history(run).started
    classes = started.num_classes if started else 1
    count = max((len(row[1]) for row in of(run).rows()), default=0)
    names = snapshots.names(run.snapshots)
    found = [
        {
            "name": names[number] if number < len(names) else "",
            **{what: _picture(run.snapshots / f"{number}-{what}.png") for what in ("image", "truth")},
        }
        for number in range(count)
    ]
    colors = overlay.palette(classes)[: max(2, classes)].tolist()
    return {"probes": found, "colors": colors, "bare": classes == 1}


def frame(run: runs.Run, epoch: int) -> dict[str, Any]:
    """Each probe's mask after an epoch as PNG in base64, None where it cannot be read."""
    count = next((len(row[1]) for row in of(run).rows() if row[0] == epoch), 0)
    return {"epoch": epoch, "masks": [_picture(run.snapshots / f"{epoch:04}-{number}.png") for number in range(count)]}


def _picture(path: Path) -> str | None:
    try:
        return base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError:
        return None
