"""The commands about datasets: sample, separate, convert."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command
from unet_core.cli.output import echo, warn
from unet_core.config.schema import RunConfig, all_fields
from unet_core.data import pairing, synthetic
from unet_core.data.layouts import LAYOUTS
from unet_core.errors import DataError

if TYPE_CHECKING:
    from unet_core.cli.common import Commands

SETTINGS = ("layout", "unlabeled", "labels", "ignore_index", "color_map", "num_classes", "class_names", "recipe")


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "sample", sample, "write the built-in synthetic dataset to a folder")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--images", type=int, default=48, help="number of images (default: 48)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")

    parser = add_command(commands, "separate", separate, "copy mixed images and masks into images/ and masks/")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder with images and masks side by side")
    parser.add_argument("--output", type=Path, required=True, help="new folder to write")

    text = "write a dataset of any layout as folders, COCO or nnU-Net, with its repairs"
    parser = add_command(commands, "convert", convert_dataset, text)
    parser.add_argument("data", metavar="DATA", type=Path, help="dataset folder with images and masks")
    parser.add_argument("--output", metavar="DIR", type=Path, required=True, help="new folder to write")
    text = "folders (images/ and masks/), coco or nnunet (default: folders)"
    parser.add_argument("--format", choices=("folders", "coco", "nnunet"), default="folders", help=text)
    text = "image files to write; tiff also holds 32-bit float and any number of channels (default: png)"
    parser.add_argument("--images", choices=("png", "tiff"), default="png", help=text)
    for option in all_fields():
        if option.name in SETTINGS:
            flag, text = f"--{option.name.replace('_', '-')}", f"{option.description}"
            parser.add_argument(flag, dest=option.name, type=option.kind, choices=option.choices, help=text)


def convert_dataset(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write a dataset of any layout to a new folder as paired folders, COCO or nnU-Net v2.

    The repairs of its studio.json are applied; the source is left as it is.
    """
    from unet_core.export.dataset.convert import convert

    values = {name: value for name in SETTINGS if (value := getattr(parsed, name)) is not None}
    config = RunConfig().replace(root=str(parsed.data.resolve()), **values)
    result = convert(config, parsed.output, parsed.format, parsed.images)
    for message in result.warnings:
        warn(message)
    return {"output": str(result.folder), "images": result.images, "warnings": list(result.warnings)}


def sample(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write the built-in synthetic dataset to a folder."""
    folder = synthetic.write(parsed.output, parsed.images, parsed.seed)
    return {"output": str(folder), "images": parsed.images}


def separate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Copy a folder of mixed images and masks to a new one with `images/` and `masks/`. The originals stay."""
    if not parsed.folder.is_dir():
        raise DataError(f"{parsed.folder}: there is no such folder. Give the folder that holds the images and masks.")
    samples = LAYOUTS["mixed"].find(parsed.folder)
    if not samples:
        raise DataError(
            f"{parsed.folder}: images and masks could not be paired, neither by name nor by content. "
            "Name each mask after its image, for example a.png and a_mask.png."
        )
    for item in samples:
        echo(f"{item.image.name}  mask: {', '.join(path.name for path in item.masks)}")
    merged = pairing.separate({item.id: (item.image, item.masks) for item in samples}, parsed.output)
    if merged:
        echo(f"{merged} images have several masks, merged into one PNG each; all other files are copied unchanged")
    return {"output": str(parsed.output), "images": len(samples), "merged": merged}
