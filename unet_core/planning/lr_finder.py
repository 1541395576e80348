"""Learning rate finder: trains a temporary model for 30-100 steps with increasing learning rate until it diverges.

The range test of Smith 2017, "Cyclical learning rates for training neural networks", arXiv:1506.01186.
"""

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import RunConfig
from unet_core.errors import TrainingError
from unet_core.planning.report import LrRange, Progress
from unet_core.planning.trial import Trial, prepare
from unet_core.training.loop import make_step
from unet_core.training.optim import OPTIMIZERS
from unet_core.training.state import TrainerState

SECONDS = 40.0
FEWEST_STEPS, MOST_STEPS = 30, 100
SMOOTHING = 0.04  # standard deviation of the Gaussian, as a fraction of the steps
DIVERGED = 0.25  # above the first loss by this fraction of the loss, or of its fall so far: it has diverged
MIN_FALL = 0.01  # a smaller fraction of the first loss counts as noise
FIRST_STEPS = 5  # whose losses are too noisy to be interpreted


def run(config: RunConfig, runs_dir: Path, seconds: float = SECONDS) -> Iterator[Progress | LrRange]:
    """Run the test on a sample of the dataset. Raises UnetError where a run could not start either."""
    yield Progress(0.05, "reading a sample of the images")
    yield from measure(prepare(config, runs_dir), seconds)


def measure(trial: Trial, seconds: float = SECONDS) -> Iterator[Progress | LrRange]:
    """Increase the learning rate over at most `seconds`, about; progress, then the result.

    The trial's weights and optimizer are restored afterwards.
    """
    training = trial.training
    optimizer = OPTIMIZERS[trial.config.train.optimizer]
    low, high = optimizer.low, optimizer.high
    batches = trial.batches(min(trial.config.train.batch_size, trial.dataset_size.crops))
    state = _save_state(training)
    losses: list[float] = []
    ended_by, began = "end", time.monotonic()
    try:
        training.model.train()
        make_step(training, next(batches), low / 100)  # warm up: the first step is slower
        started = time.monotonic()
        make_step(training, next(batches), low / 100)
        step_seconds = max(1e-6, time.monotonic() - started)
        steps = min(MOST_STEPS, max(FEWEST_STEPS, int(seconds / step_seconds)))
        rates = np.geomspace(low, high, steps)
        for number, rate in enumerate(rates):
            yield Progress(0.1 + 0.9 * number / steps, f"step {number + 1} of {steps}, learning rate {rate:.2g}")
            training.step += 1
            try:
                losses.append(make_step(training, next(batches), float(rate)))
            except TrainingError:  # the loss is no longer finite
                ended_by = "diverged"
                break
            if _diverged(losses):
                ended_by = "diverged"
                break
    finally:
        _restore_state(training, state)
    yield suggest(rates[: len(losses)], np.array(losses), ended_by, time.monotonic() - began)


def _diverged(losses: list[float]) -> bool:
    """Whether the loss of the last few steps is well above that of the first."""
    if len(losses) < 3 * FIRST_STEPS:
        return False
    first, last = float(np.mean(losses[:FIRST_STEPS])), float(np.median(losses[-FIRST_STEPS:]))
    lowest = min(float(np.median(losses[end - FIRST_STEPS : end])) for end in range(FIRST_STEPS, len(losses)))
    return last > first + DIVERGED * max(abs(first), first - lowest)


def suggest(rates: NDArray[np.float64], losses: NDArray[np.float64], ended_by: str, seconds: float) -> LrRange:
    """Smooth a curve and suggest a peak learning rate. `rates` increase geometrically, `losses` are of single batches.

    The smoothed loss is a mean over the neighbors with Gaussian weights, which does not lag behind. The suggestion is a
    tenth of the rate with the lowest loss: at that rate steps begin to be too long, and a run makes many more of them.
    The steepest fall is reported too, but where the curve falls evenly it depends on the noise.
    """
    smooth = _smoothed(losses)
    steepest = lowest = suggestion = None
    if len(smooth) > 2 * FIRST_STEPS:
        bottom = FIRST_STEPS + int(np.argmin(smooth[FIRST_STEPS:]))
        first = smooth[:FIRST_STEPS].mean()
        if bottom > FIRST_STEPS and first - smooth[bottom] > MIN_FALL * abs(first):
            slope = np.gradient(smooth)
            steepest_index = FIRST_STEPS + int(np.argmin(slope[FIRST_STEPS : bottom + 1]))
            steepest, lowest = float(rates[steepest_index]), float(rates[bottom])
            suggestion = float(f"{lowest / 10:.1g}")
    return LrRange(
        tuple(float(rate) for rate in rates),
        tuple(float(loss) for loss in smooth),
        steepest,
        lowest,
        suggestion,
        ended_by,
        seconds,
    )


def _smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    steps = np.arange(len(losses))
    width = max(1.0, SMOOTHING * len(losses))
    weights = np.exp(-0.5 * ((steps[:, None] - steps) / width) ** 2)
    result: NDArray[np.float64] = weights @ losses / weights.sum(1) if len(losses) else losses
    return result


def _save_state(training: TrainerState) -> dict[str, Any]:
    """A copy of everything that steps change."""
    return {
        "model": copy.deepcopy(training.model.state_dict()),
        "average": copy.deepcopy(training.average.state_dict()) if training.average else None,
        "optimizer": copy.deepcopy(training.optimizer.state_dict()),
        "scaler": copy.deepcopy(training.scaler.state_dict()),
        "step": training.step,
        "recent": list(training.recent),
        "mode": training.model.training,
    }


def _restore_state(training: TrainerState, state: dict[str, Any]) -> None:
    training.model.load_state_dict(state["model"])
    training.model.train(state["mode"])
    if training.average is not None:
        training.average.load_state_dict(state["average"])
    training.optimizer.zero_grad(set_to_none=True)
    training.optimizer.load_state_dict(state["optimizer"])
    training.scaler.load_state_dict(state["scaler"])
    training.step = state["step"]
    training.recent.clear()
    training.recent.extend(state["recent"])
