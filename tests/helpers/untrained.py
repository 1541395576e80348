"""Runs as their trainers would leave them, with models that have learned nothing: made in no time."""

from collections.abc import Sequence
from pathlib import Path

import torch

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data import discovery, identify
from unet_core.data.splits import Split
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import EpochFinished, RunFinished, RunStarted


def make_untrained(
    runs_dir: Path, data: Path, train: Sequence[int], val: Sequence[int], seed: int = 0, num_classes: int = 1
) -> runs.Run:
    """A finished run whose weights depend on `seed`; `train`, `val`: numbers of images, all others are test images."""
    run = runs.create(runs_dir, RunConfig().replace(root=str(data), epochs=1, seed=seed))
    samples = {sample.id: sample for sample in discovery.find(data)}
    records = {
        name: f"{identify.identify(sample)} file:{discovery.content_hash(sample.image, sample.page)}"
        for name, sample in samples.items()
    }
    names = sorted(samples)
    parts = [tuple(names[number] for number in numbers) for numbers in (train, val)]
    test = tuple(name for name in names if name not in {*parts[0], *parts[1]})
    run.write_split(Split(train=parts[0], val=parts[1], test=test), records)
    torch.manual_seed(seed)
    model = UNet(ModelConfig(in_channels=1, num_classes=num_classes, base_channels=4, depth=1, image_size=32))
    save_checkpoint(run.best, model)
    log = EventLog(run.events)
    log.append(RunStarted("cpu", "fp32", 1, 1000, 1, num_classes, 6, 2, 0, epochs=1, steps_per_epoch=3))
    log.append(EpochFinished(1, 3, 0.9, 0.8, (4 + seed) / 10, (2 + seed) / 10, 0.01, 12.5, 4.0, best=True))
    log.append(RunFinished("completed", 1, (4 + seed) / 10, (2 + seed) / 10, 12.0, 4.0))
    log.close()
    return run
