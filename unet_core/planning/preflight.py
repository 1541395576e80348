"""A few real steps before the start: what an epoch costs, how large a batch fits, what speaks against the settings.

    for told in preflight.run(config, runs_dir):   # Progress, Progress, ..., Report
        ...

It trains a net of its own on a sample of the data and throws it away. The caller holds the device (`queue.device`).
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from unet_core import device as memory
from unet_core.config.schema import RunConfig, all_fields
from unet_core.data import fingerprint
from unet_core.data.dataset import Dataset
from unet_core.data.label_map import IGNORE
from unet_core.data.sampling import Batch
from unet_core.io.pixels import Array, Pixels
from unet_core.models import architecture
from unet_core.planning import batch_size
from unet_core.planning.benchmark import (
    LONGEST_STEP,
    StepTiming,
    fits,
    saving_seconds,
    time_step,
    validation_pixel_seconds,
)
from unet_core.planning.checks import check_settings, classes_missing
from unet_core.planning.report import Progress, Report
from unet_core.planning.trial import Trial, prepare
from unet_core.runs.snapshots import PROBES
from unet_core.training.state import TrainerState

SECONDS = 14.0  # for all, from the first line on; a single step is never broken off


def run(config: RunConfig, runs_dir: Path, seconds: float = SECONDS) -> Iterator[Progress | Report]:
    """Try the settings for about `seconds`. Raises UnetError where the run could not begin, or not a crop fits."""
    began = time.monotonic()
    yield Progress(0.05, "reading a sample of the images")
    trial = prepare(config, runs_dir)
    yield Progress(0.2, "looking at their objects")
    data = fingerprint.measure(_decoded(trial.pictures))
    data = replace(data, images=trial.whole.images)
    yield Progress(0.3, "making a few steps")
    pace = time_step(trial)
    yield Progress(0.55, "validating a few images")
    val_pixel_seconds = validation_pixel_seconds(trial.training)
    save_seconds = saving_seconds(trial.training)
    peak = memory.peak_mb(trial.training.device)
    found = None
    for told in _largest(trial, pace, began + seconds):
        if isinstance(told, Progress):
            yield told
        else:
            found = told
    assert found is not None
    yield _report(trial, data, pace, found, val_pixel_seconds, save_seconds, peak, time.monotonic() - began)


def _decoded(pictures: Dataset) -> Iterator[tuple[Pixels, Array]]:
    for index in range(len(pictures)):
        picture = pictures[index]
        yield picture.image, pictures.target(picture.raw_mask)


@dataclass(frozen=True)
class Largest:
    """A batch that made a step, what ended the search, and what the memory would hold (0 = unknown)."""

    batch: int
    by: str
    by_memory: int


def _largest(trial: Trial, pace: StepTiming, until: float) -> Iterator[Progress | Largest]:
    """Search for the largest batch. Beyond what memory allows a processor is not driven: it would swap, not fail."""
    device = trial.training.device
    setting = int(next(option.le or 1 for option in all_fields() if option.name == "batch_size"))
    by_memory = batch_size.batch_that_fits(pace.sample_mb, pace.others_mb, pace.free_mb)
    bounds = {"data": trial.whole.crops, "setting": setting}
    if device.type != "cuda" and by_memory:
        bounds["memory"] = max(pace.batch, by_memory)
    by = min(bounds, key=lambda name: bounds[name])
    source = next(trial.batches(pace.batch))
    latest = pace.batch, pace.seconds
    tried: list[Progress] = []

    def takes(size: int) -> bool:
        nonlocal latest
        started = time.perf_counter()
        repeats = -(-size // len(source.ids))
        batch = Batch(
            source.images.repeat(repeats, 1, 1, 1)[:size],
            source.target.repeat(repeats, 1, 1)[:size],
            (source.ids * repeats)[:size],
        )
        fitted = fits(trial, batch)
        if fitted:
            latest = size, time.perf_counter() - started
        return fitted

    def goes_on(size: int) -> bool:
        return time.monotonic() + 1.2 * size * latest[1] / latest[0] < until

    good, bad = pace.batch, pace.bad
    while True:  # a try at a time, so that each is told
        yield Progress(min(0.95, 0.7 + 0.02 * len(tried)), f"trying larger batches: {good} fits")
        before = good, bad
        asked = iter([True])
        good, bad = batch_size.largest(takes, good, bounds[by], lambda size: next(asked, False) and goes_on(size), bad)  # noqa: B023
        tried.append(Progress(0, ""))
        if (good, bad) == before:
            break
    closed = bad is not None and bad - good <= max(1, good // batch_size.CLOSE)
    reason = "memory" if closed else by if good == bounds[by] else "time"
    yield Largest(good, reason, by_memory)


def _report(
    trial: Trial,
    data: fingerprint.Fingerprint,
    pace: StepTiming,
    found: Largest,
    val_pixel_seconds: float,
    save_seconds: float,
    peak_mb: float,
    seconds: float,
) -> Report:
    config, whole, training = trial.config, trial.whole, trial.training
    looked_at = max(1, len(trial.pictures))
    kept = sum(trial.pictures[index].nbytes for index in range(looked_at)) / looked_at
    again = max(0.0, 1 - config.data.cache_mb * 2**20 / max(1.0, kept * whole.images)) * trial.read_seconds
    cached = min(config.data.cache_mb * 2**20, kept * whole.images) / 2**20
    if training.device.type != "cuda":
        peak_mb += max(0.0, cached - kept * looked_at / 2**20)
        peak_mb += pace.sample_mb * max(0, min(config.train.batch_size, whole.crops) - pace.batch)
    image_seconds = val_pixel_seconds * whole.pixels + again
    steps = -(-whole.crops // config.train.batch_size)
    warnings = [
        *_slow(config, pace),
        *check_settings(config, data, whole.train_images, whole.val_images, steps, whole.crops),
        *_missing(training),
    ]
    return Report(
        device=str(training.device),
        precision=training.precision,
        threads=trial.threads,
        images=whole.images,
        train_images=whole.train_images,
        val_images=whole.val_images,
        crops=whole.crops,
        steps=steps,
        epochs=config.train.epochs,
        batch_size=pace.batch,
        step_seconds=pace.seconds,
        train_seconds=whole.crops * (pace.seconds / pace.batch + again),
        val_seconds=whole.val_images * image_seconds,
        save_seconds=save_seconds + min(PROBES, whole.val_images) * image_seconds,
        start_seconds=whole.images * trial.read_seconds,
        memory_mb=peak_mb,
        free_mb=pace.free_mb,
        largest_batch=found.batch,
        largest_by=found.by,
        memory_batch=found.by_memory,
        receptive_field=architecture.receptive_field(config.model),
        image_size=config.model.image_size,
        fingerprint=data,
        warnings=tuple(warnings),
        seconds=seconds,
    )


def _slow(config: RunConfig, pace: StepTiming) -> Iterator[str]:
    wanted = config.train.batch_size
    if pace.bad is not None and pace.bad <= wanted:
        yield f"The memory does not hold a step with batch_size {pace.bad}; {pace.batch} fits."
    elif pace.batch < wanted and pace.seconds * wanted / pace.batch > LONGEST_STEP:
        each = pace.seconds * wanted / pace.batch
        yield f"A step with batch_size {wanted} takes about {each:.0f} s here, reckoned from one with {pace.batch}."


def _missing(training: TrainerState) -> Iterator[str]:
    classes = training.model.config.num_classes
    found = []
    for pictures in (training.train_dataset, training.val_dataset):
        masks = (pictures.target(pictures[index].raw_mask) for index in range(len(pictures)))
        found.append({int(value) for mask in masks for value in np.unique(mask).tolist()} - {IGNORE})
    yield from classes_missing(found[0], found[1], max(2, classes), len(training.train_dataset))
