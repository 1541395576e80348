"""What of a run is mirrored: its settings, split, events and checkpoints. No image, and no log of a process."""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from unet_core.runs import manage
from unet_core.runs.run import Run

RUNS = "runs"  # the folder of all runs in the repository
LEFT_OUT = (*manage.NOT_PACKED, "worker.log", "reading.json")  # files of this machine and this moment
CHECKPOINTS = ("checkpoints/best", "checkpoints/last")
ID = re.compile(r"\d{8}-\d{6}-[A-Za-z0-9._-]{1,120}")  # of a run, as `runs.create` makes it
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}")  # of a file
TRIES = 3  # to see a checkpoint folder that its trainer does not replace meanwhile


def list_files(run: Run) -> dict[str, Path]:
    """The files by their names in the run's folder; a file that vanishes meanwhile is not listed."""
    found = {}
    for folder in ("", *CHECKPOINTS):
        with contextlib.suppress(OSError):
            for path in sorted((run.folder / folder).iterdir()):
                name = f"{folder}/{path.name}".lstrip("/")
                if is_mirrored(name) and path.is_file() and not path.is_symlink():
                    found[name] = path
    return found


def is_mirrored(name: str) -> bool:
    """Whether a file of this name in a run's folder belongs to the mirror; never a path that leads out of it.

    >>> [is_mirrored(name) for name in ("events.jsonl", "checkpoints/best/sha256", "film/1.png", "../x", "lock")]
    [True, True, False, False, False]
    """
    path = PurePosixPath(name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    return folder in ("", *CHECKPOINTS) and NAME.fullmatch(path.name) is not None and name not in LEFT_OUT


def split_name(name: str) -> tuple[str, str] | None:
    """The run and the file of a name in the repository; None of one that is no file of a run.

    >>> split_name("runs/20260101-120000-cells/config.json")
    ('20260101-120000-cells', 'config.json')
    >>> split_name("runs/../config.json") is split_name("README.md") is None
    True
    """
    words = name.split("/", 2)
    if len(words) != 3 or words[0] != RUNS or not ID.fullmatch(words[1]) or not is_mirrored(words[2]):
        return None
    return words[1], words[2]


def fingerprint(files: Mapping[str, Path]) -> dict[str, tuple[int, int]]:
    """Size and time of each file: another one where anything has changed."""
    found = {}
    for name, path in files.items():
        with contextlib.suppress(OSError):
            status = path.stat()
            found[name] = status.st_size, status.st_mtime_ns
    return found


def stage(run: Run, folder: Path) -> dict[str, Path]:
    """Copies of a run's files in a folder, so that the trainer can go on: a state that it could be resumed from.

    Events come first: a checkpoint that is newer than they are repeats no step and loses none. Weights are linked, not
    copied, where the disk can: a trainer replaces checkpoint folders and never writes into them.
    """
    staged: dict[str, Path] = {}
    for name, path in list_files(run).items():
        if "/" not in name:
            with contextlib.suppress(FileNotFoundError):
                data = path.read_bytes()
                whole = data[: data.rfind(b"\n") + 1] if path.suffix == ".jsonl" else data
                staged[name] = folder / name
                staged[name].write_bytes(whole)
    for checkpoint in CHECKPOINTS:
        for _ in range(TRIES):
            target = folder / checkpoint
            shutil.rmtree(target, ignore_errors=True)
            if (linked := _link_folder(run.folder / checkpoint, target)) is not None:
                staged |= {f"{checkpoint}/{name}": path for name, path in linked.items()}
                break
    return staged


def _link_folder(source: Path, target: Path) -> dict[str, Path] | None:
    """The files of a folder linked into another; None where the folder was replaced or vanished meanwhile."""
    try:
        before = source.stat().st_ino
        target.mkdir(parents=True)
        for path in source.iterdir():
            if NAME.fullmatch(path.name) and path.is_file():
                _link(path, target / path.name)
        if source.stat().st_ino != before:
            return None
    except FileNotFoundError:
        return None
    return {path.name: path for path in target.iterdir()}


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
