"""ZIP files from untrusted sources, read in memory: nothing is written, so no name can lead out of a folder.

| what a file may try | what happens |
|---|---|
| hundreds of thousands of entries | refused by the size of the directory, before it is parsed |
| a bomb: small packed, huge unpacked | refused by ratio and sum of the sizes in the directory |
| sizes that lie | real bytes are counted while they are unpacked; reading ends at the size in the directory |
| names that lead out (`../`, `/`, `C:\\`), links, devices | skipped and named |
| encrypted, or packed in a way that needs much memory | skipped and named |
| archives in the archive | named, not opened |
"""

import io
import posixpath
import re
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from unet_core.errors import DataError
from unet_core.io.filenames import is_junk

MOST_ENTRIES = 20_000
MOST_DIRECTORY = 2**22  # bytes of the directory at the end of the file
MOST_EACH = 2**29  # bytes of one file, unpacked
MOST_TOTAL = 2**33  # bytes of all files, unpacked
FREE_TOTAL = 2**28  # bytes up to which any ratio is accepted: an archive of blank images is no bomb
MOST_RATIO = 100  # unpacked to packed, of the whole archive
CHUNK = 2**20
LEADS_OUT = "has a name that leads out of the archive"
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")


@dataclass(frozen=True)
class Limits:
    """What an archive may have at most: entries, bytes of its directory, bytes unpacked of one file and of all."""

    entries: int
    directory: int
    each: int
    total: int


@dataclass(frozen=True)
class Member:
    """A regular file of an archive: its safe name with `/`, its size unpacked, and what the directory says of it."""

    name: str
    size: int
    info: zipfile.ZipInfo


class Archive:
    """A ZIP file from bytes or from the disk.

    `members` can be read, `problems` has a sentence for each that cannot, `junk` counts what is not worth one.

    Several threads may read. Raises DataError where the whole file is refused.
    """

    def __init__(self, source: bytes | Path, name: str, limits: Limits | None = None) -> None:
        limits = limits or Limits(MOST_ENTRIES, MOST_DIRECTORY, MOST_EACH, MOST_TOTAL)
        self.name, self.limits = name, limits
        self.members: list[Member] = []
        self.problems: list[str] = []
        self.junk = 0  # hidden files and those that systems leave behind
        self._lock = threading.Lock()
        self._last: tuple[Member, bytes] | None = None  # the pages of a stack are read one after another
        try:
            self._file = _Directory(source, limits)
            self._zip = zipfile.ZipFile(self._file)
        except _OverLimitError as error:
            raise DataError(f"{name}: {error}; split it.") from error
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError, EOFError, OSError) as error:
            raise DataError(f"{name}: not a ZIP file, or damaged ({error}).") from error
        self._file.opened = True
        infos = self._zip.infolist()
        total = sum(info.file_size for info in infos)
        if total > limits.total or (total > FREE_TOTAL and total > MOST_RATIO * self._file.size):
            raise DataError(
                f"{name}: {self._file.size:,} bytes would unpack to {total:,}, so it was not opened. Unpack it "
                "yourself and upload the files, or split it."
            )
        names: set[str] = set()
        for info in infos:
            path = _name(info)
            if path.endswith("/") or is_junk(path):
                self.junk += not path.endswith("/")
                continue
            member_name = posixpath.normpath(path)
            problem = _problem(info, path, limits) or ("is in it twice" if member_name in names else "")
            names.add(member_name)
            if problem:
                self.problems.append(f"{name}: {readable(path)} {problem}; skipped.")
            else:
                self.members.append(Member(member_name, info.file_size, info))
        self.members.sort(key=lambda member: natural(member.name))

    def read(self, member: Member) -> bytes:
        """The bytes of a member; sizes and checksums are verified. Raises DataError."""
        with self._lock:
            if self._last is None or self._last[0] is not member:
                self._last = None
                self._last = member, self._read(member)
            return self._last[1]

    def _read(self, member: Member) -> bytes:
        return b"".join(self.stream(member))

    def stream(self, member: Member) -> Iterator[bytes]:
        """The same in pieces of at most 1 MiB, for files that are not kept in memory; one thread at a time."""
        where, count = f"{self.name}: {readable(member.name)}", 0
        try:
            with self._zip.open(member.info) as file:
                while part := file.read(CHUNK):
                    count += len(part)
                    if count > min(member.size, self.limits.each):
                        raise DataError(
                            f"{where} unpacks to more than its declared {member.size:,} bytes and was not read."
                        )
                    yield part
        except (
            zipfile.BadZipFile,
            NotImplementedError,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            RuntimeError,
        ) as error:
            raise DataError(f"{where} is damaged ({error}).") from error
        if count != member.size:
            raise DataError(f"{where} is damaged: it declares {member.size:,} bytes and has {count:,}.")

    def close(self) -> None:
        self._zip.close()
        self._file.close()


