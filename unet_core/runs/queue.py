"""The queue for the device: one run of a runs folder trains at a time, the others wait, each in a process of its own.

There is no scheduler. A run that waits has a `queue` file with its place, a number that sorts, and a process
(`python -m unet_core.training.worker`) that holds the run's lock. The first living one takes `.device.lock`, deletes
its `queue` file and trains; whichever process dies, its locks end with it and the next one proceeds by itself. Deleting
a `queue` file succeeds for one process alone: for the waiter, and it trains, or for `remove`, and it does not.
"""

import contextlib
import itertools
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from unet_core.errors import RunError
from unet_core.io import owners
from unet_core.io.process import spawn_detached
from unet_core.runs import control, stages
from unet_core.runs import run as runs
from unet_core.runs.event_log import last_event
from unet_core.runs.run_state import START_SECONDS

POLL_SECONDS = 0.3  # how often a waiter looks whether it was removed and, as the first, whether the device is free
LOOKS = 4  # of which every so-many-th asks whether the one before it still waits
GLANCE_SECONDS = 0.2  # a reader that tests a lock takes it for an instant
LEAVE_SECONDS = 5.0  # how long a waiter that was removed may take to notice
GAP = 1_000_000_000  # between two places, so that a run can be moved in between


def waiting(runs_dir: Path) -> list[runs.Run]:
    """All runs in the queue, the next one first; also those whose waiting process is gone (`is_orphaned`)."""
    return [run for _, _, run in _entries(runs_dir)]


def join(run: runs.Run) -> None:
    """Give a run the last place; it keeps the one it has. Raises OSError where its folder cannot be written.

    Where runs have owners (`io.owners`) they take turns: the second run of one comes after the first of each other.
    """
    entries = _entries(run.folder.parent)
    last = max((place for place, _, _ in entries), default=0)
    place, index = max(time.time_ns(), last + GAP), _fair_index(entries, run)
    if index < len(entries):
        place = _make_place(entries, index)
    with contextlib.suppress(FileExistsError), _file(run).open("x", encoding="ascii") as file:
        file.write(_text(place))


def _fair_index(entries: Sequence[tuple[int, str, runs.Run]], run: runs.Run) -> int:
    """Where a new run belongs: before the first one of another owner that has more runs ahead of it.

    What trains counts too, so that who has the device does not also have the next turn. A run without owner comes last.
    """
    owner = owners.owner_of(run.folder)
    if owner is None:
        return len(entries)
    ahead: Counter[str | None] = Counter()
    if (active := runs.find_active(run.folder.parent)) is not None:
        ahead[owners.owner_of(active.folder)] += 1
    turns = []
    for _, _, other in entries:
        whose = owners.owner_of(other.folder)
        turns.append(ahead[whose])
        ahead[whose] += 1
    turn = ahead[owner]
    return next((index for index, other in enumerate(turns) if other > turn), len(turns))


def remove(run: runs.Run) -> None:
    """Remove a run from the queue: one that never began is deleted, one to be resumed is as it was before.

    Raises RunError where it is not in the queue (any more) or is another's, or its folder cannot be written.
    """
    owners.check_run(run.folder)
    try:
        _file(run).unlink()
    except FileNotFoundError:
        raise RunError(f"Run {run.id} is not in the queue. If it has started, stop it.") from None
    except OSError as error:
        raise RunError(f"Run {run.id} cannot be removed from the queue ({error.strerror}).") from error
    deadline = time.monotonic() + LEAVE_SECONDS
    while run.alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    with contextlib.suppress(OSError):
        _clear_all_requests(run)
    delete_unstarted(run)


def move(run: runs.Run, by: int) -> None:
    """Move a run in the queue by so many places, -1 = one nearer to the device; at the ends it stays there.

    A visitor of a public server moves it among the own runs alone, which then change their places. Raises RunError
    where it is not in the queue, or is another's.
    """
    owners.check_run(run.folder)
    entries = _entries(run.folder.parent)
    if owners.current() is not None:
        _swap([entry for entry in entries if owners.is_own(entry[2].folder)], run, by)
        return
    index = next((index for index, (_, _, other) in enumerate(entries) if other.id == run.id), None)
    if index is None:
        raise RunError(f"Run {run.id} is not in the queue.")
    rest = [*entries[:index], *entries[index + 1 :]]
    target = min(max(index + by, 0), len(rest))
    if target == index:
        return
    _write(run, _make_place(rest, target))


def _make_place(entries: Sequence[tuple[int, str, runs.Run]], index: int) -> int:
    """A place before the run at an index; all get new ones where nothing is left in between. Raises RunError."""
    low = entries[index - 1][0] if index > 0 else entries[0][0] - 2 * GAP
    high = entries[index][0] if index < len(entries) else low + 2 * GAP
    if high - low < 2:  # moved to and fro
        for number, (_, _, other) in enumerate(entries):
            _write(other, low + (number + (number >= index)) * GAP)
        low, high = low + (index - 1) * GAP, low + (index + 1) * GAP
    return (low + high) // 2


def _swap(entries: Sequence[tuple[int, str, runs.Run]], run: runs.Run, by: int) -> None:
    """Move a run among `entries`, whose places stay the same. Raises RunError where it is not among them."""
    order = [other for _, _, other in entries]
    if run not in order:
        raise RunError(f"Run {run.id} is not in the queue.")
    index = order.index(run)
    order.insert(min(max(index + by, 0), len(order) - 1), order.pop(index))
    for (place, _, before), after in zip(entries, order, strict=True):
        if after != before:
            _write(after, place)


