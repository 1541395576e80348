"""The commands about runs: train, resume, stop, runs, queue, sweep, compare."""

import argparse
import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unet_core.cli.output import tell
from unet_core.config.fields import current_name
from unet_core.config.presets import get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.errors import ConfigError, RunError, TrainingError
from unet_core.runs import leaderboard, queue
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events
from unet_core.runs.history import History
from unet_core.training import launch, sweep

POLL_SECONDS = 0.2
SHORT = {"losses": "loss", "downs": "down", "ups": "up", "seeds": "seed"}  # lists that have an option of their own


def train(parsed: argparse.Namespace) -> dict[str, Any]:
    """Start a run in a process of its own and follow it; Ctrl-C stops it and keeps the best epoch.

    Where another run trains it waits in the line; Ctrl-C then takes it out again.
    """
    config = get_preset(parsed.preset).replace(**given_settings(parsed))
    run = launch.launch(config, parsed.runs_dir)
    tell(f"run {run.folder}")
    return follow(run)


def given_settings(parsed: argparse.Namespace) -> dict[str, Any]:
    """The settings that were named on the command line, the folder of the data among them."""
    values = {option.name: getattr(parsed, option.name, None) for option in all_fields() if option.name != "root"}
    given = {name: value for name, value in values.items() if value is not None}
    return {"root": str(Path(parsed.data).resolve())} | given


def compare(parsed: argparse.Namespace) -> dict[str, Any]:
    """Train several presets on the same data, one after another, and print their table."""
    given = given_settings(parsed)
    name = given.pop("series", "")
    wanted = sweep.of_presets([key.strip() for key in parsed.presets.split(",")], given)
    return _file_and_follow(parsed, wanted, name)


def sweep_grid(parsed: argparse.Namespace) -> dict[str, Any]:
    """Train every combination of lists of settings, one after another, and print their table."""
    given = given_settings(parsed)
    name = given.pop("series", "")
    lists: dict[str, list[Any]] = {}
    short = (f"{key}={text}" for key, text in zip(SHORT.values(), map(vars(parsed).get, SHORT), strict=True) if text)
    for word in (*short, *parsed.vary):
        key, equals, text = word.partition("=")
        key = current_name(key.strip().replace("-", "_"))
        if not equals or key in lists:
            raise ConfigError(f"--vary {word}: expected one list a setting, as in --vary loss=bce,dice.")
        lists[key] = sweep.values(key, text)
    if not lists:
        raise ConfigError("A sweep needs at least one list, as in --vary loss=bce,dice --vary seed=0-2.")
    return _file_and_follow(parsed, sweep.grid(get_preset(parsed.preset).replace(**given), lists), name)


