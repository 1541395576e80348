"""The line for the device: order, removal, moving, death of who waits and who trains, reviving; by real processes."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import STAND_IN
from tests.helpers.processes import (
    ENDLESS,
    ROOT,
    end,
    make_data,
    quick,
    steps,
    sweep,
    trainers,
    wait_for,
    wait_until_over,
)
from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import RunFailed
from unet_core.runs.run import Run, RunState
from unet_core.training import launch, worker

LAUNCH_TWO = """
import sys
from pathlib import Path
from unet_core.training import launch
from unet_core.config.schema import RunConfig
for run in launch.launch_all([RunConfig.from_json(sys.argv[1])] * 2, Path(sys.argv[2])):
    print(run.id, flush=True)
"""

DIE_WITH_THE_DEVICE = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from unet_core.runs import queue
real = queue._acquire
def die(lock):
    if real(lock):
        os._exit(9)
    return False
queue._acquire = die
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("queue") / "data")


@pytest.fixture
def place(tmp_path: Path, quick_trainer: Path) -> Iterator[Path]:
    """A runs folder; no process outlives the test."""
    yield tmp_path / "runs"
    sweep(tmp_path)


@pytest.fixture
def line(tmp_path: Path) -> list[Run]:
    """Four runs in the queue, without any process."""
    made = [runs.create(tmp_path / "line", RunConfig()) for _ in range(4)]
    for run in made:
        queue.join(run)
    return made


def ids(runs_dir: Path) -> list[str]:
    return [run.id for run in queue.waiting(runs_dir)]


def span(run: Run) -> tuple[float, float]:
    """When a run began and ended, by its events."""
    times = [at for _, at in read_events(run.events)[0]]
    return times[0], times[-1]


# ------------------------------------------------------------------------------------------ places, without processes


def test_the_line_is_in_the_order_of_joining(line):
    runs_dir = line[0].folder.parent
    assert queue.waiting(runs_dir) == line
    queue.join(line[0])
    assert queue.waiting(runs_dir) == line, "who has a place keeps it"
    assert all(run.state() is RunState.QUEUED and run.state().active and not run.state().on_device for run in line)
    assert runs.find_active(runs_dir) is None


def test_who_joins_is_last_even_if_the_clock_was_set_back(line, monkeypatch):
    monkeypatch.setattr(queue.time, "time_ns", lambda: 1)
    late = runs.create(line[0].folder.parent, RunConfig())
    queue.join(late)
    assert queue.waiting(late.folder.parent) == [*line, late]


@pytest.mark.parametrize(
    ("index", "by", "order"),
    [(2, -1, "0213"), (1, 1, "0213"), (3, -9, "3012"), (0, 9, "1230"), (0, -1, "0123"), (3, 2, "0123"), (1, 0, "0123")],
)
def test_a_run_is_moved(line, index, by, order):
    queue.move(line[index], by)
    assert queue.waiting(line[0].folder.parent) == [line[int(number)] for number in order]


def test_to_and_fro_a_hundred_times_the_line_keeps_its_order(line):
    for number in range(100):
        order = queue.waiting(line[0].folder.parent)
        queue.move(line[number % 2], 2 if number % 3 else -2)
        assert sorted(ids(line[0].folder.parent)) == sorted(run.id for run in order)
    for _ in range(80):  # always into the same gap, until there is none
        first, second, third, fourth = queue.waiting(line[0].folder.parent)
        queue.move(fourth, -2)
        assert queue.waiting(line[0].folder.parent) == [first, fourth, second, third]


def test_moving_gives_no_place_to_a_run_that_left_meanwhile(line):
    queue._write(line[0], 7)
    assert queue._place(line[0]) == 7
    (line[0].folder / "queue").unlink()
    queue._write(line[0], 8)
    assert not line[0].queued
    with pytest.raises(RunError, match="is not in the queue"):
        queue.move(line[0], 1)


def test_a_damaged_place_counts_from_when_it_was_written(line):
    (line[1].folder / "queue").write_bytes(b"\xff?")
    os.utime(line[1].folder / "queue", ns=(1, 1))
    assert queue.waiting(line[0].folder.parent) == [line[1], line[0], *line[2:]]


def test_removing_deletes_what_never_began_and_nothing_else(line):
    failed = line[1]
    log = EventLog(failed.events)
    log.append(RunFailed("No memory left."))
    log.close()
    runs_dir = failed.folder.parent
    for run in line[:2]:
        run.request_stop()
        (run.folder / "control" / "continue").write_text("{}")
        queue.remove(run)
    assert not line[0].folder.exists()
    assert failed.state() is RunState.FAILED
    assert list(failed.control.iterdir()) == [], "what it was to do is taken back"
    assert sorted(path.name for path in runs_dir.iterdir()) == sorted(run.id for run in line[1:])
    with pytest.raises(RunError, match="is not in the queue"):
        queue.remove(failed)


def test_a_run_that_vanishes_while_it_is_looked_at_troubles_nobody(tmp_path):
    """Readers look at the state of a run while another process deletes it."""
    gone, errors = threading.Event(), []

    def read() -> None:
        try:
            while not gone.is_set():
                for run in runs.find(tmp_path):
                    run.state()
                runs.find_active(tmp_path)
                queue.waiting(tmp_path)
        except Exception as error:  # noqa: BLE001 - any error at all is what the test looks for
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(15):
        run = runs.create(tmp_path, RunConfig())
        (run.folder / "lock").touch()
        run.beat()
        queue.join(run)
        queue.remove(run)
    gone.set()
    for reader in readers:
        reader.join(30)
    assert errors == []
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [], (
        "a reader's glance at a lock brought a folder back"
    )


def test_a_queue_file_without_a_process_is_told_once_its_starter_has_had_time(line):
    run = line[0]
    assert not queue.is_orphaned(run), "its process may be about to start"
    os.utime(run.folder / "queue", (1, 1))
    assert queue.is_orphaned(run)
    with FileLock(run.folder / "lock"):
        run.beat()
        assert not queue.is_orphaned(run)
    queue._write(run, 5)
    assert queue.is_orphaned(run), "its lock was held once: the process is gone"


def test_the_device_can_be_held_for_something_short(tmp_path, data, monkeypatch):
    with (
        queue.hold_device(tmp_path / "new"),
        pytest.raises(RunError, match="A pre-flight check or learning rate test uses"),
        queue.hold_device(tmp_path / "new"),
    ):
        pass
    with queue.hold_device(tmp_path / "new"):
        pass
    monkeypatch.setattr(runs, "find_active", lambda runs_dir: Run(tmp_path / "new" / "other"))
    with FileLock(tmp_path / "new" / ".device.lock"), pytest.raises(RunError, match="Run other is training"):
        queue.hold_device(tmp_path / "new").__enter__()
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        queue.hold_device(tmp_path / "file").__enter__()


def test_a_line_on_a_disk_that_cannot_be_written_is_read(line, monkeypatch):
    def refuse(path: Path) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert [run.state() for run in queue.waiting(line[0].folder.parent)] == [RunState.QUEUED] * 4
    with pytest.raises(RunError, match="Read-only"):
        queue.remove(line[0])


# --------------------------------------------------------------------------------------------------- taking turns


def in_thread(run: Run, then: Callable[[bool], None]) -> threading.Thread:
    """A waiter in this process: it holds the run's lock, beats, and waits for its turn."""
    ready = threading.Event()

    def wait() -> None:
        with FileLock(run.folder / "lock"), worker.heartbeat(run):
            ready.set()
            with queue.wait_for_turn(run) as mine:
                then(mine)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert ready.wait(30)
    return thread