def is_archive(name: str, source: bytes | Path) -> bool:
    """Whether a file is a ZIP by its first bytes, or calls itself one; arrays of numpy (.npz) are none.

    Raises DataError where it cannot be read.
    """
    if name.lower().endswith(".npz"):
        return False
    if isinstance(source, bytes):
        start = source[:4]
    else:
        try:
            with source.open("rb") as file:
                start = file.read(4)
        except OSError as error:
            raise DataError(f"{readable(name)}: cannot be read ({error.strerror or error}).") from error
    return start in (b"PK\3\4", b"PK\5\6", b"PK\7\x08") or name.lower().endswith(".zip")


def leads_out(path: str) -> bool:
    """Whether a name is absolute, has a drive, or climbs out with `..`."""
    return path.startswith("/") or bool(re.match(r"[A-Za-z]:", path)) or ".." in path.split("/")


def natural(name: str) -> list[tuple[int, int | str]]:
    """A sort key: a2 before a10.

    >>> sorted(["a10", "B1", "a2"], key=natural)
    ['a2', 'a10', 'B1']
    """
    parts = (part for part in re.split(r"([0-9]{1,18})", name.lower()) if part)
    return [(0, int(part)) if part[0] in "0123456789" else (1, part) for part in parts]


def readable(name: str) -> str:
    """A name for a message: control characters and half characters as question marks, long ones cut."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in name)
    return shown if len(shown) <= 120 else f"{shown[:60]}…{shown[-59:]}"


def _name(info: zipfile.ZipInfo) -> str:
    """The name as its writer meant it: many write UTF-8 without saying so; backslashes are Windows' slashes."""
    name = info.orig_filename if "\0" in info.orig_filename else info.filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _problem(info: zipfile.ZipInfo, path: str, limits: Limits) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if leads_out(path) or "\0" in path or not path.strip("/."):
        return LEADS_OUT
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device, not a file"
    if info.flag_bits & 0x1:
        return "is encrypted, create the archive without a password"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"uses compression method {info.compress_type}, only deflate is supported"
    if path.lower().endswith(ARCHIVES) and not path.lower().endswith(".nii.gz"):
        return "is an archive inside the archive, upload it separately"
    if info.file_size > limits.each:
        return f"is larger than {limits.each:,} bytes"
    return ""


class _OverLimitError(Exception):
    """The directory is larger than the limits."""


class _Directory(io.RawIOBase):
    """A file that gives no more than a directory's bytes and entries at once until that at its end was read."""

    def __init__(self, source: bytes | Path, limits: Limits) -> None:
        self._limits = limits
        self._inner: IO[Any] = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
        self.size = self._inner.seek(0, io.SEEK_END)
        self.opened = False

    def read(self, size: int = -1) -> bytes:
        size = size if size >= 0 else self.size - self.tell()
        most = self._limits.directory
        if not self.opened and size > most:
            raise _OverLimitError(f"its list of entries takes {size:,} bytes, over the limit of {most:,}")
        data: bytes = self._inner.read(size)
        if not self.opened and (count := data.count(b"PK\1\2")) > self._limits.entries:  # before they are parsed
            raise _OverLimitError(f"contains {count:,} entries, over the limit of {self._limits.entries:,}")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._inner.seek(offset, whence)

    def tell(self) -> int:
        return self._inner.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._inner.close()
        super().close()
