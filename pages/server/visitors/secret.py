"""Secrets of this server that sign what browsers keep: made once, in a file that its owner alone reads."""

import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

LENGTH = 32  # bytes


@cache
def read_secret(path: Path) -> bytes:
    """The secret in a file that the servers of a folder share; where it cannot be written, one of this process.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "new" / ".secret"
    >>> read_secret(path) == path.read_bytes(), oct(path.stat().st_mode & 0o777)
    (True, '0o600')
    """
    fresh = secrets.token_bytes(LENGTH)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file,
        ):
            file.write(fresh)
        stored = path.read_bytes()
    except OSError:
        return fresh
    return stored if len(stored) == LENGTH else fresh
