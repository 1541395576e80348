"""Arguments that several commands share, and how they are read."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.config.choices import DEVICES, METRIC_SETS, PRECISIONS
from unet_core.config.fields import RENAMED
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.inference.tta import TTA
from unet_core.runs import manage
from unet_core.runs import run as runs

if TYPE_CHECKING:
    from unet_core.evaluation.measures.registry import Settings

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Command = Callable[[argparse.Namespace], dict[str, Any]]

SECTIONS = {"data": "dataset", "model": "model", "train": "training"}


def add_command(commands: "Commands", name: str, command: Command, summary: str | None) -> argparse.ArgumentParser:
    """Add a command, described by its docstring. With `summary` None it is hidden: an old name that still works."""
    if summary is None:
        parser = commands.add_parser(name, description=command.__doc__)
    else:
        parser = commands.add_parser(name, description=command.__doc__, help=summary)
    parser.set_defaults(command=command)
    return parser


def add_runs_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs-dir", metavar="DIR", type=Path, default=Path("runs"), help="folder of all runs (default: runs)"
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="run id or run folder")
    add_runs_dir(parser)


def find_run(parsed: argparse.Namespace) -> runs.Run:
    """The run that was named. Raises RunError where there is none."""
    return manage.find_named(parsed.run, parsed.runs_dir)


def add_model(parser: argparse.ArgumentParser) -> None:
    text = "run id, run folder, checkpoint folder or Hub model (owner/name)"
    parser.add_argument("model", metavar="CHECKPOINT_OR_RUN", help=text)
    add_runs_dir(parser)
    parser.add_argument("--device", default="auto", choices=DEVICES, help="compute device (default: auto)")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help="numerical precision (default: auto)")


def add_prediction(parser: argparse.ArgumentParser) -> None:
    """How an image is predicted."""
    text = "probability above which a pixel is foreground (default: that of the model)"
    parser.add_argument("--threshold", type=float, help=text)
    text = "test-time augmentation, flips if no value is given; " + "; ".join(f"{name}: {TTA[name]}" for name in TTA)
    parser.add_argument("--tta", choices=TTA, nargs="?", const="flips", default="none", help=text)
    text = "side of the sliding window for large images in pixels (default: what fits in memory, at most 1280)"
    parser.add_argument("--tile", type=int, help=text)


def add_measures(parser: argparse.ArgumentParser) -> None:
    text = "; ".join(f"{name}: {description}" for name, description in METRIC_SETS.items())
    parser.add_argument("--metrics", default="basic", choices=METRIC_SETS, help=f"{text} (default: basic)")
    text = "by how much outlines may differ for NSD, in pixels, or in micrometers with --pixel-size (default: 2)"
    parser.add_argument("--tolerance", type=float, default=2.0, help=text)
    parser.add_argument("--pixel-size", type=float, help="pixel size in micrometers, for HD95 and NSD in micrometers")


def read_measures(parsed: argparse.Namespace) -> "Settings | None":
    """None for the basic ones. Raises ConfigError for a tolerance or a pixel size that cannot be."""
    from unet_core.evaluation.measures.registry import choose_measures

    return choose_measures(parsed.metrics, parsed.tolerance, parsed.pixel_size)


def add_preset(parser: argparse.ArgumentParser) -> None:
    text = f"settings to start from: {', '.join(PRESETS)} (default: default)"
    parser.add_argument("--preset", metavar="NAME", default="default", help=text)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the dataset and an option for every setting; an option that is not given is None."""
    parser.usage = "%(prog)s DATA [options]"  # a usage line with every option would fill the screen
    parser.add_argument("data", metavar="DATA", help="dataset folder with images and masks")
    add_runs_dir(parser)
    groups = {section: parser.add_argument_group(f"{title} settings") for section, title in SECTIONS.items()}
    for option in all_fields():
        if option.name == "root":
            continue  # DATA
        group, flag = groups[option.section], "--" + option.name.replace("_", "-")
        text = option.description
        if option.default not in (None, ""):
            text += f" (default: {option.default})"
        if option.kind is bool:
            group.add_argument(flag, dest=option.name, action=argparse.BooleanOptionalAction, default=None, help=text)
            continue
        group.add_argument(flag, dest=option.name, type=option.kind, choices=option.choices, help=text)
        for old in (old for old, new in RENAMED.items() if new == option.name):
            flag, text = "--" + old.replace("_", "-"), argparse.SUPPRESS
            group.add_argument(flag, dest=option.name, type=option.kind, choices=option.choices, help=text)


def read_settings(parsed: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given on the command line, with the dataset folder as `root`."""
    values = {option.name: getattr(parsed, option.name, None) for option in all_fields() if option.name != "root"}
    root = str(Path(parsed.data).resolve())
    return {"root": root} | {name: value for name, value in values.items() if value is not None}


def read_config(parsed: argparse.Namespace) -> RunConfig:
    """The preset with the settings of the command line. Raises ConfigError."""
    return get_preset(parsed.preset).replace(**read_settings(parsed))
