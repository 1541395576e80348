"""The command that trains and scores the folds of a cross-validation: cross-validate."""

import argparse
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_preset, add_settings, read_config
from unet_core.cli.output import echo, warn
from unet_core.cli.train import follow_series
from unet_core.errors import TrainingError
from unet_core.experiments import cross_validation
from unet_core.experiments.cross_validation import COLUMNS, UNSEEN, CrossValidation, Fold

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

FOLDS = 5


def add_arguments(commands: "Commands") -> None:
    text = "train as many runs as folds, each validating on other images, and print mean and spread"
    parser = add_command(commands, "cross-validate", cross_validate, text)
    add_preset(parser)
    add_settings(parser)
    parser.set_defaults(folds=FOLDS)


def cross_validate(parsed: argparse.Namespace) -> dict[str, Any]:
    """k-fold cross-validation: a run for each fold in the queue, then the table of scores (5 folds by default).

    Every image validates in exactly one fold; groups of images stay together. Test images are set apart from all folds.
    """
    config = read_config(parsed)
    folds = config.data.folds
    name = cross_validation.start(
        config.replace(folds=0, fold=1, series=""), folds, parsed.runs_dir, config.train.series
    )
    echo(f"{name}: {folds} runs")
    failures = follow_series(name, parsed.runs_dir)
    table = cross_validation.read(name, parsed.runs_dir)
    print_table(table)
    if failures:
        raise TrainingError(f"{len(failures)} of {folds} folds did not finish. {failures[0]}")
    return table.to_dict()


def print_table(table: CrossValidation) -> None:
    """A line for each fold, then over the folds, then over all images."""
    echo(f"{'fold':<8}{'images':<9}{'Dice':<9}{'IoU':<9}{'pooled Dice':<13}run")
    for fold in table.folds:
        echo(_line(fold))
    for column, spread in table.spread.items():
        echo(
            f"{COLUMNS[column]} over {spread.folds} folds: mean {spread.mean:.4f}, SD {spread.sd:.4f}, "
            f"{spread.low:.4f} to {spread.high:.4f}"
        )
    if table.summary is not None:
        bound = table.summary.bound
        interval = "" if bound.too_few else f" (95 % interval {bound.low:.4f} to {bound.high:.4f})"
        echo(
            f"all {table.summary.images} images, each unseen by its model: mean Dice "
            f"{table.summary.mean['dice']:.4f}{interval}, pooled Dice {table.summary.pooled['dice']:.4f}"
        )
        echo(f"note: {UNSEEN}")
    for problem in table.problems:
        warn(f"left out: {problem}")


def _line(fold: Fold) -> str:
    run = "-" if fold.run is None else fold.run.id
    if fold.summary is None:
        return f"{fold.number:<8}{fold.state:<40}{run}"
    mean, pooled = fold.summary.mean, fold.summary.pooled
    return (
        f"{fold.number:<8}{fold.summary.images:<9}{mean['dice']:<9.4f}{mean['iou']:<9.4f}{pooled['dice']:<13.4f}{run}"
    )
