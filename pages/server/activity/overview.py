"""What the server is busy with, in a few numbers for the header of every page.

    {"run": {"id": "…", "name": "…", "state": "running", "stage": "", "percent": 43, "left": 120.0}, "waiting": 2,
     "jobs": [{"label": "Evaluating", "percent": 12}], "ended": null}

`ended` has the run that a browser watched and that is over: {"id", "name", "state", "dice"}; "state" is "gone" where it
was deleted. A visitor of a public server is told of the own runs and jobs alone.
"""

import math
import threading
import time
from pathlib import Path
from typing import Any

from pages.server import background_job, run_feed
from pages.server.lru import LRU
from unet_core.errors import RunError
from unet_core.io import owners
from unet_core.runs import manage, queue, stages
from unet_core.runs import run as runs

FRESH_SECONDS = 0.8  # the runs folder is looked through so often, however many tabs ask
LONG_SECONDS = 3.0  # a job that is shorter is not worth a word

_LOCK = threading.Lock()
_LATEST: LRU[tuple[Path, str | None], tuple[float, dict[str, Any]]] = LRU(1000)


def describe(runs_dir: Path, watched: str = "") -> dict[str, Any]:
    """See above; `watched` is the id of the run that the browser has seen active, "" = none."""
    key = runs_dir, owners.current()
    with _LOCK:
        latest = _LATEST.get(key)
        if latest is None or time.monotonic() >= latest[0]:
            waiting = sum(owners.is_own(run.folder) for run in queue.waiting(runs_dir))
            answer = {"run": _describe_active(runs_dir), "waiting": waiting}
            latest = time.monotonic() + FRESH_SECONDS, answer
            _LATEST.put(key, latest)
    return {**latest[1], "jobs": _describe_jobs(), "ended": _describe_end(runs_dir, watched) if watched else None}


def _describe_active(runs_dir: Path) -> dict[str, Any] | None:
    run = runs.find_active(runs_dir)
    if run is None or not owners.is_own(run.folder):
        return None
    history, state = run_feed.history(run), run.state()
    begun = bool(history.steps) and history.started is not None and history.failed is None and history.finished is None
    left = history.seconds_left_at(time.time()) if begun else math.nan
    started = stages.read(run.folder)
    return {
        "id": run.id,
        "name": manage.label(run),
        "state": state.value,
        "stage": started[-1].label if started and started[-1].seconds is None else "",
        "percent": math.floor(100 * history.progress) if begun else None,
        "left": None if math.isnan(left) else round(left, 1),
    }


def _describe_jobs() -> list[dict[str, Any]]:
    return [
        {"label": label, "percent": math.floor(100 * job.fraction)}
        for job, label in background_job.ALL.listed()
        if job.seconds >= LONG_SECONDS and job.owner == owners.current()
    ]


def _describe_end(runs_dir: Path, watched: str) -> dict[str, Any] | None:
    try:
        run = runs.get(runs_dir, watched)
    except RunError:
        return {"id": watched, "name": watched, "state": "gone", "dice": None}
    state = run.state()
    if state.active:
        return None
    best = run_feed.history(run).best
    return {"id": run.id, "name": manage.label(run), "state": state.value, "dice": best.val_dice if best else None}
