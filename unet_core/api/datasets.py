"""`open_dataset` and `plan`: a folder as training sees it, and the settings that suit it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unet_core.api.settings import data_settings, run_settings
from unet_core.config.schema import RunConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unet_core.data import dataset
    from unet_core.export.dataset.convert import Converted
    from unet_core.planning.planner import Advice


@dataclass(frozen=True)
class DatasetItem:
    """One image of a dataset, as training sees it.

    `image` (H, W, C) uint8, uint16 or float32; `mask` (H, W) uint8 class indices, 255 where a pixel does not count (for
    one class: 0 background, 1 foreground); `path` of the image's file; `id`, its name within the dataset.
    """

    image: "NDArray[Any]"
    mask: "NDArray[np.uint8]"
    path: Path
    id: str


class OpenDataset:
    """The images and masks of a folder exactly as training would see them; made by `open_dataset`."""

    def __init__(self, examples: "dataset.Dataset") -> None:
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> DatasetItem:
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no image {index}; the dataset has {len(self)}.")
        index %= len(self)
        example, sample = self._examples[index], self._examples.samples[index]
        return DatasetItem(example.image, example.mask, sample.image, sample.id)

    def __iter__(self) -> Iterator[DatasetItem]:
        return (self[index] for index in range(len(self)))

    @property
    def num_classes(self) -> int:
        """1 for binary masks, else the number of classes with the background."""
        return self._examples.model.num_classes

    @property
    def warnings(self) -> list[str]:
        """What a user should know about the data: files that were left out, what was guessed, and by what evidence."""
        return [*self._examples.skipped, *self._examples.warnings]


def open_dataset(folder: str | Path, **settings: Any) -> OpenDataset:
    """Read a folder of images and masks exactly as training would.

    Args:
        folder: Folder with images and masks, in one of the layouts of docs/datasets.md.
        settings: Settings of the data or model by name: `layout`, `unlabeled`, `labels`, `ignore_index`,
            `color_map`, `num_classes`, `class_names`, `in_channels`, `channels`, `recipe`, `cache_mb`.

    Returns:
        A sequence of `DatasetItem` (`.image`, `.mask`, `.path`, `.id`) with `.num_classes` and `.warnings`.

    Raises:
        DataError: The folder cannot be used; the message says why and what to do.
        ConfigError: A setting does not exist or is out of range.

    Example:
        >>> from unet_core import open_dataset
        >>> cells = open_dataset("cells")
        >>> len(cells), cells.num_classes, cells[0].image.shape, cells[0].mask.dtype.name
        (48, 1, (301, 274, 1), 'uint8')
    """
    from unet_core.data import dataset, discovery
    from unet_core.data.recipe import recipes

    config = data_settings(folder, settings, RunConfig())
    recipe = recipes.of(config.data)
    config = recipes.configure(config, recipe)
    search = discovery.search(Path(folder), config.data.layout, unlabeled=config.data.unlabeled, recipe=recipe)
    return OpenDataset(dataset.load_dataset(list(search.samples), config.data, config.model, None, search))


def convert_dataset(
    data: str | Path,
    output: str | Path,
    *,
    format: str = "folders",
    images: str = "png",
    **settings: Any,
) -> "Converted":
    """Write a dataset of any layout to a new folder, with its repairs applied; the source is left as it is.

    Args:
        data: Folder with images and masks, in one of the layouts of docs/datasets.md.
        output: Folder to write; it must not hold anything.
        format: "folders" (`images/` and `masks/` with class indices, 255 where a pixel does not count, or with 16-bit
            numbers of objects where the masks have these), "coco" (run lengths), or "nnunet" (version 2). Parts for
            training, validation and test that the source has stay what they are.
        images: "png", or "tiff", which also holds 32-bit float and any number of channels.
        settings: Settings of the data or model by name, as for `open_dataset`.

    Returns:
        A `Converted`: `.folder`, `.images` (how many) and `.warnings`.

    Raises:
        DataError: The source cannot be used, the format cannot hold it, or `output` holds files.
        ConfigError: A setting does not exist or is out of range.

    Example:
        >>> from unet_core import convert_dataset, open_dataset
        >>> convert_dataset("cells", "cells-nnunet", format="nnunet").images
        48
        >>> len(open_dataset("cells-nnunet"))
        48
    """
    from unet_core.export.dataset import convert

    return convert.convert(data_settings(data, settings, RunConfig()), Path(output), format, images)


def plan(data: str | Path, **settings: Any) -> "list[Advice]":
    """Suggest settings for a dataset, each with its reason, from the images' own numbers and this machine.

    Args:
        data: Folder with images and masks.
        settings: Settings that stand already, for example `device="cpu"`.

    Returns:
        One `Advice` for each setting: `.setting`, `.value`, `.current` (the value as it stands), `.changes`, `.reason`.

    Raises:
        ConfigError: A setting does not exist or is out of range.
        DataError: The folder cannot be used.

    Example:
        >>> from unet_core import plan, train
        >>> changes = {item.setting: item.value for item in plan("cells") if item.changes}
        >>> isinstance(changes, dict)
        True
    """
    from unet_core.data import discovery, fingerprint
    from unet_core.data.recipe import recipes
    from unet_core.hardware import Machine
    from unet_core.planning import planner

    config = run_settings(data, "default", settings)
    config = recipes.configure(config, recipes.of(config.data))
    search = discovery.search_data(config.data)
    numbers = fingerprint.measure_samples(search.samples, config.data, config.model.num_classes, search=search)
    return planner.propose(numbers, Machine.here(config.train.device), config)
