"""What events add up to: curves, progress, time left and the best epoch, worked out by hand."""

import math
from dataclasses import replace

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
from unet_core.runs.history import MARKS, History, Mark

STARTED = RunStarted(
    device="cpu",
    precision="fp32",
    threads=1,
    parameters=9,
    in_channels=1,
    num_classes=1,
    train_images=4,
    val_images=1,
    test_images=0,
    epochs=4,
    steps_per_epoch=5,
)
FINISHED = RunFinished("completed", 1, 0.5, 0.4, 1.0, 2.0)


def step(number: int) -> StepFinished:
    return StepFinished(epoch=(number - 1) // 5 + 1, step=number, loss=1 / number, lr=0.01)


def epoch(number: int, best: bool = False) -> EpochFinished:
    return EpochFinished(number, 5 * number, 0.5, 0.5, 0.5, 0.4, 0.01, 1.0, 10.0 * number, best)


def told(*events: tuple[float, Event]) -> History:
    history = History()
    for time, event in events:
        history.add(event, time)
    return history


def test_before_anything_is_told() -> None:
    history = History()
    assert (history.progress, history.total_steps, history.best, history.started) == (0.0, 0, None, None)
    assert math.isnan(history.seconds_left)


def test_a_started_run_has_no_pace_yet() -> None:
    history = told((100.0, STARTED))
    assert (history.total_steps, history.progress) == (20, 0.0)
    assert math.isnan(history.seconds_left)


def test_curves_progress_and_time_left() -> None:
    history = told((100.0, STARTED), (101.0, step(1)), (103.0, step(2)), (106.0, step(3)))
    assert history.steps == [step(1), step(2), step(3)]
    assert history.progress == 0.15  # 3 of 4 * 5 steps
    assert math.isnan(history.seconds_left), "two steps to warm up, and one interval is too few"
    history.add(step(4), 108.0)
    history.add(step(5), 109.0)
    assert history.seconds_left == 30.0  # 2 s a step (3, 2 and 1), 15 to go
    history.add(epoch(1), 112.0)  # validation took 3 s
    assert history.epochs == [epoch(1)]
    assert history.seconds_left == 39.0  # three epochs of 5 steps and a validation
    assert history.seconds_left_at(113.5) == 37.5
    assert history.last_at == 112.0


def test_one_run_has_one_duration() -> None:
    history = told((100.0, STARTED), (101.0, step(1)))
    assert math.isnan(history.training_seconds)
    history.add(epoch(1), 150.0)
    assert history.training_seconds == 10.0, "what the trainer counted, not what the clock says"
    history.add(epoch(2), 250.0)
    history.add(FINISHED, 300.0)
    assert history.training_seconds == FINISHED.seconds
    history.add(replace(STARTED, first_epoch=3, stage=2), 900.0)
    assert history.training_seconds == 20.0


def test_nothing_is_left_at_the_end() -> None:
    history = told((100.0, STARTED), *((100.0 + n, step(n)) for n in range(1, 21)), (125.0, FINISHED))
    assert (history.progress, history.seconds_left, history.finished) == (1.0, 0.0, FINISHED)


def test_the_best_epoch_is_the_latest_that_was_best() -> None:
    history = told((0.0, STARTED), (1.0, epoch(1, best=True)), (2.0, epoch(2, best=True)), (3.0, epoch(3)))
    assert history.best == epoch(2, best=True)
    assert told((0.0, STARTED), (1.0, epoch(1))).best is None


def test_a_run_taken_up_again_forgets_what_it_repeats() -> None:
    """Killed in epoch 3 after step 12; resumed with epoch 3, an hour later."""
    first = [(0.0 + n, step(n)) for n in range(1, 13)]
    history = told(
        (0.0, STARTED),
        *first[:5],
        (5.5, epoch(1, best=True)),
        *first[5:10],
        (10.5, epoch(2)),
        *first[10:],
        (13.0, Warned("cold")),
        (14.0, RunFailed("No memory left.")),
    )
    assert history.failed == RunFailed("No memory left.")
    again = replace(STARTED, first_epoch=3, device="cuda")
    history.add(again, 3600.0)
    assert [item.step for item in history.steps] == list(range(1, 11))
    assert [item.epoch for item in history.epochs] == [1, 2]
    assert (history.started, history.started_at) == (again, 3600.0)
    assert (history.failed, history.finished) == (None, None)
    assert history.best == epoch(1, best=True)
    assert history.progress == 0.5
    assert math.isnan(history.seconds_left), "no step since the new start"
    history.add(step(11), 3604.0)
    assert math.isnan(history.seconds_left), "nor has the pace of the former process to do with it"
    for number in range(12, 16):
        history.add(step(number), 3604.0 + 2 * (number - 11))
    assert history.seconds_left == 10.0  # 2 s for one step, 5 to go: neither the hour counts nor the first step
    assert [item.step for item in history.steps] == list(range(1, 16))
    assert history.warnings == ["cold"]


def test_a_run_that_starts_anew_keeps_no_curve() -> None:
    history = told((0.0, STARTED), (1.0, step(1)), (2.0, epoch(1)), (3.0, FINISHED), (9.0, STARTED))
    assert (history.steps, history.epochs, history.finished) == ([], [], None)


def test_a_log_that_lost_its_first_line() -> None:
    history = told((1.0, step(1)), (2.0, epoch(1, best=True)))
    assert (history.progress, history.best) == (0.0, epoch(1, best=True))
    assert math.isnan(history.seconds_left)


# Marks, pauses, changes ---------------------------------------------------------------------------------------------


def placed(history: History) -> list[tuple[int, str]]:
    return [(mark.step, mark.kind) for mark in history.marks]


def test_marks_say_what_happened_after_which_step() -> None:
    history = told(
        (0.0, Warned("cold")),
        (0.0, STARTED),
        *((float(n), step(n)) for n in range(1, 6)),
        (5.0, epoch(1, best=True)),
        (5.0, epoch(2)),
        (6.0, step(6)),
        (6.0, LrChanged(2, 6, before=0.01, lr=0.002)),
        (6.0, EpochsChanged(2, 6, before=4, epochs=9)),
        (7.0, step(7)),
        (7.0, Paused(2, 7)),
        (17.0, Unpaused(2, 7, 10.0)),
        (17.0, Warned("The disk is full.")),
    )
    assert history.marks == [
        Mark(0, "warning", "cold"),
        Mark(5, "best", "best so far: epoch 1, Dice 0.5000"),
        Mark(6, "lr", "learning rate 0.01 to 0.002"),
        Mark(6, "epochs", "4 epochs to 9"),
        Mark(7, "paused", "paused"),
        Mark(7, "unpaused", "resumed after 10 s"),
        Mark(7, "warning", "The disk is full."),
    ]
    assert {mark.kind for mark in history.marks} <= set(MARKS)


def test_a_run_taken_up_again_drops_the_marks_of_the_steps_it_repeats() -> None:
    """Killed after step 8 while it was held; goes on with epoch 2, that is, with step 6."""
    history = told(
        (0.0, STARTED),
        *((float(n), step(n)) for n in range(1, 6)),
        (5.0, epoch(1, best=True)),
        (5.0, LrChanged(1, 5, 0.01, 0.1)),  # between two epochs
        (6.0, step(6)),
        (6.0, LrChanged(2, 6, 0.1, 0.2)),
        (6.0, Warned("of step 6")),
        (8.0, step(8)),
        (8.0, Paused(2, 8)),
    )
    assert history.paused_at is not None
    history.add(Warned("damaged"), 100.0)
    history.add(replace(STARTED, first_epoch=2), 100.0)
    assert placed(history) == [(5, "best"), (5, "lr"), (5, "warning"), (5, "resumed")]
    assert [mark.text for mark in history.marks[2:]] == ["damaged", "resumed at epoch 2"]
    assert history.paused_at is None
    history.add(Warned("damaged again"), 200.0)
    history.add(replace(STARTED, first_epoch=2), 200.0)
    assert placed(history)[3:] == [(5, "resumed"), (5, "warning"), (5, "resumed")]


def test_a_run_that_was_over_and_goes_on() -> None:
    """Three of four epochs, stopped after step 13, two steps short of the end of the third; five epochs more."""
    history = told(
        (0.0, STARTED),
        *((float(n), step(n)) for n in range(1, 14)),
        (13.0, epoch(1)),
        (13.0, epoch(2)),
        (13.0, replace(epoch(3), step=13)),
        (13.0, FINISHED),
    )
    again = replace(STARTED, epochs=8, first_epoch=4, stage=2, first_step=14)
    history.add(again, 1000.0)
    assert history.marks == [Mark(13, "continued", "continued until epoch 8")]
    assert (history.total_epochs, history.total_steps, history.finished) == (8, 13 + 5 * 5, None)
    assert history.progress == 13 / 38
    assert math.isnan(history.seconds_left)
    for number in range(14, 19):
        history.add(replace(step(number), epoch=4), 1002.0 + 2 * (number - 14))
    assert history.seconds_left == 2.0 * 20
    history.add(again, 2000.0)  # killed and taken up again, in the same stage
    assert placed(history) == [(13, "continued"), (13, "resumed")]


def test_more_and_fewer_epochs_move_the_end() -> None:
    started = replace(STARTED, steps_per_epoch=10)
    history = told((100.0, started), *((100.0 + n, replace(step(n), epoch=1)) for n in range(1, 6)))
    assert (history.total_epochs, history.seconds_left) == (4, 35.0)
    history.add(EpochsChanged(1, 5, before=4, epochs=10), 105.0)
    assert (history.total_epochs, history.total_steps, history.progress, history.seconds_left) == (10, 100, 0.05, 95.0)
    history.add(EpochsChanged(1, 5, before=10, epochs=1), 105.0)
    assert (history.total_steps, history.seconds_left) == (10, 5.0)
    assert history.started == started


def test_a_pause_is_no_time_of_training() -> None:
    started = replace(STARTED, steps_per_epoch=10)
    steps = [(100.0 + n, replace(step(n), epoch=1)) for n in range(1, 6)]
    history = told((100.0, started), *steps, (105.0, Paused(1, 5)))
    assert (history.paused_at, history.seconds_left, history.seconds_left_at(170.0)) == (105.0, 35.0, 35.0)
    history.add(LrChanged(1, 5, 0.01, 0.1), 150.0)  # asked for while it is paused
    assert (history.seconds_left, history.lr) == (35.0, 0.1)
    history.add(Unpaused(1, 5, 100.0), 205.0)
    assert (history.paused_at, history.seconds_left) == (None, 35.0)
    history.add(replace(step(6), epoch=1), 206.0)
    assert history.seconds_left == 34.0
    history.add(Paused(1, 6), 206.0)
    history.add(replace(started, first_epoch=1), 500.0)
    for at, event in steps:
        history.add(event, at + 400.0)
    assert history.seconds_left == 35.0, "the pauses before the latest start have nothing to do with its pace"


def test_the_rate_and_the_memory_are_those_of_the_latest_step() -> None:
    history = History()
    assert (history.lr, history.memory_mb) == (None, None)
    history.add(replace(step(1), memory_mb=700), 1.0)
    history.add(replace(step(2), lr=0.5, memory_mb=800), 2.0)
    assert (history.lr, history.memory_mb) == (0.5, 800)


def test_a_stop_ends_a_pause() -> None:
    history = told((1.0, STARTED), (2.0, step(1)), (2.0, Paused(1, 1)), (3.0, FINISHED))
    assert history.paused_at is None
