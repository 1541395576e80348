"""The commands that use a model: predict, evaluate, import."""

import argparse
import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from unet_core.cli.output import tell
from unet_core.config.schema import RunConfig
from unet_core.data import discovery, pairing
from unet_core.data.layouts import is_mask_folder
from unet_core.errors import ConfigError, DataError, ImageError, PredictionError
from unet_core.export import writer as export_writer
from unet_core.export.result import Result
from unet_core.hub import resolve
from unet_core.inference import sliding_window
from unet_core.inference.tta import views
from unet_core.io import images
from unet_core.io.pixels import Array, encode_png
from unet_core.postprocessing import cleanup

MANY_TILES = 12  # from which on a picture's progress is told


def predict(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write masks and other files for images; one that cannot be read is named, and the others are done."""
    from unet_core.inference.predictor import load_predictor

    formats = export_writer.parse(parsed.formats)
    views(parsed.tta)
    _check_cleaning(parsed)
    folder, _ = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=tell)
    paths = _pictures(parsed.images)
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        tell(f"warning: {warning}")
    config = predictor.model.config
    sliding_window.chosen_tile(config, parsed.tile)
    threshold = config.threshold if parsed.threshold is None else parsed.threshold
    dataclasses.replace(config, threshold=threshold)  # refuses what is out of range
    parsed.output.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    names: dict[str, Path] = {}
    done = 0
    with export_writer.Writer(formats, parsed.output) as writer:
        for number, path in enumerate(paths, 1):
            try:
                for name, page in images.page_names(path.stem, images.pages(path)):
                    if (other := names.setdefault(name, path)) != path:
                        raise DataError(f"{other} and {path} would both give {name}; predict them into two folders.")
                    image = images.read(path, page)
                    answer = predictor.answer(image, parsed.tta, parsed.tile, _tiles_told(name))
                    if answer.note:
                        tell(f"note: {answer.note}")
                    mask = cleanup.clean(answer.mask(threshold), parsed.min_area, parsed.fill_holes)
                    result = Result(
                        name,
                        image,
                        mask,
                        config.num_classes,
                        probability=answer.probability if answer.probability16 is None else answer.probability16,
                        pixel_size=parsed.pixel_size,
                        threshold=threshold if config.num_classes == 1 else None,
                        split=parsed.split_touching,
                    )
                    writer.add(result, name)
                    done += 1
            except (ImageError, PredictionError) as error:
                problems.append(str(error))
                tell(f"skipped: {error}")
                continue
            tell(f"{number}/{len(paths)} {path.name}")
        if not done:
            raise DataError(problems[0] if len(problems) == 1 else f"None of {len(paths)} files could be predicted.")
    return {"images": done, "output": str(parsed.output), "skipped": len(problems)}


def _check_cleaning(parsed: argparse.Namespace) -> None:
    if parsed.min_area < 0:
        raise ConfigError(f"Expected --min-area to be 0 pixels or more, got {parsed.min_area}.")
    if parsed.pixel_size is not None and not 0 < parsed.pixel_size < math.inf:
        raise ConfigError(f"Expected --pixel-size to be above 0 micrometers, got {parsed.pixel_size:g}.")


def _tiles_told(name: str) -> Callable[[int, int], None]:
    """Progress of one large picture, told at each quarter."""
    quarter = 0

    def told(done: int, total: int) -> None:
        nonlocal quarter
        if total >= MANY_TILES and done * 4 // total > quarter and done < total:
            quarter = done * 4 // total
            tell(f"{name}: tile {done} of {total}")

    return told


def write_mask(path: Path, mask: Array, num_classes: int) -> None:
    """A PNG of 0 and 255 for one class, of class indices for several."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(mask * 255 if num_classes == 1 else mask))


def _pictures(names: Sequence[Path]) -> list[Path]:
    """The files meant: each by itself, and of a folder the pictures in it, or below it where there are none in it."""
    paths: list[Path] = []
    for name in names:
        if not name.is_dir():
            paths.append(name)
            continue
        inside = sorted(path for path in name.iterdir() if images.is_image_name(path))
        below = (path for path in name.rglob("*") if images.is_image_name(path))
        found = pairing.without_masks(inside or (path for path in below if not is_mask_folder(path.parent.name)))
        if not found:
            raise DataError(f"{name}: no picture in this folder ({', '.join(images.EXTENSIONS)}).")
        paths += found
    by_output: dict[str, Path] = {}
    for path in paths:
        if (other := by_output.setdefault(path.stem, path)) != path:
            raise DataError(f"{other} and {path} would give the same {path.stem}.png; predict them into two folders.")
    return paths


def evaluate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Score a model on a dataset, image by image."""
    from unet_core.evaluation import scores
    from unet_core.evaluation.summary import by_class, summarize, to_csv
    from unet_core.inference.predictor import load_predictor

    folder, run = resolve.find_checkpoint(str(parsed.model), parsed.runs_dir, tell=tell)
    config = RunConfig() if run is None else dataclasses.replace(run.config, data=run.data)
    given = {"layout": parsed.layout, "ignore_index": parsed.ignore_index, "color_map": parsed.color_map}
    config = config.replace(**{key: value for key, value in given.items() if value is not None})
    found = discovery.find(parsed.data, parsed.layout or "auto")
    chosen = scores.select(found, run.split() if run is not None and run.has_split else {}, parsed.split)
    left_out = len(found) - sum(map(len, chosen.values()))
    if left_out:
        tell(f"{left_out} of {len(found)} images are left out (split {parsed.split!r}); --split all scores them too")
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        tell(f"warning: {warning}")
    results = []

    def keep(name: str, mask: Array) -> None:
        write_mask(parsed.save_masks / f"{name}.png", mask, predictor.model.config.num_classes)

    for item in scores.evaluate(predictor, chosen, config.data, keep if parsed.save_masks else None):
        if isinstance(item, str):
            tell(f"skipped: {item}")
        else:
            results.append(item)
            tell(f"{item.id}  Dice {item.scores['dice']:.4f}  IoU {item.scores['iou']:.4f}")
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(to_csv(results), encoding="utf-8", errors="surrogateescape")
    each = by_class(results)
    several = {"iou_by_class": {item.index: item.iou for item in each}} if len(each) > 1 else {}
    summary = dataclasses.asdict(summarize(results))
    return summary | several | {"output": parsed.output and str(parsed.output)}


def import_weights(parsed: argparse.Namespace) -> dict[str, Any]:
    """Turn a file of milesial/Pytorch-UNet's weights into a checkpoint folder."""
    from unet_core.models.checkpoint import save_checkpoint
    from unet_core.models.milesial import load

    model = load(parsed.weights)
    save_checkpoint(parsed.output, model)
    config = model.config
    tell(f"{config.in_channels} channels in, {config.num_classes} out, {config.up} up-sampling")
    return {"output": str(parsed.output), "in_channels": config.in_channels, "num_classes": config.num_classes}
