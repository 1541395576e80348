"""A training to try things on before the start: the real settings and device, a sample of the data, no run.

What the whole dataset would give (images, crops and steps of an epoch) is worked out from the headers of its files.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core.config.schema import RunConfig
from unet_core.data import dataset, discovery, sampling, splits
from unet_core.data.dataset import Dataset
from unet_core.data.fingerprint import spread
from unet_core.data.layouts import Sample
from unet_core.data.sampling import Batch
from unet_core.errors import DataError, ImageError
from unet_core.hardware import cores
from unet_core.io import images
from unet_core.models import checkpoint
from unet_core.training import finetune
from unet_core.training.state import TrainerState

MOST_IMAGES = 48  # that are decoded
MOST_HEADERS = 1000  # that are read for the sizes of all images


@dataclass(frozen=True)
class DatasetSize:
    """What the whole dataset amounts to: images of each part, crops of an epoch, pixels of a mean image."""

    images: int
    train_images: int
    val_images: int
    crops: int
    pixels: float


@dataclass
class Trial:
    """A training over a sample of the images; `whole` tells of them all, `read_seconds` is for one image."""

    config: RunConfig
    training: TrainerState
    pictures: Dataset
    whole: DatasetSize
    threads: int
    read_seconds: float

    @property
    def steps(self) -> int:
        """Optimizer steps of an epoch of all images."""
        return -(-self.whole.crops // self.config.train.batch_size)

    def batches(self, size: int) -> Iterator[Batch]:
        """Batches of `size` crops without end, cut, augmented and normalized as in training."""
        count = len(self.training.train_dataset)
        settings = replace(self.config.train, batch_size=size, crops_per_image=min(1024, -(-4 * size // count)))
        for epoch in itertools.count(1):
            for batch in sampling.batches(self.training.train_dataset, settings, epoch):
                if len(batch.ids) == size:
                    yield batch


def prepare(config: RunConfig, runs_dir: Path, most: int = MOST_IMAGES) -> Trial:
    """Read a sample of the data and build the net. Raises UnetError where a run could not begin either."""
    threads = config.train.threads or max(1, cores() - 1)
    torch.set_num_threads(threads)
    start = finetune.origin(config.train.init, runs_dir) if config.train.init else None
    model = finetune.adopt(config.model, start) if start else config.model
    found = discovery.find(Path(config.data.root), config.data.layout)
    chosen = _chosen(found, most)
    began = time.perf_counter()
    pictures = dataset.load_dataset(chosen, config.data, model)
    read_seconds = (time.perf_counter() - began) / len(chosen)
    config = replace(config, model=pictures.model)
    ids = {sample.id: sample.id for sample in pictures.samples}
    looks = {sample.id: pictures.describe(index) for index, sample in enumerate(pictures.samples)}
    settings = config.data
    split = splits.split(pictures.samples, settings.val_fraction, settings.test_fraction, config.train.seed, ids, looks)
    training = TrainerState(config, pictures.subset(split.train), pictures.subset(split.val))
    if start:
        stored, _ = checkpoint.load_model(start)
        training.load_weights(finetune.merged(stored.state_dict(), training.model.state_dict(), start)[0])
    return Trial(config, training, pictures, measure_dataset(found, config), threads, read_seconds)


def _chosen(found: list[Sample], most: int) -> list[Sample]:
    """A spread sample; of each part that folders name there is at least one image."""
    chosen = spread(found, most)
    missing = {sample.subset for sample in found} - {sample.subset for sample in chosen} - {"test"}
    return chosen + [next(sample for sample in found if sample.subset == part) for part in sorted(missing, key=str)]


def measure_dataset(found: list[Sample], config: RunConfig) -> DatasetSize:
    """What a dataset amounts to, from headers. Parts are counted as `samples.split` makes them."""
    given = {part: sum(sample.subset == part for sample in found) for part in ("val", "test")}
    free = len(found) - sum(given.values())
    drawn = {
        part: max(1, round(fraction * free)) if fraction > 0 and not given[part] else 0
        for part, fraction in (("val", config.data.val_fraction), ("test", config.data.test_fraction))
    }
    held_back = min(sum(drawn.values()), max(0, free - 1))
    val = min(drawn["val"], held_back)
    train = free - held_back
    areas = _areas(found)
    crops = sampling.crops_of(areas, config.model, config.train).mean() * train
    return DatasetSize(len(found), train, val + given["val"], max(1, round(crops)), float(areas.mean()))


def _areas(found: list[Sample]) -> NDArray[np.float64]:
    """Pixels of the images, of at most MOST_HEADERS of them."""
    areas = []
    for sample in found[:: -(-len(found) // MOST_HEADERS)]:
        try:
            height, width = images.size(sample.image, sample.page)
            areas.append(float(height * width))
        except ImageError:
            continue
    if not areas:
        raise DataError("No image of the dataset can be read.")
    return np.array(areas)
