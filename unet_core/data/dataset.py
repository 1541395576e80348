"""Images and masks of a dataset: decoded once, kept in memory as stored while there is room, read again beyond that."""

import contextlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import label_map, masks, quality
from unet_core.data.layouts import Sample
from unet_core.data.mask_values import ValueTable, has_colors, parse_color_map
from unet_core.data.normalization import statistics
from unet_core.errors import DataError, ImageError, PredictionError, listing
from unet_core.io import channels
from unet_core.io.channels import Kind
from unet_core.io.pixels import Pixels, full_range
from unet_core.models import architecture
from unet_core.models.channels import choose, resolve

MOST_UNREADABLE = 0.1  # share of images; above it the dataset is refused


@dataclass(frozen=True)
class Example:
    """One image (H, W, C) uint8, uint16 or float32, its raw mask (H, W) uint8, its mean and deviation (C,)."""

    image: Pixels
    raw_mask: NDArray[np.uint8]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        return self.image.nbytes + self.raw_mask.nbytes


class Dataset:
    """The decoded examples of `samples`, by index; kept in memory up to `cache_mb` MiB, read again beyond that.

    `load_dataset` makes one whose `model` has the channels and classes of the data filled in. `skipped` has a message
    for each file that cannot be read, `warnings` what else a user should know. `color_map` is the one that was detected
    in masks in colors, as the setting `color_map` has it; "" where none was.
    """

    def __init__(self, samples: list[Sample], model: ModelConfig, cache_mb: int) -> None:
        self.samples = samples
        self.model = model
        self.class_of_value = np.arange(256, dtype=np.uint8)  # raw mask value to class index
        self.value_table = ValueTable()  # what is in a mask file to raw mask value
        self.palettes_as_colors = False  # whether palettes of masks are read through their colors
        self.kinds: dict[str, Kind] = {}  # by image file: its channels, where its header could be read
        self.image_types: dict[str, tuple[np.dtype[Any], int]] = {}  # by sample id: type and channels as stored
        self.color_map = ""
        self.skipped: list[str] = []
        self.warnings: list[str] = []
        self._areas: dict[str, int] = {}
        self._free_bytes = cache_mb * 2**20
        self._cache: dict[str, Example] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        sample = self.samples[index]
        return self._cache.get(sample.id) or self._read(sample)

    def target(self, raw_mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Raw mask values to class indices, IGNORE where a pixel does not count; any shape, the same shape back."""
        return self.class_of_value[raw_mask]

    def area(self, index: int) -> int:
        """Pixels of an image, remembered since it was first read."""
        name = self.samples[index].id
        return self._areas[name] if name in self._areas else self[index].raw_mask.size

    def describe(self, index: int) -> tuple[int, float, float]:
        """What `splits.split` stratifies by: pixels of an image, how colored it is, how bright (of 255 levels)."""
        example = self[index]
        channels = example.image.reshape(-1, example.image.shape[2]).mean(0, dtype=np.float64)
        channels *= 255 / full_range(example.image)
        return example.raw_mask.size, float(channels.max() - channels.min()), float(channels.mean())

    def subset(self, ids: tuple[str, ...]) -> "Dataset":
        """Those of some samples, in the order of this dataset, sharing what is in memory; it caches nothing more."""
        chosen = set(ids)
        part = Dataset([sample for sample in self.samples if sample.id in chosen], self.model, 0)
        part.class_of_value, part.value_table = self.class_of_value, self.value_table
        part.palettes_as_colors, part._cache, part._areas = self.palettes_as_colors, self._cache, self._areas
        part.kinds = self.kinds
        return part

    def _read(self, sample: Sample) -> Example:
        image = channels.read((sample.image, *sample.channel_files), sample.page)
        raw_mask = self.value_table.encode(masks.read(sample, image.shape, self.palettes_as_colors))
        self.image_types[sample.id] = image.dtype, image.shape[2]
        self._areas[sample.id] = raw_mask.size
        image = self._choose_channels(sample, image)
        example = Example(image, raw_mask, *statistics(image, self.model.normalization))
        if example.nbytes <= self._free_bytes:
            self._free_bytes -= example.nbytes
            self._cache[sample.id] = example
        return example

    def _choose_channels(self, sample: Sample, image: Pixels) -> Pixels:
        """Those that the model takes. Raises ImageError where the header spoke of others than the file has."""
        kind = self.kinds.get(str(sample.image), Kind(image.shape[2]))
        names = kind.names if kind.number == image.shape[2] else ()
        if not self.model.in_channels:
            return image
        try:
            return choose(self.model, image.shape[2], names, str(sample.image)).apply(image)
        except PredictionError as error:
            raise ImageError(str(error)) from error


def load_dataset(samples: list[Sample], data: DataConfig, model: ModelConfig) -> Dataset:
    """Decode and check every sample once; `model` with its channels and classes filled in is the dataset's `model`.

    A file that cannot be read is skipped and named in `skipped`. Raises DataError that lists them all where they are
    more than a tenth or any mask has another size than its image, and where the masks have no clear classes;
    ConfigError where the crop size does not fit the model.
    """
    architecture.check_size(model, model.image_size, model.image_size)
    kinds = _find_channels(samples)
    model, told = resolve(model, kinds)
    dataset = Dataset(samples, model, data.cache_mb)
    dataset.kinds = kinds
    color_map = parse_color_map(data.color_map, Path(data.root)) if data.color_map else None
    dataset.palettes_as_colors = has_colors(color_map)
    counts, mismatches = _read_all(dataset)
    if mismatches:
        raise DataError(f"{len(mismatches)} masks do not fit their images: {' '.join(mismatches[:20])}")
    if len(dataset.skipped) > MOST_UNREADABLE * len(samples):
        raise DataError(
            f"{len(dataset.skipped)} of {len(samples)} images or masks cannot be read, more than a tenth: "
            f"{listing(dataset.skipped, 20)} Repair them or remove them from the folder."
        )
    classes = label_map.make_label_map(dataset.value_table, counts, model.num_classes, data.ignore_index, color_map)
    dataset.class_of_value, dataset.color_map = classes.table, classes.color_map
    dataset.model = replace(model, num_classes=classes.num_classes)
    present = {int(classes.table[value]) for value in counts}
    image_types = [dataset.image_types[sample.id] for sample in dataset.samples]
    dataset.warnings = [*told, *classes.warnings, *quality.find_problems(present, image_types, dataset.samples)]
    return dataset


def _read_all(dataset: Dataset) -> tuple[Counter[int], list[str]]:
    """Read every sample once and drop the unreadable ones: (pixels of each raw mask value, masks of a wrong size)."""
    counts: Counter[int] = Counter()
    mismatches, readable = [], []
    for index, sample in enumerate(dataset.samples):
        try:
            pixels = np.bincount(dataset[index].raw_mask.ravel(), minlength=256)
            counts.update({value: int(pixels[value]) for value in np.flatnonzero(pixels).tolist()})
            readable.append(sample)
        except ImageError as error:
            dataset.skipped.append(str(error))
        except DataError as error:
            mismatches.append(str(error))
    dataset.samples = readable
    return counts, mismatches


def _find_channels(samples: list[Sample]) -> dict[str, Kind]:
    """The channels of each image file by its header; one that cannot be read is left to `_read_all`."""
    kinds = {}
    for sample in samples:
        if str(sample.image) not in kinds:
            with contextlib.suppress(ImageError):
                kinds[str(sample.image)] = channels.describe((sample.image, *sample.channel_files))
    return kinds
