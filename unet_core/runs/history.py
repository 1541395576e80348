"""What the events of a run add up to: curves, marks, progress, time left. Fed one by one, as a page reads them."""

import math
from dataclasses import dataclass, field, replace

from unet_core.runs.events import (
    EpochFinished,
    EpochsChanged,
    Event,
    LrChanged,
    Paused,
    RunFailed,
    RunFinished,
    RunStarted,
    StepFinished,
    Unpaused,
    Warned,
)
from unet_core.runs.pace import Pace

MARKS = {  # what can stand on a curve
    "best": "an epoch that was better than all before it",
    "lr": "the learning rate was changed by hand",
    "epochs": "the number of epochs was changed",
    "paused": "training was paused",
    "unpaused": "training resumed after the pause",
    "warning": "something the user should know",
    "resumed": "the run was resumed after an interruption",
    "continued": "the run was over and was continued for more epochs",
}


@dataclass(frozen=True)
class Mark:
    """Something that happened after a step; `kind` is a key of MARKS, `text` a short sentence (a warning as it is)."""

    step: int
    kind: str
    text: str


@dataclass
class History:
    """The curves and the standing of one run, in the order of time."""

    started: RunStarted | None = None
    started_at: float = 0.0  # seconds since 1970, of the latest start
    last_at: float = 0.0
    steps: list[StepFinished] = field(default_factory=list)
    epochs: list[EpochFinished] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    finished: RunFinished | None = None
    failed: RunFailed | None = None
    total_epochs: int = 0  # the run ends after so many, by the latest event
    marks: list[Mark] = field(default_factory=list)
    lr: float | None = None  # of the latest step, or as requested since
    memory_mb: int | None = None  # after the latest step
    paused_at: float | None = None  # seconds since 1970 while the trainer is paused
    _paused_seconds: float = 0.0  # since the latest start
    _after_steps: int = 0  # how many marks there were at the latest step
    _pace: Pace = field(default_factory=lambda: Pace(1))  # since the latest start

    def add(self, event: Event, time: float) -> None:
        """Take in the next event. A resumed run forgets the steps that it is about to repeat."""
        self.last_at = time
        match event:
            case RunStarted():
                self._start(event, time)
            case StepFinished():
                self.steps.append(event)
                self._pace.add_step(time - self._paused_seconds)
                self.lr, self.memory_mb, self._after_steps = event.lr, event.memory_mb, len(self.marks)
            case EpochFinished():
                self.epochs.append(event)
                self._pace.add_epoch(time - self._paused_seconds)
                if event.best:
                    score = "" if event.val_dice is None else f", Dice {event.val_dice:.4f}"
                    self._mark("best", f"best so far: epoch {event.epoch}{score}", event.step)
            case Warned():
                self.warnings.append(event.message)
                self._mark("warning", event.message)
            case Paused():
                self.paused_at = time
                self._mark("paused", "paused", event.step)
            case Unpaused():
                self.paused_at = None
                self._paused_seconds += event.seconds
                self._mark("unpaused", f"resumed after {event.seconds:.0f} s", event.step)
            case LrChanged():
                self.lr = event.lr
                self._mark("lr", f"learning rate {event.before:.3g} to {event.lr:.3g}", event.step)
            case EpochsChanged():
                self.total_epochs = event.epochs
                self._mark("epochs", f"{event.before} epochs to {event.epochs}", event.step)
            case RunFinished():
                self.finished, self.paused_at = event, None
            case RunFailed():
                self.failed, self.paused_at = event, None

    def _start(self, event: RunStarted, time: float) -> None:
        before, first_step = self.started, event.first_step or (event.first_epoch - 1) * event.steps_per_epoch + 1
        again = before is not None and event.first_epoch > 1
        self.started, self.started_at, self.total_epochs = event, time, event.epochs
        self.finished = self.failed = self.paused_at = None
        self._paused_seconds = 0.0
        self._pace = Pace(event.steps_per_epoch, event.validation_steps)
        self.steps = [step for step in self.steps if step.epoch < event.first_epoch]
        self.epochs = [epoch for epoch in self.epochs if epoch.epoch < event.first_epoch]
        warnings = [  # of the start itself, before it could know where it begins
            replace(mark, step=first_step - 1)
            for mark in self.marks[self._after_steps :]
            if mark.kind == "warning" and mark.step >= first_step
        ]
        self.marks = [mark for mark in self.marks if mark.step < first_step] + warnings
        if before is not None and event.stage > before.stage:
            self._mark("continued", f"continued until epoch {event.epochs}", first_step - 1)
        elif again:
            self._mark("resumed", f"resumed at epoch {event.first_epoch}", first_step - 1)
        self._after_steps = len(self.marks)

    def _mark(self, kind: str, text: str, step: int | None = None) -> None:
        self.marks.append(Mark(self._last_step if step is None else step, kind, text))

    @property
    def _last_step(self) -> int:
        return self.steps[-1].step if self.steps else 0

    @property
    def _before(self) -> int:
        """The steps that were made before the latest start."""
        if self.started is None:
            return 0
        return (self.started.first_step or (self.started.first_epoch - 1) * self.started.steps_per_epoch + 1) - 1

    @property
    def total_steps(self) -> int:
        """The number of the last step, as things stand."""
        if self.started is None:
            return 0
        return self._before + (self.total_epochs - self.started.first_epoch + 1) * self.started.steps_per_epoch

    @property
    def progress(self) -> float:
        """The share of all steps that is done, 0..1."""
        return min(1.0, self.steps[-1].step / self.total_steps) if self.steps and self.total_steps else 0.0

    @property
    def best(self) -> EpochFinished | None:
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    @property
    def training_seconds(self) -> float:
        """How long the run trained: training and validation over all its starts; NaN before its first epoch.

        Pauses, waiting in the queue, and reading the images do not count. This is the one duration of a run.
        """
        if self.finished is not None:
            return self.finished.seconds
        return self.epochs[-1].seconds if self.epochs else math.nan

    @property
    def seconds_left(self) -> float:
        """As `seconds_left_at` the latest event."""
        return self.seconds_left_at(self.last_at)

    def seconds_left_at(self, now: float) -> float:
        """The training time that is left `now` (seconds since 1970), see `pace`; NaN before there is a pace."""
        if self.finished is not None:
            return 0.0
        if self.started is None or not self.steps:
            return math.nan
        at = (now if self.paused_at is None else self.paused_at) - self._paused_seconds
        last = self.steps[-1]
        return self._pace.seconds_left(self.total_steps - last.step, max(0, self.total_epochs - last.epoch), at)