def test_turns_come_in_order_and_one_at_a_time(line, monkeypatch):
    monkeypatch.setattr(queue, "POLL_SECONDS", 0.01)
    order: list[str] = []
    inside = threading.Lock()

    def train(run: Run) -> Callable[[bool], None]:
        def then(mine: bool) -> None:
            assert mine
            assert inside.acquire(blocking=False), "two at once"
            order.append(run.id)
            assert not run.queued
            time.sleep(0.03)  # so that an overlap would be seen
            inside.release()

        return then

    with queue.hold_device(line[0].folder.parent):
        threads = [in_thread(run, train(run)) for run in reversed(line)]
        queue.move(line[3], -3)
    for thread in threads:
        thread.join(30)
    assert order == [line[index].id for index in (3, 0, 1, 2)]


def test_a_stop_or_a_removal_ends_the_wait(line, monkeypatch):
    monkeypatch.setattr(queue, "POLL_SECONDS", 0.01)
    told: list[bool] = []
    with queue.hold_device(line[0].folder.parent):
        threads = [in_thread(run, told.append) for run in line[:2]]
        line[0].request_stop()
        queue.remove(line[1])
        for thread in threads:
            thread.join(30)
    assert told == [False, False]
    assert not line[0].queued
    assert not line[0].stop_requested()


def test_a_run_that_is_removed_at_the_moment_of_its_turn_does_not_train(line, monkeypatch):
    """Between taking the device and leaving the line: whoever deletes the file decides."""
    monkeypatch.setattr(queue, "POLL_SECONDS", 0.01)
    real = queue._living_before

    def removed_meanwhile(run: Run) -> Run | None:
        (run.folder / "queue").unlink(missing_ok=True)
        return real(run)

    monkeypatch.setattr(queue, "_acquire", lambda lock: (monkeypatch.setattr(queue, "_living_before", removed_meanwhile), lock.acquire())[1] is not None)  # fmt: skip # noqa: E501
    with queue.wait_for_turn(line[0]) as mine:
        assert not mine
    with queue.hold_device(line[0].folder.parent):
        pass  # the device is free again


