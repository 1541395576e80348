"""The commands that use a model: predict, evaluate, import."""

import argparse
import dataclasses
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_measures, add_model, read_measures
from unet_core.cli.output import echo, program, warn
from unet_core.config.choices import LABELS, LAYOUTS, SPLITS, UNLABELED
from unet_core.config.schema import ModelConfig
from unet_core.data import pairing
from unet_core.data.name_words import path_role
from unet_core.errors import ConfigError, DataError, ImageError, PredictionError, listing
from unet_core.export import writer as export_writer
from unet_core.export.formats import FORMATS
from unet_core.export.result import Result
from unet_core.hub import lineage, resolve
from unet_core.inference import channel_files, sliding_window
from unet_core.inference.tta import TTA, views
from unet_core.io import channels, images
from unet_core.io.channels import Kind
from unet_core.io.filenames import EXTENSIONS, is_image_name, is_junk, stem_of
from unet_core.io.pixels import Array, encode_png
from unet_core.postprocessing import cleanup

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

MANY_TILES = 12  # an image with at least so many tiles has its progress printed


def add_arguments(commands: "Commands") -> None:
    _add_predict(commands)
    _add_evaluate(commands)
    parser = add_command(commands, "import", import_weights, "convert weights of another program to a checkpoint")
    parser.add_argument("weights", metavar="FILE.pth", type=Path, help="file of weights (state_dict)")
    parser.add_argument("--output", type=Path, required=True, help="checkpoint folder to write")


def _add_predict(commands: "Commands") -> None:
    parser = add_command(commands, "predict", predict, "predict masks of images and export them")
    add_model(parser)
    text = "images, or folders of them; each page of a multi-page TIFF gives a mask: NAME_000.png, NAME_001.png, ..."
    parser.add_argument("images", metavar="IMAGE_OR_FOLDER", nargs="+", type=Path, help=text)
    parser.add_argument("--output", type=Path, default=Path("masks"), help="folder to write (default: masks)")
    text = f"comma-separated export formats: {', '.join(FORMATS)}, or all (default: mask)"
    parser.add_argument("--formats", metavar="A,B", default="mask", help=text)
    _add_options(parser)
    parser.add_argument("--min-area", type=int, default=0, help="remove objects of fewer pixels (default: 0)")
    parser.add_argument("--fill-holes", action="store_true", help="fill holes in objects")
    text = "separate touching objects (watershed) in the formats that list objects"
    parser.add_argument("--split-touching", action="store_true", help=text)
    parser.add_argument("--pixel-size", type=float, help="pixel size in micrometers, for measurements in micrometers")


def _add_options(parser: argparse.ArgumentParser) -> None:
    """How an image is predicted, of both commands."""
    text = "probability above which a pixel is foreground (default: that of the model)"
    parser.add_argument("--threshold", type=float, help=text)
    text = "test-time augmentation, flips if no value is given; " + "; ".join(f"{name}: {TTA[name]}" for name in TTA)
    parser.add_argument("--tta", choices=TTA, nargs="?", const="flips", default="none", help=text)
    text = "side of the sliding window for large images in pixels (default: what fits in memory, at most 1280)"
    parser.add_argument("--tile", type=int, help=text)


def _add_evaluate(commands: "Commands") -> None:
    parser = add_command(commands, "evaluate", evaluate, "evaluate a model on a dataset")
    add_model(parser)
    parser.add_argument("data", metavar="DATA", type=Path, help="dataset folder with images and masks")
    _add_options(parser)
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


def predict(parsed: argparse.Namespace) -> dict[str, Any]:
    """Predict masks of images and export them. Files that cannot be read are reported and skipped."""
    from unet_core.inference.predictor import load_predictor

    formats = export_writer.parse(parsed.formats)
    views(parsed.tta)
    _check_options(parsed)
    folder, _ = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=echo)
    paths = _image_files(parsed.images)
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        warn(warning)
    config = predictor.model.config
    sliding_window.chosen_tile(config, parsed.tile)
    threshold = config.threshold if parsed.threshold is None else parsed.threshold
    dataclasses.replace(config, threshold=threshold)  # raises where it is out of range
    parsed.output.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    sources: dict[str, Path] = {}
    notes_shown: set[str] = set()
    count = 0
    with export_writer.Writer(formats, parsed.output) as writer:
        groups = _images_of(paths, config)
        for number, (files, stem) in enumerate(groups.items(), 1):
            path = files[0]
            try:
                for name, page in images.page_names(stem, images.pages(path)):
                    if (other := sources.setdefault(name, path)) != path:
                        raise DataError(_same_output(other, path, name))
                    image, _, remarks = channels.read_with_remarks(files, page)
                    channel_names = channels.describe(files).names
                    fitted, note = predictor.fit(image, channel_names, str(path))
                    answer = predictor.answer(fitted, parsed.tta, parsed.tile, _tile_progress(name))
                    notes = list(filter(None, (*remarks, note, answer.note)))
                    for text in dict.fromkeys(text for text in notes if text not in notes_shown):
                        echo(f"note: {text}")
                    notes_shown |= {*remarks, note}  # what is said of a file is said once for all its pages
                    mask = cleanup.clean(answer.mask(threshold), parsed.min_area, parsed.fill_holes)
                    result = Result(
                        name,
                        image,
                        mask,
                        config.num_classes,
                        probability=answer.probability if answer.probability16 is None else answer.probability16,
                        class_names=answer.class_names,
                        channel_names=channel_names,
                        pixel_size=parsed.pixel_size,
                        threshold=threshold if config.num_classes == 1 else None,
                        split=parsed.split_touching,
                    )
                    writer.add(result, name)
                    count += 1
            except (ImageError, PredictionError) as error:
                problems.append(str(error))
                echo(f"skipped: {error}")
                continue
            echo(f"{number}/{len(groups)} {path.name if len(files) == 1 else stem}")
        if not count:
            raise DataError(problems[0] if len(problems) == 1 else f"None of {len(paths)} files could be predicted.")
    return {"images": count, "output": str(parsed.output), "skipped": len(problems)}


