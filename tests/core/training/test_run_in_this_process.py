"""A run in the caller's process: files as by a process of its own, errors raised, Ctrl-C, the queue, threads."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from tests.helpers.processes import events, make_data, quick, wait_for
from unet_core.errors import DataError, RunError, TrainingError
from unet_core.models import checkpoint
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.events import EpochFinished, Event, RunFailed, RunFinished, StepFinished
from unet_core.runs.run import Run, RunState
from unet_core.training import worker
from unet_core.training.worker import run_in_this_process


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("in_process") / "data")


@pytest.fixture
def run(tmp_path: Path, data: Path) -> Run:
    return runs.create(tmp_path / "runs", quick(data))


def at(kind: type[Event], act: Callable[[], object], number: int = 1) -> Callable[[Event], None]:
    """A listener that acts at the n-th event of a kind."""
    count = 0

    def listen(event: Event) -> None:
        nonlocal count
        if isinstance(event, kind):
            count += 1
            if count == number:
                act()

    return listen


def interrupt() -> None:
    raise KeyboardInterrupt


def test_it_trains_to_the_end_and_calls_back_with_every_event(run):
    heard: list[Event] = []
    states: list[RunState] = []

    def listen(event: Event) -> None:
        heard.append(event)
        states.append(run.state())

    run_in_this_process(run, listen)
    assert heard == events(run)
    assert isinstance(heard[-1], RunFinished)
    assert set(states[:-1]) == {RunState.RUNNING}
    assert run.state() is RunState.FINISHED
    assert not run.alive()
    assert checkpoint.load_model(run.best)[1] == ""
    assert (run.folder / "heartbeat").exists()
    assert queue.waiting(run.folder.parent) == []


def test_the_number_of_threads_is_as_before(tmp_path, data):
    before = torch.get_num_threads()
    run = runs.create(tmp_path, quick(data, threads=before + 1, epochs=1))
    during: list[int] = []
    run_in_this_process(run, lambda _: during.append(torch.get_num_threads()))
    assert set(during) == {before + 1}
    assert torch.get_num_threads() == before


def test_a_stop_is_obeyed_and_the_best_epoch_kept(tmp_path, data):
    run = runs.create(tmp_path, quick(data, epochs=50))
    run_in_this_process(run, at(StepFinished, run.request_stop, 3))
    assert run.state() is RunState.STOPPED
    assert run.has_best
    assert len([event for event in events(run) if isinstance(event, StepFinished)]) == 3


def test_an_interrupt_leaves_a_run_that_can_be_resumed(tmp_path, data):
    run = runs.create(tmp_path, quick(data, epochs=4))
    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        run_in_this_process(run, at(EpochFinished, interrupt, 2))
    assert run.state() is RunState.INTERRUPTED
    assert not run.alive()
    assert torch.get_num_threads() == before
    assert run.has_best
    run_in_this_process(run)
    assert run.state() is RunState.FINISHED
    starts = [event.first_epoch for event in events(run) if event.type == "started"]
    assert starts == [1, 2]


def test_an_error_of_the_data_is_raised_and_told_in_the_log(tmp_path):
    data = make_data(tmp_path / "data")
    run = runs.create(tmp_path / "runs", quick(data))
    (data / "masks" / "p3.png").unlink()
    with pytest.raises(DataError) as raised:
        run_in_this_process(run)
    assert events(run) == [RunFailed(str(raised.value))]
    assert run.state() is RunState.FAILED


def test_an_error_of_the_training_is_raised(run, monkeypatch):
    def fail(*_: object) -> float:
        raise TrainingError("The loss is nan.")

    monkeypatch.setattr("unet_core.training.loop.make_step", fail)
    with pytest.raises(TrainingError, match="The loss is nan"):
        run_in_this_process(run)
    assert events(run)[-1] == RunFailed("The loss is nan.")


def test_an_error_of_the_listener_ends_the_run_as_failed(run):
    def fail() -> None:
        raise OSError("the socket is closed")

    with pytest.raises(OSError, match="the socket is closed"):
        run_in_this_process(run, at(StepFinished, fail))
    assert run.state() is RunState.FAILED
    assert "the socket is closed" in events(run)[-1].message


def test_an_active_run_is_refused(run, monkeypatch):
    with FileLock(run.folder / "lock"), pytest.raises(RunError, match="already active"):
        run_in_this_process(run)
    monkeypatch.setattr(worker, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(Run, "alive", lambda _: False)  # as where another process takes the lock after the look
    with FileLock(run.folder / "lock"), pytest.raises(RunError, match="already active"):
        run_in_this_process(run)
    assert not run.events.exists()


def test_it_waits_while_the_device_is_taken(run):
    device = FileLock(run.folder.parent / ".device.lock")
    device.acquire()
    thread = threading.Thread(target=run_in_this_process, args=(run,))
    thread.start()
    try:
        wait_for(lambda: run.alive() and run.state() is RunState.QUEUED, "it waits")
        assert not run.events.exists()
    finally:
        device.release()
        thread.join(60)
    assert run.state() is RunState.FINISHED


def test_removed_from_the_queue_it_raises_and_nothing_is_left(run, monkeypatch):
    monkeypatch.setattr("unet_core.runs.queue.time.sleep", lambda _: (run.folder / "queue").unlink(missing_ok=True))
    with queue.hold_device(run.folder.parent), pytest.raises(RunError, match="removed from the queue"):
        run_in_this_process(run)
    assert not run.folder.exists()


def test_an_interrupt_while_it_waits_takes_it_out_of_the_queue(run, monkeypatch):
    monkeypatch.setattr("unet_core.runs.queue.time.sleep", lambda _: interrupt())
    with queue.hold_device(run.folder.parent), pytest.raises(KeyboardInterrupt):
        run_in_this_process(run)
    assert queue.waiting(run.folder.parent) == []
    assert not run.folder.exists()
