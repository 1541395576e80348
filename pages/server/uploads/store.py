"""Uploads on the server's disk for a while, so that a reload finds them: bounded in bytes and in time.

    store = UploadStore(uploads_dir())
    upload = store.add([("a.png", data)])          # its `key` is 128 random bits: who has not got it reaches nothing
    upload = store.add([("b.png", data)], upload)  # more files, under the same key
    upload = store.get(key)                        # after a reload; raises GoneError once it was removed
    upload.files                                   # [("a.png", path), ...]; nothing of their content is in memory

On a public server the visitor of an upload is its owner (`io.owners`), and nobody else reaches it with its key.

A visitor's older uploads make room for the newer ones, then those of others that were used least recently. Which
uploads are one visitor's is written in them, since a reload brings nothing but a key.
"""

import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unet_core.errors import DataError
from unet_core.io import owners
from unet_core.io.files import write_atomically

KEY = re.compile(r"[A-Za-z0-9_-]{22}")
LIST = "files.json"
MOST_BYTES = 4 * 2**30  # of all visitors
MOST_OF_VISITOR = 2**30
MOST_SECONDS = 24 * 3600.0  # since it was used last


class GoneError(LookupError):
    """No such upload (any more)."""


@dataclass(frozen=True)
class Upload:
    """What one visitor has uploaded: names as the browser gave them, and where their content lies."""

    key: str
    visitor: str
    files: tuple[tuple[str, Path], ...]
    removed: tuple[str, ...] = ()  # images among them that the visitor wants no more, by their name on the page


class UploadStore:
    """Uploads as folders below `root`; for any number of threads of one server."""

    def __init__(
        self,
        root: Path,
        most: int = MOST_BYTES,
        most_of_visitor: int = MOST_OF_VISITOR,
        most_seconds: float = MOST_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.root = root
        self._most, self._most_of_visitor, self._most_seconds, self._clock = most, most_of_visitor, most_seconds, clock
        self._lock = threading.Lock()

    def add(
        self, files: Sequence[tuple[str, bytes | memoryview]], upload: Upload | None = None, visitor: str = ""
    ) -> Upload:
        """Store files, in a new upload of `visitor` or beside those of `upload`. Raises DataError."""
        size = sum(len(data) for _, data in files)
        before = sum(path.stat().st_size for _, path in upload.files if path.is_file()) if upload else 0
        if before + size > self._most_of_visitor:
            raise DataError(
                f"{before + size:,} bytes are more than the {self._most_of_visitor:,} that a visitor can upload here. "
                "Clear the images that you do not need, or predict on the command line."
            )
        with self._lock:
            if upload is None:
                upload = Upload(secrets.token_urlsafe(16), owners.current() or visitor or secrets.token_urlsafe(16), ())
            elif not (self.root / upload.key / LIST).is_file():  # removed meanwhile
                upload = Upload(upload.key, upload.visitor, ())
            self._make_room(size, upload)
            folder = self.root / upload.key
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                paths = [folder / str(len(upload.files) + number) for number in range(len(files))]
                for path, (_, data) in zip(paths, files, strict=True):
                    path.write_bytes(data)
            except OSError as error:
                raise DataError(
                    f"The upload could not be stored on the server ({error.strerror or error}). Ask who runs it to "
                    "free disk space."
                ) from error
            added = tuple((name, path) for (name, _), path in zip(files, paths, strict=True))
            return self._write(Upload(upload.key, upload.visitor, upload.files + added, upload.removed))

    def get(self, key: str) -> Upload:
        """The upload of a key, which counts as used now. Raises GoneError."""
        with self._lock:
            self._remove_old()
            upload = self._read_own(key)
            os.utime(self.root / key / LIST, (self._clock(), self._clock()))
            return upload

    def set_removed(self, upload: Upload, names: Sequence[str]) -> Upload:
        """The same upload without some images. Raises GoneError."""
        with self._lock:
            self._read_own(upload.key)
            return self._write(Upload(upload.key, upload.visitor, upload.files, tuple(names)))

    def remove(self, key: str) -> None:
        """Remove an upload, if it is there and that of who acts."""
        with suppress(GoneError):
            self._read_own(key)
            self._remove(key)

    def _remove(self, key: str) -> None:
        if KEY.fullmatch(key):
            shutil.rmtree(self.root / key, ignore_errors=True)

    def remove_old(self) -> None:
        """Remove what was not used for too long; done too whenever an upload is added or looked for."""
        with self._lock:
            self._remove_old()

    def _read_own(self, key: str) -> Upload:
        """The upload of a key where it is that of who acts. Raises GoneError."""
        upload = self._read(key)
        owner = owners.current()
        if owner is not None and (owner == owners.STRANGER or owner != upload.visitor):
            raise GoneError
        return upload

    def _read(self, key: str) -> Upload:
        if not KEY.fullmatch(key):
            raise GoneError
        folder = self.root / key
        try:
            about = json.loads((folder / LIST).read_text(encoding="utf-8"))
            files = tuple((str(name), folder / str(number)) for number, name in enumerate(about["names"]))
            return Upload(key, str(about["visitor"]), files, tuple(map(str, about["removed"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GoneError from error

    def _write(self, upload: Upload) -> Upload:
        about = {"visitor": upload.visitor, "names": [name for name, _ in upload.files], "removed": upload.removed}
        path = self.root / upload.key / LIST
        write_atomically(path, json.dumps(about).encode())
        os.utime(path, (self._clock(), self._clock()))
        return upload

    def _remove_old(self) -> None:
        for used_at, key in self._list():
            if self._clock() - used_at > self._most_seconds:
                self._remove(key)

    def _make_room(self, size: int, upload: Upload) -> None:
        """For `size` bytes more in `upload`, which itself stays."""
        self._remove_old()
        others = [key for _, key in self._list() if key != upload.key]
        visitors = {key: self._visitor(key) for key in others}
        sizes = {key: self._size(key) for key in (*others, upload.key)}
        total_of_visitor = (
            size + sizes[upload.key] + sum(sizes[key] for key in others if visitors[key] == upload.visitor)
        )
        total = size + sum(sizes.values())
        own_first = sorted(others, key=lambda key: visitors[key] != upload.visitor)  # and the oldest first among them
        for key in own_first:
            is_own = visitors[key] == upload.visitor
            if total > self._most or (is_own and total_of_visitor > self._most_of_visitor):
                self._remove(key)
                total -= sizes[key]
                total_of_visitor -= sizes[key] * is_own

    def _list(self) -> list[tuple[float, str]]:
        """(when it was used last, key) of all, the oldest first."""
        if not self.root.is_dir():
            return []
        uploads = []
        for path in self.root.iterdir():
            if KEY.fullmatch(path.name):
                about = path / LIST
                uploads.append(((about if about.is_file() else path).stat().st_mtime, path.name))
        return sorted(uploads)

    def _visitor(self, key: str) -> str:
        try:
            return self._read(key).visitor
        except GoneError:
            return ""

    def _size(self, key: str) -> int:
        folder = self.root / key
        return sum(path.stat().st_size for path in folder.iterdir()) if folder.is_dir() else 0
