"""Several runs on the same data, one after another, and their table: variants compared in one go.

    python -m unet_core compare DATA --presets mp-tr-bce,mp-tr-dice

The runs are ordinary ones that carry the name of their series; the process that starts them is not needed to read them.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unet_core import runs, samples, worker
from unet_core.config import RunConfig, options
from unet_core.errors import RunError
from unet_core.eventlog import read_events
from unet_core.history import History
from unet_core.presets import preset

POLL_SECONDS = 0.5
SHARED = ("epochs", "seed", "image_size", "batch_size", "crops_per_image", "device", "precision", "threads")


@dataclass(frozen=True)
class Row:
    """One run of a series: what it was called, where it stands, what it reached."""

    name: str
    run: str
    state: str
    val_dice: float | None
    val_iou: float | None
    val_loss: float | None
    best_epoch: int | None
    seconds: float | None
    parameters: int | None


def new_name() -> str:
    """A name that sorts by time."""
    return f"series-{datetime.now():%Y%m%d-%H%M%S}"


def configs(presets: Sequence[str], changes: Mapping[str, object], name: str) -> dict[str, RunConfig]:
    """The settings of each run: a preset with the same changes to all. Raises ConfigError."""
    return {key: preset(key).replace(**changes, series=f"{name} {key}") for key in presets}


def train_all(wanted: Mapping[str, RunConfig], runs_dir: Path) -> Iterator[runs.Run]:
    """Train one after another; each run is given when it has started, and the next waits for its end.

    Raises DataError or RunError before the first is started, where the data or a running run forbid it.
    """
    for config in wanted.values():
        run = worker.launch(config, runs_dir)
        yield run
        while run.state().active:
            time.sleep(POLL_SECONDS)


def start(presets: Sequence[str], config: RunConfig, runs_dir: Path) -> str:
    """Begin a series in a process of its own; its name, once the first run has begun.

    All runs share the data, length and device of `config`; what the net is and how it learns comes from each preset.
    Raises ConfigError, DataError or RunError where it does not begin.
    """
    name = new_name()
    given = {option.name: getattr(getattr(config, option.section), option.name) for option in options()}
    shared = {
        option.name: given[option.name]
        for option in options()
        if (option.section == "data" or option.name in SHARED) and given[option.name] != option.default
    }
    configs(presets, shared, name)
    samples.find(Path(config.data.root), config.data.layout)
    if other := runs.busy(runs_dir):
        raise worker.busy_with(other)
    runs_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "unet_core", "compare", shared.pop("root"), "--series", name]
    command += ["--runs-dir", str(runs_dir), "--presets", ",".join(presets)]
    command += [f"--{key.replace('_', '-')}={value}" for key, value in shared.items()]
    environment = os.environ | {"PYTHONPATH": worker.python_path()}
    output = runs_dir / f"{name}.log"
    with output.open("ab") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
        )
    while not rows(runs_dir, name):
        if process.poll() is not None:
            last = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise RunError(f"The comparison did not begin: {' '.join(last) or 'no word of why'} ({output}).")
        time.sleep(0.05)
    return name


def names(runs_dir: Path) -> list[str]:
    """The series in a runs folder, the newest first."""
    return sorted({name for run in runs.find(runs_dir) if (name := _series_of(run))}, reverse=True)


def rows(runs_dir: Path, name: str) -> list[Row]:
    """The table of a series, in the order in which its runs were started."""
    return [row(run) for run in reversed(runs.find(runs_dir)) if _series_of(run) == name]


def row(run: runs.Run) -> Row:
    """One run's line of a table."""
    history = History()
    for event, at in read_events(run.events)[0]:
        history.add(event, at)
    best = history.best
    return Row(
        name=run.config.train.series.partition(" ")[2] or run.id,
        run=run.id,
        state=run.state().value,
        val_dice=best.val_dice if best else None,
        val_iou=best.val_iou if best else None,
        val_loss=best.val_loss if best else None,
        best_epoch=best.epoch if best else None,
        seconds=history.epochs[-1].seconds if history.epochs else None,
        parameters=history.started.parameters if history.started else None,
    )


def _series_of(run: runs.Run) -> str:
    try:
        return run.config.train.series.partition(" ")[0]
    except RunError:
        return ""
