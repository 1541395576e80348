"""The curves of a run as tables: every point as it was logged, nothing smoothed or thinned."""

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from unet_core.runs.history import History

STEPS = ("step", "epoch", "loss", "learning_rate", "memory_mib")
EPOCHS = ("epoch", "step", "train_loss", "val_loss", "val_dice", "val_iou", "learning_rate", "seconds", "best")


def steps_to_csv(history: History) -> str:
    r"""A line for each optimizer step, with the loss of its batch; an undefined loss is an empty cell.

    >>> from unet_core.runs.events import StepFinished
    >>> history = History()
    >>> history.add(StepFinished(1, 1, 0.123456789, 0.01), 0.0)
    >>> history.add(StepFinished(1, 2, None, 0.01), 1.0)
    >>> steps_to_csv(history)
    'step,epoch,loss,learning_rate,memory_mib\n1,1,0.123456789,0.01,\n2,1,,0.01,\n'
    """
    return _to_csv(STEPS, ((step.step, step.epoch, step.loss, step.lr, step.memory_mb) for step in history.steps))


def epochs_to_csv(history: History) -> str:
    """A line for each epoch: losses, validation scores, the run's seconds up to it, 1 where it was the best so far."""
    rows = (
        (
            epoch.epoch,
            epoch.step,
            epoch.train_loss,
            epoch.val_loss,
            epoch.val_dice,
            epoch.val_iou,
            epoch.lr,
            epoch.seconds,
            int(epoch.best),
        )
        for epoch in history.epochs
    )
    return _to_csv(EPOCHS, rows)


def _to_csv(header: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value
