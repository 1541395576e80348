"""The commands that use a model: predict, evaluate, import."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unet_core import images, layouts, mixed, runs, samples
from unet_core.config import RunConfig
from unet_core.errors import DataError, ImageError
from unet_core.tell import tell


def predict(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write a mask for each image; one that cannot be read is named and the others are done."""
    from unet_core.inference import load_predictor

    folder, _ = runs.checkpoint_of(parsed.model, parsed.runs_dir)
    paths = _pictures(parsed.images)
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        tell(f"warning: {warning}")
    if parsed.threshold is not None:
        dataclasses.replace(predictor.model.config, threshold=parsed.threshold)  # refuses what is out of range
    parsed.output.mkdir(parents=True, exist_ok=True)
    problems: list[str] = []
    written: dict[str, Path] = {}
    for number, path in enumerate(paths, 1):
        try:
            for name, page in images.page_names(path.stem, images.pages(path)):
                if (other := written.setdefault(name, path)) != path:
                    raise DataError(f"{other} and {path} would both give {name}.png; predict them into two folders.")
                mask = predictor.mask(images.read(path, page), parsed.threshold)
                write_mask(parsed.output / f"{name}.png", mask, predictor.model.config.num_classes)
        except ImageError as error:
            problems.append(str(error))
            tell(f"skipped: {error}")
            continue
        tell(f"{number}/{len(paths)} {path.name}")
    if not written or len(problems) == len(paths):
        raise DataError(problems[0] if len(problems) == 1 else f"None of {len(paths)} files is a readable picture.")
    return {"images": len(written), "output": str(parsed.output), "skipped": len(problems)}


def write_mask(path: Path, mask: images.Array, num_classes: int) -> None:
    """A PNG of 0 and 255 for one class, of class indices for several."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(images.encode_png(mask * 255 if num_classes == 1 else mask))


def _pictures(names: Sequence[Path]) -> list[Path]:
    """The files meant: each by itself, and of a folder the pictures in it, or below it where there are none in it."""
    paths: list[Path] = []
    for name in names:
        if not name.is_dir():
            paths.append(name)
            continue
        inside = sorted(path for path in name.iterdir() if images.is_image_name(path))
        below = (path for path in name.rglob("*") if images.is_image_name(path))
        found = mixed.without_masks(inside or (path for path in below if not layouts.is_mask_folder(path.parent.name)))
        if not found:
            raise DataError(f"{name}: no picture in this folder ({', '.join(images.EXTENSIONS)}).")
        paths += found
    by_output: dict[str, Path] = {}
    for path in paths:
        if (other := by_output.setdefault(path.stem, path)) != path:
            raise DataError(f"{other} and {path} would give the same {path.stem}.png; predict them into two folders.")
    return paths


def evaluate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Score a model on a data set, image by image."""
    from unet_core import evaluation
    from unet_core.inference import load_predictor

    folder, run = runs.checkpoint_of(parsed.model, parsed.runs_dir)
    config = RunConfig() if run is None else dataclasses.replace(run.config, data=run.data)
    given = {"layout": parsed.layout, "ignore_index": parsed.ignore_index, "colour_map": parsed.colour_map}
    config = config.replace(**{key: value for key, value in given.items() if value is not None})
    found = samples.find(parsed.data, parsed.layout or "auto")
    chosen = evaluation.select(found, run.split() if run is not None and run.has_split else {}, parsed.split)
    left_out = len(found) - sum(map(len, chosen.values()))
    if left_out:
        tell(f"{left_out} of {len(found)} images are left out (split {parsed.split!r}); --split all scores them too")
    predictor, warning = load_predictor(folder, parsed.device, parsed.precision)
    if warning:
        tell(f"warning: {warning}")
    results = []

    def keep(name: str, mask: images.Array) -> None:
        write_mask(parsed.save_masks / f"{name}.png", mask, predictor.model.config.num_classes)

    for item in evaluation.evaluate(predictor, chosen, config.data, keep if parsed.save_masks else None):
        if isinstance(item, str):
            tell(f"skipped: {item}")
        else:
            results.append(item)
            tell(f"{item.id}  Dice {item.scores['dice']:.4f}  IoU {item.scores['iou']:.4f}")
    if parsed.output is not None:
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(evaluation.to_csv(results), encoding="utf-8", errors="surrogateescape")
    each = evaluation.by_class(results)
    several = {"iou_by_class": {item.index: item.iou for item in each}} if len(each) > 1 else {}
    summary = dataclasses.asdict(evaluation.summarise(results))
    return summary | several | {"output": parsed.output and str(parsed.output)}


def import_weights(parsed: argparse.Namespace) -> dict[str, Any]:
    """Turn a file of milesial/Pytorch-UNet's weights into a checkpoint folder."""
    from unet_core.checkpoint import save_checkpoint
    from unet_core.milesial import load

    model = load(parsed.weights)
    save_checkpoint(parsed.output, model)
    config = model.config
    tell(f"{config.in_channels} channels in, {config.num_classes} out, {config.up} up-sampling")
    return {"output": str(parsed.output), "in_channels": config.in_channels, "num_classes": config.num_classes}
