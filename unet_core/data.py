"""Pictures to tensors: decoded once, kept in memory as stored, cut to random crops, normalised.

Whatever looks random is a function of (seed, epoch, position), so that a resumed run sees the crops it would have seen.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unet_core import anatomy, colours, images, masks, oddities
from unet_core.augment import Augment
from unet_core.config import DataConfig, ModelConfig, TrainConfig
from unet_core.errors import DataError, ImageError, listing
from unet_core.samples import Sample

MOST_CROPS = 4  # of one image in an epoch, where the settings leave it open
MOST_UNREADABLE = 0.1  # share of images; above it the data set is refused


@dataclass(frozen=True)
class Picture:
    """One image (H, W, C) uint8, uint16 or float32, its raw mask (H, W) uint8, its mean and deviation (C,)."""

    image: images.Pixels
    raw_mask: NDArray[np.uint8]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @property
    def nbytes(self) -> int:
        return self.image.nbytes + self.raw_mask.nbytes


def statistics(image: images.Pixels, normalisation: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(mean, std), (C,) each, in the image's own levels: what `normalise` subtracts and divides by.

    "zscore" takes both over all channels together, so that the colour of a stain stays to be seen. "unit" divides by
    the range of the dtype: 255, 65535, or 1 for float.
    """
    channels, whole = image.shape[2], images.full_range(image)
    if normalisation == "unit":
        return np.zeros(channels, np.float32), np.full(channels, whole, np.float32)
    mean, std = cv2.meanStdDev(image.reshape(-1, 1))
    deviation = float(std[0, 0])
    if whole > 1:
        deviation = max(deviation, whole / 255)  # a flat image stays flat
    elif deviation <= 1e-5 * abs(float(mean[0, 0])):
        deviation = 1.0  # float has no smallest step to go by
    return np.full(channels, mean[0, 0], np.float32), np.full(channels, deviation, np.float32)


def normalise(image: images.Pixels, mean: NDArray[np.float32], std: NDArray[np.float32]) -> Tensor:
    """(H, W, C) uint8, uint16 or float32 to (C, H, W) float32."""
    scaled = (image.astype(np.float32) - mean) / std
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))


class Pictures:
    """The decoded pictures of samples, by index; kept in memory while `cache_mb` allows, else read again."""

    def __init__(self, samples: list[Sample], model: ModelConfig, cache_mb: int) -> None:
        self.samples = samples
        self.model = model
        self.table = np.arange(256, dtype=np.uint8)  # raw mask value to class index
        self.codes = colours.Codes()  # what is in a mask file to raw mask value
        self.colours = False  # whether palettes are read through their colours
        self.warnings: list[str] = []  # what `load` found that a user should know
        self.found_colours = ""  # the colour map that `load` found, as the setting `colour_map` has it
        self.kinds: dict[str, tuple[np.dtype[Any], int]] = {}  # type and channels of each image as stored
        self._areas: dict[str, int] = {}
        self._room = cache_mb * 2**20
        self._kept: dict[str, Picture] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Picture:
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
        """What a picture is like, for `samples.split`: its pixels, how coloured it is, how bright (of 255 levels)."""
        picture = self[index]
        channels = picture.image.reshape(-1, picture.image.shape[2]).mean(0, dtype=np.float64)
        channels *= 255 / images.full_range(picture.image)
        return picture.raw_mask.size, float(channels.max() - channels.min()), float(channels.mean())

    def subset(self, ids: tuple[str, ...]) -> "Pictures":
        """Those of some samples, sharing what is in memory."""
        wanted = set(ids)
        part = Pictures([sample for sample in self.samples if sample.id in wanted], self.model, 0)
        part.table, part._kept, part.codes, part.colours = self.table, self._kept, self.codes, self.colours
        part._areas = self._areas
        return part

    def _read(self, sample: Sample) -> Picture:
        image = images.read(sample.image, sample.page)
        raw_mask = self.codes.encode(masks.read(sample, image.shape, self.colours))
        self.kinds[sample.id] = image.dtype, image.shape[2]
        self._areas[sample.id] = raw_mask.size
        if self.model.in_channels:
            image = images.with_channels(image, self.model.in_channels)
        picture = Picture(image, raw_mask, *statistics(image, self.model.normalisation))
        if picture.nbytes <= self._room:
            self._room -= picture.nbytes
            self._kept[sample.id] = picture
        return picture


