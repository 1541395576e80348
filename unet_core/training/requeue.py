"""Removing runs from the queue so that it can be undone: what must be known of them to queue them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.runs import control, manage, queue
from unet_core.runs import run as runs
from unet_core.training import launch


@dataclass(frozen=True)
class Withdrawn:
    """A run that was removed from the queue: its settings, its position (0 = the next one), what it was to do."""

    run: runs.Run
    config: RunConfig
    notes: manage.Notes
    position: int
    request: control.ContinueRequest | None


def withdraw(waiting: Sequence[runs.Run]) -> list[Withdrawn]:
    """Remove runs from the queue, from the end, so that none starts that is about to be removed as well.

    A run that never started is deleted, others are kept. Returns those that were removed, in the order of the queue;
    one that has started meanwhile is none. Raises RunError where a single one cannot be removed.
    """
    runs_dir = waiting[0].folder.parent if waiting else Path()
    order = [run.id for run in queue.waiting(runs_dir)]
    removed: list[Withdrawn] = []
    for run in reversed(waiting):
        if run.id not in order and len(waiting) > 1:
            continue
        position = order.index(run.id) if run.id in order else 0
        item = Withdrawn(run, run.config, manage.notes(run), position, control.read_continue_request(run.control))
        try:
            queue.remove(run)
        except RunError:
            if len(waiting) == 1:
                raise
            continue
        removed.insert(0, item)
    return removed


def put_back(runs_dir: Path, removed: Sequence[Withdrawn]) -> list[runs.Run]:
    """Queue removed runs again, each in its position; one that was deleted is a new run with the same settings.

    Raises RunError, DataError where one cannot be started.
    """
    restored = []
    for item in removed:
        if not (item.run.folder / "config.json").is_file():
            run = launch.launch(item.config, runs_dir)
            if item.notes != manage.Notes():
                manage.write_notes(run, item.notes)
        elif item.request is not None:
            run = item.run
            launch.continue_run(run, item.request.epochs, item.request.lr)
        else:
            run = item.run
            launch.start(run)
        restored.append(run)
        order = [other.id for other in queue.waiting(runs_dir)]
        if run.id in order:  # else the device was free, and it trains
            queue.move(run, item.position - order.index(run.id))
    return restored