def _check_options(parsed: argparse.Namespace) -> None:
    if parsed.min_area < 0:
        raise ConfigError(f"Expected --min-area to be 0 pixels or more, got {parsed.min_area}.")
    if parsed.pixel_size is not None and not 0 < parsed.pixel_size < math.inf:
        raise ConfigError(f"Expected --pixel-size to be above 0 micrometers, got {parsed.pixel_size:g}.")


def _tile_progress(name: str) -> Callable[[int, int], None]:
    """A callback that prints the progress of one large image, once per quarter."""
    quarter = 0

    def report(done: int, total: int) -> None:
        nonlocal quarter
        if total >= MANY_TILES and done * 4 // total > quarter and done < total:
            quarter = done * 4 // total
            echo(f"{name}: tile {done} of {total}")

    return report


def _image_files(arguments: Sequence[Path]) -> list[Path]:
    """The image files that are meant: each file itself, and of a folder the images in it, or else those below it.

    Masks beside their images are left out. Raises DataError for a folder without images, and where two files would have
    the same output.
    """
    paths: list[Path] = []
    for argument in arguments:
        if not argument.is_dir():
            paths.append(argument)
            continue
        inside = sorted(path for path in argument.iterdir() if is_image_name(path) and not is_junk(path.name))
        below = {path: path.relative_to(argument) for path in argument.rglob("*") if is_image_name(path)}
        shown = [path for path, name in below.items() if not is_junk(name.as_posix())]
        candidates = inside or [path for path in shown if path_role(below[path].parent.parts) != "mask"]
        files = pairing.without_masks(candidates)
        if not files:
            raise DataError(f"{argument}: no images in this folder (supported: {', '.join(EXTENSIONS)}).")
        paths += files
    by_stem: dict[str, Path] = {}
    for path in paths:
        if (other := by_stem.setdefault(stem_of(path.name), path)) != path:
            raise DataError(_same_output(other, path, f"{stem_of(path.name)}.png"))
    return paths


def _images_of(paths: Sequence[Path], config: ModelConfig) -> dict[tuple[Path, ...], str]:
    """The files of each image and its name: several where they hold a channel each, which is told."""

    def describe(positions: Sequence[int]) -> Kind:
        return channels.describe([paths[position] for position in positions])

    # By folder and name: files of one name in two folders are not channels of one image.
    stems = [str(path.with_name(stem_of(path.name))) for path in paths]
    groups = channel_files.group(stems, describe, config)
    if joined := [Path(name).name for files, name in groups.items() if len(files) > 1]:
        echo(f"files that end in _0000, _0001 and so on are channels of one image: {listing(joined, 3)}")
    return {tuple(paths[position] for position in files): Path(name).name for files, name in groups.items()}


def _same_output(path: Path, other: Path, name: str) -> str:
    return f"{path} and {other} would both be written as {name}. Predict them into separate folders."


def evaluate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Evaluate a model on a dataset. The images that it was trained on are left out unless --split says otherwise."""
    from unet_core.evaluation import scores
    from unet_core.evaluation.selection import Source, count_images, select_folder
    from unet_core.evaluation.summary import by_class, describe_classes, summarize, to_csv
    from unet_core.evaluation.tuning.advice import Watch
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
    results, watch = [], Watch(config, selection.chosen, options.threshold)
    for scored in scores.score_images(dataset, selection.chosen, partial(watch.predict, predictor, options), measures):
        watch.add(scored)
        if parsed.save_masks:
            _write_mask(parsed.save_masks / f"{scored.sample.id}.png", scored.pred, config.num_classes)
        results.append(scored.score)
        values = scored.score.scores
        echo(f"{scored.sample.id}  Dice {values['dice']:.4f}  IoU {values['iou']:.4f}")
    if advice := watch.sentence(f"Choose it with: {program()} threshold {parsed.model} --apply"):
        warn(advice)
        dataset.warnings.append(advice)
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


def import_weights(parsed: argparse.Namespace) -> dict[str, Any]:
    """Convert a file with weights of milesial/Pytorch-UNet or mateuszbuda's brain U-Net to a checkpoint folder."""
    from unet_core.models.checkpoint import save_checkpoint
    from unet_core.models.milesial import load

    model = load(parsed.weights, warn)
    save_checkpoint(parsed.output, model)
    config = model.config
    echo(f"{config.in_channels} input channels, {config.num_classes} output classes, {config.up} upsampling")
    return {"output": str(parsed.output), "in_channels": config.in_channels, "num_classes": config.num_classes}
