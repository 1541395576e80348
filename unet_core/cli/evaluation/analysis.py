"""The commands that look behind the scores of a model: label-errors, robustness, shift."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_model
from unet_core.cli.output import echo, warn
from unet_core.config.choices import SPLITS
from unet_core.errors import DataError
from unet_core.hub import lineage, resolve
from unet_core.inference.tta import TTA

if TYPE_CHECKING:
    from unet_core.cli.common import Commands
    from unet_core.data.dataset import Dataset
    from unet_core.evaluation.selection import Selection
    from unet_core.inference.predictor import Predictor


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "label-errors", find_label_errors, "list places where labels may be wrong")
    _add_images(parser)
    views = [name for name in TTA if name != "none"]
    text = "test-time augmentation (default: flips); " + "; ".join(f"{name}: {TTA[name]}" for name in views)
    parser.add_argument("--tta", choices=views, default="flips", help=text)
    parser.add_argument("--tile", type=int, help="side of the sliding window for large images in pixels")
    parser.add_argument("--most", type=int, metavar="N", default=10_000, help="list at most N places (default: 10000)")
    parser.add_argument("--output", type=Path, help="CSV file to write, one row per place")

    parser = add_command(commands, "robustness", measure_robustness, "score a model on images that are made worse")
    _add_images(parser)
    text = "comma-separated: blur, noise, brighter, darker, contrast, jpeg, scale (default: all)"
    parser.add_argument("--corruptions", metavar="A,B", default="", help=text)
    text = "how many images at most, drawn at random (default: 50)"
    parser.add_argument("--images", type=int, default=50, metavar="N", help=text)
    parser.add_argument("--seed", type=int, default=0, help="random seed of the drawing and the noise (default: 0)")
    parser.add_argument("--output", type=Path, help="CSV file to write, one row per severity")

    summary = "score a model at home and abroad: on kinds of images it was trained on, and on others"
    parser = add_command(commands, "shift", compare_kinds, summary)
    add_model(parser)
    _add_data(parser)
    text = "what names the kind of an image: folder, or a regular expression with a group (default: folder)"
    parser.add_argument("--group-by", metavar="BY", default="folder", help=text)
    parser.add_argument("--output", type=Path, help="CSV file to write, one row per kind")
    parser.set_defaults(split="held-out")


def _add_images(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    _add_data(parser)
    text = "which images (default: held-out, those that the model was not trained on)"
    parser.add_argument("--split", default="held-out", choices=SPLITS, help=text)


def _add_data(parser: argparse.ArgumentParser) -> None:
    text = "dataset folder with images and masks (default: that of the run)"
    parser.add_argument("data", metavar="DATA", nargs="?", type=Path, help=text)


def find_label_errors(parsed: argparse.Namespace) -> dict[str, Any]:
    """List places where labels may be wrong, the most suspect first.

    These are places where the model is sure, stable under test-time augmentation, and disagrees with the ground truth.
    A model has learned the labels of its training images, the wrong ones too: use images that it was not trained on.
    """
    from unet_core.evaluation import scores
    from unet_core.evaluation.analysis import suspects
    from unet_core.evaluation.label_errors import KINDS

    suspects.check_options(parsed.tta, parsed.most)
    predictor, selection = _open(parsed)
    if selection.chosen["train"]:
        warn(suspects.HIDDEN)
    dataset = scores.load(selection, predictor.model.config)
    _show_messages(dataset)
    ranking = suspects.Ranking(parsed.most)
    for item in suspects.scan(dataset, lambda sample, image: predictor.answer(image, parsed.tta, parsed.tile)):
        echo(f"{item.sample.id}  {len(item.suspects)} places")
        ranking.add(item.suspects)
    ranked = ranking.best()
    for suspect in ranked[:10]:
        place = f"{suspect.width} x {suspect.height} px at ({suspect.left}, {suspect.top})"
        echo(f"{suspect.score:.3f}  {suspect.image}  {place}: {KINDS[suspect.kind]}")
    _write(parsed.output, suspects.to_csv(ranked, selection.subset_of()))
    return {
        "images": len(dataset),
        "places": ranking.total,
        "listed": len(ranked),
        "output": parsed.output and str(parsed.output),
        "skipped": len(dataset.skipped),
        "warnings": dataset.warnings,
    }


def measure_robustness(parsed: argparse.Namespace) -> dict[str, Any]:
    """Score a model on images that are blurred, noisy, brighter and so on, at five severities each."""
    from unet_core.evaluation.analysis import robustness
    from unet_core.evaluation.analysis.corruptions import check_names

    names = check_names([name.strip() for name in parsed.corruptions.split(",") if name.strip()])
    robustness.check_number(parsed.images)
    predictor, selection = _open(parsed)
    dataset = robustness.load_images(selection, parsed.images, predictor.model.config, parsed.seed)
    _show_messages(dataset)
    steps, each = [], len(robustness.list_steps(names))
    for step in robustness.run(dataset, lambda sample, image: predictor.mask(image), names, parsed.seed):
        steps.append(step)
        if len(steps) % each == 0:
            echo(f"{step.image}  {each} predictions")
    points = robustness.summarize(steps)
    sentence = robustness.describe(points)
    echo(sentence)
    _write(parsed.output, robustness.to_csv(points))
    return {
        "images": len(points[0].dice),
        "images_without_foreground": len(dataset) - len(points[0].dice),
        "mean_dice": points[0].mean,
        "by_corruption": {name: [point.mean for point in points if point.corruption == name] for name in names},
        "sentence": sentence,
        "output": parsed.output and str(parsed.output),
        "skipped": len(dataset.skipped),
        "warnings": dataset.warnings,
    }


def compare_kinds(parsed: argparse.Namespace) -> dict[str, Any]:
    """Score a model at home and abroad: on kinds of images that it was trained on, and on kinds it has never seen.

    Images that it was trained on are not scored. The dataset must hold them all the same: they say what is home.
    """
    from unet_core.evaluation import scores
    from unet_core.evaluation.analysis import kinds

    predictor, selection = _open(parsed)
    results, dataset = scores.evaluate(predictor, selection)
    _show_messages(dataset)
    shift = kinds.compare_kinds(selection, results, parsed.group_by)
    for kind in shift.kinds:
        side = f"trained on {kind.trained} images" if kind.trained else "never seen"
        echo(f"{kind.name}  Dice {kind.mean:.4f}  {len(kind.dice)} images, {side}")
    echo(shift.sentence)
    _write(parsed.output, kinds.to_csv(shift))
    return {
        **kinds.describe_sides(shift),
        "images_without_kind": shift.unnamed,
        "sentence": shift.sentence,
        "output": parsed.output and str(parsed.output),
        "skipped": len(dataset.skipped),
        "warnings": dataset.warnings,
    }


def _open(parsed: argparse.Namespace) -> "tuple[Predictor, Selection]":
    """The model and the images that were named; what is left out is said."""
    from unet_core.evaluation.selection import Source, select_folder
    from unet_core.inference.predictor import load_predictor

    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    root = parsed.data
    if root is None:
        if run is None:
            raise DataError(f"{parsed.model} is not a run, so its dataset is not known. Name a folder of images: DATA.")
        root = Path(run.data.root)
    source = Source(folder, run, lineage.find_training_images(folder, run, parsed.runs_dir))
    selection = select_folder(source, root, parsed.split)
    for sentence in selection.explain():
        echo(f"note: {sentence}")
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        warn(warning)
    return predictor, selection


def _show_messages(dataset: "Dataset") -> None:
    for message in dataset.skipped:
        echo(f"skipped: {message}")
    for message in dataset.warnings:
        warn(message)


def _write(path: Path | None, text: str) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
