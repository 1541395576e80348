"""The command that says which images to label next: label-next."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_model
from unet_core.cli.output import echo, warn
from unet_core.experiments import label_next
from unet_core.hub import lineage, resolve

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "label-next", rank, "list the unlabeled images that are worth labeling next")
    add_model(parser)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder with unlabeled images")
    parser.add_argument("--count", type=int, default=20, help="how many images (default: 20)")
    parser.add_argument("--output", type=Path, help="CSV file to write, one row per image")


def rank(parsed: argparse.Namespace) -> dict[str, Any]:
    """Rank unlabeled images by how unsure the model is of them and how unlike one another they are.

    Images with a mask, and those that the model has seen, are left out.
    """
    from unet_core.inference.predictor import load_predictor

    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    seen = lineage.find_training_images(folder, run, parsed.runs_dir)
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        warn(warning)
    ranking = label_next.rank_unlabeled(
        predictor, seen, parsed.folder, parsed.count, lambda done, total, name: echo(f"{done + 1}/{total} {name}")
    )
    for message in ranking.skipped:
        echo(f"skipped: {message}")
    for note in ranking.notes:
        echo(f"note: {note}")
    for number, item in enumerate(ranking.chosen, 1):
        page = "" if item.page is None else f" page {item.page}"
        echo(f"{number:>3}  uncertainty {item.uncertainty:.3f}  {item.image}{page}")
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(ranking.to_csv(), encoding="utf-8", errors="surrogateescape")
    return {
        "images": [str(item.image) for item in ranking.chosen],
        "candidates": ranking.candidates,
        "output": parsed.output and str(parsed.output),
        "skipped": len(ranking.skipped),
    }
