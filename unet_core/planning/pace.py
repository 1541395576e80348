"""How long a run will take, before it starts: from earlier runs, a pre-flight check, or a measurement of the machine.

    pace = of_history(...) or of_report(...)
    estimate_seconds(config, shape, pace)

An epoch takes its training steps, the validation and the saving. Steps take time in proportion to the multiply-adds of
their crops; narrow models take more for each (`narrowness`), as measured on CPUs. Free of torch.
"""

import math
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.hardware import cores
from unet_core.models import architecture
from unet_core.planning import process
from unet_core.planning.planner import DEFAULT_CROPS
from unet_core.planning.process import Check
from unet_core.planning.report import Report
from unet_core.runs.history import History

REFERENCE = 16  # base channels
START_SECONDS = 4.0  # until the trainer reads the first image
SAVE_SECONDS = 0.15  # of the checkpoints of an epoch, and of its snapshots
VAL_SHARE = 0.35  # time of a multiply-add in validation, of that in training: without the way back, but with scores
READ_SECONDS = 0.01  # to read an image
KIND = "pace"  # of the check that measures the machine


@dataclass(frozen=True)
class DatasetShape:
    """Images for training and validation, and pixels of an image."""

    train_images: int
    val_images: int
    pixels: float

    @classmethod
    def of(cls, data: Fingerprint, config: RunConfig, subsets: Sequence[str | None] = ()) -> "DatasetShape":
        """From a fingerprint, and the subset ("train", "val", "test" or None) of each image where folders name them."""
        val, test = config.data.val_fraction, config.data.test_fraction
        images = data.images
        if "val" in subsets:
            val_images = sum(subset == "val" for subset in subsets)
            train_images = sum(subset not in ("val", "test") for subset in subsets)
        else:
            images = sum(subset != "test" for subset in subsets) or images
            val_images = round(images * val)
            train_images = max(1, images - val_images - round(images * test))
        return cls(train_images, val_images, float(data.height * data.width))


@dataclass(frozen=True)
class Pace:
    """Seconds of a multiply-add in training a model of 16 base channels, and what an epoch and a run take besides.

    `basis` says in words what it is based on.
    """

    seconds: float
    basis: str
    val_share: float = VAL_SHARE
    save_seconds: float = SAVE_SECONDS
    read_seconds: float = READ_SECONDS


def narrowness(base_channels: int) -> float:
    """Time of a multiply-add relative to a model of 16 base channels: few channels use a processor badly.

    >>> narrowness(16), round(narrowness(8), 1), round(narrowness(32), 1)
    (1.0, 1.7, 0.8)
    """
    return 0.7 + 0.3 * math.pow(REFERENCE / base_channels, 1.75)


def multiply_adds(model: ModelConfig, channels: int = 3) -> float:
    """Multiply-adds of a training crop, weighed by the width of the model."""
    settings = RunConfig(model=model).replace(
        in_channels=model.channels_or(max(1, channels)), num_classes=model.num_classes or 1
    )
    side = model.image_size
    return float(architecture.multiply_adds(settings.model, side) * narrowness(model.base_channels))


def count_crops(config: RunConfig, pixels: float) -> int:
    """Crops that an epoch takes of an image of so many pixels, as `sampling.crops_of` counts them."""
    if config.train.crops_per_image:
        return config.train.crops_per_image
    side = config.model.image_size - 2 * architecture.margin(config.model)
    return max(1, min(DEFAULT_CROPS, round(pixels / side**2)))


def estimate_seconds(config: RunConfig, shape: DatasetShape, pace: Pace, channels: int = 3) -> float:
    """From the start to the end of a run with these settings."""
    crop = multiply_adds(config.model, channels) * pace.seconds
    train = crop * shape.train_images * count_crops(config, shape.pixels)
    val = crop * pace.val_share * shape.val_images * shape.pixels / config.model.image_size**2
    start = START_SECONDS + pace.read_seconds * (shape.train_images + shape.val_images)
    return start + config.train.epochs * (train + val + pace.save_seconds)


def of_history(config: RunConfig, history: History, basis: str) -> Pace | None:
    """The pace of an earlier run by the crops that it trained with in a second; None before its first epoch."""
    rates = [epoch.images_per_second for epoch in history.epochs[-8:] if epoch.images_per_second > 0]
    if not rates:
        return None
    channels = history.started.in_channels if history.started else 3
    return Pace(1 / (statistics.median(rates) * multiply_adds(config.model, channels)), basis)


def of_report(config: RunConfig, report: Report, basis: str) -> Pace:
    """The pace of a pre-flight check."""
    data = report.fingerprint
    crop = report.step_seconds / report.batch_size
    seconds = crop / multiply_adds(config.model, data.channels)
    crops = report.val_images * data.height * data.width / config.model.image_size**2
    return Pace(
        seconds,
        basis,
        report.val_seconds / (crops * crop) if crops and report.val_seconds else VAL_SHARE,
        report.save_seconds,
        report.start_seconds / max(1, report.images),
    )


def find_measurement(runs_dir: Path, sample: Path) -> Check:
    """The measurement of this machine, whether it was made or not: a check of the built-in sample at the defaults."""
    machine = f"{platform.node()} {cores()} {platform.machine()}"
    return process.check_for(RunConfig().replace(root=str(sample)), runs_dir, KIND, machine)


def start_measurement(runs_dir: Path, sample: Path) -> Check:
    """Start it in a process of low priority that ends within seconds, and at once when a run starts."""
    machine = f"{platform.node()} {cores()} {platform.machine()}"
    return process.start(RunConfig().replace(root=str(sample)), runs_dir, KIND, machine)
