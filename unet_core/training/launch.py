"""Start runs in processes of their own, from a page, the command line or Python."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from unet_core.config.schema import RunConfig
from unet_core.errors import RunError
from unet_core.io import owners
from unet_core.runs import control, queue
from unet_core.runs import run as runs
from unet_core.runs.run_state import START_SECONDS
from unet_core.training import finetune

BUSY = 3  # exit status of a worker: the run's lock was taken
LEFT = 4  # exit status of a worker: the run was removed from the queue
LOCK_SECONDS = 3.0  # a page that tests a lock takes it for an instant

Admission = Callable[[Sequence[RunConfig], Path, bool], None]
_ADMISSIONS: list[Admission] = []


def admit_by(admission: Admission) -> None:
    """For a public server: what is asked before runs start. It gets their settings, the folder of runs and whether they
    are new, and raises RunError to refuse them.
    """
    _ADMISSIONS[:] = [admission]


def _admit(configs: Sequence[RunConfig], runs_dir: Path, are_new: bool) -> None:
    for admission in _ADMISSIONS:
        admission(configs, runs_dir, are_new)


def launch(config: RunConfig, runs_dir: Path) -> runs.Run:
    """Check the data, make a run and start it; while the device is busy, the run is queued.

    Raises DataError or RunError before anything is written.
    """
    return launch_all([config], runs_dir)[0]


def launch_all(configs: Sequence[RunConfig], runs_dir: Path) -> list[runs.Run]:
    """The same for several runs, queued in this order; only the start of the first is waited for."""
    from unet_core.data import discovery  # images and numpy: a process that only waits does without

    _admit(configs, runs_dir, are_new=True)
    configs = [finetune.resolve_init(config, runs_dir) for config in configs]
    for config in {(config.data.root, config.data.layout, config.data.recipe): config for config in configs}.values():
        discovery.search_data(config.data)
    alone = _is_free(runs_dir)
    created: list[runs.Run] = []
    try:
        for config in configs:
            created.append(runs.create(runs_dir, config))
        for run in created:
            queue.join(run)
        processes = [queue.spawn(run, queued=True) for run in created]
    except (OSError, RunError) as error:
        for run in created:
            with contextlib.suppress(RunError):
                queue.remove(run)
            queue.delete_unstarted(run)
        if isinstance(error, RunError):
            raise
        raise RunError(f"{runs_dir}: a run cannot be written there ({error.strerror}). Free some space.") from error
    try:
        for run, process in list(zip(created, processes, strict=True))[:1]:
            _wait_until_alive(run, process, alone)
    except KeyboardInterrupt:
        raise _withdraw(created) from None
    return created


def _withdraw(created: Sequence[runs.Run]) -> RunError:
    """After Ctrl-C: remove those that wait from the queue, ask one that has the device to stop; the error to raise."""
    stopping = []
    for run in created:
        try:
            queue.remove(run)
        except RunError:
            run.request_stop()
            stopping.append(run.id)
    rest = f" {', '.join(stopping)} had started and stops after its current step." if stopping else ""
    return RunError(f"The start was interrupted: waiting runs were removed from the queue.{rest}")


def start(run: runs.Run) -> None:
    """Start the trainer of a run, new or interrupted, and wait until it trains or waits in the queue.

    Raises RunError where it is active already, is another's (`io.owners`) or does not start.
    """
    owners.check_run(run.folder)
    _admit([run.config], run.folder.parent, are_new=False)
    if run.alive():
        raise RunError(f"Run {run.id} is already {'in the queue' if run.queued else 'training'}.")
    alone = _is_free(run.folder.parent)
    try:
        run.clear_requests()
    except OSError as error:
        raise RunError(
            f"Run {run.id} cannot be written ({error}). Free some space or change its permissions."
        ) from error
    _wait_until_alive(run, queue.spawn(run, queued=run.queued), alone)


def continue_run(run: runs.Run, epochs: int = 20, lr: float | None = None) -> None:
    """Continue a run that is over, however it ended, for `epochs` more after the last one that was saved.

    The schedule starts again over these epochs and rises to `lr` (default: the settings'); so does the patience of
    early stopping; the best epoch so far stays the one to beat.
    An epoch that a stop cut short counts as saved.

    Raises:
        RunError: the run is active, is another's, or saved no epoch.
        ConfigError: a number is out of range.
    """
    owners.check_run(run.folder)
    if run.state().active:
        raise RunError(f"Run {run.id} is still active. Change its number of epochs instead.")
    if not run.has_last:
        raise RunError(f"Run {run.id} has no saved epoch to continue from. Start a new run.")
    longer = replace(run.config, train=replace(run.config.train, epochs=epochs))
    _admit([longer], run.folder.parent, are_new=False)
    control.request_continue(run.control, epochs, lr)
    try:
        start(run)
    except RunError:
        if not run.alive():
            control.clear(run.control, "continue")
        raise


def _is_free(runs_dir: Path) -> bool:
    return runs.find_active(runs_dir) is None and not queue.waiting(runs_dir)


def _wait_until_alive(run: runs.Run, process: "subprocess.Popen[bytes]", alone: bool) -> None:
    """Wait until a run's process has its lock; where the queue is empty (`alone`), a little longer, for the device."""
    started = time.monotonic()
    while (waited := time.monotonic() - started) < START_SECONDS:
        if run.alive() and not (alone and run.queued and waited < LOCK_SECONDS):
            return
        if process.poll() is not None and not run.alive():
            ended = (runs.RunState.FAILED, runs.RunState.FINISHED, runs.RunState.STOPPED)
            if process.returncode == 0 or run.state() in ended:
                return  # it has come and gone; its events say how
            if process.returncode == LEFT:
                raise RunError(f"Run {run.id} was removed from the queue before it started.")
            _leave_queue(run)
            if process.returncode == BUSY:
                raise RunError(f"Run {run.id} was not started: another process has its lock. Try again in a moment.")
            raise RunError(f"The trainer of run {run.id} did not start. See {run.log}.")
        time.sleep(0.02)
    process.kill()  # lest it begin when nobody expects it any more
    _leave_queue(run)
    raise RunError(f"No response from the trainer of run {run.id} for {START_SECONDS:g} s. See {run.log}.")


def _leave_queue(run: runs.Run) -> None:
    with contextlib.suppress(OSError):
        (run.folder / "queue").unlink(missing_ok=True)