def _file_and_follow(parsed: argparse.Namespace, wanted: Mapping[str, RunConfig], name: str) -> dict[str, Any]:
    """Put runs in the line, follow them to their end, print their table."""
    name = sweep.start(wanted, parsed.runs_dir, name)
    tell(f"{name}: {len(wanted)} runs")
    failed = []
    members = leaderboard.members(parsed.runs_dir, name)
    for number, run in enumerate(members, 1):
        if not run.folder.exists():
            continue  # it was taken out of the line
        key = leaderboard.series_and_name(run)[1]
        tell(f"{key}: run {run.folder}")
        try:
            follow(run, members[number:])
        except (TrainingError, RunError) as error:
            failed.append(f"{key}: {error}")
            tell(f"error: {failed[-1]}")
    rows = leaderboard.rows(leaderboard.members(parsed.runs_dir, name))
    columns = ("name", "val_dice", "val_iou", "val_loss", "best_epoch", "seconds", "parameters", "run")
    lines = [columns, *(tuple(_cell(getattr(row, column)) for column in columns) for row in rows)]
    first = max(18, *(len(line[0]) for line in lines))
    for line in lines:
        tell("  ".join(text.ljust(width) for text, width in zip(line, (first, 9, 9, 9, 10, 8, 11, 1), strict=True)))
    for mean in leaderboard.over_seeds(rows):
        tell(f"{mean.name}: Dice {mean.dice:.4f} ± {_cell(mean.dice_sd)} over {mean.runs} seeds")
    if failed:
        raise TrainingError(f"{len(failed)} of {len(wanted)} runs did not reach their end. {failed[0]}")
    return {"series": name, "runs": [dataclasses.asdict(row) for row in rows]}


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def follow(run: runs.Run, rest: Sequence[runs.Run] = ()) -> dict[str, Any]:
    """Print the progress of a run until it ends; its result, or TrainingError with the reason.

    Ctrl-C stops it, or takes it out of the line where it waits; and the `rest`, which wait behind it, with it.
    """
    history, offset, queued, behind = History(), 0, False, ""
    told: dict[int, object] = {}
    while True:
        try:
            alive = run.alive()  # asked before reading: what is written until its end is then read
            queued = run.queued
            if queued and (line := _behind(run)) != behind:
                behind = line
                tell(f"waits in line behind {behind or 'nobody'}; Ctrl-C takes it out of the line")
            events, offset = read_events(run.events, offset)
            for event, at in events:
                history.add(event, at)
            for line in _new_lines(history, told):
                tell(line)
            if not alive:
                break
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            if removed := sum(_removed(other) for other in rest):
                tell(f"{removed} runs are taken out of the line")
            if _removed(run):
                break
            tell("stopping after this step; the best epoch is kept")
            run.request_stop()
    if queued and run.queued:
        raise TrainingError(f"Nobody waits for run {run.id} any more; go on with: python -m unet_core queue --revive")
    if queued:
        left = "" if run.folder.exists() else " It never began, so nothing of it is left."
        raise RunError(f"Run {run.id} was taken out of the line.{left}")
    for message in history.warnings:
        tell(f"warning: {message}")
    if history.failed is not None:
        raise TrainingError(history.failed.message)
    if history.finished is None:
        raise TrainingError(f"Run {run.id} was interrupted; go on with: python -m unet_core resume {run.folder}")
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


def _behind(run: runs.Run) -> str:
    """The runs that come before one in the line, the one that trains first."""
    line = [other.id for other in queue.waiting(run.folder.parent)]
    ahead = line[: line.index(run.id)] if run.id in line else []
    training = runs.find_active(run.folder.parent)
    return ", ".join(([training.id] if training else []) + ahead)


def _removed(run: runs.Run) -> bool:
    """Take a run out of the line, if it is still in it."""
    try:
        queue.remove(run)
    except RunError:
        return False
    return True


def _new_lines(history: History, told: dict[int, object]) -> list[str]:
    """What is to be printed of what came in since the last call: epochs, and what was done to the run.

    `told` holds the things themselves by their id: a run taken up again forgets some and makes others like them.
    """
    things: list[tuple[int, object, str]] = [
        (epoch.step, epoch, _epoch_line(history, index)) for index, epoch in enumerate(history.epochs)
    ]
    marks = [mark for mark in history.marks if mark.kind not in ("best", "warning")]
    things += [(mark.step, mark, f"step {mark.step}: {mark.text}") for mark in marks]
    new = [(step, thing, line) for step, thing, line in things if id(thing) not in told]
    told |= {id(thing): thing for _, thing, _ in new}
    return [line for _, _, line in sorted(new, key=lambda item: item[0])]


def _epoch_line(history: History, index: int) -> str:
    epoch = history.epochs[index]
    scores = {"train loss": epoch.train_loss, "val loss": epoch.val_loss, "Dice": epoch.val_dice, "IoU": epoch.val_iou}
    words = [f"{name} {'-' if value is None else f'{value:.4f}'}" for name, value in scores.items()]
    total = history.total_epochs
    return (
        f"epoch {epoch.epoch}/{total}  {'  '.join(words)}  {epoch.images_per_second:.1f} images/s" + " *" * epoch.best
    )
