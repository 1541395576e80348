"""A model in a format of other programs, checked with images of its own dataset where that is there."""

from pathlib import Path
from typing import TYPE_CHECKING

from unet_core.data import discovery, reading
from unet_core.errors import UnetError
from unet_core.export.model import files
from unet_core.export.model.extras import require
from unet_core.io.pixels import Pixels
from unet_core.models.channels import choose
from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.config.schema import ModelConfig
    from unet_core.export.model.bioimage_about import About

MOST_IMAGES = 3  # of the dataset that a file is checked with
MOST_PIXELS = 1024 * 1024  # of each; the middle of larger ones


def own_images(run: Run, config: "ModelConfig") -> list[Pixels]:
    """Images that the run did not train on, (H, W, C) as the model takes them; [] where the dataset is not there."""
    try:
        held_out = set(run.split().get("val", ())) if run.has_split else set()
        samples = discovery.search_data(run.data).samples
        chosen = [sample for sample in samples if sample.id in held_out][:MOST_IMAGES]
        images = [reading.read_image(sample) for sample in chosen]
        return [_middle(choose(config, image.shape[2]).apply(image)) for image in images]
    except (UnetError, OSError):
        return []


def write(
    folder: Path,
    run: Run | None,
    format_name: str,
    path: Path,
    about: "About | None" = None,
    example: Pixels | None = None,
    input_range: float | None = None,
) -> files.ModelFile:
    """Write a checkpoint folder in a format, whole or not at all.

    Raises ConfigError (a format that is unknown, a package that is missing), CheckpointError (damaged, or the file
    gives other probabilities than the model), PredictionError (the example does not fit), RunError (not written).
    """
    images = real_images(folder, run, format_name)
    return files.write(folder, format_name, path, about, images, example, input_range)


def make(folder: Path, run: Run | None, format_name: str, about: "About | None" = None) -> files.Content:
    """The file as bytes. Raises as `write`, but for RunError."""
    return files.make(folder, format_name, about, real_images(folder, run, format_name))[0]


def real_images(folder: Path, run: Run | None, format_name: str) -> list[Pixels]:
    """Images to check a file of the format with; [] for what is not computed with. Raises as `files.get_format`."""
    chosen = files.get_format(format_name)
    if chosen.packages:
        require(chosen.packages)
    if run is None or format_name == "safetensors":
        return []
    from unet_core.models.checkpoint import load_model

    return own_images(run, load_model(folder)[0].config)


def _middle(image: Pixels) -> Pixels:
    side = int(MOST_PIXELS**0.5)
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]
