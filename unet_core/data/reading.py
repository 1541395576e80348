"""The one gate for the images of a dataset: decoded, with the repairs of the dataset's recipe."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.data.discovery import content_hash
from unet_core.data.layouts import Sample
from unet_core.data.recipe import intensity
from unet_core.io import channels
from unet_core.io.pixels import Pixels


@dataclass(frozen=True)
class ReadImage:
    """The image of a sample: `image` (H, W, C) uint8, uint16 or float32 with its repairs, `stored` without.

    `valid` (H, W) is False where a channel has no data, None where all have. `remarks` are sentences for the user.
    """

    image: Pixels
    stored: Pixels
    valid: NDArray[np.bool_] | None = None
    remarks: tuple[str, ...] = ()


def read(sample: Sample) -> ReadImage:
    """The image of a sample with all that is known of it. Raises ImageError."""
    stored, valid, remarks = channels.read_with_remarks((sample.image, *sample.channel_files), sample.page)
    return ReadImage(intensity.repair(stored, sample.repairs), stored, valid, remarks)


def read_image(sample: Sample) -> Pixels:
    """(H, W, C) the image of a sample with the repairs of its recipe. Raises ImageError."""
    return read(sample).image


def read_stored(sample: Sample) -> Pixels:
    """(H, W, C) the image of a sample as its files hold it, by which it is known again. Raises ImageError."""
    return channels.read((sample.image, *sample.channel_files), sample.page)


def digest(sample: Sample) -> str:
    """The same for the same files and the same repairs of the image, different for any other; for caches."""
    repairs = [(repair.kind, repair.options) for repair in intensity.concerns(sample.repairs)]
    hashes = [content_hash(sample.image, sample.page), *map(content_hash, sample.channel_files)]
    return " ".join(hashes) + (f" {repairs}" if repairs else "")
