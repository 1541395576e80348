"""The learning-rate range test: the rate rises step by step, and where the loss falls fastest is where to learn.

Smith 2017, "Cyclical learning rates for training neural networks", arXiv:1506.01186. The training is left as it was.
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
from unet_core.training.state import TrainerState

SECONDS = 40.0
FEWEST_STEPS, MOST_STEPS = 30, 100
LOWEST = {"sgd": 1e-4}  # rates between which it rises; those of AdamW where an optimizer is not named
HIGHEST = {"sgd": 10.0, "rmsprop": 0.3}
USUAL = (1e-5, 1.0)
SMOOTH = 0.04  # width (standard deviation) of the smoothing, as a share of the steps
DIVERGED = 0.25  # above the first loss by so much of the fall so far, or of itself: it will not come back
FELL = 0.01  # less than this share of the first loss is no fall
SETTLED = 5  # the first steps that say nothing yet


def run(config: RunConfig, runs_dir: Path, seconds: float = SECONDS) -> Iterator[Progress | LrRange]:
    """The test on a sample of the data, with a net of its own. Raises UnetError where a run could not begin either."""
    yield Progress(0.05, "reading a sample of the images")
    yield from test(prepare(config, runs_dir), seconds)


def test(trial: Trial, seconds: float = SECONDS) -> Iterator[Progress | LrRange]:
    """Raise the rate over at most `seconds`; the curve. The trial's weights and optimizer are put back afterwards."""
    training, optimizer = trial.training, trial.config.train.optimizer
    low, high = LOWEST.get(optimizer, USUAL[0]), HIGHEST.get(optimizer, USUAL[1])
    batches = trial.batches(min(trial.config.train.batch_size, trial.whole.crops))
    kept = _kept(training)
    losses: list[float] = []
    ended_by, began = "end", time.monotonic()
    try:
        training.model.train()
        make_step(training, next(batches), low / 100)  # a first step chooses kernels; it tells nothing of the time
        started = time.monotonic()
        make_step(training, next(batches), low / 100)
        each = max(1e-6, time.monotonic() - started)
        steps = min(MOST_STEPS, max(FEWEST_STEPS, int(seconds / each)))
        rates = np.geomspace(low, high, steps)
        for number, rate in enumerate(rates):
            yield Progress(0.1 + 0.9 * number / steps, f"step {number + 1} of {steps}, learning rate {rate:.2g}")
            training.step += 1
            try:
                losses.append(make_step(training, next(batches), float(rate)))
            except TrainingError:  # the loss is not finite any more
                ended_by = "diverged"
                break
            if _diverged(losses):
                ended_by = "diverged"
                break
    finally:
        _put_back(training, kept)
    yield suggest(rates[: len(losses)], np.array(losses), ended_by, time.monotonic() - began)


def _diverged(losses: list[float]) -> bool:
    """Whether the loss, over the last few steps, is well above where it began."""
    if len(losses) < 3 * SETTLED:
        return False
    first, last = float(np.mean(losses[:SETTLED])), float(np.median(losses[-SETTLED:]))
    lowest = min(float(np.median(losses[end - SETTLED : end])) for end in range(SETTLED, len(losses)))
    return last > first + DIVERGED * max(abs(first), first - lowest)


def suggest(rates: NDArray[np.float64], losses: NDArray[np.float64], ended_by: str, seconds: float) -> LrRange:
    """What a curve says. `rates` rise evenly in their logarithm; `losses` are those of the batches, as they came.

    The smoothed loss is a mean weighted by a Gaussian over the neighbors, which does not lag. The suggestion is a
    tenth of the rate with the lowest loss: there steps are about to be too long, and a run makes many more of them.
    The steepest fall is told as well, but where the curve falls evenly it moves with the noise.
    """
    smooth = _smoothed(losses)
    steepest = lowest = suggestion = None
    if len(smooth) > 2 * SETTLED:
        bottom = SETTLED + int(np.argmin(smooth[SETTLED:]))
        first = smooth[:SETTLED].mean()
        if bottom > SETTLED and first - smooth[bottom] > FELL * abs(first):
            slope = np.gradient(smooth)
            place = SETTLED + int(np.argmin(slope[SETTLED : bottom + 1]))
            steepest, lowest = float(rates[place]), float(rates[bottom])
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
    places = np.arange(len(losses))
    width = max(1.0, SMOOTH * len(losses))
    weights = np.exp(-0.5 * ((places[:, None] - places) / width) ** 2)
    result: NDArray[np.float64] = weights @ losses / weights.sum(1) if len(losses) else losses
    return result


def _kept(training: TrainerState) -> dict[str, Any]:
    """All that steps change."""
    return {
        "model": copy.deepcopy(training.model.state_dict()),
        "average": copy.deepcopy(training.average.state_dict()) if training.average else None,
        "optimizer": copy.deepcopy(training.optimizer.state_dict()),
        "scaler": copy.deepcopy(training.scaler.state_dict()),
        "step": training.step,
        "recent": list(training.recent),
        "mode": training.model.training,
    }


def _put_back(training: TrainerState, kept: dict[str, Any]) -> None:
    training.model.load_state_dict(kept["model"])
    training.model.train(kept["mode"])
    if training.average is not None:
        training.average.load_state_dict(kept["average"])
    training.optimizer.zero_grad(set_to_none=True)
    training.optimizer.load_state_dict(kept["optimizer"])
    training.scaler.load_state_dict(kept["scaler"])
    training.step = kept["step"]
    training.recent.clear()
    training.recent.extend(kept["recent"])
