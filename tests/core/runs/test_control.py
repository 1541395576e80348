"""What is asked of a trainer: files there and back, out of range, and what a resumed trainer has to do again."""

import json
import os
from pathlib import Path

import pytest

from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError, RunError
from unet_core.runs import control
from unet_core.runs import run as runs
from unet_core.runs.control import Control, FileControl, Requests
from unet_core.runs.events import EpochFinished, EpochsChanged, Event, LrChanged, RunStarted, StepFinished
from unet_core.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runs.create(tmp_path, RunConfig())


def files(run: Run) -> list[str]:
    return sorted(path.name for path in run.control.iterdir())


def test_nobody_asks_for_anything() -> None:
    assert Control().poll(7) == Requests(stop=False, pause=False, lr=None, epochs=None, refused=())


def test_without_files_nothing_is_asked_also_where_the_folder_is_gone(run: Run) -> None:
    assert FileControl(run.control).poll(1) == Requests()
    run.control.rmdir()
    assert FileControl(run.control).poll(1) == Requests()


def test_stop_and_pause_hold_and_a_change_is_told_once(run: Run) -> None:
    asked = FileControl(run.control)
    run.request_pause()
    run.request_lr(0.25)
    run.request_epochs(40)
    assert files(run) == ["epochs", "lr", "pause"]
    assert asked.poll(1) == Requests(pause=True, lr=0.25, epochs=40)
    assert files(run) == ["pause"]
    assert asked.poll(1) == Requests(pause=True)
    run.request_stop()
    assert asked.poll(1) == Requests(pause=True, stop=True)
    assert run.stop_requested()
    run.request_unpause()
    run.request_unpause()
    assert asked.poll(2) == Requests(stop=True)


def test_a_rate_survives_to_the_last_bit(run: Run) -> None:
    run.request_lr(0.1 + 0.2)
    assert FileControl(run.control).poll(1).lr == 0.1 + 0.2


def test_the_newest_of_two_requests_is_obeyed(run: Run) -> None:
    run.request_lr(0.25)
    run.request_lr(0.5)
    assert FileControl(run.control).poll(1) == Requests(lr=0.5)
    assert files(run) == []


@pytest.mark.parametrize("value", [0, -1, 10.5, float("nan"), float("inf"), "fast", "", "0x1"])
def test_a_rate_out_of_range_is_refused_at_once_and_where_it_is_written_by_hand(run: Run, value: float | str) -> None:
    with pytest.raises(ConfigError, match="Expected lr to be"):
        run.request_lr(value)  # type: ignore[arg-type]
    assert files(run) == []
    (run.control / "lr").write_text(str(value))
    orders = FileControl(run.control).poll(1)
    assert orders.lr is None
    assert len(orders.refused) == 1
    assert orders.refused[0].startswith("The learning rate was not changed. Expected lr to be ")
    assert files(run) == []


@pytest.mark.parametrize("value", [0, -3, 100_001, "9" * 50, "1.5", "many", ""])
def test_a_number_of_epochs_out_of_range_is_refused_likewise(run: Run, value: int | str) -> None:
    with pytest.raises(ConfigError, match="Expected epochs to be"):
        run.request_epochs(value)  # type: ignore[arg-type]
    (run.control / "epochs").write_text(str(value))
    orders = FileControl(run.control).poll(1)
    assert (orders.epochs, len(orders.refused), files(run)) == (None, 1, [])


def test_bytes_that_are_no_text_and_a_megabyte_of_them(run: Run) -> None:
    (run.control / "lr").write_bytes(b"\xff\x00" * 500_000)
    (refused,) = FileControl(run.control).poll(1).refused
    assert len(refused) < 1000


def test_a_request_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"control.*stop cannot be written"):
        Run(tmp_path / "file").request_stop()


def test_a_start_takes_back_what_nobody_obeyed_but_not_the_wish_to_go_on(run: Run) -> None:
    run.request_stop()
    run.request_pause()
    run.request_lr(0.1)
    run.request_epochs(3)
    control.request_continue(run.control, 20, None)
    run.clear_requests()
    assert files(run) == ["continue"]


