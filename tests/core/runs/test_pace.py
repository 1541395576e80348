"""The pace of a run and the time that is left, worked out by hand and against trainings that were recorded."""

import json
import math
from pathlib import Path

import pytest

from unet_core.runs.pace import LATEST, Pace, typical

RECORDED = json.loads((Path(__file__).parent / "recorded_pace.json").read_text(encoding="ascii"))


def fed(pace: Pace, *steps: float) -> Pace:
    for at in steps:
        pace.add_step(at)
    return pace


def test_the_first_steps_say_nothing_about_the_pace() -> None:
    pace = fed(Pace(10), 30.0, 40.0, 41.0, 42.0)
    assert math.isnan(pace.step_seconds), "two intervals are too few"
    assert math.isnan(pace.seconds_left(6, 0, 42.0))
    pace.add_step(43.0)
    assert pace.step_seconds == 1.0
    assert pace.seconds_left(5, 0, 43.0) == 5.0


def test_a_night_in_which_the_machine_slept_counts_as_a_long_step_only() -> None:
    pace = fed(Pace(100), *map(float, range(1, 13)))
    assert pace.step_seconds == 1.0
    pace.add_step(12.0 + 8 * 3600)
    assert pace.step_seconds == (10 + 8) / 11


def test_only_the_latest_steps_set_the_pace() -> None:
    pace = fed(Pace(10_000), *(float(n) for n in range(1, 50)))
    for n in range(LATEST):
        pace.add_step(49.0 + 3 * (n + 1))
    assert pace.step_seconds == 3.0


def test_an_expected_validation_until_one_was_measured() -> None:
    pace = fed(Pace(5, validation_steps=2.0), 5.0, 6.0, 7.0, 8.0, 9.0)
    assert pace.seconds_left(10, 2, 9.0) == 10.0 + 3 * 2.0  # two more epochs of five steps, and three validations
    pace.add_epoch(12.0)  # it took 3 s, not 2
    assert pace.seconds_left(10, 2, 12.0) == 10.0 + 2 * 3.0
    pace.add_step(14.0)  # saving took one more
    # four more steps; from the last of them 5 s to the first of the next epoch, its other four, and a validation
    assert pace.seconds_left(9, 1, 14.0) == 4.0 + 5.0 + 4.0 + 3.0


def test_what_has_passed_since_the_latest_event_is_no_longer_left() -> None:
    pace = fed(Pace(100), *map(float, range(1, 11)))
    assert pace.seconds_left(90, 0, 10.0) == 90.0
    assert pace.seconds_left(90, 0, 10.4) == 89.6
    assert pace.seconds_left(1, 0, 25.0) == 0.0


@pytest.mark.parametrize("steps_per_epoch", [1, 2])
def test_epochs_of_one_or_two_steps(steps_per_epoch: int) -> None:
    """Each step takes 2 s, each validation 3 s, saving nothing."""
    pace, at, total = Pace(steps_per_epoch), 0.0, 8
    for epoch in range(1, total):
        for _ in range(steps_per_epoch):
            at += 2.0
            pace.add_step(at)
        at += 3.0
        pace.add_epoch(at)
        if epoch > 2:
            left = total - epoch
            assert pace.seconds_left(left * steps_per_epoch, left, at) == left * (2.0 * steps_per_epoch + 3.0)


def test_typical_of_nothing() -> None:
    assert math.isnan(typical([]))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_trainings(name: str) -> None:
    """From the fifth step on within 10 % of what it took in the end, within 6 % once an epoch was validated."""
    record = RECORDED[name]
    per_epoch, epochs, end = record["steps_per_epoch"], record["epochs"], record["validated"][-1]
    pace = Pace(per_epoch, record["validation_steps"])
    errors: dict[int, float] = {}
    for step, at in enumerate(record["steps"], 1):
        pace.add_step(at)
        epoch = (step - 1) // per_epoch + 1
        left = pace.seconds_left(per_epoch * epochs - step, epochs - epoch, at)
        if not math.isnan(left):
            errors[step] = abs(left / (end - at) - 1)
        if step % per_epoch == 0:
            pace.add_epoch(record["validated"][epoch - 1])
    assert min(errors) == 5
    assert max(errors[step] for step in range(5, per_epoch + 1)) < 0.10
    assert max(errors[step] for step in range(per_epoch + 1, per_epoch * (epochs - 1))) < 0.06
