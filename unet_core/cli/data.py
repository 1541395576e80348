"""The commands about datasets: sample, separate."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.cli.common import add_command
from unet_core.cli.output import echo
from unet_core.data import pairing, synthetic
from unet_core.data.layouts import LAYOUTS
from unet_core.errors import DataError

if TYPE_CHECKING:
    from unet_core.cli.common import Commands


def add_arguments(commands: "Commands") -> None:
    parser = add_command(commands, "sample", sample, "write the built-in synthetic dataset to a folder")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--images", type=int, default=48, help="number of images (default: 48)")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: 0)")

    parser = add_command(commands, "separate", separate, "copy mixed images and masks into images/ and masks/")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder with images and masks side by side")
    parser.add_argument("--output", type=Path, required=True, help="new folder to write")


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