def is_orphaned(run: runs.Run) -> bool:
    """Whether a run in the queue has no process: it was killed, or the machine was restarted."""
    try:
        fresh = time.time() - _file(run).stat().st_mtime < START_SECONDS and not (run.folder / "lock").exists()
    except OSError:
        return False
    return not fresh and not run.alive()


def restart_orphans(runs_dir: Path) -> list[runs.Run]:
    """Start a process for each run in the queue that has none, without waiting for it; returns those runs.

    Two servers may do so at once: a second process for the same run ends by itself. A visitor restarts the own ones.
    """
    restarted = []
    for run in waiting(runs_dir):
        if owners.is_own(run.folder) and not run.alive():
            with contextlib.suppress(RunError):  # a folder that cannot be written has no waiter
                spawn(run, queued=True)
                restarted.append(run)
    return restarted


@contextlib.contextmanager
def hold_device(runs_dir: Path) -> Iterator[None]:
    """Occupy the device for something short that is no run. Raises RunError where it is taken, naming by what."""
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(runs_dir / ".device.lock", timeout=GLANCE_SECONDS)
        lock.acquire()
    except Timeout:
        other = runs.find_active(runs_dir)
        name = f"Run {other.id}" if other and owners.is_visible(other.folder) else "Another run"
        what = f"{name} is training" if other else "A pre-flight check or learning rate test uses the device"
        raise RunError(f"{what}. Wait for its end or stop it first.") from None
    except OSError as error:
        raise RunError(f"{runs_dir} cannot be written ({error.strerror or error}).") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def wait_for_turn(run: runs.Run) -> Iterator[bool]:
    """Wait until the device is the run's, and occupy it; yields False where the run was removed from the queue.

    For the process that holds the run's lock. It looks at the one before it alone, so that a long queue costs no more
    than a short one; the whole queue is read when that one is gone.
    """
    device_lock = FileLock(run.folder.parent / ".device.lock", timeout=0)
    before = _living_before(run)
    for look in itertools.count(1):
        if run.stop_requested() or not run.queued:
            break
        if before is not None and look % LOOKS == 0 and not _is_before(before, run):
            before = _living_before(run)
        if before is None and _acquire(device_lock):
            try:
                before = _living_before(run)  # somebody may have been moved to the front meanwhile
                if before is None:
                    try:
                        _file(run).unlink()
                    except FileNotFoundError:
                        break
                    yield True
                    return
            finally:
                device_lock.release()
        time.sleep(POLL_SECONDS)
    with contextlib.suppress(OSError):  # `remove` does the same
        _file(run).unlink(missing_ok=True)
        _clear_all_requests(run)
    yield False


def spawn(run: runs.Run, queued: bool = False) -> subprocess.Popen[bytes]:
    """Start a run's process, detached, its output in the run's log. Raises RunError where that cannot be written.

    `queued`: the run has its place in the queue already; without it the process has nothing to do and ends.
    """
    flags = ["--queued"] if queued else []
    stages.Recorder(run.folder).begin(stages.PROCESS)
    try:
        return spawn_detached("unet_core.training.worker", str(run.folder.resolve()), *flags, log=run.log)
    except OSError as error:
        raise RunError(
            f"Run {run.id} cannot be written ({error}). Free some space or change its permissions."
        ) from error


def delete_unstarted(run: runs.Run) -> None:
    """Delete a run that never began; any other stays as it is."""
    if last_event(run.events) is not None or run.has_last or run.has_best:
        return
    with contextlib.suppress(OSError):  # another process does the same
        (run.folder / "config.json").unlink()  # it is no run any more
        trash = run.folder.with_name(f".{run.id}.removed")  # where a reader that tests the lock cannot make it anew
        run.folder.replace(trash)
        shutil.rmtree(trash, ignore_errors=True)


def _clear_all_requests(run: runs.Run) -> None:
    """Withdraw what the run was to do when its turn came."""
    control.clear(run.control, *control.REQUESTS, "continue")


def _entries(runs_dir: Path) -> list[tuple[int, str, runs.Run]]:
    """(place, id, run) of the runs in the queue, sorted."""
    try:
        queued = [runs.Run(path.parent) for path in runs_dir.glob("*/queue")]
    except OSError:
        return []
    places = ((_place(run), run.id, run) for run in queued if (run.folder / "config.json").is_file())
    return sorted((place, name, run) for place, name, run in places if place is not None)


def _file(run: runs.Run) -> Path:
    return run.folder / "queue"


def _text(place: int) -> str:
    return f"{place:020d}\n"  # as long as any other, so that it can be written over


def _place(run: runs.Run) -> int | None:
    """The place of a run, None where it has none. A damaged file counts from when it was written."""
    try:
        text = _file(run).read_text(encoding="ascii", errors="replace")
        return int(text) if text.strip().isdigit() else _file(run).stat().st_mtime_ns
    except OSError:
        return None


def _write(run: runs.Run, place: int) -> None:
    """Change a place; never gives one to a run that has none any more. Raises RunError."""
    try:
        with _file(run).open("r+b", buffering=0) as file:
            file.write(_text(place).encode())
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunError(f"Run {run.id} cannot be moved in the queue ({error.strerror}).") from error


def _is_before(other: runs.Run, run: runs.Run) -> bool:
    """Whether another run waits, with a living process, nearer to the device."""
    theirs, ours = _place(other), _place(run)
    return theirs is not None and ours is not None and (theirs, other.id) < (ours, run.id) and other.alive()


def _living_before(run: runs.Run) -> runs.Run | None:
    """The nearest run before this one in the queue that has a living process."""
    return next((other for other in reversed(waiting(run.folder.parent)) if _is_before(other, run)), None)


def _acquire(lock: FileLock) -> bool:
    """Take a lock if it is free; whether it was."""
    try:
        lock.acquire()
    except Timeout:
        return False
    return True
