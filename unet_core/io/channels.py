"""The channels of an image: of one file, or of several files with some channels each (nnU-Net's _0000, _0001)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io import images
from unet_core.io.images import ImageInfo
from unet_core.io.pixels import Pixels

COLORS = frozenset({"r", "g", "b", "red", "green", "blue"})  # names, in small letters, of what is one color together


@dataclass(frozen=True)
class Kind:
    """The channels of a file: how many, their names (or ()), and whether they are of several files or planes."""

    number: int
    names: tuple[str, ...] = ()
    stacked: bool = False

    @property
    def is_color(self) -> bool:
        """Whether its channels belong together: gray, or red, green and blue."""
        return self.number == 1 or (self.number == 3 and not self.stacked and are_colors(self.names))

    def __str__(self) -> str:
        words = "1 channel" if self.number == 1 else f"{self.number} channels"
        return f"{words} ({', '.join(self.names)})" if self.names else words


def read(files: Sequence[Path], page: int | None = None) -> Pixels:
    """(H, W, C) of all files together, in their order; `page` is the same one in each. Raises ImageError."""
    return stack([images.read(path, page) for path in files], [str(path) for path in files])


def read_valid(files: Sequence[Path], page: int | None = None) -> tuple[Pixels, NDArray[np.bool_] | None]:
    """`read`, and (H, W) False where any channel has no data, None where all have. Raises ImageError."""
    return read_with_remarks(files, page)[:2]


def read_with_remarks(
    files: Sequence[Path], page: int | None = None
) -> tuple[Pixels, NDArray[np.bool_] | None, tuple[str, ...]]:
    """`read_valid`, and a sentence for each thing that a user should know of the files. Raises ImageError."""
    parts, masks, remarks = zip(*(images.read_with_remarks(path, page) for path in files), strict=True)
    pixels = stack(parts, [str(path) for path in files])
    valid_masks = [valid for valid in masks if valid is not None]
    return pixels, np.logical_and.reduce(valid_masks) if valid_masks else None, tuple(chain.from_iterable(remarks))


def describe(files: Sequence[Path]) -> Kind:
    """What `read` gives, by the headers alone. Raises ImageError."""
    return join(images.describe(path) for path in files)


def join(described: Iterable[ImageInfo]) -> Kind:
    """The channels of several files together."""
    infos = list(described)
    names = tuple(name for info in infos for name in info.channel_names)
    number = sum(info.channels for info in infos)
    are_known = len(names) == number == len(set(names))
    planes = any(0 <= info.axes.find("C") < info.axes.find("Y") for info in infos)  # as microscopes write, not cameras
    return Kind(number, names if are_known else (), stacked=len(infos) > 1 or (planes and not are_known))


def stack(parts: Sequence[Pixels], names: Sequence[str]) -> Pixels:
    """Images (H, W, C) of one size as one with all channels; `names` are those of their files, for messages.

    8 bits beside 16 become 16 of the same share of the range, integers beside float32 float32 as they are. Raises
    ImageError where sizes differ.

    >>> stack([np.zeros((2, 3, 1), np.uint8), np.full((2, 3, 1), 65535, np.uint16)], ["a", "b"]).shape
    (2, 3, 2)
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    for part, name in zip(parts, names, strict=True):
        if part.shape[:2] != first.shape[:2]:
            sizes = [f"{pixels.shape[1]} x {pixels.shape[0]}" for pixels in (part, first)]
            raise ImageError(
                f"{name}: this channel is {sizes[0]} pixels, that of {Path(names[0]).name} {sizes[1]}. "
                "All channels of an image must have the same size."
            )
    dtype = np.result_type(*parts)
    if dtype == np.uint16:
        parts = [part.astype(np.uint16) * np.uint16(257) if part.dtype == np.uint8 else part for part in parts]
    return np.concatenate([part.astype(np.float32 if dtype.kind == "f" else dtype, copy=False) for part in parts], 2)


def are_colors(names: Sequence[str]) -> bool:
    """Whether three channels are red, green and blue as far as their names say; also where they have none."""
    return all(name.strip().lower() in COLORS for name in names)
