"""The command line: `python -m unet_core COMMAND ...`, where --help lists the commands.

Progress goes to stderr, the last line on stdout is one JSON object. Exit status 0, or 2 with one line for a mistake
that the user can mend. The options of `train` are the fields of the config dataclasses.
"""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unet_core import data_commands, model_commands, run_commands
from unet_core.config import DEVICES, LAYOUTS, PRECISIONS, SPLITS, options
from unet_core.errors import UnetError
from unet_core.presets import FOUR, PRESETS
from unet_core.tell import tell


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        result = parsed.command(parsed)
    except (UnetError, OSError) as error:  # OSError: a disk that is full, a folder that may not be written
        tell("error: " + " ".join(str(error).split()))
        return 2
    print(json.dumps({key: _number(value) for key, value in result.items()}))
    return 0


def _number(value: Any) -> Any:
    """JSON has no NaN: null."""
    if isinstance(value, dict):
        return {key: _number(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m unet_core", description="Train, use and judge U-Nets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Any, summary: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=summary, description=command.__doc__)
        sub.set_defaults(command=command)
        return sub

    def add_runs_dir(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--runs-dir", type=Path, default=Path("runs"), help="folder of all runs (runs)")

    def add_model(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("model", metavar="CHECKPOINT_OR_RUN", help="checkpoint folder, run folder or run id")
        add_runs_dir(sub)
        sub.add_argument("--device", default="auto", choices=DEVICES)
        sub.add_argument("--precision", default="auto", choices=PRECISIONS)

    def add_settings(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("data", metavar="DATA", help="folder with images and masks")
        add_runs_dir(sub)
        for option in options():
            flag = "--" + option.name.replace("_", "-")
            text = f"{option.sentence} ({'none' if option.default is None else option.default})"
            if option.kind is bool:
                sub.add_argument(flag, dest=option.name, action=argparse.BooleanOptionalAction, default=None, help=text)
            elif option.name != "root":
                sub.add_argument(flag, dest=option.name, type=option.kind, choices=option.choices, help=text)

    sub = add("train", run_commands.train, "train a U-Net on a folder of images and masks")
    sub.add_argument("--preset", default="default", help=f"settings to begin with: {', '.join(PRESETS)}")
    add_settings(sub)
    sub = add("compare", run_commands.compare, "train several presets in turn and print their table")
    sub.add_argument("--presets", default=",".join(FOUR), help=f"presets, with commas ({','.join(FOUR)})")
    add_settings(sub)
    for name, command, summary in (
        ("resume", run_commands.resume, "take up an interrupted run"),
        ("stop", run_commands.stop, "stop a run and keep its best epoch"),
    ):
        sub = add(name, command, summary)
        sub.add_argument("run", metavar="RUN", help="run id or folder")
        add_runs_dir(sub)
    add_runs_dir(add("runs", run_commands.list_runs, "list the runs"))
    sub = add("predict", model_commands.predict, "write masks for images")
    add_model(sub)
    text = "pictures, or folders of them; of a multi-page TIFF each page gives a mask NAME_000.png, NAME_001.png, ..."
    sub.add_argument("images", metavar="IMAGE_OR_FOLDER", nargs="+", type=Path, help=text)
    sub.add_argument("--output", type=Path, default=Path("masks"), help="folder for the masks (masks)")
    sub.add_argument("--threshold", type=float, help="probability above which a pixel is foreground (the model's)")
    sub = add("evaluate", model_commands.evaluate, "score a model on a data set")
    add_model(sub)
    sub.add_argument("data", metavar="DATA", type=Path, help="folder with images and masks")
    sub.add_argument("--output", type=Path, help="CSV file with a line an image")
    sub.add_argument("--layout", choices=LAYOUTS)
    sub.add_argument("--ignore-index", type=int)
    sub.add_argument("--colour-map", help="mask colours in class order, or a file of them (those of the training)")
    sub.add_argument(
        "--split",
        default="held-out",
        choices=SPLITS,
        help="which images: by default those that the model was not trained on",
    )
    sub.add_argument("--save-masks", type=Path, metavar="DIR", help="write the predicted masks there as well")
    sub = add("import", model_commands.import_weights, "turn weights of milesial/Pytorch-UNet into a checkpoint")
    sub.add_argument("weights", metavar="FILE.pth", type=Path)
    sub.add_argument("--output", type=Path, required=True, help="checkpoint folder to write")
    sub = add("sample", data_commands.sample, "write the built-in data set as a folder")
    sub.add_argument("--output", type=Path, required=True, help="folder to write")
    sub.add_argument("--images", type=int, default=48)
    sub.add_argument("--seed", type=int, default=0)
    sub = add("separate", data_commands.separate, "copy mixed images and masks into images/ and masks/")
    sub.add_argument("folder", metavar="FOLDER", type=Path, help="folder in which images and masks lie mixed")
    sub.add_argument("--output", type=Path, required=True, help="new folder to write")
    return parser


if __name__ == "__main__":
    sys.exit(main())
