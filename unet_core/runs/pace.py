"""How fast a run trains, and how long the rest takes: from the times of its steps and epochs, without their outliers.

The rest is the steps that are left, at the pace of the latest ones, and for each epoch what lies between its last step
and the first of the next: validation and saving. The first steps of a process do not count: they load libraries and
set up what later ones use. A pause does not count, and an interval that is many times longer than the others (the
machine slept) counts as a long one only.
"""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

WARM_UP = 2  # steps of a process that say nothing about the pace
LATEST = 120  # intervals between steps that set the pace
ENOUGH = 3  # intervals from which a pace is shown
LONGEST = 8.0  # an interval counts as at most so many times the median
GAPS = 5  # epochs whose validation is remembered


def typical(seconds: Sequence[float]) -> float:
    """The mean, in which nothing counts more than `LONGEST` times the median; NaN of nothing.

    >>> typical([1.0, 1.0, 4.0]), typical([1.0, 1.0, 1.0, 3600.0])
    (2.0, 2.75)
    """
    if not seconds:
        return math.nan
    most = LONGEST * statistics.median(seconds)
    return statistics.fmean(min(value, most) for value in seconds)


@dataclass
class Pace:
    """The times of one process that trains, in seconds of training (without pauses), fed in their order.

    `validation_steps` is what the trainer expects a validation to cost, in training steps; what was measured replaces
    it.
    """

    steps_per_epoch: int
    validation_steps: float = 0.0
    _steps: int = 0  # made by this process
    _at: float = 0.0  # of the latest step
    _validated: float = math.nan  # how long the validation after the latest step took; NaN where there was none since
    _intervals: deque[float] = field(default_factory=lambda: deque(maxlen=LATEST))
    _validations: deque[float] = field(default_factory=lambda: deque(maxlen=GAPS))
    _gaps: deque[float] = field(default_factory=lambda: deque(maxlen=GAPS))  # from an epoch's last step to the next

    def add_step(self, at: float) -> None:
        """A step ended `at`."""
        self._steps += 1
        if not math.isnan(self._validated):
            self._gaps.append(at - self._at)
        elif self._steps > WARM_UP:
            self._intervals.append(at - self._at)
        self._at, self._validated = at, math.nan

    def add_epoch(self, at: float) -> None:
        """An epoch was validated `at`."""
        self._validated = at - self._at
        self._validations.append(self._validated)

    @property
    def step_seconds(self) -> float:
        """Of one training step; NaN before `ENOUGH` of them were timed."""
        enough = min(ENOUGH, max(1, self.steps_per_epoch - WARM_UP))
        return typical(self._intervals) if len(self._intervals) >= enough else math.nan

    def seconds_left(self, steps: int, epochs: int, at: float) -> float:
        """The time for `steps` more steps, in the current epoch and `epochs` more; NaN before there is a pace.

        `at` is now: what has passed since the latest event is no longer left.
        """
        pace = self._measured_step()
        if math.isnan(pace):
            return math.nan
        validation = typical(self._validations) if self._validations else self.validation_steps * pace
        gap = typical(self._gaps) if self._gaps else validation + pace
        in_epochs = epochs * ((self.steps_per_epoch - 1) * pace + gap)
        current = max(0, steps - epochs * self.steps_per_epoch) * pace
        if not math.isnan(self._validated):  # between two epochs
            current = 0.0
            if not epochs:
                return 0.0
        return max(0.0, in_epochs + current + validation - max(0.0, at - self._at))

    def _measured_step(self) -> float:
        """As `step_seconds`; where epochs are too short for it, a gap between two of them without the validation."""
        if not math.isnan(self.step_seconds) or not self._gaps:
            return self.step_seconds
        return max(0.0, typical(self._gaps) - typical(self._validations))