def load(samples: list[Sample], data: DataConfig, model: ModelConfig) -> tuple[Pictures, ModelConfig, list[str]]:
    """Decode and check every sample once: (pictures, the model config with what was found, the skipped files).

    A file that cannot be read is skipped and named; more than a tenth of them, or any mask of another size than its
    image, raises a DataError that lists them all. What else a user should know is in the pictures' `warnings`.
    """
    anatomy.check_size(model, model.image_size, model.image_size)
    if model.in_channels == 0:
        model = replace(model, in_channels=_found_channels(samples))
    pictures = Pictures(samples, model, data.cache_mb)
    colour_map = colours.parse(data.colour_map, Path(data.root)) if data.colour_map else None
    pictures.colours = colour_map is not None and any(map(colours.is_colour, colour_map))
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
    classes = masks.classes(pictures.codes, counts, model.num_classes, data.ignore_index, colour_map)
    pictures.table, pictures.found_colours = classes.table, classes.found
    pictures.samples = good
    pictures.model = replace(model, num_classes=classes.num_classes)
    found = {int(classes.table[value]) for value in counts}
    kinds = [pictures.kinds[sample.id] for sample in good]
    pictures.warnings = [*classes.warnings, *oddities.told(found, kinds, good)]
    return pictures, pictures.model, skipped


def _found_channels(samples: list[Sample]) -> int:
    """1 where the first readable images are grey, else 3."""
    for sample in samples[:10]:
        try:
            if images.read(sample.image, sample.page).shape[2] == 3:
                return 3
        except ImageError:
            continue
    return 1


def crop_counts(pictures: Pictures, config: TrainConfig) -> NDArray[np.int64]:
    """How many crops an epoch takes of each picture, (len(pictures),): as set, else as many as cover it, 1 to 4."""
    areas = np.array([pictures.area(index) for index in range(len(pictures))])
    return crops_of(areas, pictures.model, config)


def crops_of(areas: NDArray[Any], model: ModelConfig, config: TrainConfig) -> NDArray[np.int64]:
    """The same for pictures of so many pixels."""
    if config.crops_per_image:
        return np.full(len(areas), config.crops_per_image)
    side = model.image_size - 2 * anatomy.margin(model)
    return np.clip(np.round(areas / side**2), 1, MOST_CROPS).astype(np.int64)


def order(seed: int, epoch: int, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The picture indices of one epoch's crops, shuffled: each as often as `counts` says."""
    return np.random.default_rng([seed, epoch]).permutation(np.repeat(np.arange(len(counts)), counts))


def crop(picture: Picture, side: int, margin: int, rng: np.random.Generator) -> tuple[images.Pixels, NDArray[np.uint8]]:
    """A random square of (side, side) of image and raw mask, mirrored at the edges of the picture.

    It lies in the picture widened by `margin` on each side, so that its middle, without the margin, lies in the picture
    itself; a picture that is smaller than that is widened further.
    """
    image, raw_mask = picture.image, picture.raw_mask
    missing = [max(2 * margin, side - length) for length in raw_mask.shape]
    if any(missing):
        edges = (missing[0] // 2, missing[0] - missing[0] // 2, missing[1] // 2, missing[1] - missing[1] // 2)
        image, raw_mask = widen(image, edges), widen(raw_mask, edges)
    top, left = (int(rng.integers(length - side + 1)) for length in raw_mask.shape)
    window = slice(top, top + side), slice(left, left + side)
    return image[window], raw_mask[window]


def widen(pixels: images.Pixels, edges: tuple[int, int, int, int]) -> images.Pixels:
    """(H, W) or (H, W, C) mirrored at its edges by (top, bottom, left, right) pixels, however few it has itself."""
    wide = np.asarray(cv2.copyMakeBorder(pixels, *edges, cv2.BORDER_REFLECT_101), pixels.dtype)
    return wide.reshape(*wide.shape[:2], *pixels.shape[2:])  # OpenCV drops a single channel


@dataclass(frozen=True)
class Batch:
    """images (N, C, S, S) float32, target (N, S', S') int64 and the ids of the samples they were cut from.

    S' is S less the margin that an unpadded net eats on each side.
    """

    images: Tensor
    target: Tensor
    ids: list[str]


def batches(pictures: Pictures, config: TrainConfig, epoch: int) -> Iterator[Batch]:
    """The batches of one epoch; the last may be smaller."""
    augment = Augment(config.augment)
    side, margin = pictures.model.image_size, anatomy.margin(pictures.model)
    middle = slice(margin, side - margin)
    indices = order(config.seed, epoch, crop_counts(pictures, config))
    for start in range(0, len(indices), config.batch_size):
        inputs, targets, ids = [], [], []
        for position, index in enumerate(indices[start : start + config.batch_size], start):
            rng = np.random.default_rng([config.seed, epoch, position])
            picture = pictures[int(index)]
            image, raw_mask = augment(*crop(picture, side, margin, rng), seed=int(rng.integers(2**32)))
            inputs.append(normalise(image, picture.mean, picture.std))
            targets.append(torch.from_numpy(pictures.target(raw_mask[middle, middle]).astype(np.int64)))
            ids.append(pictures.samples[int(index)].id)
        yield Batch(torch.stack(inputs), torch.stack(targets), ids)


def steps_per_epoch(pictures: Pictures, config: TrainConfig) -> int:
    """The number of batches that `batches` gives."""
    return -(-int(crop_counts(pictures, config).sum()) // config.batch_size)
