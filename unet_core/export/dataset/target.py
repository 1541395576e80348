"""What every way of writing a dataset shares: its items, free file names, image files without loss."""

import io
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from unet_core.data.recipe.recipe import Recipe, Repair, Value, make_repair
from unet_core.errors import DataError
from unet_core.io.filenames import safe_stem, unique
from unet_core.io.pixels import Pixels

IMAGES = {"png": ".png", "tiff": ".tif"}  # image files by their kind
SUBSETS = ("train", "val", "test")
CHANNEL_LIKE = re.compile(r"_\d{4}$")

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Item:
    """One image of a dataset: `image` (H, W, C), `mask` (H, W) class indices, 255 where a pixel does not count.

    `objects` (H, W) number the objects from 1, None where they are not told apart. `is_color`: its channels are gray or
    red, green, blue.
    """

    id: str
    subset: str | None
    group: str | None
    image: Pixels
    mask: Array
    objects: NDArray[np.int32] | None
    is_color: bool


@dataclass(frozen=True)
class Facts:
    """What is known of the whole dataset before the first image is written.

    `names` of the classes in order, the background's first. `numbered`: all its masks tell objects apart, of one class.
    """

    names: tuple[str, ...]
    numbered: bool = False


@dataclass
class Target(ABC):
    """A folder that is filled with a dataset, `suffix` the ending of image files; each format is a subclass.

    `close` writes what belongs to all images. `warnings` say what the format cannot hold.
    """

    folder: Path
    facts: Facts
    suffix: str
    warnings: list[str] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)
    _groups: dict[str, list[str]] = field(default_factory=dict)

    @abstractmethod
    def add(self, item: Item) -> None:
        """Write one image with its mask. Raises DataError where the format cannot hold it."""

    @abstractmethod
    def close(self) -> None:
        """Write what belongs to all images."""

    def name(self, item: Item) -> str:
        """A file name without suffix that no other item has."""
        text = item.id.removeprefix(f"{item.subset}/") if item.subset else item.id
        stem = safe_stem(f"{text}.png").replace("/", "_")
        stem += "_image" * bool(CHANNEL_LIKE.search(stem))  # nnU-Net's ending of a channel
        return unique(stem, self._taken, before_suffix=False)

    def remember_group(self, item: Item, new_id: str) -> None:
        """Keep images of one group together in the new dataset too; `new_id` is what this will call the image."""
        if item.group:
            self._groups.setdefault(item.group, []).append(new_id)

    def write_recipe(self, *repairs: Repair, **settings: Value) -> None:
        """`studio.json`: the settings by which the masks are read as they were meant, and the groups of images."""
        together = [make_repair("together", ids) for ids in self._groups.values() if len(ids) > 1]
        recipe = Recipe((*together, *repairs), tuple(sorted(settings.items())))
        (self.folder / "studio.json").write_text(recipe.to_json(), encoding="utf-8")

    def write(self, path: str, data: bytes) -> None:
        """Write a file below the folder."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def encode_image(item: Item, suffix: str) -> bytes:
    """The bytes of an image file with the same pixels. Raises DataError where a PNG cannot hold them."""
    image = item.image
    if suffix == ".png":
        if image.dtype == np.float32 or not item.is_color:
            what = "32-bit float" if image.dtype == np.float32 else f"{image.shape[2]} channels that are no colors"
            raise DataError(f"{item.id}: a PNG cannot hold {what}. Write the images as TIFF (--images tiff).")
        shown = image[:, :, 0] if image.shape[2] == 1 else image[:, :, ::-1]
        return cv2.imencode(".png", np.ascontiguousarray(shown))[1].tobytes()
    file = io.BytesIO()
    if image.shape[2] == 1:
        tifffile.imwrite(file, image[:, :, 0], photometric="minisblack", compression="zlib", metadata=None)
    elif item.is_color:
        tifffile.imwrite(file, image, photometric="rgb", compression="zlib", metadata=None)
    else:
        planes = np.ascontiguousarray(np.moveaxis(image, 2, 0))
        tifffile.imwrite(file, planes, imagej=True, compression="zlib", metadata={"axes": "CYX"})
    return file.getvalue()


def encode_mask(mask: NDArray[Any]) -> bytes:
    """A PNG of (H, W) uint8 or uint16."""
    return cv2.imencode(".png", mask)[1].tobytes()


def list_values(classes: int, ignored: bool) -> dict[str, Value]:
    """The settings by which masks of class indices are read: 0, 1, ... and, where pixels do not count, one more value.

    `ignored`: the value after the last class does not count.
    """
    values = [str(value) for value in range(classes + ignored)]
    return {"color_map": ";".join(values), **({"ignore_index": classes} if ignored else {})}


def common_text(names: Sequence[str]) -> str:
    """Names of classes as the setting `class_names`, one that holds a comma with a blank for it."""
    return ",".join(" ".join(name.replace(",", " ").split()) for name in names)
