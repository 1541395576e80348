"""The commands about data: sample, separate."""

import argparse
from typing import Any

from unet_core.cli.output import tell
from unet_core.data import pairing, synthetic
from unet_core.data.layouts import mixed_folder
from unet_core.errors import DataError


def sample(parsed: argparse.Namespace) -> dict[str, Any]:
    """Write the built-in dataset as a folder."""
    folder = synthetic.write(parsed.output, parsed.images, parsed.seed)
    return {"output": str(folder), "images": parsed.images}


def separate(parsed: argparse.Namespace) -> dict[str, Any]:
    """Copy a folder in which images and masks lie mixed to a new one with `images/` and `masks/`; nothing is moved."""
    if not parsed.folder.is_dir():
        raise DataError(f"{parsed.folder}: there is no such folder. Give the folder that holds the images and masks.")
    found = mixed_folder(parsed.folder)
    if not found:
        raise DataError(f"{parsed.folder}: no images and masks were told apart, neither by their names nor by content.")
    for sample in found:
        tell(f"{sample.image.name}  mask: {', '.join(path.name for path in sample.masks)}")
    merged = pairing.separate({sample.id: (sample.image, sample.masks) for sample in found}, parsed.output)
    if merged:
        tell(f"{merged} images have several masks; these were merged into one PNG each, all else is copied unchanged")
    return {"output": str(parsed.output), "images": len(found), "merged": merged}
