"""Folders that were removed and can be had back for a while: a trash folder on the same disk.

    .trash/
      0f3a….json   what was removed, when, and what its owner noted, written first
      0f3a…/       the folder itself, moved by one rename; nothing is copied

A folder without a JSON is what an older release, or an emptying that was cut short, has left: it goes with the next.
"""

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unet_core.io.files import write_atomically

KEEP_SECONDS = 24 * 3600.0
LEAST_FREE = 2 * 2**30  # bytes of the disk: with fewer, the oldest are removed early
FRESH_SECONDS = 60.0  # for which a JSON waits for its folder
NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Removed:
    """Something in the trash: its `key` there, the `name` it had, when it was removed (seconds since 1970), notes."""

    key: str
    name: str
    removed_at: float
    notes: Mapping[str, str]


def put(trash: Path, name: str, folder: Path | None, notes: Mapping[str, str] | None = None) -> Removed:
    """Move a folder into the trash; None where only its `notes` are to be kept. Makes room, see `empty`.

    Raises OSError: FileNotFoundError where there is no such folder (any more).

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp())
    >>> (place / "cells").mkdir()
    >>> item = put(place / ".trash", "cells", place / "cells")
    >>> [other.name for other in find(place / ".trash")], (place / "cells").exists()
    (['cells'], False)
    >>> take_back(place / ".trash", item.key, place / "cells")
    >>> find(place / ".trash"), (place / "cells").exists()
    ([], True)
    """
    item = Removed(secrets.token_hex(8), name, time.time(), dict(notes or {}))
    trash.mkdir(parents=True, exist_ok=True)
    about = {"name": name, "removed_at": item.removed_at, "notes": item.notes, "has_folder": folder is not None}
    write_atomically(_about(trash, item.key), json.dumps(about) + "\n")
    if folder is not None:
        try:
            folder.rename(trash / item.key)
        except OSError:
            _about(trash, item.key).unlink(missing_ok=True)
            raise
    empty(trash, spare=item.key)
    return item


def find(trash: Path) -> list[Removed]:
    """What can be had back, the latest first."""
    try:
        paths = [path for path in trash.glob("*.json") if NAME.fullmatch(path.stem)]
    except OSError:
        return []
    items = [item for path in paths if (item := _read(path)) is not None]
    return sorted(items, key=lambda item: item.removed_at, reverse=True)


def take_back(trash: Path, key: str, target: Path | None) -> None:
    """Move a folder out of the trash to `target`, which must not exist; None where only notes were kept.

    Raises OSError: FileNotFoundError where it is not in the trash any more, FileExistsError where `target` is there.
    """
    if not NAME.fullmatch(key):
        raise FileNotFoundError(2, "not in the trash", key)
    if target is not None:
        if target.exists() or target.is_symlink():  # a rename would replace an empty folder
            raise FileExistsError(17, "exists already", str(target))
        (trash / key).rename(target)
    _about(trash, key).unlink(missing_ok=target is not None)
    with suppress(OSError):
        trash.rmdir()  # where it was the last one


def size(trash: Path, key: str = "") -> int:
    """Bytes of one item, or of all."""
    total = 0
    for folder, _, names in os.walk(trash / key):
        for name in names:
            with suppress(OSError):
                total += os.lstat(Path(folder) / name).st_size
    return total


def empty(trash: Path, keep_seconds: float = KEEP_SECONDS, spare: str = "") -> None:
    """Remove for good what was removed longer ago than `keep_seconds`, remains, and where the disk is nearly full all.

    The oldest go first, and the one with the key `spare` never. Nothing is raised: what cannot go now goes later.
    """
    if not trash.is_dir():
        return
    now = time.time()
    items = {item.key: item for item in find(trash)}
    for path in list(trash.iterdir()):
        if path.suffix == ".json":
            patience = keep_seconds if path.with_suffix("").is_dir() else FRESH_SECONDS  # of one that says nothing
            with suppress(OSError):
                if path.stem not in items and now - path.stat().st_mtime > patience:
                    path.unlink()
        elif path.is_dir() and path.name not in items and not _about(trash, path.name).exists():
            shutil.rmtree(path, ignore_errors=True)
    for item in sorted(items.values(), key=lambda item: item.removed_at):
        is_old = now - item.removed_at >= keep_seconds
        if item.key != spare and (is_old or shutil.disk_usage(trash).free < LEAST_FREE):
            discard(trash, item.key)
    with suppress(OSError):
        trash.rmdir()  # where nothing is left


def discard(trash: Path, key: str) -> None:
    """Remove one item for good. A crash leaves remains that `empty` removes."""
    if not NAME.fullmatch(key):
        return
    gone = trash / f"{key}.gone"
    with suppress(OSError):
        (trash / key).rename(gone)  # in one step: whoever takes it back is earlier, or is told that it is gone
    _about(trash, key).unlink(missing_ok=True)
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(OSError):
        trash.rmdir()


def _about(trash: Path, key: str) -> Path:
    return trash / f"{key}.json"


def _read(path: Path) -> Removed | None:
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["has_folder"] and not path.with_suffix("").is_dir():
            return None
        notes = {str(key): str(value) for key, value in about["notes"].items()}
        return Removed(path.stem, str(about["name"]), float(about["removed_at"]), notes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
