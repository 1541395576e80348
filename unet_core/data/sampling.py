"""Random crops and batches of an epoch.

Each is a function of (seed, epoch, position) alone, so that a resumed run gets the crops it would have had.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unet_core.config.schema import ModelConfig, TrainConfig
from unet_core.data.augmentation import Augment
from unet_core.data.dataset import Dataset, Example
from unet_core.data.normalization import normalize
from unet_core.io.pixels import Pixels
from unet_core.models import architecture

MOST_CROPS = 4  # of one image in an epoch, where the settings leave it open


def crop_counts(dataset: Dataset, config: TrainConfig) -> NDArray[np.int64]:
    """How many crops an epoch takes of each image, (len(dataset),): as set, else as many as cover it, 1 to 4."""
    areas = np.array([dataset.area(index) for index in range(len(dataset))])
    return crops_of(areas, dataset.model, config)


def crops_of(areas: NDArray[Any], model: ModelConfig, config: TrainConfig) -> NDArray[np.int64]:
    """The same for images of `areas` pixels each."""
    if config.crops_per_image:
        return np.full(len(areas), config.crops_per_image)
    side = model.image_size - 2 * architecture.margin(model)
    return np.clip(np.round(areas / side**2), 1, MOST_CROPS).astype(np.int64)


def order(seed: int, epoch: int, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The image indices of one epoch's crops, shuffled: each as often as `counts` says.

    >>> sorted(order(0, 1, np.array([1, 2])).tolist())
    [0, 1, 1]
    """
    return np.random.default_rng([seed, epoch]).permutation(np.repeat(np.arange(len(counts)), counts))


def crop(example: Example, side: int, margin: int, rng: np.random.Generator) -> tuple[Pixels, NDArray[np.uint8]]:
    """A random square of (side, side) pixels of image and mask, mirrored at the edges of the image.

    It lies in the image widened by `margin` on each side, so that its middle, without the margin, lies in the image
    itself; an image that is smaller than that is widened further.
    """
    image, mask = example.image, example.mask
    missing = [max(2 * margin, side - length) for length in mask.shape]
    if any(missing):
        edges = (missing[0] // 2, missing[0] - missing[0] // 2, missing[1] // 2, missing[1] - missing[1] // 2)
        image, mask = widen(image, edges), widen(mask, edges)
    top, left = (int(rng.integers(length - side + 1)) for length in mask.shape)
    window = slice(top, top + side), slice(left, left + side)
    return image[window], mask[window]


def widen(pixels: Pixels, edges: tuple[int, int, int, int]) -> Pixels:
    """(H, W) or (H, W, C) mirrored at its edges by (top, bottom, left, right) pixels, however few it has itself."""
    wide = np.asarray(cv2.copyMakeBorder(pixels, *edges, cv2.BORDER_REFLECT_101), pixels.dtype)
    return wide.reshape(*wide.shape[:2], *pixels.shape[2:])  # OpenCV drops a single channel


@dataclass(frozen=True)
class Batch:
    """images (N, C, S, S) float32, target (N, S', S') int64 and the ids of the samples they were cut from.

    S' is S less the margin that an unpadded network loses on each side.
    """

    images: Tensor
    target: Tensor
    ids: list[str]


def batches(dataset: Dataset, config: TrainConfig, epoch: int) -> Iterator[Batch]:
    """The batches of one epoch; the last may be smaller."""
    augment = Augment(config.augment, dataset.model.normalization)
    side, margin = dataset.model.image_size, architecture.margin(dataset.model)
    middle = slice(margin, side - margin)
    indices = order(config.seed, epoch, crop_counts(dataset, config))
    for start in range(0, len(indices), config.batch_size):
        inputs, targets, ids = [], [], []
        for position, index in enumerate(indices[start : start + config.batch_size], start):
            rng = np.random.default_rng([config.seed, epoch, position])
            example = dataset[int(index)]
            image, mask = augment(*crop(example, side, margin, rng), seed=int(rng.integers(2**32)))
            inputs.append(normalize(image, example.mean, example.std))
            targets.append(torch.from_numpy(mask[middle, middle].astype(np.int64)))
            ids.append(dataset.samples[int(index)].id)
        yield Batch(torch.stack(inputs), torch.stack(targets), ids)


def steps_per_epoch(dataset: Dataset, config: TrainConfig) -> int:
    """The number of batches that `batches` gives."""
    return -(-int(crop_counts(dataset, config).sum()) // config.batch_size)
