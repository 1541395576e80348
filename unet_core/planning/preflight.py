"""Pre-flight check: a few real steps measure the time per epoch, the memory and the largest batch size.

    for message in preflight.run(config, runs_dir):   # Progress, Progress, ..., Report
        ...

It trains a temporary model on a sample of the dataset. The caller holds the device (`queue.hold_device`).
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from unet_core.config.schema import RunConfig, all_fields
from unet_core.data import fingerprint
from unet_core.data.dataset import Dataset
from unet_core.data.masks.coding import IGNORE
from unet_core.data.sampling import Batch
from unet_core.device import peak_mb
from unet_core.io.pixels import Array, Pixels
from unet_core.models import architecture
from unet_core.planning import batch_size
from unet_core.planning.benchmark import (
    LONGEST_STEP,
    Clock,
    StepTiming,
    fits,
    saving_seconds,
    time_step,
    validation_pixel_seconds,
)
from unet_core.planning.checks import check_classes, check_settings
from unet_core.planning.report import Progress, Report
from unet_core.planning.trial import Trial, prepare
from unet_core.runs.snapshots import PROBES
from unet_core.training.state import TrainerState

SECONDS = 14.0  # of the whole check, about; a step is never interrupted


def run(
    config: RunConfig, runs_dir: Path, seconds: float = SECONDS, alone: bool = False
) -> Iterator[Progress | Report]:
    """Check the settings for about `seconds`; progress, then the report.

    With `alone`, times are those of a CPU that does nothing else: its time for this process, shared by its threads.

    Raises UnetError where a run could not start, or where not even the smallest batch fits in memory.
    """
    began = time.monotonic()
    yield Progress(0.05, "reading a sample of the images")
    trial = prepare(config, runs_dir)
    yield Progress(0.2, "measuring the objects")
    data = fingerprint.measure(_decoded(trial.dataset))
    data = replace(data, images=trial.dataset_size.images)
    yield Progress(0.3, "running a few training steps")
    clock: Clock = time.perf_counter
    if alone and trial.training.device.type == "cpu":
        clock = partial(_cpu_seconds, trial.threads)
    timing = time_step(trial, clock)
    yield Progress(0.55, "validating a few images")
    val_pixel_seconds = validation_pixel_seconds(trial.training, clock)
    save_seconds = saving_seconds(trial.training, clock)
    peak = peak_mb(trial.training.device)  # before the search, which takes more
    largest = yield from _search_batch_size(trial, timing, began + seconds)
    yield _report(trial, data, timing, largest, val_pixel_seconds, save_seconds, peak, time.monotonic() - began)


def _cpu_seconds(threads: int) -> float:
    return time.process_time() / threads


def _decoded(examples: Dataset) -> Iterator[tuple[Pixels, Array]]:
    for index in range(len(examples)):
        example = examples[index]
        yield example.image, example.mask


@dataclass(frozen=True)
class LargestBatch:
    """The largest batch size that was run, what limited it, and what would fit in memory (0 = unknown)."""

    size: int
    limited_by: str
    fits_memory: int


def _search_batch_size(trial: Trial, timing: StepTiming, until: float) -> Generator[Progress, None, LargestBatch]:
    """Search for the largest batch size. A CPU is not driven beyond its memory: it would swap instead of failing."""
    device = trial.training.device
    setting = int(next(option.le or 1 for option in all_fields() if option.name == "batch_size"))
    fits_memory = batch_size.estimate_batch_size(timing.mb_per_sample, timing.fixed_mb, timing.free_mb)
    bounds = {"data": trial.dataset_size.crops, "setting": setting}
    if device.type != "cuda" and fits_memory:
        bounds["memory"] = max(timing.batch_size, fits_memory)
    bound = min(bounds, key=lambda name: bounds[name])
    source = next(trial.batches(timing.batch_size))
    latest = timing.batch_size, timing.seconds  # a batch that fits, and the seconds of its step
    attempts = 0

    def step_fits(size: int) -> bool:
        nonlocal latest
        started = time.perf_counter()
        repeats = -(-size // len(source.ids))
        batch = Batch(
            source.images.repeat(repeats, 1, 1, 1)[:size],
            source.target.repeat(repeats, 1, 1)[:size],
            (source.ids * repeats)[:size],
        )
        success = fits(trial, batch)
        if success:
            latest = size, time.perf_counter() - started
        return success

    def has_time(size: int) -> bool:
        return time.monotonic() + 1.2 * size * latest[1] / latest[0] < until

    def one_attempt() -> Callable[[int], bool]:
        first = iter([True])
        return lambda size: next(first, False) and has_time(size)

    good, bad = timing.batch_size, timing.failed_batch_size
    while True:  # one attempt at a time, so that the progress of each is reported
        yield Progress(min(0.95, 0.7 + 0.02 * attempts), f"trying larger batches: {good} fits")
        before = good, bad
        good, bad = batch_size.find_largest(step_fits, good, bounds[bound], one_attempt(), bad)
        attempts += 1
        if (good, bad) == before:
            break
    converged = bad is not None and bad - good <= max(1, good // batch_size.RESOLUTION)
    limited_by = "memory" if converged else bound if good == bounds[bound] else "time"
    return LargestBatch(good, limited_by, fits_memory)


def _report(
    trial: Trial,
    data: fingerprint.Fingerprint,
    timing: StepTiming,
    largest: LargestBatch,
    val_pixel_seconds: float,
    save_seconds: float,
    peak_mb: float,
    seconds: float,
) -> Report:
    config, size, training = trial.config, trial.dataset_size, trial.training
    count = max(1, len(trial.dataset))
    image_bytes = sum(trial.dataset[index].nbytes for index in range(count)) / count
    # Images beyond the cache are read again each epoch: a share of them, so a share of the time for each.
    cache_bytes, total_bytes = config.data.cache_mb * 2**20, image_bytes * size.images
    reread_seconds = max(0.0, 1 - cache_bytes / max(1.0, total_bytes)) * trial.read_seconds
    cached_mb = min(cache_bytes, total_bytes) / 2**20
    if training.device.type != "cuda":  # main memory: a run caches more images, and its batch may be larger
        peak_mb += max(0.0, cached_mb - image_bytes * count / 2**20)
        peak_mb += timing.mb_per_sample * max(0, min(config.train.batch_size, size.crops) - timing.batch_size)
    image_seconds = val_pixel_seconds * size.pixels + reread_seconds
    steps = -(-size.crops // config.train.batch_size)
    warnings = [
        *trial.warnings,
        *_check_step(config, timing),
        *check_settings(config, data, size.train_images, size.val_images, steps, size.crops),
        *_check_classes(training),
    ]
    return Report(
        device=str(training.device),
        precision=training.precision,
        threads=trial.threads,
        images=size.images,
        train_images=size.train_images,
        val_images=size.val_images,
        crops=size.crops,
        steps=steps,
        epochs=config.train.epochs,
        batch_size=timing.batch_size,
        step_seconds=timing.seconds,
        train_seconds=size.crops * (timing.seconds / timing.batch_size + reread_seconds),
        val_seconds=size.val_images * image_seconds,
        save_seconds=save_seconds + min(PROBES, size.val_images) * image_seconds,
        start_seconds=size.images * trial.read_seconds,
        memory_mb=peak_mb,
        free_mb=timing.free_mb,
        largest_batch=largest.size,
        largest_by=largest.limited_by,
        memory_batch=largest.fits_memory,
        receptive_field=architecture.receptive_field(config.model),
        image_size=config.model.image_size,
        fingerprint=data,
        warnings=tuple(warnings),
        seconds=seconds,
    )


def _check_step(config: RunConfig, timing: StepTiming) -> Iterator[str]:
    """A warning where the batch size of the settings does not fit in memory, or is slow."""
    setting, failed = config.train.batch_size, timing.failed_batch_size
    if failed is not None and failed <= setting:
        yield f"batch_size {failed} does not fit in memory; {timing.batch_size} does."
    elif timing.batch_size < setting and timing.seconds * setting / timing.batch_size > LONGEST_STEP:
        seconds = timing.seconds * setting / timing.batch_size
        yield (
            f"A step with batch_size {setting} takes about {seconds:.0f} s on this machine (estimated from batch_size "
            f"{timing.batch_size})."
        )


def _check_classes(training: TrainerState) -> Iterator[str]:
    """Warnings about classes without examples."""
    train, val = _classes_in(training.train_dataset), _classes_in(training.val_dataset)
    yield from check_classes(train, val, max(2, training.model.config.num_classes), len(training.train_dataset))


def _classes_in(examples: Dataset) -> set[int]:
    masks = (examples[index].mask for index in range(len(examples)))
    return {int(value) for mask in masks for value in np.unique(mask).tolist()} - {IGNORE}
