"""One run from its turn on the device to its end, in a process of its own or in the caller's.

    python -m unet_core.training.worker RUN_FOLDER

`launch.start` starts the process, which outlives the page, the server and the terminal that started it. Whoever trains
holds the run's lock, waits in the queue for the device (see `queue`; one run trains at a time in a runs folder),
touches the heartbeat, obeys the control files, and saves what an event speaks of before it appends the event. Until
its turn the process imports neither torch nor numpy: a process that waits costs next to nothing.
"""

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from unet_core.errors import RunError, UnetError
from unet_core.runs import queue, stages
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import Event, RunFailed, RunStarted
from unet_core.runs.run_state import HEARTBEAT_SECONDS
from unet_core.training.launch import BUSY, LEFT, LOCK_SECONDS

NICE = 10


def main(folder: Path, queued: bool = False) -> int:
    """Wait for the device and train the run of a folder to its end; the process's exit status.

    `queued`: it has a place in the queue; where that is gone, the run was removed. Otherwise it takes the last place.
    """
    signal.signal(signal.SIGTERM, _terminate)  # before torch is imported, which takes seconds
    run = runs.Run(folder)

    def work(recorder: stages.Recorder) -> None:
        try:
            _train(run, recorder, _be_nice_from_the_start, hint=f" See {run.log} for details.")
        except UnetError:
            pass  # the event log has it
        except Exception:  # noqa: BLE001 - so has it this one; the traceback goes to the log of the process
            traceback.print_exc()

    try:
        return 0 if _train_in_turn(run, work, queued) else LEFT
    except Timeout:
        return BUSY
    except FileNotFoundError:
        if folder.exists():
            raise
        return LEFT


def run_in_this_process(run: runs.Run, on_event: Callable[[Event], None] | None = None) -> None:
    """Train a run, new or interrupted, to its end in the caller's process; as a process of its own would do it.

    It waits in the queue while another run of the same folder trains. Pages and the command line see the run and can
    pause, change and stop it; a run that was asked to stop returns as one that is complete does. A KeyboardInterrupt
    is passed on: the run is then interrupted, keeps its checkpoints and can be resumed, or, where it was still waiting,
    leaves the queue. The number of torch's threads is as before afterwards.

    Args:
        run: the run, from `runs.create` or `runs.get`.
        on_event: called with each event after it was written to the run's log, in this thread. What it raises ends
            the run as failed.

    Raises:
        RunError: the run is active already, cannot be written, or was removed from the queue before it began.
        TrainingError: training cannot continue, for example a loss that is not finite.
        UnetError: the data, the settings or the checkpoint cannot be used.
    """
    import torch

    already_active = f"Run {run.id} is already active in another process. Stop it there or wait for its end."
    if run.alive():
        raise RunError(already_active)
    has_begun = False

    def work(recorder: stages.Recorder) -> None:
        nonlocal has_begun
        has_begun = True
        _train(run, recorder, on_event)

    threads = torch.get_num_threads()
    try:
        run.clear_requests()
        if not _train_in_turn(run, work, queued=run.queued):
            raise RunError(f"Run {run.id} was removed from the queue before it began.")
    except OSError as error:
        if has_begun:  # it is of the training or of `on_event`
            raise
        problem = f"Run {run.id} cannot be written ({error}). Free some space or change its permissions."
        raise RunError(already_active if isinstance(error, Timeout) else problem) from error
    except KeyboardInterrupt:
        with contextlib.suppress(RunError):  # it has left the queue already
            queue.remove(run)
        raise
    finally:
        torch.set_num_threads(threads)


def _train_in_turn(run: runs.Run, work: Callable[[stages.Recorder], None], queued: bool) -> bool:
    """Hold the run's lock, wait for its turn and do the `work`; False where it was removed from the queue before.

    The work is given the recorder of the stages of this start.

    Raises Timeout where another process holds the lock, OSError where the folder cannot be written.
    """
    has_turn, alive_at = False, time.time()
    with FileLock(run.folder / "lock", timeout=LOCK_SECONDS):  # whoever holds it waits or trains
        if not (run.folder / "config.json").is_file():  # it was deleted, and the lock has made its folder anew
            with contextlib.suppress(OSError):
                (run.folder / "lock").unlink()
                run.folder.rmdir()
            return False
        with heartbeat(run):
            if not queued:
                queue.join(run)
            elif not run.queued:
                return False
            with queue.wait_for_turn(run) as has_turn:
                if has_turn:
                    recorder = stages.Recorder(run.folder)
                    recorder.follow(alive_at)
                    work(recorder)
    if not has_turn:
        queue.delete_unstarted(run)
    return has_turn


def _train(
    run: runs.Run, recorder: stages.Recorder, on_event: Callable[[Event], None] | None = None, hint: str = ""
) -> None:
    """Train a run whose turn it is; an error is written to its event log, with a `hint` if unexpected, and raised."""
    recorder.begin(stages.IMPORT)
    from unet_core.training import runner  # torch: 2 s, which nobody who only waits shall pay

    with contextlib.closing(EventLog(run.events)) as log:
        if on_event is not None:
            log.listeners.append(lambda event, _: on_event(event))
        try:
            runner.run_to_end(run, log, recorder)
        except UnetError as error:
            log.append(RunFailed(str(error)))
            raise
        except Exception as error:
            log.append(RunFailed(f"Training stopped unexpectedly: {error!r}.{hint}"))
            raise


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Leave at once: whatever is half done is as safe as after a kill, and the run can be resumed."""
    os._exit(0)


@contextlib.contextmanager
def heartbeat(run: runs.Run) -> Iterator[None]:
    """Touch the heartbeat once a second, from a thread that a long step does not hold up."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(HEARTBEAT_SECONDS):
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


def _be_nice_from_the_start(event: Event) -> None:
    """Leave the CPU to the page once the training begins; until then somebody waits for it."""
    if isinstance(event, RunStarted):
        _be_nice()


def _be_nice() -> None:
    """Lower the priority of all threads: also as a scheduling group, where Linux has made one of the session."""
    level = os.nice(NICE)  # on Linux of this thread alone
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(thread.name), level)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(NICE))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), queued="--queued" in sys.argv[2:]))
