"""How long things take: a step, the validation, the checkpoints; and what memory a step takes."""

import statistics
import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from unet_core import device as memory
from unet_core.data.sampling import Batch
from unet_core.device import free_memory, out_of_memory, peak_mb, reset_peak
from unet_core.errors import TrainingError
from unet_core.models.checkpoint import save_checkpoint
from unet_core.planning.trial import Trial
from unet_core.training.loop import make_step, validate
from unet_core.training.state import TrainerState

WARM_UP = 2  # steps that are not counted: memory is found, kernels are chosen
MOST_STEPS = 12  # that are counted
STEP_SECONDS = 4.0  # that they may take together, and no more than a single one where that is longer
LONGEST_STEP = 2.5  # a step that would take longer is measured with a smaller batch
VAL_SECONDS = 2.5
MOST_VALIDATED = 6
SAFE_LR = 1e-7  # of the steps that only look whether a batch fits


@dataclass(frozen=True)
class StepTiming:
    """What a step takes: `batch` crops in `seconds`; `bad` crops did not fit (None: nothing was too large).

    Memory in MiB: `sample_mb` for one crop more, `others_mb` what does not grow, `free_mb` before the first step.
    """

    batch: int
    seconds: float
    bad: int | None
    sample_mb: float
    others_mb: float
    free_mb: float


def time_step(trial: Trial) -> StepTiming:
    """Time steps as they will be made, after small ones have shown what is possible. TrainingError where none fits."""
    training, device = trial.training, trial.training.device
    training.model.train()
    wanted = min(trial.config.train.batch_size, trial.whole.crops)
    smallest = min(2, wanted)  # batch norm wants two values at least at the deepest level of small crops
    free = memory.free_mb(device)
    held = peak_mb(device) if device.type != "cuda" else 0.0
    batches = trial.batches(smallest)
    for _ in range(WARM_UP):
        if not fits(trial, next(batches)):
            raise TrainingError(
                f"The memory of {device} does not hold {smallest} crops of {trial.config.model.image_size} pixels with "
                "this net; lower image_size, base_channels or depth."
            )
    reset_peak(device)
    alone = time.perf_counter()
    fits(trial, next(batches))
    alone = (time.perf_counter() - alone) / smallest
    small_mb = peak_mb(device)
    size = wanted if wanted * alone <= LONGEST_STEP else max(smallest, min(wanted, int(LONGEST_STEP / alone)))
    bad = None
    reset_peak(device)
    while size > smallest and not all(fits(trial, batch) for batch in islice(trial.batches(size), WARM_UP)):
        bad, size = size, max(smallest, size // 2)
    sample = (peak_mb(device) - small_mb) / (size - smallest) if size > smallest and bad is None else 0.0
    taken: list[float] = []
    batches, until = trial.batches(size), time.monotonic() + STEP_SECONDS
    while len(taken) < MOST_STEPS and (len(taken) < 2 or time.monotonic() < until):
        started = time.perf_counter()
        make_step(training, next(batches), SAFE_LR)
        _finish(device)
        taken.append(time.perf_counter() - started)
    return StepTiming(size, statistics.median(taken), bad, max(0.0, sample), small_mb - held - smallest * sample, free)


def _finish(device: torch.device) -> None:
    """Wait for what the device has still to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def fits(trial: Trial, batch: Batch) -> bool:
    """Whether a step with a batch can be made."""
    try:
        make_step(trial.training, batch, SAFE_LR)
        _finish(trial.training.device)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
    else:
        return True
    trial.training.optimizer.zero_grad(set_to_none=True)
    free_memory(trial.training.device)
    return False


def validation_pixel_seconds(training: TrainerState) -> float:
    """Seconds for a pixel of a validation image, 0 where there is none."""
    pictures = training.val_dataset
    if not len(pictures):
        return 0.0
    order = sorted(range(len(pictures)), key=pictures.area)
    count = min(MOST_VALIDATED, len(order))
    spread = [order[(2 * number + 1) * len(order) // (2 * count)] for number in range(count)]
    seconds = pixels = 0.0
    until = time.monotonic() + VAL_SECONDS
    try:
        for number, index in enumerate([spread[0], *spread]):
            training.val_dataset = pictures.subset((pictures.samples[index].id,))
            started = time.perf_counter()
            validate(training)
            _finish(training.device)
            if number:  # the first is made twice, to be warm
                seconds, pixels = seconds + time.perf_counter() - started, pixels + pictures.area(index)
                if time.monotonic() > until:
                    break
    finally:
        training.val_dataset = pictures
        training.model.train()
    return seconds / pixels


def saving_seconds(training: TrainerState) -> float:
    """Seconds for the checkpoints of an epoch, `last` and, as often as not, `best`."""
    training.record_epoch(0.0, 0.0, 0.0)  # a state is that after an epoch
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        save_checkpoint(Path(folder) / "last", training.best_model(), training.state())
        return 1.5 * (time.perf_counter() - started)
