"""Files that other processes read at the same time: locks and whole replacements."""

import fcntl
import os
from pathlib import Path


def is_locked(lock: Path) -> bool:
    """Whether another process holds a lock file. A look leaves nothing behind, also where the folder vanishes."""
    try:
        descriptor = os.open(lock, os.O_RDONLY)  # FileLock would make the file and its folder anew
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


def write_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
