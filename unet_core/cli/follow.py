"""Follow a run in the terminal until it ends."""

import shlex
import time
from collections.abc import Sequence
from typing import Any

from unet_core.cli.output import echo, program, warn
from unet_core.errors import RunError, TrainingError
from unet_core.runs import queue, stages
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events
from unet_core.runs.history import History

POLL_SECONDS = 0.2


def follow(run: runs.Run, rest: Sequence[runs.Run] = ()) -> dict[str, Any]:
    """Print the progress of a run until it ends; its result. Raises TrainingError with the reason where it failed.

    Ctrl-C stops it, or removes it from the queue, and with it the `rest`, the runs queued behind it.
    """
    history, offset, queued, ahead, reading = History(), 0, False, "", None
    printed: dict[int, object] = {}
    begun_at, timed = time.time(), set[tuple[str, float]]()
    while True:
        try:
            alive = run.alive()  # asked before reading, so that what it writes until its end is read
            queued = run.queued
            if queued and (names := _runs_ahead(run)) != ahead:
                ahead = names
                echo(f"queued behind {ahead or 'no other run'}; Ctrl-C removes it from the queue")
            for line in _new_stages(stages.read(run.folder), begun_at, timed):
                echo(line)
            if (counts := run.images_read()) != reading and counts is not None:
                reading = counts
                echo(f"reading the images: {counts[0]} of {counts[1]}")
            events, offset = read_events(run.events, offset)
            for event, at in events:
                history.add(event, at)
            for line in _new_lines(history, printed):
                echo(line)
            if not alive:
                break
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            if removed := sum(leave_queue(other) for other in rest):
                echo(f"removed {removed} more runs from the queue")
            if leave_queue(run):
                break
            echo("stopping after the current step; the best checkpoint is kept")
            run.request_stop()
    return _result(run, history, queued)


def _result(run: runs.Run, history: History, queued: bool) -> dict[str, Any]:
    """The result of a run that is over; `queued`: it never got its turn. Raises TrainingError or RunError."""
    if queued and run.queued:
        command = f"{program()} queue --restart --runs-dir {shlex.quote(str(run.folder.parent))}"
        raise TrainingError(f"The process of the queued run {run.id} has ended. Restart it: {command}")
    if queued:
        deleted = "" if run.folder.exists() else " It never started, so it was deleted."
        raise RunError(f"Run {run.id} was removed from the queue.{deleted}")
    for message in history.warnings:
        warn(message)
    if history.failed is not None:
        raise TrainingError(history.failed.message)
    if history.finished is None:
        command = f"{program()} resume {shlex.quote(str(run.folder))}"
        raise TrainingError(f"Run {run.id} was interrupted. Resume it: {command}")
    end = history.finished
    return {
        "run": str(run.folder),
        "best_epoch": end.best_epoch,
        "val_dice": end.val_dice,
        "val_iou": end.val_iou,
        "images_per_second": end.images_per_second,
        "epochs": len(history.epochs),
        "reason": end.reason,
        "seconds": end.seconds,
    }


def leave_queue(run: runs.Run) -> bool:
    """Remove a run from the queue; whether it was still in it."""
    try:
        queue.remove(run)
    except RunError:
        return False
    return True


def _runs_ahead(run: runs.Run) -> str:
    """The ids of the runs that come before a queued one, the one that is training first."""
    ids = [other.id for other in queue.waiting(run.folder.parent)]
    ahead = ids[: ids.index(run.id)] if run.id in ids else []
    training = runs.find_active(run.folder.parent)
    return ", ".join(([training.id] if training else []) + ahead)


def _new_lines(history: History, printed: dict[int, object]) -> list[str]:
    """A line for each epoch and each mark (pause, new learning rate, ...) that came in since the last call.

    `printed` holds the epochs and marks themselves by their `id()`, not by their number: a resumed run forgets some and
    makes others like them, which are printed again.
    """
    items: list[tuple[int, object, str]] = [
        (epoch.step, epoch, _epoch_line(history, index)) for index, epoch in enumerate(history.epochs)
    ]
    marks = [mark for mark in history.marks if mark.kind not in ("best", "warning")]
    items += [(mark.step, mark, f"step {mark.step}: {mark.text}") for mark in marks]
    new = [(step, item, line) for step, item, line in items if id(item) not in printed]
    printed |= {id(item): item for _, item, _ in new}
    return [line for _, _, line in sorted(new, key=lambda entry: entry[0])]


def _new_stages(start: Sequence[stages.Stage], since: float, timed: set[tuple[str, float]]) -> list[str]:
    """A line for each stage of a start that has ended since the last call; `timed` are those that had a line.

    Those of a start long before `since` are of an earlier one.
    """
    new = []
    for stage in start:
        key = stage.name, stage.began
        if stage.seconds is not None and key not in timed and stage.began > since - stages.START_SECONDS:
            timed.add(key)
            new.append(f"{stage.label}: {stage.seconds:.1f} s")
    return new


def _epoch_line(history: History, index: int) -> str:
    epoch = history.epochs[index]
    scores = {"train loss": epoch.train_loss, "val loss": epoch.val_loss, "Dice": epoch.val_dice, "IoU": epoch.val_iou}
    words = [f"{name} {'-' if value is None else f'{value:.4f}'}" for name, value in scores.items()]
    total = history.total_epochs
    return (
        f"epoch {epoch.epoch}/{total}  {'  '.join(words)}  {epoch.images_per_second:.1f} images/s" + " *" * epoch.best
    )
