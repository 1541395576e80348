"""The command that evaluates a model on a dataset."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_measures, add_model, add_prediction, read_measures
from unet_core.cli.output import echo, warn
from unet_core.config.choices import LABELS, LAYOUTS, SPLITS, UNLABELED
from unet_core.hub import lineage, resolve
from unet_core.inference.tta import views
from unet_core.io.pixels import Array, encode_png

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "evaluate", evaluate, "evaluate a model on a dataset")
    add_model(parser)
    parser.add_argument("data", metavar="DATA", type=Path, help="dataset folder with images and masks")
    add_prediction(parser)
    parser.add_argument("--output", type=Path, help="CSV file to write, one row per image")
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
    from unet_core.evaluation import scores
    from unet_core.evaluation.selection import Source, count_images, select_folder
    from unet_core.evaluation.summary import by_class, describe_classes, summarize, to_csv
    from unet_core.inference.predictor import load_predictor

    measures = read_measures(parsed)
    options = scores.Options(parsed.tta, parsed.tile, parsed.threshold)
    views(options.tta)
    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    names = ("layout", "unlabeled", "ignore_index", "color_map", "labels", "recipe")
    changes = {name: value for name in names if (value := getattr(parsed, name)) is not None}
    source = Source(folder, run, lineage.find_training_images(folder, run, parsed.runs_dir))
    selection = select_folder(source, parsed.data, parsed.split, changes)
    for sentence in selection.explain():
        echo(f"note: {sentence}")
    if any(selection.left_out().values()):
        echo("note: --split all includes the images that are left out")
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        warn(warning)
    config = predictor.model.config
    options.check(config)
    dataset = scores.load(selection, config)
    for message in dataset.skipped:
        echo(f"skipped: {message}")
    for message in dataset.warnings:
        warn(message)
    results = []
    for scored in scores.score_images(
        dataset, selection.chosen, lambda sample, image: options.predict(predictor, image), measures
    ):
        if parsed.save_masks:
            _write_mask(parsed.save_masks / f"{scored.sample.id}.png", scored.pred, config.num_classes)
        results.append(scored.score)
        values = scored.score.scores
        echo(f"{scored.sample.id}  Dice {values['dice']:.4f}  IoU {values['iou']:.4f}")
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(to_csv(results), encoding="utf-8", errors="surrogateescape")
    summary: dict[str, Any] = summarize(results).to_dict()
    classes = by_class(results)
    if len(classes) > 1:
        summary["iou_by_class"] = {item.index: item.iou for item in classes}
        summary["class_names"] = {item.index: config.class_name(item.index) for item in classes}
    summary |= describe_classes(results) | count_images(selection.groups, results)
    return summary | {"output": parsed.output and str(parsed.output), "warnings": dataset.warnings}


def _write_mask(path: Path, mask: Array, num_classes: int) -> None:
    """Write a PNG of 0 and 255 for a binary mask, of class indices for several classes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(mask * 255 if num_classes == 1 else mask))