def test_the_wish_to_go_on(run: Run) -> None:
    assert control.read_continue_request(run.control) is None
    control.request_continue(run.control, 20, 0.5)
    first = control.read_continue_request(run.control)
    assert first is not None
    assert (first.epochs, first.lr) == (20, 0.5)
    control.request_continue(run.control, 20, 0.5)
    assert control.read_continue_request(run.control) != first, "the same wish once more is another one"
    for epochs, lr in ((0, None), (20, 0.0), (20, float("nan"))):
        with pytest.raises(ConfigError):
            control.request_continue(run.control, epochs, lr)
    for text in ("", "[]", "{}", json.dumps({"epochs": 3}), "null"):
        (run.control / "continue").write_text(text)
        assert control.read_continue_request(run.control) is None


def test_a_look_at_no_request_costs_one_system_call(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    monkeypatch.setattr(os, "listdir", lambda folder: looks.append(folder) or [])
    FileControl(run.control).poll(1)
    assert looks == [run.control]


# --------------------------------------------------------------------------------- what is done again after a kill


def started(first_epoch: int = 1, stage: int = 1) -> RunStarted:
    return RunStarted("cpu", "fp32", 1, 9, 1, 1, 4, 1, 0, 10, 5, first_epoch=first_epoch, stage=stage)


def epoch(number: int) -> EpochFinished:
    return EpochFinished(number, 5 * number, 0.5, 0.5, 0.5, 0.4, 0.01, 1.0, 10.0 * number, best=False)


def lr(step: int, rate: float) -> LrChanged:
    return LrChanged(step // 5 + 1, step, 0.01, rate)


def epochs(step: int, total: int) -> EpochsChanged:
    return EpochsChanged(step // 5 + 1, step, 10, total)


@pytest.mark.parametrize(
    ("log", "after", "stage", "again"),
    [
        ([], 0, 1, []),
        ([started(), lr(2, 0.1)], 0, 1, [lr(2, 0.1)]),
        ([started(), lr(2, 0.1), epoch(1)], 1, 1, []),  # saved with epoch 1
        ([started(), epoch(1), lr(5, 0.1), lr(7, 0.2), epochs(8, 20)], 1, 1, [lr(5, 0.1), lr(7, 0.2), epochs(8, 20)]),
        # killed twice, once before the change was repeated, once after
        ([started(), epoch(1), lr(7, 0.2), started(2), StepFinished(2, 6, 1.0, 0.1)], 1, 1, [lr(7, 0.2)]),
        ([started(), epoch(1), lr(7, 0.2), lr(9, 0.3), started(2), lr(7, 0.2)], 1, 1, [lr(7, 0.2), lr(9, 0.3)]),
        # a new wish stands for those of its kind that would have come later
        ([started(), epoch(1), lr(7, 0.2), epochs(8, 20), started(2), lr(6, 0.5)], 1, 1, [epochs(8, 20), lr(6, 0.5)]),
        # what was asked of the stage before is over
        ([started(), epoch(1), lr(5, 0.1), started(2, stage=2)], 1, 2, []),
        ([started(), epoch(1), lr(5, 0.1)], 1, 2, []),
        ([started(), epoch(1), started(2, stage=2), lr(6, 0.1)], 1, 2, [lr(6, 0.1)]),
    ],
)
def test_what_a_trainer_repeats_that_goes_on_after_an_epoch(
    log: list[Event], after: int, stage: int, again: list[Event]
) -> None:
    assert control.to_repeat(log, after, stage) == again


def test_a_change_comes_again_at_its_step_unless_another_is_asked_for(run: Run) -> None:
    asked = FileControl(run.control, [lr(7, 0.2), epochs(8, 20), lr(9, 0.3)])
    assert asked.poll(6) == Requests()
    assert asked.poll(7) == Requests(lr=0.2)
    run.request_lr(0.5)
    assert asked.poll(8) == Requests(lr=0.5, epochs=20)
    assert asked.poll(9) == Requests()
