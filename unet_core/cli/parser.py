"""The command line: `python -m unet_core COMMAND ...`, where --help lists the commands.

Progress goes to stderr, the last line on stdout is one JSON object. Exit status 0; 1 where files were left out and
named; 2 with one line for a mistake that the user can mend. The options of `train` are the fields of the config
dataclasses.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unet_core.cli import data, models, planning, runs, train
from unet_core.cli.output import tell
from unet_core.config.choices import DEVICES, LAYOUTS, PRECISIONS, SPLITS
from unet_core.config.fields import RENAMED
from unet_core.config.presets import FOUR, PRESETS
from unet_core.config.schema import all_fields
from unet_core.errors import UnetError
from unet_core.export.formats import FORMATS
from unet_core.inference.tta import TTA
from unet_core.runs import manage


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parsed = _parser().parse_args(arguments)
    try:
        result = parsed.command(parsed)
    except (UnetError, OSError) as error:  # OSError: a disk that is full, a folder that may not be written
        tell("error: " + " ".join(str(error).split()))
        return 2
    print(json.dumps({key: _number(value) for key, value in result.items()}))
    return 1 if result.get("skipped") else 0


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
        what = "checkpoint folder, run folder, run id, or a model of the Hub (org/name)"
        sub.add_argument("model", metavar="CHECKPOINT_OR_RUN", help=what)
        add_runs_dir(sub)
        sub.add_argument("--device", default="auto", choices=DEVICES)
        sub.add_argument("--precision", default="auto", choices=PRECISIONS)

    def add_settings(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("data", metavar="DATA", help="folder with images and masks")
        add_runs_dir(sub)
        for option in all_fields():
            flag = "--" + option.name.replace("_", "-")
            text = f"{option.description} ({'none' if option.default is None else option.default})"
            if option.kind is bool:
                sub.add_argument(flag, dest=option.name, action=argparse.BooleanOptionalAction, default=None, help=text)
            elif option.name != "root":
                sub.add_argument(flag, dest=option.name, type=option.kind, choices=option.choices, help=text)
            for old in (old for old, new in RENAMED.items() if new == option.name):
                flag = "--" + old.replace("_", "-")
                sub.add_argument(
                    flag, dest=option.name, type=option.kind, choices=option.choices, help=argparse.SUPPRESS
                )

    sub = add("train", train.train, "train a U-Net on a folder of images and masks")
    sub.add_argument("--preset", default="default", help=f"settings to begin with: {', '.join(PRESETS)}")
    add_settings(sub)
    sub = add("compare", train.compare, "train several presets in turn and print their table")
    sub.add_argument("--presets", default=",".join(FOUR), help=f"presets, with commas ({','.join(FOUR)})")
    add_settings(sub)
    sub = add("sweep", train.sweep_grid, "train every combination of lists of settings and print their table")
    sub.add_argument("--preset", default="default", help=f"settings to begin with: {', '.join(PRESETS)}")
    text = "a setting and its values, as in loss=bce,dice or seed=0-2; once for each setting that is to vary"
    sub.add_argument("--vary", metavar="SETTING=A,B", action="append", default=[], help=text)
    for flag, setting in train.SHORT.items():
        sub.add_argument(f"--{flag}", metavar="A,B", help=f"the same as --vary {setting}=A,B")
    add_settings(sub)
    for name, command, summary in (
        ("plan", planning.propose, "propose settings for a folder of images and masks, each with its reason"),
        ("preflight", planning.check, "make a few real steps: time, memory, the largest batch, warnings"),
    ):
        sub = add(name, command, summary)
        sub.add_argument("--preset", default="default", help=f"settings to begin with: {', '.join(PRESETS)}")
        add_settings(sub)
    sub.add_argument("--lr-range", action="store_true", help="make the learning-rate range test instead")
    sub.add_argument("--json-lines", action="store_true", help="print progress and result as lines of JSON")
    sub.add_argument("--check-folder", type=Path, help=argparse.SUPPRESS)  # of a page: see preflight_process
    for name, command, summary in (
        ("resume", runs.resume, "take up an interrupted run"),
        ("stop", runs.stop, "stop a run and keep its best epoch"),
        ("pause", runs.pause, "hold a running run after its step"),
        ("unpause", runs.unpause, "let a paused run go on"),
        ("set", runs.change, "change the learning rate or the epochs of a running run"),
        ("continue", runs.proceed, "train a run further that is over"),
    ):
        sub = add(name, command, summary)
        sub.add_argument("run", metavar="RUN", help="run id or folder")
        add_runs_dir(sub)
        if name == "set":
            sub.add_argument("--lr", type=float, help="learning rate from the next step on")
            sub.add_argument("--epochs", type=int, help="epochs in all; fewer than are done end it after this one")
        if name == "continue":
            sub.add_argument("--epochs", type=int, default=20, help="epochs to add (20)")
            sub.add_argument("--lr", type=float, help="peak learning rate of the new schedule (that of the settings)")
    add_runs_dir(add("runs", runs.list_runs, "list the runs"))
    for name, command, summary in (
        ("note", runs.note, "give a run a name or a note"),
        ("pack", runs.pack, "write a run as one ZIP"),
        ("code", runs.code, "print the command line and the program that repeat a run"),
        ("delete", runs.delete, "delete a run for ever"),
    ):
        sub = add(name, command, summary)
        sub.add_argument("run", metavar="RUN", help="run id or folder")
        add_runs_dir(sub)
        if name == "note":
            sub.add_argument("--name", help=f"at most {manage.LONGEST_NAME} letters; empty takes it away")
            sub.add_argument("--note", help=f"at most {manage.LONGEST_NOTE} letters; empty takes it away")
        if name == "pack":
            sub.add_argument("--output", type=Path, metavar="FILE.zip", help="file to write (RUN.zip)")
        if name == "delete":
            sub.add_argument("--yes", action="store_true", help="really")
    sub = add("queue", runs.show_queue, "show or change the line of runs that wait for the device")
    add_runs_dir(sub)
    sub.add_argument("--remove", metavar="RUN", help="take a run out of the line")
    sub.add_argument("--move", metavar=("RUN", "BY"), nargs=2, help="move a run by so many places, -1 = one nearer")
    sub.add_argument("--revive", action="store_true", help="wait again for runs whose process is gone")
    sub = add("predict", models.predict, "write masks, measures and other files for images")
    add_model(sub)
    text = "pictures, or folders of them; of a multi-page TIFF each page gives a mask NAME_000.png, NAME_001.png, ..."
    sub.add_argument("images", metavar="IMAGE_OR_FOLDER", nargs="+", type=Path, help=text)
    sub.add_argument("--output", type=Path, default=Path("masks"), help="folder for the masks (masks)")
    text = f"what to write, with commas: {', '.join(FORMATS)}, or all (mask)"
    sub.add_argument("--formats", metavar="A,B", default="mask", help=text)
    sub.add_argument("--threshold", type=float, help="probability above which a pixel is foreground (the model's)")
    text = "average over views of the picture: " + "; ".join(f"{name}: {words}" for name, words in TTA.items())
    sub.add_argument("--tta", choices=TTA, nargs="?", const="flips", default="none", help=text)
    text = "side of the tiles of large pictures in pixels (what fits the memory, 1280 at most)"
    sub.add_argument("--tile", type=int, help=text)
    sub.add_argument("--min-area", type=int, default=0, help="drop objects of fewer pixels (0)")
    sub.add_argument("--fill-holes", action="store_true", help="fill the holes in objects")
    sub.add_argument("--split-touching", action="store_true", help="part objects that touch, where they are counted")
    sub.add_argument("--pixel-size", type=float, help="micrometers a pixel, for measures in micrometers")
    sub = add("evaluate", models.evaluate, "score a model on a dataset")
    add_model(sub)
    sub.add_argument("data", metavar="DATA", type=Path, help="folder with images and masks")
    sub.add_argument("--output", type=Path, help="CSV file with a line an image")
    sub.add_argument("--layout", choices=LAYOUTS)
    sub.add_argument("--ignore-index", type=int)
    sub.add_argument("--colour-map", dest="color_map", help=argparse.SUPPRESS)  # its name in release 0.1
    sub.add_argument("--color-map", help="mask colors in class order, or a file of them (those of the training)")
    sub.add_argument(
        "--split",
        default="held-out",
        choices=SPLITS,
        help="which images: by default those that the model was not trained on",
    )
    sub.add_argument("--save-masks", type=Path, metavar="DIR", help="write the predicted masks there as well")
    sub = add("import", models.import_weights, "turn weights of milesial/Pytorch-UNet into a checkpoint")
    sub.add_argument("weights", metavar="FILE.pth", type=Path)
    sub.add_argument("--output", type=Path, required=True, help="checkpoint folder to write")
    sub = add("sample", data.sample, "write the built-in dataset as a folder")
    sub.add_argument("--output", type=Path, required=True, help="folder to write")
    sub.add_argument("--images", type=int, default=48)
    sub.add_argument("--seed", type=int, default=0)
    sub = add("separate", data.separate, "copy mixed images and masks into images/ and masks/")
    sub.add_argument("folder", metavar="FOLDER", type=Path, help="folder in which images and masks lie mixed")
    sub.add_argument("--output", type=Path, required=True, help="new folder to write")
    return parser
