"""Start runs in processes of their own, from a page, the command line or Python."""

import contextlib
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.runs import control, queue
from unet_core.runs import run as runs
from unet_core.runs.run_state import START_SECONDS
from unet_core.training import finetune

BUSY = 3  # exit status of a worker: the run's lock was taken
LEFT = 4  # exit status of a worker: the run was taken out of the line
LOCK_SECONDS = 3.0  # a page that glances at a lock holds it for an instant


def launch(config: RunConfig, runs_dir: Path) -> runs.Run:
    """Look at the data, make a run and start it; where the device is taken, it waits in the line.

    Raises DataError or RunError before anything is written.
    """
    return launch_all([config], runs_dir)[0]


def launch_all(configs: Sequence[RunConfig], runs_dir: Path) -> list[runs.Run]:
    """The same for several runs, which stand in the line in this order; those after the first are not waited for."""
    from unet_core.data import discovery  # pictures and numpy: a process that only waits does without

    configs = [finetune.resolve_init(config, runs_dir) for config in configs]
    for config in {(config.data.root, config.data.layout): config for config in configs}.values():
        discovery.find(Path(config.data.root), config.data.layout)
    alone = _is_free(runs_dir)
    made: list[runs.Run] = []
    try:
        for config in configs:
            made.append(runs.create(runs_dir, config))
        for run in made:
            queue.join(run)
        processes = [queue.spawn(run, queued=True) for run in made]
    except (OSError, RunError) as error:
        for run in made:
            with contextlib.suppress(RunError):
                queue.remove(run)
            queue.forget(run)
        if isinstance(error, RunError):
            raise
        raise RunError(f"{runs_dir}: a run cannot be written there ({error.strerror}); free some space.") from error
    try:
        for run, process in list(zip(made, processes, strict=True))[:1]:
            _wait_for_life(run, process, alone)
    except KeyboardInterrupt:
        raise _taken_back(made) from None
    return made


def _taken_back(made: Sequence[runs.Run]) -> RunError:
    """Ctrl-C while runs are launched: those that wait leave the line, one that has the device is asked to stop."""
    stopping = []
    for run in made:
        try:
            queue.remove(run)
        except RunError:
            run.request_stop()
            stopping.append(run.id)
    told = f"{', '.join(stopping)} had begun and ends after its step." if stopping else "Nothing of them is left."
    return RunError(f"The start was interrupted: what waited was taken out of the line. {told}")


def start(run: runs.Run) -> None:
    """Start the trainer of a run, new or interrupted, and wait until it lives, in the line or with the device.

    Raises RunError where it does not.
    """
    if run.alive():
        doing = "waits in the line" if run.queued else "is training"
        raise RunError(f"Run {run.id} {doing} already.")
    alone = _is_free(run.folder.parent)
    try:
        run.clear_requests()
    except OSError as error:
        raise RunError(f"Run {run.id} cannot be written ({error}); free some space or permit it.") from error
    _wait_for_life(run, queue.spawn(run, queued=run.queued), alone)


def continue_run(run: runs.Run, epochs: int = 20, lr: float | None = None) -> None:
    """Go on with a run that is over, however it ended, for so many epochs more after the last one that was saved.

    The schedule begins anew over these epochs and rises to `lr` (default: the settings'); the patience begins anew; the
    best epoch so far stays the one to beat. After a stop that is the epoch which the stop cut short. Raises RunError,
    ConfigError.
    """
    if run.state().active:
        raise RunError(f"Run {run.id} is not over; change its number of epochs instead.")
    if not run.has_last:
        raise RunError(f"Run {run.id} saved no epoch from which it could go on; start a new one.")
    control.request_continue(run.control, epochs, lr)
    try:
        start(run)
    except RunError:
        if not run.alive():
            control.clear(run.control, "continue")
        raise


def _is_free(runs_dir: Path) -> bool:
    return runs.find_active(runs_dir) is None and not queue.waiting(runs_dir)


def _wait_for_life(run: runs.Run, process: "subprocess.Popen[bytes]", alone: bool) -> None:
    """Wait until a run's process lives; where it is `alone`, a little longer, until it has the device too."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < START_SECONDS:
        if run.alive() and not (alone and run.queued and waited < LOCK_SECONDS):
            return
        if process.poll() is not None and not run.alive():
            ended = (runs.RunState.FAILED, runs.RunState.FINISHED, runs.RunState.STOPPED)
            if process.returncode == 0 or run.state() in ended:
                return  # it has come and gone; its events say how
            if process.returncode == LEFT:
                raise RunError(f"Run {run.id} was taken out of the line before it began.")
            _leave_line(run)
            if process.returncode == BUSY:
                raise RunError(f"Run {run.id} was not started: something else holds its lock. Try again in a moment.")
            raise RunError(f"The trainer of run {run.id} did not start; {run.log} says why.")
        time.sleep(0.02)
    process.kill()  # lest it begin when nobody expects it any more
    _leave_line(run)
    raise RunError(f"The trainer of run {run.id} gave no sign of life in {START_SECONDS:g} s; see {run.log}.")


def _leave_line(run: runs.Run) -> None:
    with contextlib.suppress(OSError):
        (run.folder / "queue").unlink(missing_ok=True)
