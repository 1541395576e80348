"""The commands about runs: train, resume, stop, runs, compare."""

import argparse
import dataclasses
import time
from pathlib import Path
from typing import Any

from unet_core import runs, series, worker
from unet_core.config import options
from unet_core.errors import TrainingError
from unet_core.eventlog import read_events
from unet_core.history import History
from unet_core.presets import preset
from unet_core.tell import tell

POLL_SECONDS = 0.2


def train(parsed: argparse.Namespace) -> dict[str, Any]:
    """Start a run in a process of its own and follow it; Ctrl-C stops it and keeps the best epoch."""
    config = preset(parsed.preset).replace(**given_settings(parsed))
    run = worker.launch(config, parsed.runs_dir)
    tell(f"run {run.folder}")
    return follow(run)


def given_settings(parsed: argparse.Namespace) -> dict[str, Any]:
    """The settings that were named on the command line, the folder of the data among them."""
    values = {option.name: getattr(parsed, option.name, None) for option in options() if option.name != "root"}
    given = {name: value for name, value in values.items() if value is not None}
    return {"root": str(Path(parsed.data).resolve())} | given


def compare(parsed: argparse.Namespace) -> dict[str, Any]:
    """Train several presets on the same data, one after another, and print their table."""
    name = parsed.series or series.new_name()
    given = {key: value for key, value in given_settings(parsed).items() if key != "series"}
    wanted = series.configs([key.strip() for key in parsed.presets.split(",")], given, name)
    for key, run in zip(wanted, series.train_all(wanted, parsed.runs_dir), strict=True):
        tell(f"{key}: run {run.folder}")
        follow(run)
    rows = series.rows(parsed.runs_dir, name)
    columns = ("name", "val_dice", "val_iou", "val_loss", "best_epoch", "seconds", "parameters", "run")
    lines = [columns, *(tuple(_cell(getattr(row, column)) for column in columns) for row in rows)]
    for line in lines:
        tell("  ".join(text.ljust(width) for text, width in zip(line, (18, 9, 9, 9, 10, 8, 11, 1), strict=True)))
    return {"series": name, "runs": [dataclasses.asdict(row) for row in rows]}


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def resume(parsed: argparse.Namespace) -> dict[str, Any]:
    """Take up an interrupted or failed run after its last finished epoch."""
    run = _named_run(parsed)
    worker.start(run)
    return follow(run)


def follow(run: runs.Run) -> dict[str, Any]:
    """Print the progress of a run until it ends; its result, or TrainingError with the reason."""
    history, offset, told = History(), 0, 0
    while True:
        try:
            alive = run.alive()  # asked before reading: what is written until its end is then read
            events, offset = read_events(run.events, offset)
            for event, at in events:
                history.add(event, at)
            while told < len(history.epochs):
                tell(_epoch_line(history, told))
                told += 1
            if not alive:
                break
            time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            tell("stopping after this step; the best epoch is kept")
            run.request_stop()
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


def _epoch_line(history: History, index: int) -> str:
    epoch = history.epochs[index]
    scores = {"train loss": epoch.train_loss, "val loss": epoch.val_loss, "Dice": epoch.val_dice, "IoU": epoch.val_iou}
    words = [f"{name} {'-' if value is None else f'{value:.4f}'}" for name, value in scores.items()]
    total = history.started.epochs if history.started else 0
    return (
        f"epoch {epoch.epoch}/{total}  {'  '.join(words)}  {epoch.images_per_second:.1f} images/s" + " *" * epoch.best
    )


def stop(parsed: argparse.Namespace) -> dict[str, Any]:
    """Ask a running run to end after its step."""
    run = _named_run(parsed)
    run.request_stop()
    return {"run": str(run.folder), "state": run.state()}


def _named_run(parsed: argparse.Namespace) -> runs.Run:
    folder = Path(parsed.run)
    return runs.get(folder.parent if len(folder.parts) > 1 else parsed.runs_dir, folder.name)


def list_runs(parsed: argparse.Namespace) -> dict[str, Any]:
    """The runs of a folder and where they stand."""
    return {"runs": [{"run": run.id, "state": run.state()} for run in runs.find(parsed.runs_dir)]}
