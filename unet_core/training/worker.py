"""One run in a process of its own: it outlives the page, the server and the terminal that started it.

    python -m unet_core.worker RUN_FOLDER

`start` launches it. The process holds the run's lock, waits in the line for the device (see `queue`; one run trains
at a time in a runs folder), touches the heartbeat, obeys the control files, and saves what an event speaks of before it
appends the event. Until its turn it imports neither torch nor numpy: a process that waits costs next to nothing.
"""

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from unet_core.errors import UnetError
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import RunFailed
from unet_core.training.launch import BUSY, LEFT, LOCK_SECONDS

NICE = 10


def main(folder: Path, queued: bool = False) -> int:
    """Wait for the device and train the run of a folder to its end; the process's exit status.

    `queued`: it has a place in the line; where that is gone, the run was removed. Otherwise it takes the last place.
    """
    signal.signal(signal.SIGTERM, _terminate)  # before torch is imported, which takes seconds
    run = runs.Run(folder)
    mine = False
    try:
        with FileLock(folder / "lock", timeout=LOCK_SECONDS):  # whoever holds it waits or trains
            if not (folder / "config.json").is_file():  # it was deleted, and the lock has made its folder anew
                with contextlib.suppress(OSError):
                    (folder / "lock").unlink()
                    folder.rmdir()
                return LEFT
            with heartbeat(run):
                if not queued:
                    queue.join(run)
                elif not run.in_line:
                    return LEFT
                with queue.wait_for_turn(run) as mine:
                    if mine:
                        _train(run)
    except Timeout:
        return BUSY
    except FileNotFoundError:
        if folder.exists():
            raise
        return LEFT
    if not mine:
        queue.forget(run)
    return 0 if mine else LEFT


def _train(run: runs.Run) -> None:
    with contextlib.closing(EventLog(run.events)) as log:
        _be_nice()
        try:
            _run(run, log)
        except UnetError as error:
            log.append(RunFailed(str(error)))
        except Exception as error:  # noqa: BLE001 - the page must hear of it, the log has the traceback
            traceback.print_exc()
            log.append(RunFailed(f"The trainer met an error of its own: {error!r}. {run.log} has the details."))


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Leave at once: whatever is half done is as safe as after a kill, and the run can be resumed."""
    os._exit(0)


def _run(run: runs.Run, log: EventLog) -> None:
    from unet_core.training import runner  # torch: 2 s, which nobody who only waits shall pay

    runner.run_to_end(run, log)


@contextlib.contextmanager
def heartbeat(run: runs.Run) -> Iterator[None]:
    """Touch the heartbeat once a second, from a thread that a long step does not hold up."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(runs.HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):
                run.beat()

    run.beat()
    thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _be_nice() -> None:
    """Leave the processor to the page first: also as a scheduling group, where Linux has made one of the session."""
    os.nice(NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), queued="--queued" in sys.argv[2:]))
