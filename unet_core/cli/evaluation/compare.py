"""The commands that compare: `compare` runs side by side, `duel` of two models on the same images."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_runs_dir
from unet_core.cli.output import echo, program, warn
from unet_core.config.choices import DEVICES, PRECISIONS, SPLITS
from unet_core.config.labels import fields_by_name, label_of
from unet_core.errors import RunError
from unet_core.evaluation.compare import side_by_side
from unet_core.hub import lineage, resolve
from unet_core.runs import manage

if TYPE_CHECKING:
    from unet_core.cli.common import Commands
    from unet_core.evaluation.summary import ImageScore

COLUMNS = {"val_dice": "Dice", "val_iou": "IoU", "best_epoch": "best epoch", "minutes": "minutes"}
COLUMNS |= {"parameters": "parameters", "model_mib": "MiB", "val_set": "val. set"}


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "compare", compare, "compare runs: settings that differ, scores, time, size")
    parser.add_argument("runs", metavar="RUN", nargs="+", help="run id or run folder; two or more")
    add_runs_dir(parser)

    parser = add_command(commands, "duel", duel, "compare two models on the same images")
    text = "run id, run folder, checkpoint folder or Hub model (owner/name)"
    parser.add_argument("a", metavar="A", help=f"model A: {text}")
    parser.add_argument("b", metavar="B", help="model B, likewise")
    text = "dataset folder with images and masks (default: that of the two runs, where it is the same)"
    parser.add_argument("data", metavar="DATA", nargs="?", type=Path, help=text)
    add_runs_dir(parser)
    parser.add_argument("--device", default="auto", choices=DEVICES, help="compute device (default: auto)")
    parser.add_argument("--precision", default="auto", choices=PRECISIONS, help="numerical precision (default: auto)")
    text = "which images to score (default: held-out, those that neither model was trained on)"
    parser.add_argument("--split", default="held-out", choices=SPLITS, help=text)
    parser.add_argument("--output", type=Path, help="CSV file to write, one row per image")
    parser.add_argument("--json", action="store_true", help="print the result as JSON only, without progress")


def compare(parsed: argparse.Namespace) -> dict[str, Any]:
    """Compare runs: the settings in which they differ, their scores, training time, parameters and size."""
    if len(parsed.runs) == 1:
        raise RunError(
            "Comparing takes two runs or more. To train several presets on a dataset: "
            f"{program()} sweep DATA --presets A,B"
        )
    members = [manage.find_named(name, parsed.runs_dir) for name in parsed.runs]
    comparison = side_by_side.compare(members)
    for message in comparison.warnings:
        warn(message)
    result = comparison.to_dict()
    _print_columns(result)
    return result


def _print_columns(result: dict[str, Any]) -> None:
    """A line for each setting that differs and for each score, a column for each run."""
    runs = [run | {"minutes": run["seconds"] and run["seconds"] / 60} for run in result["runs"]]
    lines = [["", *(run["name"] for run in runs)], ["state", *(run["state"] for run in runs)]]
    for name, values in result["differences"].items():
        lines.append([label_of(name), *(fields_by_name()[name].words(value) for value in values)])
    lines += [[label, *(_cell(run[name]) for run in runs)] for name, label in COLUMNS.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        echo("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def duel(parsed: argparse.Namespace) -> dict[str, Any]:
    """Compare two models on the same images: who has the higher Dice where, and whether that could be chance.

    The images that either model was trained on are left out unless --split says otherwise.
    """
    from unet_core.evaluation.compare import duels
    from unet_core.evaluation.selection import Source
    from unet_core.inference.predictor import load_predictor

    def say(message: str) -> None:
        if not parsed.json:
            echo(message)

    folders = [resolve.find_checkpoint(name, parsed.runs_dir, tell=echo) for name in (parsed.a, parsed.b)]
    sources = [
        Source(folder, run, lineage.find_training_images(folder, run, parsed.runs_dir)) for folder, run in folders
    ]
    root = parsed.data if parsed.data is not None else duels.find_dataset(*sources)
    sides = []
    for letter, source in zip("AB", sources, strict=True):
        assert source.folder is not None
        predictor, warning = load_predictor(source.folder, parsed.device, parsed.precision)
        if warning:
            warn(warning)
        say(f"{letter}: {duels.name_of(source)}")

        def tell(score: "ImageScore", letter: str = letter) -> None:
            say(f"{letter}  {score.id}  Dice {score.scores['dice']:.4f}")

        side = duels.score(duels.name_of(source), predictor, source, root, parsed.split, tell)
        for message in side.skipped:
            say(f"skipped: {message}")
        for message in side.warnings:
            warn(message)
        sides.append(side)
    match = duels.match(*sides)
    for note in match.notes:
        say(f"note: {note}")
    say(match.sentence)
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(match.to_csv(), encoding="utf-8", errors="surrogateescape")
    return match.to_dict() | {"output": parsed.output and str(parsed.output)}
