"""A trial training for measurements: the real settings and device, a sample of the dataset, no run on disk.

The size of the whole dataset (images, crops and steps per epoch) is computed from the headers of its files.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import dataset, discovery, sampling, splits
from unet_core.data.dataset import Dataset
from unet_core.data.fingerprint import spread
from unet_core.data.groups.grouping import find_groups
from unet_core.data.layouts import Sample
from unet_core.data.recipe import recipes
from unet_core.data.sampling import Batch
from unet_core.errors import DataError, ImageError
from unet_core.hardware import cores
from unet_core.io import images
from unet_core.models import checkpoint
from unet_core.training import finetune
from unet_core.training.state import TrainerState

MAX_IMAGES = 48  # that are decoded
MAX_HEADERS = 1000  # that are read for the size of the images


@dataclass(frozen=True)
class DatasetSize:
    """Size of a dataset: images in total, for training and for validation, crops per epoch, mean pixels per image."""

    images: int
    train_images: int
    val_images: int
    crops: int
    pixels: float


@dataclass
class Trial:
    """A training on a sample of the images; `dataset_size` is of all, `read_seconds` the time to read one image.

    `warnings` tell what a setting of `group_by` did to all images; what "auto" finds in their pixels a run tells.
    """

    config: RunConfig
    training: TrainerState
    dataset: Dataset
    dataset_size: DatasetSize
    threads: int
    read_seconds: float
    warnings: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Optimizer steps per epoch of the whole dataset."""
        return -(-self.dataset_size.crops // self.config.train.batch_size)

    def batches(self, size: int) -> Iterator[Batch]:
        """Endless batches of `size` crops, cut, augmented and normalized as in training."""
        count = len(self.training.train_dataset)
        settings = replace(self.config.train, batch_size=size, crops_per_image=min(1024, -(-4 * size // count)))
        for epoch in itertools.count(1):
            for batch in sampling.batches(self.training.train_dataset, settings, epoch):
                if len(batch.ids) == size:
                    yield batch


def prepare(config: RunConfig, runs_dir: Path, max_images: int = MAX_IMAGES) -> Trial:
    """Read a sample of the dataset and build the model. Raises UnetError where a run could not start either."""
    config = recipes.configure(config, recipes.of(config.data))
    threads = config.train.threads or max(1, cores() - 1)
    torch.set_num_threads(threads)
    start = finetune.origin(config.train.init, runs_dir) if config.train.init else None
    model = finetune.adopt(config.model, start) if start else config.model
    search = discovery.search_data(config.data)
    samples = list(search.samples)
    chosen = _choose_samples(samples, max_images)
    began = time.perf_counter()
    examples = dataset.load_dataset(chosen, config.data, model, None, search)
    read_seconds = (time.perf_counter() - began) / len(chosen)
    config = replace(config, model=examples.model)
    looks = {sample.id: examples.describe(index) for index, sample in enumerate(examples.samples)}
    split = _split(examples.samples, config.data, looks)
    training = TrainerState(config, examples.subset(split.train), examples.subset(split.val))
    if start:
        stored, _ = checkpoint.load_model(start)
        training.load_weights(finetune.merged(stored.state_dict(), training.model.state_dict(), start)[0])
    warnings = find_groups(samples, config.data.group_by).messages if config.data.group_by != "auto" else ()
    return Trial(config, training, examples, measure_dataset(samples, config), threads, read_seconds, warnings)


def _choose_samples(samples: list[Sample], count: int) -> list[Sample]:
    """Samples at even distances, and at least one of each subset that the folders define (train, val)."""
    chosen = spread(samples, count)
    missing = {sample.subset for sample in samples} - {sample.subset for sample in chosen} - {"test"}
    return chosen + [next(sample for sample in samples if sample.subset == part) for part in sorted(missing, key=str)]


def _split(samples: list[Sample], data: DataConfig, looks: Mapping[str, tuple[float, ...]]) -> splits.Split:
    """The split of a run as far as names and folders tell which images belong together."""
    samples = splits.hold_out(samples, data.hold_out)
    ids = {sample.id: sample.id for sample in samples}
    groups = find_groups(samples, data.group_by).group_of
    return splits.split(samples, data.val_fraction, data.test_fraction, data.split_seed, ids, looks, groups)


def measure_dataset(samples: list[Sample], config: RunConfig) -> DatasetSize:
    """The size of a dataset, from the headers of its files; groups that only pixels show are not counted."""
    split = _split(samples, config.data, {sample.id: () for sample in samples})
    train = len(split.train)
    areas = _areas(samples)
    crops = sampling.crops_of(areas, config.model, config.train).mean() * train
    return DatasetSize(len(samples), train, len(split.val), max(1, round(crops)), float(areas.mean()))


def _areas(samples: list[Sample]) -> NDArray[np.float64]:
    """The number of pixels of each image, of at most MAX_HEADERS of them."""
    areas = []
    for sample in samples[:: -(-len(samples) // MAX_HEADERS)]:
        try:
            height, width = images.size(sample.image, sample.page)
            areas.append(float(height * width))
        except ImageError:
            continue
    if not areas:
        raise DataError("None of the images of the dataset can be read.")
    return np.array(areas)
