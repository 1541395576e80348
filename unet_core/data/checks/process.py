"""A scan in a process of its own, so that a page stays usable and a reload finds it again.

    running = start(data)
    running.poll()      # ScanProgress(done, total, name, state, error)
    running.cancel()    # what was measured is kept
    load_cached(data)   # the result, once the state is DONE

Its folder lies in the cache of the dataset: the same settings lead to the same scan. The process ends when it is done,
when its file `wanted` is deleted, and when nobody has polled for UNWANTED seconds.
"""

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout

from unet_core.config.reproduce import flags
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data.checks import cache
from unet_core.errors import DataError, UnetError
from unet_core.io import files
from unet_core.io.files import write_atomically
from unet_core.io.process import spawn_detached

START_SECONDS = 15.0  # that the process may take to acquire its lock
UNWANTED = 300.0
TOLD_SECONDS = 0.2  # between two notes of progress
NICE = 5  # priority below that of a page


class ScanState(StrEnum):
    """The state of a scan."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class ScanProgress:
    """How far a scan is: samples done and in all, the name of the next one, and why it failed."""

    done: int = 0
    total: int = 0
    name: str = ""
    state: ScanState = ScanState.RUNNING
    error: str = ""


@dataclass(frozen=True)
class ScanProcess:
    """One scan; every method reads the disk."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def poll(self) -> ScanProgress:
        """How far it is; it goes on as long as somebody polls."""
        running = files.is_locked(self.folder / "lock")  # before reading, so that its last note is not missed
        progress = self._read()
        if progress.state is not ScanState.RUNNING:
            return progress
        wanted = self.folder / "wanted"
        try:
            age = time.time() - wanted.stat().st_mtime
        except OSError:
            return ScanProgress(progress.done, progress.total, progress.name, ScanState.CANCELLED)
        if running:
            with contextlib.suppress(OSError):
                wanted.touch(exist_ok=True)
        elif progress.total or age > START_SECONDS:
            error = f"The scan ended unexpectedly, probably because memory ran out. See {self.log} for details."
            return ScanProgress(progress.done, progress.total, progress.name, ScanState.FAILED, error)
        return progress

    def cancel(self) -> None:
        """Cancel it; it ends after the file that it reads."""
        with contextlib.suppress(OSError):
            (self.folder / "wanted").unlink(missing_ok=True)

    def _read(self) -> ScanProgress:
        try:
            values = json.loads((self.folder / "progress.json").read_text(encoding="utf-8"))
            return ScanProgress(**values | {"state": ScanState(values["state"])})
        except (OSError, ValueError, TypeError, KeyError):
            return ScanProgress()


def scan_for(data: DataConfig) -> ScanProcess:
    """The scan with these settings, whether it was started or not."""
    data = cache.absolute(data)
    digest = hashlib.sha256(json.dumps(data.to_dict(), sort_keys=True).encode()).hexdigest()[:16]
    return ScanProcess(cache.folder_of(Path(data.root)) / f"process-{digest}")


def start(data: DataConfig) -> ScanProcess:
    """Start a scan in a detached process, unless it is running. Raises DataError where the cache cannot be written."""
    data, process = cache.absolute(data), scan_for(data)
    if process.folder.is_dir() and process.poll().state is ScanState.RUNNING:
        return process
    words = ["check", data.root, *flags(RunConfig(data=data), exclude=("root",)), f"--scan-folder={process.folder}"]
    try:
        shutil.rmtree(process.folder, ignore_errors=True)
        process.folder.mkdir(parents=True)
        (process.folder / "wanted").touch()
        spawn_detached("unet_core", *words, log=process.log, nice=NICE)
    except OSError as error:
        raise DataError(
            f"{process.folder}: cannot write the scan ({error.strerror or error}). Check permissions and free space."
        ) from error
    return process


@contextmanager
def report_to(folder: Path) -> Iterator[tuple[Callable[[int, int, str], None], Callable[[], bool]]]:
    """For the process itself: (progress, cancelled) of `scan`, told to whoever polls its folder, and how it ended.

    Raises DataError where another process scans there.
    """
    try:
        lock = FileLock(folder / "lock", timeout=1).acquire()
    except (Timeout, OSError):
        raise DataError(f"{folder}: this scan is already running.") from None
    last, told_at = ScanProgress(), 0.0

    def tell(progress: ScanProgress) -> None:
        with contextlib.suppress(OSError):  # the folder is gone: nobody looks
            write_atomically(folder / "progress.json", json.dumps(asdict(progress)))

    def progress(done: int, total: int, name: str) -> None:
        nonlocal last, told_at
        last = ScanProgress(done, total, name)
        if time.monotonic() - told_at > TOLD_SECONDS:
            tell(last)
            told_at = time.monotonic()

    def cancelled() -> bool:
        try:
            return time.time() - (folder / "wanted").stat().st_mtime > UNWANTED
        except OSError:
            return True

    with lock:
        try:
            yield progress, cancelled
        except UnetError as error:
            tell(ScanProgress(last.done, last.total, last.name, ScanState.FAILED, str(error)))
            raise
        state = ScanState.CANCELLED if cancelled() else ScanState.DONE
        tell(ScanProgress(last.total if state is ScanState.DONE else last.done, last.total, "", state))
