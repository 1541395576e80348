"""The command that trains on shares of the images: learning-curve."""

import argparse
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_preset, add_settings, read_config
from unet_core.cli.output import echo, warn
from unet_core.cli.train import follow_series
from unet_core.errors import ConfigError, TrainingError
from unet_core.experiments import learning_curve
from unet_core.experiments.learning_curve import CAUTION, SHARES, LearningCurve

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    text = "train on shares of the images and estimate the gain from more labels"
    parser = add_command(commands, "learning-curve", draw_curve, text)
    shares = ",".join(f"{share:g}" for share in SHARES)
    help_text = f"comma-separated shares of the training images (default: {shares})"
    parser.add_argument("--shares", metavar="A,B", default=shares, help=help_text)
    add_preset(parser)
    add_settings(parser)


def draw_curve(parsed: argparse.Namespace) -> dict[str, Any]:
    """More labels or a better model? Train on 25, 50, 75 and 100 % of the training images and compare the Dice.

    All runs validate on the same images and take about as many steps; a smaller share lies within a larger one.
    """
    config = read_config(parsed)
    shares = parse_shares(parsed.shares)
    name = learning_curve.start(
        config.replace(train_share=1.0, series=""), shares, parsed.runs_dir, config.train.series
    )
    echo(f"{name}: {len(set(shares))} runs")
    failures = follow_series(name, parsed.runs_dir)
    curve = learning_curve.read(name, parsed.runs_dir)
    print_curve(curve)
    if failures:
        raise TrainingError(f"{len(failures)} of {len(curve.points)} runs did not finish. {failures[0]}")
    return curve.to_dict()


def parse_shares(text: str) -> list[float]:
    """Shares from text with commas. Raises ConfigError where one is no number."""
    try:
        return [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        raise ConfigError(f"--shares {text}: expected numbers above 0 up to 1, such as 0.25,0.5,1.") from None


def print_curve(curve: LearningCurve) -> None:
    """A line for each run, then what more images may gain."""
    echo(f"{'images':<9}{'share':<8}{'Dice':<9}{'95 % interval':<20}run")
    for point in curve.points:
        images = "-" if point.images is None else str(point.images)
        start = f"{images:<9}{point.share:<8.0%}"
        if point.summary is None:
            echo(f"{start}{point.state:<29}{point.run.id}")
            continue
        bound = point.summary.bound
        interval = "-" if bound.too_few else f"{bound.low:.4f} to {bound.high:.4f}"
        echo(f"{start}{point.summary.mean['dice']:<9.4f}{interval:<20}{point.run.id}")
    for problem in curve.problems:
        warn(f"left out: {problem}")
    echo(curve.sentence)
    if curve.scored:
        echo(f"note: {CAUTION}")
