"""A check before the start in a process of its own, so that neither the page nor the server imports torch.

    check = preflight_process.start(config, runs_dir, "check")    # or "lr-range"
    check.state(), check.told()                                   # now and then
    check.cancel()

It lies in `<runs>/.preflight/<what>-<hash of the settings>/`: the same settings find the same check, also after the
page was loaded anew, in another tab, or on a server started since. The process ends when it is done, when its `wanted`
file is gone, and in any case after LIMIT seconds, so that a page that is closed leaves none behind.
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
from unet_core.io import files
from unet_core.io.files import write_text
from unet_core.io.process import spawn_detached
from unet_core.planning.report import LrRange, Progress, Refused, Report, Told, decode

LIMIT = 180.0  # seconds
START_SECONDS = 15.0  # until the process has taken its lock
MAX_CHECKS = 20  # older ones are deleted


class CheckState(StrEnum):
    """Where a check stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Check:
    """One check; every property reads the disk."""

    folder: Path

    @property
    def config(self) -> RunConfig:
        """The settings that were checked. Raises RunError where they cannot be read."""
        try:
            return RunConfig.from_json((self.folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError, ConfigError) as error:
            raise RunError(f"{self.folder}: its settings cannot be read ({error}). Check again.") from error

    @property
    def output(self) -> Path:
        return self.folder / "told.jsonl"

    @property
    def log(self) -> Path:
        return self.folder / "log.txt"

    def told(self) -> Told | None:
        """The latest that it told, None where nothing yet."""
        try:
            lines = self.output.read_text(encoding="utf-8").splitlines()
        except OSError:
            return None
        return next((told for line in reversed(lines) if (told := decode(line)) is not None), None)

    def state(self) -> CheckState:
        held = files.is_locked(self.folder / "lock")  # asked before reading: what is told until its end is then read
        told = self.told()
        if isinstance(told, Report | LrRange):
            return CheckState.DONE
        if isinstance(told, Refused):
            return CheckState.FAILED
        try:
            age = time.time() - (self.folder / "wanted").stat().st_mtime
        except OSError:
            return CheckState.CANCELLED
        return CheckState.RUNNING if held or (told is None and age < START_SECONDS) else CheckState.FAILED

    def result(self) -> Report | LrRange | None:
        """What came out, None where nothing did or not yet."""
        told = self.told()
        return told if isinstance(told, Report | LrRange) else None

    def problem(self) -> str:
        """Why there is no result, for a check that failed."""
        told = self.told()
        if isinstance(told, Refused):
            return told.message
        doing = f" while it was {told.doing}" if isinstance(told, Progress) else ""
        return f"The check ended without a word{doing}; {self.log} may say why. Too little memory ends it like that."

    def cancel(self) -> None:
        """Ask it to end, which it does within a second."""
        with contextlib.suppress(OSError):
            (self.folder / "wanted").unlink(missing_ok=True)


def check_for(config: RunConfig, runs_dir: Path, kind: str) -> Check:
    """Where the check of these settings lies or would lie. How many epochs there are, it does not depend on."""
    settings = config.replace(epochs=1, series="").to_dict() | {"data": config.data.to_dict()}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    return Check(runs_dir / ".preflight" / f"{kind}-{digest}")


def start(config: RunConfig, runs_dir: Path, kind: str = "check") -> Check:
    """Begin a check anew, detached; one that runs already is left alone. Raises RunError where it cannot be written."""
    check = check_for(config, runs_dir, kind)
    if check.folder.is_dir() and check.state() is CheckState.RUNNING:
        return check
    try:
        shutil.rmtree(check.folder, ignore_errors=True)
        check.folder.mkdir(parents=True)
        write_text(check.folder / "config.json", config.to_json())
        (check.folder / "wanted").touch()
        _forget_old(check.folder.parent)
        spawn_detached(
            "unet_core", *arguments(config, runs_dir, kind, check.folder), log=check.log, output=check.output
        )
    except OSError as error:
        raise RunError(
            f"{check.folder}: a check cannot be written there ({error.strerror or error}); free some space."
        ) from error
    return check


def arguments(config: RunConfig, runs_dir: Path, kind: str, folder: Path | None = None) -> list[str]:
    """The command line after `python -m unet_core`; `folder` that of a check, for a process beside a page."""
    words = ["preflight", config.data.root, f"--runs-dir={runs_dir}", *flags(config)]
    words += ["--lr-range"] if kind == "lr-range" else []
    return [*words, "--json-lines", f"--check-folder={folder}"] if folder else words


def _forget_old(folder: Path) -> None:
    checks = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in checks[MAX_CHECKS:]:
        shutil.rmtree(old, ignore_errors=True)
