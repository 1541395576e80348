"""A pre-flight check or learning rate finder in a process of its own, so that no page or server imports torch.

    check = process.start(config, runs_dir, "check")      # or "lr-range"
    check.state(), check.last_message()                   # polled
    check.cancel()

Its folder is `<runs>/.preflight/<kind>-<hash of the settings>/`: the same settings lead to the same check, also after
the page was reloaded, in another tab, or after a restart of the server. The process ends when it is done, when its
file `wanted` is deleted, and in any case after LIMIT seconds, so that a closed page leaves no process behind.
"""

import contextlib
import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unet_core.config.reproduce import flags
from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError, RunError
from unet_core.io import files, owners
from unet_core.io.files import write_atomically
from unet_core.io.process import spawn_detached
from unet_core.planning.report import LrRange, Message, Progress, Refused, Report, decode

LIMIT = 180.0  # seconds
START_SECONDS = 15.0  # that the process may take to acquire its lock
MAX_CHECKS = 20  # older ones are deleted


class CheckState(StrEnum):
    """The state of a check."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One check; every property and method reads the disk."""

    folder: Path

    @property
    def config(self) -> RunConfig:
        """The settings that are checked. Raises RunError where they cannot be read."""
        try:
            return RunConfig.from_json((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, ConfigError) as error:
            raise RunError(f"{self.folder}: its settings cannot be read ({error}). Run the check again.") from error

    @property
    def output(self) -> Path:
        return self.folder / "told.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def last_message(self) -> Message | None:
        """Its latest message, None before the first."""
        try:
            lines = self.output.read_text(encoding="utf-8").splitlines()
        except OSError:
            return None
        return next((message for line in reversed(lines) if (message := decode(line)) is not None), None)

    def state(self) -> CheckState:
        """Derived from the lock, the messages and the file `wanted` at each call."""
        running = files.is_locked(self.folder / "lock")  # before reading, so that its last message is not missed
        message = self.last_message()
        if isinstance(message, Report | LrRange):
            return CheckState.DONE
        if isinstance(message, Refused):
            return CheckState.FAILED
        try:
            age = time.time() - (self.folder / "wanted").stat().st_mtime
        except OSError:
            return CheckState.CANCELLED
        return CheckState.RUNNING if running or (message is None and age < START_SECONDS) else CheckState.FAILED

    def result(self) -> Report | LrRange | None:
        """Its result, None where there is none (yet)."""
        message = self.last_message()
        return message if isinstance(message, Report | LrRange) else None

    def problem(self) -> str:
        """Why a failed check has no result."""
        message = self.last_message()
        if isinstance(message, Refused):
            return message.message
        doing = f" while it was {message.doing}" if isinstance(message, Progress) else ""
        return (
            f"The check ended unexpectedly{doing}, probably because the system ran out of memory. Try a smaller "
            f"batch_size or image_size; see {self.log} for details."
        )

    def cancel(self) -> None:
        """Cancel it; its process ends within a second."""
        with contextlib.suppress(OSError):
            (self.folder / "wanted").unlink(missing_ok=True)


def check_for(config: RunConfig, runs_dir: Path, kind: str, machine: str = "") -> Check:
    """The check of these settings, whether it was started or not. It does not depend on the number of epochs.

    `machine` tells checks of several machines apart that share a folder of runs. Visitors of a public server
    (`io.owners`) do not share theirs.
    """
    settings = config.replace(epochs=1, series="").to_dict() | {"data": config.data.to_dict()}
    settings |= {"machine": machine} if machine else {"owner": owner} if (owner := owners.current()) else {}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return Check(runs_dir / ".preflight" / f"{kind}-{digest}")


def start(config: RunConfig, runs_dir: Path, kind: str = "check", machine: str = "") -> Check:
    """Start a check in a detached process, unless it is running. Raises RunError where its folder cannot be written."""
    check = check_for(config, runs_dir, kind, machine)
    if check.folder.is_dir() and check.state() is CheckState.RUNNING:
        return check
    try:
        shutil.rmtree(check.folder, ignore_errors=True)
        check.folder.mkdir(parents=True)
        write_atomically(check.folder / "config.json", config.to_json())
        (check.folder / "wanted").touch()
        _delete_old(check.folder.parent)
        spawn_detached(
            "unet_core", *arguments(config, runs_dir, kind, check.folder), log=check.log, output=check.output
        )
    except OSError as error:
        raise RunError(
            f"{check.folder}: cannot write the check ({error.strerror or error}). Check permissions and free space."
        ) from error
    return check


def arguments(config: RunConfig, runs_dir: Path, kind: str, folder: Path | None = None) -> list[str]:
    """The command line after `python -m unet_core`; with the `folder` of a check for its background process."""
    words = ["preflight", config.data.root, f"--runs-dir={runs_dir}", *flags(config)]
    words += [f"--{kind}"] if kind in ("lr-range", "pace") else []
    return [*words, "--json-lines", f"--check-folder={folder}"] if folder else words


def _delete_old(folder: Path) -> None:
    checks = [path for path in folder.iterdir() if not path.name.startswith("pace-")]  # kept: one for each machine
    checks.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for old in checks[MAX_CHECKS:]:
        shutil.rmtree(old, ignore_errors=True)
