"""How long runs will take, by the pace of earlier ones on this machine."""

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from unet_core.config.schema import RunConfig
from unet_core.models import architecture
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.runs.leaderboard import read, read_config


def past_step_times(
    runs_dir: Path, root: str, history_of: Callable[[runs.Run], History] = read
) -> list[tuple[RunConfig, float]]:
    """(settings with the epochs that were made, seconds) of the newest runs on the same data, at most 8."""
    like = ((run, config) for run in runs.find(runs_dir) if (config := read_config(run)) and config.data.root == root)
    histories = ((config, history_of(run).epochs) for run, config in like)
    timed = ((config.replace(epochs=len(epochs)), epochs[-1].seconds) for config, epochs in histories if epochs)
    return list(itertools.islice(timed, 8))


def estimate_seconds(configs: Iterable[RunConfig], past: Sequence[tuple[RunConfig, float]]) -> float:
    """How long some runs may take together, at the pace of `past` ones (see `past_step_times`); NaN without one.

    In proportion to multiply-adds, crops and epochs, from the first past run on the same device and in the same
    precision, else from any. Rough: norm, loss, batch size and the machine's other work are left out.
    """
    total = 0.0
    for config in configs:
        on = (config.train.device, config.train.precision)
        like = [pair for pair in past if (pair[0].train.device, pair[0].train.precision) == on] or past
        if not like:
            return math.nan
        total += like[0][1] * _work(config) / _work(like[0][0])
    return total


def _work(config: RunConfig) -> float:
    """Multiply-adds of all epochs for each image, up to a constant."""
    crops = config.train.crops_per_image or 4
    return architecture.multiply_adds(config.model, config.model.image_size) * crops * config.train.epochs
