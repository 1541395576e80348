"""The curves of a run as columns for a chart that draws itself: everything once, then only what is new.

Each good event of the log has a number, counted from 1. A reader that has everything up to number N asks `since(N)`:

    {"life": 1763700000100, "to": 57, "reset": false, "steps": {...}, "epochs": [...], "load": [...], "marks": [...]}

`reset` tells it to forget what it has: it asked from the beginning, it knows another life of the log, or an
interrupted run was resumed and repeats steps. Numbers of steps are sent as stretches [first, count], seconds in
hundredths and as differences, values with four digits: a step costs some 20 bytes.

The tables of the curves, to be kept, hold every point as it was logged: nothing is smoothed, thinned or rounded.
"""

import csv
import io
import math
import statistics
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

from unet_core.runs.events import EpochFinished, Event, Paused, RunStarted, StepFinished, Unpaused
from unet_core.runs.history import History

STEP_COLUMNS = ("step", "epoch", "loss", "learning_rate", "memory_mib")
EPOCH_COLUMNS = ("epoch", "step", "train_loss", "val_loss", "val_dice", "val_iou", "learning_rate", "seconds", "best")
PACE_STEPS = 41  # the pace is the median over the intervals between so many steps: validation and pauses drop out
TEXT = 300  # characters of a mark's words


class _Step(NamedTuple):
    epoch: int
    step: int
    loss: float | None
    lr: float
    time: int  # hundredths of a second spent in training


