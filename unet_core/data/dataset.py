"""Pictures to tensors: decoded once, kept in memory as stored, cut to random crops, normalized.

Whatever looks random is a function of (seed, epoch, position), so that a resumed run sees the crops it would have seen.
"""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import label_map, mask_values, masks, quality
from unet_core.data.layouts import Sample
from unet_core.data.normalization import statistics
from unet_core.errors import DataError, ImageError, listing
from unet_core.io import images
from unet_core.io.pixels import Pixels, full_range, with_channels
from unet_core.models import architecture

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
    """The decoded pictures of samples, by index; kept in memory while `cache_mb` allows, else read again."""

    def __init__(self, samples: list[Sample], model: ModelConfig, cache_mb: int) -> None:
        self.samples = samples
        self.model = model
        self.table = np.arange(256, dtype=np.uint8)  # raw mask value to class index
        self.codes = mask_values.ValueTable()  # what is in a mask file to raw mask value
        self.colors = False  # whether palettes are read through their colors
        self.warnings: list[str] = []  # what `load` found that a user should know
        self.found_colors = ""  # the color map that `load` found, as the setting `color_map` has it
        self.kinds: dict[str, tuple[np.dtype[Any], int]] = {}  # type and channels of each image as stored
        self._areas: dict[str, int] = {}
        self._room = cache_mb * 2**20
        self._kept: dict[str, Example] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Example:
        sample = self.samples[index]
        return self._kept.get(sample.id) or self._read(sample)

    def target(self, raw_mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Raw mask values to class indices, IGNORE where a pixel does not count."""
        return self.table[raw_mask]

    def area(self, index: int) -> int:
        """Pixels of a picture, known since it was first read."""
        name = self.samples[index].id
        return self._areas[name] if name in self._areas else self[index].raw_mask.size

    def look(self, index: int) -> tuple[int, float, float]:
        """What a picture is like, for `samples.split`: its pixels, how colored it is, how bright (of 255 levels)."""
        picture = self[index]
        channels = picture.image.reshape(-1, picture.image.shape[2]).mean(0, dtype=np.float64)
        channels *= 255 / full_range(picture.image)
        return picture.raw_mask.size, float(channels.max() - channels.min()), float(channels.mean())

    def subset(self, ids: tuple[str, ...]) -> "Dataset":
        """Those of some samples, sharing what is in memory."""
        wanted = set(ids)
        part = Dataset([sample for sample in self.samples if sample.id in wanted], self.model, 0)
        part.table, part._kept, part.codes, part.colors = self.table, self._kept, self.codes, self.colors
        part._areas = self._areas
        return part

    def _read(self, sample: Sample) -> Example:
        image = images.read(sample.image, sample.page)
        raw_mask = self.codes.encode(masks.read(sample, image.shape, self.colors))
        self.kinds[sample.id] = image.dtype, image.shape[2]
        self._areas[sample.id] = raw_mask.size
        if self.model.in_channels:
            image = with_channels(image, self.model.in_channels)
        picture = Example(image, raw_mask, *statistics(image, self.model.normalization))
        if picture.nbytes <= self._room:
            self._room -= picture.nbytes
            self._kept[sample.id] = picture
        return picture


def load_dataset(samples: list[Sample], data: DataConfig, model: ModelConfig) -> tuple[Dataset, ModelConfig, list[str]]:
    """Decode and check every sample once: (pictures, the model config with what was found, the skipped files).

    A file that cannot be read is skipped and named; more than a tenth of them, or any mask of another size than its
    image, raises a DataError that lists them all. What else a user should know is in the pictures' `warnings`.
    """
    architecture.check_size(model, model.image_size, model.image_size)
    if model.in_channels == 0:
        model = replace(model, in_channels=_find_channels(samples))
    pictures = Dataset(samples, model, data.cache_mb)
    color_map = mask_values.parse(data.color_map, Path(data.root)) if data.color_map else None
    pictures.colors = color_map is not None and any(map(mask_values.is_color, color_map))
    counts: Counter[int] = Counter()
    skipped, contradictions, good = [], [], []
    for index, sample in enumerate(samples):
        try:
            pixels = np.bincount(pictures[index].raw_mask.ravel(), minlength=256)
            counts.update({value: int(pixels[value]) for value in np.flatnonzero(pixels).tolist()})
            good.append(sample)
        except ImageError as error:
            skipped.append(str(error))
        except DataError as error:
            contradictions.append(str(error))
    if contradictions:
        raise DataError(f"{len(contradictions)} masks do not fit their images: {' '.join(contradictions[:20])}")
    if len(skipped) > MOST_UNREADABLE * len(samples):
        raise DataError(
            f"{len(skipped)} of {len(samples)} images or masks cannot be read, more than a tenth: "
            f"{listing(skipped, 20)} Repair them or take them out of the folder."
        )
    classes = label_map.make_label_map(pictures.codes, counts, model.num_classes, data.ignore_index, color_map)
    pictures.table, pictures.found_colors = classes.table, classes.found
    pictures.samples = good
    pictures.model = replace(model, num_classes=classes.num_classes)
    found = {int(classes.table[value]) for value in counts}
    kinds = [pictures.kinds[sample.id] for sample in good]
    pictures.warnings = [*classes.warnings, *quality.find_problems(found, kinds, good)]
    return pictures, pictures.model, skipped


def _find_channels(samples: list[Sample]) -> int:
    """1 where the first readable images are gray, else 3."""
    for sample in samples[:10]:
        try:
            if images.read(sample.image, sample.page).shape[2] == 3:
                return 3
        except ImageError:
            continue
    return 1
