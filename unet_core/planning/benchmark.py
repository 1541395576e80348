"""Benchmark of a training on this machine: time and memory of a step, time of the validation and of saving."""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from unet_core.data.sampling import Batch
from unet_core.device import free_mb, free_memory, out_of_memory, peak_mb, reset_peak
from unet_core.errors import TrainingError
from unet_core.models.checkpoint import save_checkpoint
from unet_core.planning.trial import Trial
from unet_core.training.loop import make_step, validate
from unet_core.training.state import TrainerState

Clock = Callable[[], float]  # seconds from any point in time

WARM_UP = 2  # steps that are not timed: memory is allocated, kernels are selected
MOST_STEPS = 12  # that are timed
STEP_SECONDS = 4.0  # that the timed steps may take together; at least two are made
LONGEST_STEP = 2.5  # a step that would take longer is timed with a smaller batch
VAL_SECONDS = 2.5
MOST_VALIDATED = 6
SAFE_LR = 1e-7  # the steps shall not change the model


@dataclass(frozen=True)
class StepTiming:
    """Time and memory of a step with `batch_size` crops.

    `failed_batch_size` did not fit in memory (None: all that were tried did). Memory in MiB: `mb_per_sample` for each
    crop, `fixed_mb` whatever the batch size, `free_mb` before the first step.
    """

    batch_size: int
    seconds: float
    failed_batch_size: int | None
    mb_per_sample: float
    fixed_mb: float
    free_mb: float


def time_step(trial: Trial, clock: Clock = time.perf_counter) -> StepTiming:
    """Time steps as in training, after small ones have shown what is possible.

    Raises TrainingError where not even the smallest batch fits in memory.
    """
    training, device = trial.training, trial.training.device
    training.model.train()
    target = min(trial.config.train.batch_size, trial.dataset_size.crops)
    smallest = min(2, target)  # batch norm needs two values at least at the deepest level of small crops
    free = free_mb(device)
    initial_mb = peak_mb(device) if device.type != "cuda" else 0.0  # on CUDA the peak counts tensors alone
    batches = trial.batches(smallest)
    for _ in range(WARM_UP):
        if not fits(trial, next(batches)):
            raise TrainingError(
                f"Out of memory on {device} with a batch of {smallest} crops of {trial.config.model.image_size} px. "
                "Lower image_size, base_channels or depth."
            )
    reset_peak(device)
    started = clock()
    fits(trial, next(batches))
    crop_seconds = (clock() - started) / smallest
    small_mb = peak_mb(device)
    size = target
    if target * crop_seconds > LONGEST_STEP:
        size = max(smallest, min(target, int(LONGEST_STEP / crop_seconds)))
    failed = None
    reset_peak(device)
    while size > smallest and not all(fits(trial, batch) for batch in islice(trial.batches(size), WARM_UP)):
        failed, size = size, max(smallest, size // 2)
    # Two sizes give the line: what a crop adds, and what is there without any.
    sample_mb = (peak_mb(device) - small_mb) / (size - smallest) if size > smallest and failed is None else 0.0
    times: list[float] = []
    batches, until = trial.batches(size), time.monotonic() + STEP_SECONDS
    while len(times) < MOST_STEPS and (len(times) < 2 or time.monotonic() < until):
        started = clock()
        make_step(training, next(batches), SAFE_LR)
        _synchronize(device)
        times.append(clock() - started)
    fixed_mb = small_mb - initial_mb - smallest * sample_mb
    return StepTiming(size, statistics.median(times), failed, max(0.0, sample_mb), fixed_mb, free)


def _synchronize(device: torch.device) -> None:
    """Wait for the kernels that a GPU still has to run."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def fits(trial: Trial, batch: Batch) -> bool:
    """Whether a step with this batch fits in memory."""
    try:
        make_step(trial.training, batch, SAFE_LR)
        _synchronize(trial.training.device)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
    else:
        return True
    trial.training.optimizer.zero_grad(set_to_none=True)
    free_memory(trial.training.device)
    return False


def validation_pixel_seconds(training: TrainerState, clock: Clock = time.perf_counter) -> float:
    """Seconds of validation per pixel, from a few images of different sizes; 0 without validation images."""
    val_set = training.val_dataset
    if not len(val_set):
        return 0.0
    order = sorted(range(len(val_set)), key=val_set.area)
    count = min(MOST_VALIDATED, len(order))
    spread = [order[(2 * number + 1) * len(order) // (2 * count)] for number in range(count)]
    seconds = pixels = 0.0
    until = time.monotonic() + VAL_SECONDS
    try:
        for number, index in enumerate([spread[0], *spread]):
            training.val_dataset = val_set.subset((val_set.samples[index].id,))
            started = clock()
            validate(training)
            _synchronize(training.device)
            if number:  # the first image is run twice, to warm up
                seconds, pixels = seconds + clock() - started, pixels + val_set.area(index)
                if time.monotonic() > until:
                    break
    finally:
        training.val_dataset = val_set
        training.model.train()
    return seconds / pixels


def saving_seconds(training: TrainerState, clock: Clock = time.perf_counter) -> float:
    """Seconds for the checkpoints of an epoch: `last`, and `best` in half of the epochs."""
    training.record_epoch(0.0, 0.0, 0.0)  # the state to save is that after an epoch
    with tempfile.TemporaryDirectory() as folder:
        started = clock()
        save_checkpoint(Path(folder) / "last", training.best_model(), training.state())
        return 1.5 * (clock() - started)