@dataclass
class Curves:
    """Columns that grow with the log, in the order of time; fed event by event beside a `History`."""

    history: History = field(default_factory=History)
    life: int = 0  # milliseconds since 1970 of the first event: tells one log from another
    number: int = 0  # of the latest event
    taken_back: int = 0  # number of the latest event that took steps back
    _seconds: float = 0.0  # spent in training up to the latest event: time between two starts and in pauses is left out
    _shift: float = 0.0  # what turns the clock's time into these seconds
    _paused_at: float = math.nan  # the clock's time of a pause that lasts
    _step_numbers: list[int] = field(default_factory=list)
    _steps: list[_Step] = field(default_factory=list)
    _epoch_numbers: list[int] = field(default_factory=list)
    _epochs: list[list[Any]] = field(default_factory=list)
    _load_numbers: list[int] = field(default_factory=list)
    _load: list[list[Any]] = field(default_factory=list)
    _ended: dict[int, float] = field(default_factory=dict)  # when an epoch ended, seconds since 1970
    _mark_numbers: list[int] = field(default_factory=list)

    def add(self, event: Event, time: float) -> None:
        """Take in the next event, `time` in seconds since 1970."""
        self.history.add(event, time)
        self.number += 1
        self.life = self.life or round(time * 1000)
        if not isinstance(event, RunStarted):
            self._seconds = max(self._seconds, (time if math.isnan(self._paused_at) else self._paused_at) + self._shift)
        match event:
            case RunStarted():
                self._start(event, time)
            case StepFinished():
                self._step_numbers.append(self.number)
                self._steps.append(_Step(event.epoch, event.step, event.loss, event.lr, self._hundredths))
                if event.load is not None:
                    self._load_numbers.append(self.number)
                    self._load.append([event.step, self._hundredths, *event.load])
            case EpochFinished():
                self._epoch_numbers.append(self.number)
                scores = (event.train_loss, event.val_loss, event.val_dice, event.val_iou, event.lr)
                row = [event.epoch, event.step, *map(short, scores), self._hundredths, int(event.best)]
                self._epochs.append(row)
                self._ended[event.epoch] = time
            case Paused():
                self._paused_at = time
            case Unpaused():
                self._shift -= 0.0 if math.isnan(self._paused_at) else time - self._paused_at
                self._paused_at = math.nan
        marks = self.history.marks
        self._mark_numbers += [self.number] * (len(marks) - len(self._mark_numbers))

    def since(self, number: int, life: int = 0) -> dict[str, Any]:
        """What is new after an event's number, see above; `life` is that of the answer which named the number."""
        reset = number <= 0 or number > self.number or number < self.taken_back or life not in (0, self.life)
        after = 0 if reset else number
        first, epoch, mark = (
            bisect_right(numbers, after) for numbers in (self._step_numbers, self._epoch_numbers, self._mark_numbers)
        )
        steps = self._steps[first:]
        answer: dict[str, Any] = {"life": self.life, "to": self.number, "reset": reset}
        if steps:
            answer["steps"] = {
                "n": _stretches([step.step for step in steps]),
                "loss": [short(step.loss) for step in steps],
                "lr": [short(step.lr) for step in steps],
                "t": [steps[0].time, *(step.time - before.time for before, step in pairwise(steps))],
            }
        if self._epochs[epoch:]:
            answer["epochs"] = self._epochs[epoch:]
        load = bisect_right(self._load_numbers, after)
        if self._load[load:]:
            answer["load"] = self._load[load:]
        marks = self.history.marks[mark:]
        if marks:
            answer["marks"] = [[item.kind, item.step, _cut(item.text)] for item in marks]
        return answer

    def standing(self, batch_size: int, now: float | None = None) -> dict[str, Any]:
        """Where the run stands `now` (seconds since 1970), for one line of text; what is not known yet is None."""
        history, best = self.history, self.history.best
        begun = history.started
        if begun is None:
            return {}
        last = self._steps[-1] if self._steps else None
        return {
            "epoch": last.epoch if last else begun.first_epoch,
            "epochs": history.total_epochs,
            "step": last.step if last else 0,
            "total": history.total_steps,
            "per_epoch": begun.steps_per_epoch,
            "lr": short(history.lr),
            "speed": short(self.images_per_second(batch_size)),
            "left": short(history.seconds_left if now is None else history.seconds_left_at(now)),
            "device": f"{begun.device} {begun.precision}",
            "memory": history.memory_mb,
            "best": best and [best.epoch, short(best.val_dice), short(best.val_iou), round(self._ended[best.epoch])],
        }

    def images_per_second(self, batch_size: int) -> float:
        """Training crops a second over the latest steps; NaN where there are too few of them."""
        times = [step.time / 100 for step in self._steps[-PACE_STEPS:]]
        intervals = [after - before for before, after in pairwise(times)]
        if not intervals:
            return math.nan
        middle = statistics.median(intervals)
        if middle < 0.05:  # as fine as the clock's hundredths: many steps are told apart, single ones are not
            middle = (times[-1] - times[0]) / len(intervals)
        return batch_size / middle if middle else math.nan

    @property
    def _hundredths(self) -> int:
        return round(self._seconds * 100)

    def _start(self, event: RunStarted, time: float) -> None:
        """The trainer starts; a resumed run forgets the steps that it is about to repeat."""
        steps, epochs = len(self.history.steps), len(self.history.epochs)  # that remain
        if steps < len(self._steps) or epochs < len(self._epochs):
            self.taken_back = self.number
            self._mark_numbers = [self.number] * len(self.history.marks)
            del self._steps[steps:], self._step_numbers[steps:]
            del self._epochs[epochs:], self._epoch_numbers[epochs:]
            last = self._steps[-1].step if self._steps else 0
            kept = sum(row[0] <= last for row in self._load)
            del self._load[kept:], self._load_numbers[kept:]
            ends = [self._steps[-1].time if self._steps else 0, self._epochs[-1][-2] if self._epochs else 0]
            self._seconds = max(ends) / 100
        elif self._mark_numbers and len(self.history.marks) < len(self._mark_numbers):
            self.taken_back, self._mark_numbers = self.number, [self.number] * len(self.history.marks)
        self._shift, self._paused_at = self._seconds - time, math.nan


def short(value: float | None) -> float | None:
    """Four digits, enough for a chart; None where it is not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.4g}")


def _stretches(numbers: list[int]) -> list[list[int]]:
    """Numbers as [first, count] of each stretch that counts up by one."""
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and number == stretches[-1][0] + stretches[-1][1]:
            stretches[-1][1] += 1
        else:
            stretches.append([number, 1])
    return stretches


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"


def steps_to_csv(history: History) -> str:
    r"""A line for each optimizer step, with the loss of its batch; an undefined loss is an empty cell.

    >>> from unet_core.runs.events import StepFinished
    >>> history = History()
    >>> history.add(StepFinished(1, 1, 0.123456789, 0.01), 0.0)
    >>> history.add(StepFinished(1, 2, None, 0.01), 1.0)
    >>> steps_to_csv(history)
    'step,epoch,loss,learning_rate,memory_mib\n1,1,0.123456789,0.01,\n2,1,,0.01,\n'
    """
    return _to_csv(
        STEP_COLUMNS, ((step.step, step.epoch, step.loss, step.lr, step.memory_mb) for step in history.steps)
    )


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
    return _to_csv(EPOCH_COLUMNS, rows)


def _to_csv(header: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: Any) -> Any:
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value
