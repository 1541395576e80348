"""One run in a process of its own: it outlives the page, the server and the terminal that started it.

    python -m unet_core.worker RUN_FOLDER

`start` launches it. The process holds the run's lock and the device's (one run trains at a time in a runs folder),
touches the heartbeat, obeys the control files, and saves what an event speaks of before it appends the event.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from unet_core import runs, samples
from unet_core.config import RunConfig
from unet_core.errors import CheckpointError, RunError, UnetError
from unet_core.eventlog import EventLog
from unet_core.events import EpochFinished, RunFailed, RunStarted, Warned

LOCK_SECONDS = 3.0  # a page that glances at a lock holds it for an instant
NICE = 10
BUSY = 3  # exit status: the lock was taken


def launch(config: RunConfig, runs_dir: Path) -> runs.Run:
    """Look at the data, make a run and start its trainer. Raises DataError or RunError before anything is written."""
    samples.find(Path(config.data.root), config.data.layout)
    if other := runs.busy(runs_dir):
        raise busy_with(other)
    run = runs.create(runs_dir, config)
    try:
        start(run)
    except _TakenError:
        shutil.rmtree(run.folder, ignore_errors=True)  # it has never begun
        raise
    return run


class _TakenError(RunError):
    """Another run was faster."""


def busy_with(other: runs.Run) -> RunError:
    return RunError(f"Run {other.id} is training; one run trains at a time. Wait for it or stop it first.")


def start(run: runs.Run) -> None:
    """Launch the trainer of a run, new or interrupted, and wait until it lives. Raises RunError where it does not."""
    runs_dir = run.folder.parent
    other = runs.busy(runs_dir)
    if other is not None and other.id != run.id:
        raise busy_with(other)
    if run.alive():
        raise RunError(f"Run {run.id} is training already.")
    environment = os.environ | {"PYTHONPATH": python_path(), "PYTHONUNBUFFERED": "1"}
    try:
        run.clear_requests()
        output = run.log.open("ab")
    except OSError as error:
        raise RunError(f"Run {run.id} cannot be written ({error}); free some space or permit it.") from error
    with output as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "unet_core.worker", str(run.folder.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    deadline = time.monotonic() + runs.START_SECONDS
    while time.monotonic() < deadline:
        if run.alive():
            return
        if process.poll() is not None:
            if process.returncode == BUSY:
                raise _TakenError(f"Run {run.id} was not started: another run has just begun. Wait for it or stop it.")
            if process.returncode == 0 or run.state() in (runs.State.FAILED, runs.State.FINISHED, runs.State.STOPPED):
                return  # it has come and gone; its events say how
            raise RunError(f"The trainer of run {run.id} did not start; {run.log} says why.")
        time.sleep(0.02)
    process.kill()  # lest it begin when nobody expects it any more
    raise RunError(f"The trainer of run {run.id} gave no sign of life in {runs.START_SECONDS:g} s; see {run.log}.")


def python_path() -> str:
    here = str(Path(__file__).resolve().parents[1])
    return os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))


def main(folder: Path) -> int:
    """Train the run of a folder to its end; the process's exit status."""
    signal.signal(signal.SIGTERM, _terminate)  # before torch is imported, which takes seconds
    run = runs.Run(folder)
    try:
        with (
            FileLock(folder.parent / ".device.lock", timeout=LOCK_SECONDS),
            FileLock(folder / "lock", timeout=LOCK_SECONDS),  # the second: whoever holds it trains
            heartbeat(run),
            contextlib.closing(EventLog(run.events)) as log,
        ):
            _be_nice()
            try:
                _run(run, log)
            except UnetError as error:
                log.append(RunFailed(str(error)))
            except Exception as error:  # noqa: BLE001 - the page must hear of it, the log has the traceback
                traceback.print_exc()
                log.append(RunFailed(f"The trainer met an error of its own: {error!r}. {run.log} has the details."))
    except Timeout:
        return BUSY
    return 0


def _terminate(signum: int, frame: FrameType | None) -> None:
    """Leave at once: whatever is half done is as safe as after a kill, and the run can be resumed."""
    os._exit(0)


def _run(run: runs.Run, log: EventLog) -> None:
    import torch

    from unet_core import checkpoint, data, film, unet
    from unet_core.device import cores
    from unet_core.train import Training, train

    config = run.config
    threads = config.train.threads or max(1, cores() - 1)
    torch.set_num_threads(threads)
    found = samples.find(Path(config.data.root), config.data.layout)
    pictures, model_config, skipped = data.load(found, run.data, config.model)
    for message in (*(f"Skipped: {message}" for message in skipped), *pictures.warnings):
        log.append(Warned(message))
    if pictures.found_colours:
        run.write_colours(pictures.found_colours)
    hashes = {sample.id: samples.content_hash(sample.image, sample.page) for sample in pictures.samples}
    if run.has_split:
        split = samples.restore_split(run.split(), hashes)
    else:
        looks = {sample.id: pictures.look(index) for index, sample in enumerate(pictures.samples)}
        split = samples.split(
            pictures.samples, config.data.val_fraction, config.data.test_fraction, config.train.seed, hashes, looks
        )
        run.write_split(split, hashes)
    training = Training(replace(config, model=model_config), pictures.subset(split.train), pictures.subset(split.val))
    if run.has_last:
        model, warning = checkpoint.load_model(run.last)
        if warning:
            log.append(Warned(warning))
        training.restore(model.state_dict(), checkpoint.load_state(run.last))
    log.append(
        RunStarted(
            device=str(training.device),
            precision=training.precision,
            threads=threads,
            parameters=unet.parameter_count(training.model),
            in_channels=model_config.in_channels,
            num_classes=model_config.num_classes,
            train_images=len(split.train),
            val_images=len(split.val),
            test_images=len(split.test),
            epochs=config.train.epochs,
            steps_per_epoch=training.steps_per_epoch,
            first_epoch=training.epoch + 1,
            class_weights=training.class_weights,
        )
    )

    def save(folder: Path, epoch: int, state: checkpoint.State | None = None) -> None:
        try:
            checkpoint.save_checkpoint(folder, training.best_model(), state)
        except (OSError, CheckpointError) as error:
            log.append(
                Warned(
                    f"The checkpoint {folder.name!r} of epoch {epoch} could not be saved ({error}); "
                    f"the one before it is kept and training goes on. Free some space on the disk of {folder}."
                )
            )

    for event in train(training, run.stop_requested):
        # Best, event, last: a kill in between repeats the epoch, and neither its point nor its weights get lost.
        if isinstance(event, EpochFinished):
            if event.best:
                save(run.best, event.epoch)
            with contextlib.suppress(OSError):  # a full disk: the checkpoint's warning tells of it
                film.shoot(run.film, event.epoch, training.predictor.mask, training.val_pictures)
        log.append(event)
        if isinstance(event, EpochFinished):
            save(run.last, event.epoch, training.state())


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
    sys.exit(main(Path(sys.argv[1])))
