"""The table of runs that belong together: what sets them apart, where they stand, what they reached, over seeds too."""

import functools
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unet_core.config.fields import Field
from unet_core.config.schema import RunConfig, all_fields
from unet_core.errors import RunError
from unet_core.runs import run as runs
from unet_core.runs.event_log import read_events
from unet_core.runs.history import History

FIXED = ("root", "series")  # set no run of a sweep apart: scores on other data do not compare, and a name is a name


@dataclass(frozen=True)
class Row:
    """One run of a sweep: what it is called, what sets it apart, where it stands, what it reached."""

    name: str
    run: str
    state: str
    val_dice: float | None
    val_iou: float | None
    val_loss: float | None
    best_epoch: int | None
    epochs: int
    seconds: float | None
    parameters: int | None
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Mean:
    """Runs that differ in their seed alone: mean and standard deviation (None for one run) of their best."""

    name: str
    runs: int
    dice: float
    dice_sd: float | None
    iou: float | None
    iou_sd: float | None
    settings: Mapping[str, Any]
    same_images: bool = True  # whether all seeds are scored on the same validation images

    @property
    def images(self) -> str:
        """Which images the runs are scored on, in words."""
        return "the same validation images" if self.same_images else "other validation images for each seed"


@functools.cache
def variable_settings() -> dict[str, Field]:
    """The settings that a sweep can vary."""
    return {option.name: option for option in all_fields() if option.name not in FIXED}


def name_of(chosen: Mapping[str, Any]) -> str:
    """What a run is called by the settings that set it apart: `bce, strided_conv, seed 1`."""
    options = variable_settings()
    menus = [word for key in chosen for word in (options[key].choices or ())]
    return ", ".join(
        str(value) if value in (options[key].choices or ()) and menus.count(value) == 1 else f"{key} {_text(value)}"
        for key, value in chosen.items()
    )


def _text(value: Any) -> str:
    return "none" if value is None else str(value)


def names(runs_dir: Path) -> list[str]:
    """The sweeps in a runs folder, the newest first."""
    series = {series_and_name(run)[0] for run in runs.find(runs_dir)} - {""}
    return sorted(series, key=lambda name: name.partition("-")[2], reverse=True)


def members(runs_dir: Path, name: str) -> list[runs.Run]:
    """The runs of a sweep, in the order in which they were filed."""
    return sorted((run for run in runs.find(runs_dir) if series_and_name(run)[0] == name), key=_filed)


def _filed(run: runs.Run) -> tuple[float, str]:
    try:
        return (run.folder / "config.json").stat().st_mtime, run.id
    except OSError:
        return 0.0, run.id


def read(run: runs.Run) -> History:
    """The history of a run from its events."""
    history = History()
    for event, at in read_events(run.events)[0]:
        history.add(event, at)
    return history


def rows(members: Sequence[runs.Run], history_of: Callable[[runs.Run], History] = read) -> list[Row]:
    """The table of some runs; `history_of` lets a page hand in what it has read before."""
    configs = {run: config for run in members if (config := read_config(run))}
    first = next(iter(configs.values()), None)
    apart = [
        key for key in variable_settings() if any(_of(config, key) != _of(first, key) for config in configs.values())
    ]
    settings = {run: {key: _of(config, key) for key in apart} for run, config in configs.items()}
    return [_row(run, settings.get(run, {}), history_of(run)) for run in members]


def _of(config: RunConfig | None, name: str) -> Any:
    return getattr(getattr(config, variable_settings()[name].section), name)


def _row(run: runs.Run, settings: Mapping[str, Any], history: History) -> Row:
    best = history.best
    return Row(
        name=series_and_name(run)[1] or run.id,
        run=run.id,
        state=run.state().value,
        val_dice=best.val_dice if best else None,
        val_iou=best.val_iou if best else None,
        val_loss=best.val_loss if best else None,
        best_epoch=best.epoch if best else None,
        epochs=len(history.epochs),
        seconds=None if math.isnan(history.training_seconds) else history.training_seconds,
        parameters=history.started.parameters if history.started else None,
        settings=settings,
    )


def over_seeds(table: Sequence[Row]) -> list[Mean]:
    """Mean and spread of the finished runs over seeds, best Dice first; empty where seeds do not vary."""
    groups: dict[str, list[Row]] = {}
    for row in table:
        if "seed" in row.settings and row.val_dice is not None and row.state in ("finished", "stopped"):
            rest = besides_seed(row.settings, table)
            groups.setdefault(json.dumps(rest), []).append(row)
    means = [_mean(group, table) for group in groups.values()]
    return sorted(means, key=lambda mean: -mean.dice)


def besides_seed(settings: Mapping[str, Any], table: Sequence[Row]) -> dict[str, Any]:
    """The settings of a run without its seed, nor that of the split where one gives the other, as in older releases."""
    pairs = {(row.settings["seed"], row.settings.get("split_seed")) for row in table if "seed" in row.settings}
    hidden = {"seed", "split_seed"} if all(seed == split for seed, split in pairs) else {"seed"}
    return {name: value for name, value in settings.items() if name not in hidden}


def _mean(group: Sequence[Row], table: Sequence[Row]) -> Mean:
    settings = besides_seed(group[0].settings, table)
    dice = [row.val_dice for row in group if row.val_dice is not None]
    iou = [row.val_iou for row in group if row.val_iou is not None]
    return Mean(
        name=name_of(settings) or "all seeds",
        runs=len(group),
        dice=statistics.fmean(dice),
        dice_sd=statistics.stdev(dice) if len(dice) > 1 else None,
        iou=statistics.fmean(iou) if iou else None,
        iou_sd=statistics.stdev(iou) if len(iou) > 1 else None,
        settings=settings,
        same_images=len({row.settings.get("split_seed") for row in group}) == 1,
    )


def read_config(run: runs.Run) -> RunConfig | None:
    """The settings of a run; None where they cannot be read, for example because it is being deleted."""
    try:
        return _config_of(run, (run.folder / "config.json").stat().st_mtime_ns)
    except (OSError, RunError):
        return None


@functools.lru_cache(maxsize=4096)
def _config_of(run: runs.Run, changed: int) -> RunConfig:
    """Read once: a page asks for every run each second."""
    return run.config


def series_and_name(run: runs.Run) -> tuple[str, str]:
    """(name of the sweep, name of the run in it), empty where it is of none."""
    config = read_config(run)
    name, _, key = config.train.series.partition(" ") if config else ("", "", "")
    return name, key
