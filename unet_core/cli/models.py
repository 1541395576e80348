"""The commands that use a model: predict, import."""

import argparse
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command, add_model, add_prediction
from unet_core.cli.output import echo, warn
from unet_core.config.schema import ModelConfig
from unet_core.data import pairing
from unet_core.data.name_words import path_role
from unet_core.errors import ConfigError, DataError, ImageError, PredictionError, listing
from unet_core.export import writer as export_writer
from unet_core.export.formats import FORMATS
from unet_core.export.result import Result
from unet_core.hub import resolve
from unet_core.inference import channel_files, sliding_window
from unet_core.inference.tta import views
from unet_core.io import channels, images
from unet_core.io.channels import Kind
from unet_core.io.filenames import EXTENSIONS, is_image_name, is_junk, stem_of
from unet_core.postprocessing import cleanup

if TYPE_CHECKING:
    from unet_core.cli.common import Commands
    from unet_core.inference.predictor import Predictor

MANY_TILES = 12  # an image with at least so many tiles has its progress printed


def add_arguments(commands: "Commands") -> None:
    _add_predict(commands)
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
    add_prediction(parser)
    parser.add_argument("--min-area", type=int, default=0, help="remove objects of fewer pixels (default: 0)")
    parser.add_argument("--fill-holes", action="store_true", help="fill holes in objects")
    text = "separate touching objects (watershed) in the formats that list objects"
    parser.add_argument("--split-touching", action="store_true", help=text)
    parser.add_argument("--pixel-size", type=float, help="pixel size in micrometers, for measurements in micrometers")


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
    count, pages = 0, _Pages(predictor, threshold, parsed)
    with export_writer.Writer(formats, parsed.output) as writer:
        groups = _images_of(paths, config)
        for number, (files, stem) in enumerate(groups.items(), 1):
            try:
                for result in pages.predict(files, stem):
                    writer.add(result, result.name)
                    count += 1
            except (ImageError, PredictionError) as error:
                problems.append(str(error))
                echo(f"skipped: {error}")
                continue
            echo(f"{number}/{len(groups)} {files[0].name if len(files) == 1 else stem}")
        if not count:
            raise DataError(problems[0] if len(problems) == 1 else f"None of {len(paths)} files could be predicted.")
    return {"images": count, "output": str(parsed.output), "skipped": len(problems)}


class _Pages:
    """Predicts the pages of images, prints what is to be said of them once, and refuses two of one name."""

    def __init__(self, predictor: "Predictor", threshold: float, parsed: argparse.Namespace) -> None:
        self._predictor, self._threshold, self._parsed = predictor, threshold, parsed
        self._sources: dict[str, Path] = {}  # of the pages by their names
        self._printed: set[str] = set()

    def predict(self, files: Sequence[Path], stem: str) -> Iterator[Result]:
        """The results of an image, whose channels lie in these files. Raises DataError, ImageError, PredictionError."""
        for name, page in images.page_names(stem, images.pages(files[0])):
            if (other := self._sources.setdefault(name, files[0])) != files[0]:
                raise DataError(_same_output(other, files[0], name))
            yield self._predict_page(name, files, page)

    def _predict_page(self, name: str, files: Sequence[Path], page: int | None) -> Result:
        parsed, config = self._parsed, self._predictor.model.config
        image, _, remarks = channels.read_with_remarks(files, page)
        channel_names = channels.describe(files).names
        fitted, note = self._predictor.fit(image, channel_names, str(files[0]))
        answer = self._predictor.answer(fitted, parsed.tta, parsed.tile, _tile_progress(name))
        for text in dict.fromkeys(filter(None, (*remarks, note, answer.note))):
            if text not in self._printed:
                echo(f"note: {text}")
        self._printed |= {*remarks, note}  # what is said of a file is said once for all its pages
        return Result(
            name,
            image,
            cleanup.clean(answer.mask(self._threshold), parsed.min_area, parsed.fill_holes),
            config.num_classes,
            probability=answer.probability if answer.probability16 is None else answer.probability16,
            class_names=answer.class_names,
            channel_names=channel_names,
            pixel_size=parsed.pixel_size,
            threshold=self._threshold if config.num_classes == 1 else None,
            split=parsed.split_touching,
        )


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


def import_weights(parsed: argparse.Namespace) -> dict[str, Any]:
    """Convert a file with weights of milesial/Pytorch-UNet or mateuszbuda's brain U-Net to a checkpoint folder."""
    from unet_core.models.checkpoint import save_checkpoint
    from unet_core.models.milesial import load

    model = load(parsed.weights, warn)
    save_checkpoint(parsed.output, model)
    config = model.config
    echo(f"{config.in_channels} input channels, {config.num_classes} output classes, {config.up} upsampling")
    return {"output": str(parsed.output), "in_channels": config.in_channels, "num_classes": config.num_classes}
