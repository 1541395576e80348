"""The commands that start runs: train, sweep."""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_preset, add_settings, read_config, read_settings
from unet_core.cli.follow import follow
from unet_core.cli.output import echo
from unet_core.config.fields import current_name
from unet_core.config.presets import FOUR
from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError, RunError, TrainingError
from unet_core.runs import leaderboard
from unet_core.training import launch, sweep

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

SHORT = {"losses": "loss", "downs": "down", "ups": "up", "seeds": "seed"}  # --losses A,B = --vary loss=A,B
COLUMNS = {  # of the table of a sweep, with their widths
    "name": 18,
    "val_dice": 9,
    "val_iou": 9,
    "val_loss": 9,
    "best_epoch": 10,
    "seconds": 8,
    "parameters": 11,
    "run": 1,
}


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "train", train, "train a U-Net on a dataset")
    add_preset(parser)
    add_settings(parser)

    parser = add_command(commands, "sweep", sweep_grid, "train all combinations of some settings and print a table")
    add_preset(parser)
    text = f"train these presets instead, for example {','.join(FOUR)}"
    parser.add_argument("--presets", metavar="A,B", help=text)
    text = "a setting and its values, for example loss=bce,dice or seed=0-2; repeat it for each setting to vary"
    parser.add_argument("--vary", metavar="SETTING=A,B", action="append", default=[], help=text)
    for flag, setting in SHORT.items():
        parser.add_argument(f"--{flag}", metavar="A,B", help=f"same as --vary {setting}=A,B")
    add_settings(parser)


def train(parsed: argparse.Namespace) -> dict[str, Any]:
    """Train a U-Net in a background process and follow it.

    If another run is training, the new one is queued. Ctrl-C stops the run and keeps its best checkpoint, or removes it
    from the queue.
    """
    run = launch.launch(read_config(parsed), parsed.runs_dir)
    echo(f"run {run.folder}")
    return follow(run)


def sweep_grid(parsed: argparse.Namespace) -> dict[str, Any]:
    """Hyperparameter sweep: train all combinations of the listed settings, one after the other, and print a table.

    With --presets: several presets on the same dataset.
    """
    settings = read_settings(parsed)
    series = settings.pop("series", "")
    lists: dict[str, list[Any]] = {}
    short = (f"{key}={text}" for key, text in zip(SHORT.values(), map(vars(parsed).get, SHORT), strict=True) if text)
    for word in (*short, *parsed.vary):
        key, equals, text = word.partition("=")
        key = current_name(key.strip().replace("-", "_"))
        if not equals or key in lists:
            raise ConfigError(f"--vary {word}: expected SETTING=A,B, once per setting, such as --vary loss=bce,dice.")
        lists[key] = sweep.parse_values(key, text)
    if parsed.presets:
        if lists:
            raise ConfigError(
                "--presets trains presets as they are: leave out --vary and its short forms, or --presets."
            )
        return _run_series(
            parsed, sweep.from_presets(list(map(str.strip, parsed.presets.split(","))), settings), series
        )
    if not lists:
        raise ConfigError(
            "A sweep needs at least one setting to vary, for example --vary loss=bce,dice --vary seed=0-2."
        )
    return _run_series(parsed, sweep.grid(read_config(parsed).replace(series=""), lists), series)


def follow_series(series: str, runs_dir: Path) -> list[str]:
    """Follow the queued runs of a series to their end; a sentence for each that did not finish."""
    failures = []
    members = leaderboard.members(runs_dir, series)
    for number, run in enumerate(members, 1):
        if not run.folder.exists():
            continue  # it was removed from the queue
        name = leaderboard.series_and_name(run)[1]
        echo(f"{name}: run {run.folder}")
        try:
            follow(run, members[number:])
        except (TrainingError, RunError) as error:
            failures.append(f"{name}: {error}")
            echo(f"error: {failures[-1]}")
    return failures


def _run_series(parsed: argparse.Namespace, configs: Mapping[str, RunConfig], series: str) -> dict[str, Any]:
    """Queue the runs, follow them to their end, print their table. Raises TrainingError where one did not finish."""
    series = sweep.start(configs, parsed.runs_dir, series)
    echo(f"{series}: {len(configs)} runs")
    failures = follow_series(series, parsed.runs_dir)
    rows = leaderboard.rows(leaderboard.members(parsed.runs_dir, series))
    _print_table(rows)
    if failures:
        raise TrainingError(f"{len(failures)} of {len(configs)} runs did not finish. {failures[0]}")
    return {"series": series, "runs": [dataclasses.asdict(row) for row in rows]}


def _print_table(rows: list[leaderboard.Row]) -> None:
    """The results of a series, and their means over the seeds."""
    lines = [tuple(COLUMNS), *(tuple(_cell(getattr(row, column)) for column in COLUMNS) for row in rows)]
    widths = COLUMNS | {"name": max(COLUMNS["name"], *(len(line[0]) for line in lines))}
    for line in lines:
        echo("  ".join(text.ljust(width) for text, width in zip(line, widths.values(), strict=True)))
    for mean in leaderboard.over_seeds(rows):
        echo(f"{mean.name}: Dice {mean.dice:.4f} ± {_cell(mean.dice_sd)} over {mean.runs} seeds, {mean.images}")


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)
