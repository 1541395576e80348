"""What events add up to: curves, progress, time left and the best epoch, worked out by hand."""

import math
from dataclasses import replace

from unet_core.events import EpochFinished, Event, RunFailed, RunFinished, RunStarted, StepFinished, Warned
from unet_core.history import History

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
    assert history.seconds_left == 34.0  # 6 s for 3 steps, 17 steps to go
    history.add(step(4), 107.0)
    history.add(step(5), 108.0)
    history.add(epoch(1), 110.0)  # validation took 2 s
    assert history.epochs == [epoch(1)]
    assert history.seconds_left == 30.0  # 10 s for 5 steps, 15 to go
    assert history.last_at == 110.0


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
    assert history.seconds_left == 36.0  # 4 s for one step, 9 to go: the hour does not count
    assert [item.step for item in history.steps] == list(range(1, 12))
    assert history.warnings == ["cold"]


def test_a_run_that_starts_anew_keeps_no_curve() -> None:
    history = told((0.0, STARTED), (1.0, step(1)), (2.0, epoch(1)), (3.0, FINISHED), (9.0, STARTED))
    assert (history.steps, history.epochs, history.finished) == ([], [], None)


def test_a_log_that_lost_its_first_line() -> None:
    history = told((1.0, step(1)), (2.0, epoch(1, best=True)))
    assert (history.progress, history.best) == (0.0, epoch(1, best=True))
    assert math.isnan(history.seconds_left)
