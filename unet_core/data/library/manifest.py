"""What an upload announces: its files in order, each with its size. They arrive as one stream, file after file.

So a chunk of some MiB holds a thousand small files or a piece of a large one, and all that must be known to go on after
a lost connection is how many bytes have arrived.
"""

import json
import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from unet_core.errors import DataError
from unet_core.io.filenames import fold_case, is_junk
from unet_core.io.zip_reader import leads_out, readable

MOST_FILES = 100_000
MOST_BYTES = 2**36  # of all files; a ZIP file may unpack to as much
MOST_PART, MOST_PATH, MOST_DEPTH = 255, 1000, 32  # bytes of a name, bytes and parts of a path


@dataclass(frozen=True)
class Piece:
    """A part of the stream that belongs to one file: which, where in it, and how many bytes."""

    file: int
    start: int
    size: int


class Manifest:
    """Files by their relative paths with `/`, and their sizes; `names` are as the user has them.

    >>> manifest = Manifest("cells", [("a.png", 3), ("b/c.png", 0), ("b/d.png", 5)])
    >>> manifest.total, [(piece.file, piece.start, piece.size) for piece in manifest.pieces(2, 4)]
    (8, [(0, 2, 1), (2, 0, 3)])
    """

    def __init__(self, name: str, files: list[tuple[str, int]]) -> None:
        """Raises DataError where a path or a size is none that can be taken."""
        if not files:
            raise DataError("No files were chosen. Choose images, a folder or a ZIP file.")
        if len(files) > MOST_FILES:
            raise DataError(
                f"{len(files):,} files are more than the {MOST_FILES:,} of one upload. Leave out what is not needed, "
                "or split the dataset."
            )
        self.name = name
        self.paths = [check_path(path) for path, _ in files]
        self.sizes = [size for _, size in files]
        self.ends = list(accumulate(self.sizes))
        self.total = self.ends[-1]
        if self.total > MOST_BYTES:
            raise DataError(f"{self.total:,} bytes are more than the {MOST_BYTES:,} of one upload. Split the dataset.")
        _check_tree(self.paths)

    def pieces(self, offset: int, size: int) -> Iterator[Piece]:
        """Whose the `size` bytes of the stream from `offset` are; files without bytes have no piece."""
        number = bisect_right(self.ends, offset)
        while size > 0:
            start = offset - (self.ends[number] - self.sizes[number])
            length = min(size, self.sizes[number] - start)
            if length:
                yield Piece(number, start, length)
            offset, size, number = offset + length, size - length, number + 1

    def is_wanted(self, number: int) -> bool:
        """Whether a file is kept: junk of systems arrives and is left out."""
        return not is_junk(self.paths[number])

    def to_json(self) -> str:
        return json.dumps({"name": self.name, "files": list(zip(self.paths, self.sizes, strict=True))})

    @classmethod
    def from_json(cls, text: str | bytes) -> "Manifest":
        """Raises DataError where it is none."""
        try:
            content: Any = json.loads(text)
            name, files = content.get("name", ""), content["files"]
            good = isinstance(name, str) and isinstance(files, list) and all(map(_is_file, files))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            good = False
        if not good:
            raise DataError("The list of files cannot be read. Reload the page and try again.")
        return cls(name[:200], [(path, size) for path, size in files])


def _is_file(item: Any) -> bool:
    if not isinstance(item, list) or len(item) != 2:
        return False
    path, size = item
    return isinstance(path, str) and type(size) is int and 0 <= size <= MOST_BYTES


def check_path(path: str) -> str:
    """A path that stays below its folder, as it is but for Windows' slashes. Raises DataError."""
    shown, clean = readable(path), path.replace("\\", "/")
    parts = clean.split("/")
    if leads_out(clean) or "\0" in clean or any(part in ("", ".") for part in parts):
        raise DataError(f"{shown}: a path that leads out of its folder; nothing was uploaded. Rename the file.")
    try:
        lengths = [len(os.fsencode(part)) for part in parts]
    except UnicodeError:
        raise DataError(f"{shown}: the name is not valid text. Rename the file.") from None
    if max(lengths) > MOST_PART or sum(lengths) > MOST_PATH or len(parts) > MOST_DEPTH:
        raise DataError(f"{shown}: the path is too long or too deep. Rename the file, or move it up some folders.")
    return clean


def _check_tree(paths: list[str]) -> None:
    """Raises DataError where a path is there twice, or is a file and a folder."""
    files = set(paths)
    if len(files) < len(paths):
        seen: set[str] = set()
        twice = next(path for path in paths if path in seen or seen.add(path))  # type: ignore[func-returns-value]
        raise DataError(f"{readable(twice)}: the file is in the upload twice. Choose it once.")
    folders: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    if both := files & folders:
        raise DataError(f"{readable(min(both))}: a file and a folder have this name. Rename one of them.")


def check_disk(folder: Path, paths: list[str]) -> None:
    """Raises DataError where two of the paths are one file for the disk: most of Windows and macOS ignore case."""
    first: dict[str, str] = {}
    for path in paths:
        other = first.setdefault(fold_case(path), path)
        if other != path:
            probe = folder / "case-Probe"
            probe.touch()
            is_same = (folder / "CASE-pROBE").exists()
            probe.unlink()
            if is_same:
                raise DataError(
                    f"{readable(path)} and {readable(other)} are one name for the server's disk. Rename one of them."
                )
            return