# ------------------------------------------------------------------------------------------------------ processes


def test_five_runs_of_two_processes_one_removed_one_killed(place, data):
    """The others train one after another, never two at a time, whoever launched them."""
    first = launch.launch(quick(data, **ENDLESS), place)
    assert first.state() is RunState.RUNNING
    launchers = [
        subprocess.Popen([sys.executable, "-c", LAUNCH_TWO, quick(data).to_json(), str(place)], cwd=ROOT,
                         stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]  # fmt: skip
    for launcher in launchers:
        assert len(launcher.communicate(timeout=60)[0].splitlines()) == 2
    waiting = queue.waiting(place)
    assert len(waiting) == 4
    wait_for(lambda: all(run.alive() for run in waiting), "all wait")
    assert runs.find_active(place) == first
    removed = waiting.pop(1)
    queue.remove(removed)
    assert not removed.folder.exists()
    wait_for(lambda: steps(first), "the first one trains")
    end(trainers(first.folder))
    for run in waiting:
        wait_for(lambda run=run: run.state() is RunState.FINISHED, f"the end of {run.id}")
    assert first.state() is RunState.INTERRUPTED
    spans = [span(run) for run in (first, *waiting)]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), "two at a time"
    assert sorted(path.name for path in place.iterdir()) == sorted(
        [".device.lock", first.id, *(run.id for run in waiting)]
    )


def test_a_process_that_waits_has_imported_neither_torch_nor_numpy(place, data):
    with queue.hold_device(place):
        run = launch.launch_all([quick(data)], place)[0]
        (pid,) = wait_for(lambda: trainers(run.folder), "it waits")
        wait_for(run.alive, "it lives")
        mapped = Path(f"/proc/{pid}/maps").read_text()
        assert "libtorch" not in mapped
        assert "numpy" not in mapped
        assert "cv2" not in mapped
        queue.remove(run)


def test_killed_waiters_are_revived_by_two_servers_at_once(place, data):
    with queue.hold_device(place):
        made = launch.launch_all([quick(data), quick(data)], place)
        wait_for(lambda: all(run.alive() for run in made), "both wait")
        end(trainers(place), signal.SIGKILL)
        wait_for(lambda: all(queue.is_orphaned(run) for run in made), "nobody waits")
        assert [run.state() for run in made] == [RunState.QUEUED] * 2
        servers = [threading.Thread(target=queue.restart_orphans, args=(place,)) for _ in range(2)]
        for server in servers:
            server.start()
        for server in servers:
            server.join(30)
        wait_for(lambda: all(run.alive() for run in made), "both wait again")
        assert queue.restart_orphans(place) == []
        assert queue.waiting(place) == made, "their places are kept"
    for run in made:
        wait_until_over(run)
        assert run.state() is RunState.FINISHED
        lines = [json.loads(line) for line in run.events.read_text().splitlines()]
        assert [line["type"] for line in lines].count("started") == 1
    assert span(made[0])[1] <= span(made[1])[0]


def test_a_run_to_be_resumed_waits_and_goes_back_to_what_it_was(place, data):
    run = launch.launch(quick(data, **ENDLESS), place)
    wait_for(lambda: steps(run), "it trains")
    end(trainers(run.folder), signal.SIGKILL)
    wait_for(lambda: run.state() is RunState.INTERRUPTED, "it is interrupted")
    with queue.hold_device(place):
        launch.start(run)
        wait_for(lambda: run.state() is RunState.QUEUED, "it waits")
        with pytest.raises(RunError, match="is already in the queue"):
            launch.start(run)
        queue.remove(run)
        assert run.state() is RunState.INTERRUPTED
        wait_for(lambda: not trainers(run.folder), "nobody waits")
    assert steps(run)


def test_a_waiter_that_dies_with_the_device_leaves_its_place_and_frees_it(place, data, quick_trainer):
    """Killed between taking the device and leaving the line: the place is kept, the device free, the next goes on."""
    with queue.hold_device(place):
        (quick_trainer / "sitecustomize.py").write_text(STAND_IN + DIE_WITH_THE_DEVICE)
        doomed = launch.launch_all([quick(data)], place)[0]
        wait_for(doomed.alive, "the first one waits")
        (quick_trainer / "sitecustomize.py").write_text(STAND_IN)
        run = launch.launch_all([quick(data)], place)[0]
        wait_for(run.alive, "the second one waits")
    wait_for(lambda: run.state() is RunState.FINISHED, "the second one has trained")
    assert doomed.state() is RunState.QUEUED
    assert queue.is_orphaned(doomed)
    assert [other.id for other in queue.restart_orphans(place)] == [doomed.id]
    wait_for(lambda: doomed.state() is RunState.FINISHED, "the first one has trained after all")
