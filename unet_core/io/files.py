"""Files that other processes read at the same time: locks, and files and folders that appear whole or not at all."""

import fcntl
import math
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def is_locked(lock: Path) -> bool:
    """Whether another process holds a lock file. A look leaves nothing behind, also where the folder vanishes."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)  # FileLock would create the file and its folder
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who look do not see each other
    except BlockingIOError:
        return True
    except OSError:
        return False  # a disk without locks: nobody trains there
    finally:
        os.close(descriptor)
    return False


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file whole or not at all, text as UTF-8; a reader sees the old content or the new. Raises OSError.

    >>> folder = Path(tempfile.mkdtemp())
    >>> write_atomically(folder / "notes.txt", "first")
    >>> write_atomically(folder / "notes.txt", "second")
    >>> (folder / "notes.txt").read_text(), len(list(folder.iterdir()))
    ('second', 1)
    """
    with replacement(path) as temporary:
        if isinstance(data, str):
            temporary.write_text(data, encoding="utf-8")
        else:
            temporary.write_bytes(data)


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` to write to, which takes its name when the block ends, for files made in pieces.

    Where the block or the renaming fails, the temporary file is removed and `path` stays as it was. Raises OSError.
    """
    # Hidden, and another name for each writer: two processes that replace the same file never mix their content.
    temporary = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        yield temporary
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # the first error is the one to be seen
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` to fill, which takes its name when the block ends.

    `folder` may be there if it is empty. Where anything fails nothing is left. Raises FileExistsError where `folder` is
    a file or holds anything at the end, other OSErrors where the disk refuses.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as staging:
        fresh = Path(staging, "fresh")  # the staging folder itself is closed to other users, and this one is not
        fresh.mkdir()
        yield fresh
        with suppress(OSError):
            folder.rmdir()  # succeeds only when empty; some systems refuse to rename onto any folder
        try:
            fresh.rename(folder)
        except OSError as error:
            if folder.exists():
                raise FileExistsError(f"{folder} exists and is not empty") from error
            raise


def flush_to_disk(path: Path) -> None:
    """Return once a file, or the list of names in a folder, would survive a power cut. Raises OSError."""
    # Files are opened to be written to, as some systems flush nothing through a handle that only reads.
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def cache_folder() -> Path:
    """Where what can be made again is kept: `$XDG_CACHE_HOME/unet-studio`, by default `~/.cache/unet-studio`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unet-studio"


def finite(value: Any) -> Any:
    """Values for JSON, which has no NaN and no infinity: None in their place, also inside of dictionaries and lists.

    >>> finite({"dice": [0.5, float("nan")]})
    {'dice': [0.5, None]}
    """
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
