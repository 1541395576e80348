"""What the events of a run add up to: curves, progress, time left. Fed event by event: a page reads only news."""

import math
from dataclasses import dataclass, field

from unet_core.events import EpochFinished, Event, RunFailed, RunFinished, RunStarted, StepFinished, Warned


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

    def add(self, event: Event, time: float) -> None:
        """Take in the next event. A run taken up again forgets the steps that it is about to repeat."""
        self.last_at = time
        match event:
            case RunStarted():
                self.started, self.started_at = event, time
                self.finished = self.failed = None
                self.steps = [step for step in self.steps if step.epoch < event.first_epoch]
                self.epochs = [epoch for epoch in self.epochs if epoch.epoch < event.first_epoch]
            case StepFinished():
                self.steps.append(event)
            case EpochFinished():
                self.epochs.append(event)
            case Warned():
                self.warnings.append(event.message)
            case RunFinished():
                self.finished = event
            case RunFailed():
                self.failed = event

    @property
    def total_steps(self) -> int:
        return self.started.epochs * self.started.steps_per_epoch if self.started else 0

    @property
    def progress(self) -> float:
        """The share of all steps that is done, 0..1."""
        return min(1.0, self.steps[-1].step / self.total_steps) if self.steps and self.total_steps else 0.0

    @property
    def best(self) -> EpochFinished | None:
        return next((epoch for epoch in reversed(self.epochs) if epoch.best), None)

    @property
    def seconds_left(self) -> float:
        """At the pace since the latest start, validation included; NaN before there is one."""
        if self.started is None or not self.steps:
            return math.nan
        before = (self.started.first_epoch - 1) * self.started.steps_per_epoch
        done = self.steps[-1].step - before
        return (self.last_at - self.started_at) / done * (self.total_steps - self.steps[-1].step) if done else math.nan
