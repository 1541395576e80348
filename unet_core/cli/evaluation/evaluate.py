"""The command that evaluates a model on a dataset."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_measures, add_model, add_prediction, read_measures
from unet_core.cli.output import echo, program, warn
from unet_core.config.choices import LABELS, LAYOUTS, SPLITS, UNLABELED
from unet_core.hub import lineage, resolve
from unet_core.inference.tta import views
from unet_core.io.pixels import Array, encode_png

if TYPE_CHECKING:
    from unet_core.cli.common import Commands
    from unet_core.data.dataset import Dataset
    from unet_core.evaluation.scores import ScoredImage

CHANGES = ("layout", "unlabeled", "ignore_index", "color_map", "labels", "recipe")  # settings of the data
FILES = ("output", "json", "report")


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "evaluate", evaluate, "evaluate a model on a dataset")
    add_model(parser)
    parser.add_argument("data", metavar="DATA", type=Path, help="dataset folder with images and masks")
    add_prediction(parser)
    parser.add_argument("--output", metavar="FILE", type=Path, help="CSV file to write, one row per image")
    parser.add_argument("--json", metavar="FILE", type=Path, help="JSON file to write: everything that was found")
    text = "HTML report to write: one file with scores, worst images, model and data, to send to somebody"
    parser.add_argument("--report", metavar="FILE", type=Path, help=text)
    parser.add_argument("--layout", choices=LAYOUTS, help="folder layout of the dataset (default: auto)")
    text = "images without a mask where others have one (default: as in the training)"
    parser.add_argument("--unlabeled", choices=UNLABELED, help=text)
    text = "mask value to ignore (default: that of the training)"
    parser.add_argument("--ignore-index", type=int, help=text)
    text = "mask colors in class order, or a file that lists them (default: those of the training)"
    parser.add_argument("--color-map", help=text)
    parser.add_argument("--colour-map", dest="color_map", help=argparse.SUPPRESS)  # its name in release 0.1
    text = "what mask values stand for: classes or instances (default: as in the training)"
    parser.add_argument("--labels", choices=LABELS, help=text)
    text = "repairs of the dataset: auto, none or a file (default: those of the training where it is the same folder)"
    parser.add_argument("--recipe", help=text)
    text = "which images to evaluate (default: held-out, those that the model was not trained on)"
    parser.add_argument("--split", default="held-out", choices=SPLITS, help=text)
    add_measures(parser)
    parser.add_argument("--save-masks", type=Path, metavar="DIR", help="also write the predicted masks to this folder")


def evaluate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Evaluate a model on a dataset. The images that it was trained on are left out unless --split says otherwise."""
    from unet_core.evaluation.recording import check_files, evaluate_selection, write_json
    from unet_core.evaluation.scores import Options
    from unet_core.evaluation.selection import Source, select_folder
    from unet_core.evaluation.summary import to_csv
    from unet_core.inference.predictor import load_predictor

    measures = read_measures(parsed)
    options = Options(parsed.tta, parsed.tile, parsed.threshold)
    views(options.tta)
    check_files(*(getattr(parsed, name) for name in FILES))
    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    changes = {name: value for name in CHANGES if (value := getattr(parsed, name)) is not None}
    source = Source(folder, run, lineage.find_training_images(folder, run, parsed.runs_dir))
    selection = select_folder(source, parsed.data, parsed.split, changes)
    for sentence in selection.explain():
        echo(f"note: {sentence}")
    if any(selection.left_out().values()):
        echo("note: --split all includes the images that are left out")
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        warn(warning)
    done = 0

    def report_image(scored: "ScoredImage", total: int) -> None:
        nonlocal done
        done += 1
        if parsed.save_masks:
            path = parsed.save_masks / f"{scored.sample.id}.png"
            _write_mask(path, scored.pred, predictor.model.config.num_classes)
        values = scored.score.scores
        echo(f"{done}/{total} {scored.sample.id}  Dice {values['dice']:.4f}  IoU {values['iou']:.4f}")

    record = evaluate_selection(
        predictor,
        source,
        selection,
        parsed.split,
        options,
        measures,
        changes,
        report=parsed.report,
        on_loaded=_report_files,
        on_image=report_image,
    )
    if record.advice:
        warn(f"{record.advice} Choose it with: {program()} threshold {parsed.model} --apply")
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(to_csv(record.scores), encoding="utf-8", errors="surrogateescape")
    if parsed.json is not None:
        write_json(record, parsed.json)
    files = {name: path and str(path) for name in FILES if (path := getattr(parsed, name)) or name == "output"}
    return record.summarize() | files | {"warnings": record.remarks}


def _report_files(dataset: "Dataset") -> None:
    for message in dataset.skipped:
        echo(f"skipped: {message}")
    for message in dataset.warnings:
        warn(message)


def _write_mask(path: Path, mask: Array, num_classes: int) -> None:
    """Write a PNG of 0 and 255 for a binary mask, of class indices for several classes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(mask * 255 if num_classes == 1 else mask))
