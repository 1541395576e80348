"""Exported files, written into a folder or one ZIP; `formats` says which there are."""

import io
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO

from unet_core.errors import ConfigError, RunError
from unet_core.export.formats import FORMATS, Format, checked, parse
from unet_core.export.result import Result
from unet_core.io.filenames import safe_stem, unique
from unet_core.io.files import replacement

__all__ = ["FORMATS", "Delivery", "Format", "Result", "Writer", "archive", "encode", "parse", "save", "write"]


class Delivery:
    """Formats of picture after picture, each file given to `put` (name, fill); the collected ones by `close`.

    `in_folders` puts the files of each format into a folder of its name.
    """

    def __init__(self, formats: Sequence[str], put: Callable[[str, Callable[[BinaryIO], object]], None]) -> None:
        self.formats = [FORMATS[name] for name in checked(formats)]
        self._collectors = {each.name: each.gather() for each in self.formats if each.gather is not None}
        self._put = put
        self.in_folders = False

    def add(self, result: Result, stem: str) -> list[str]:
        """Hand out the picture's own files; their names."""
        names = []
        for each in self.formats:
            if each.encode is not None:
                data = each.encode(result)
                names.append(self._named(each, stem + each.suffix))
                self._put(names[-1], lambda file, data=data: file.write(data))  # type: ignore[misc]
        for collector in self._collectors.values():
            collector.add(result)
        return names

    def close(self, before: str = "") -> list[str]:
        """Hand out the files of all pictures, named `before` + their own name; their names."""
        names = []
        for name, collector in self._collectors.items():
            names.append(self._named(FORMATS[name], before + FORMATS[name].file))
            self._put(names[-1], collector.write)
        return names

    def _named(self, each: Format, name: str) -> str:
        return f"{each.name}/{name}" if self.in_folders and each.encode is not None else name


class Writer:
    """Writes formats of picture after picture into a folder; the collected ones at the end, so use it in a `with`:

    with Writer(("mask", "coco", "csv"), folder) as writer:
        for result in results:
            writer.add(result)  # or add(result, stem="a"): the file name without its ending, taken as it is
    """

    def __init__(self, formats: Sequence[str], folder: Path) -> None:
        """Raises ConfigError for an unknown format."""
        self.folder = folder
        self._delivery = Delivery(formats, self._put)
        self._stems: set[str] = set()

    def add(self, result: Result, stem: str | None = None) -> list[Path]:
        """Write one picture's own files, and give their paths. Raises RunError where one cannot be written."""
        stem = unique(safe_stem(result.name), self._stems, before_suffix=False) if stem is None else stem
        return [self.folder / name for name in self._delivery.add(result, stem)]

    def close(self, before: str = "") -> list[Path]:
        """Write the collected files, and give their paths; done at the end of a `with` that went well."""
        return [self.folder / name for name in self._delivery.close(before)]

    def _put(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                fill(file)
        except OSError as error:
            raise _unwritable(path, error) from error

    def __enter__(self) -> "Writer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()


def write(formats: Sequence[str], folder: Path, stem: str, result: Result) -> list[Path]:
    """One picture alone: its files `<stem><suffix>`, the collected ones `<stem>_<file>`. For several use `Writer`.

    Raises ConfigError for an unknown format, RunError where a file cannot be written.
    """
    writer = Writer(formats, folder)
    return writer.add(result, stem) + writer.close(f"{stem}_")


def archive(results: Iterable[Result], formats: Sequence[str], path: Path) -> list[str]:
    """A ZIP file at `path` of all pictures, and the names in it; a generator of results is taken one at a time.

    With several formats each has a folder of its own. Names are made safe and given once. The file appears when it is
    complete. Raises ConfigError for an unknown format, RunError where it cannot be written, and what `results` raises.
    """
    stems: set[str] = set()
    try:
        with replacement(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as packed:

            def put(name: str, fill: Callable[[BinaryIO], object]) -> None:
                entry = zipfile.ZipInfo(name, time.localtime()[:6])
                stored = PurePosixPath(name).suffix in (".png", ".tif")  # compressed already
                entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                with packed.open(entry, "w", force_zip64=True) as file:
                    fill(file)  # type: ignore[arg-type]

            delivery = Delivery(formats, put)
            delivery.in_folders = len(delivery.formats) > 1
            written = []
            for result in results:
                written += delivery.add(result, unique(safe_stem(result.name), stems, before_suffix=False))
            written += delivery.close()
    except OSError as error:
        raise _unwritable(path, error) from error
    return written


def encode(name: str, result: Result) -> tuple[str, bytes]:
    """One picture in one format, for a download button: the file's name and bytes. Raises ConfigError, DataError."""
    files: dict[str, bytes] = {}

    def put(file_name: str, fill: Callable[[BinaryIO], object]) -> None:
        memory = io.BytesIO()
        fill(memory)
        files[file_name] = memory.getvalue()

    stem = PurePosixPath(safe_stem(result.name)).name
    delivery = Delivery([name], put)
    first = (delivery.add(result, stem) + delivery.close(f"{stem}_"))[0]
    return first, files[first]


def save(result: Result, formats: Sequence[str], path: Path) -> Path:
    """Write one image's files: as one file, as a ZIP, or into a folder, by what `path` is called.

    Args:
        result: The image and its mask.
        formats: Names in FORMATS.
        path: A ZIP where it ends in `.zip`; one file where it has an ending and the only format is a single file; else
            a folder, in which the files are named after the image.

    Returns:
        `path`.

    Raises:
        ConfigError: A format is unknown, or the file's ending is not that of its format.
        RunError: The file cannot be written.
    """
    names = checked(formats)
    only = FORMATS[names[0]]
    if path.suffix.lower() == ".zip":
        path.parent.mkdir(parents=True, exist_ok=True)
        archive([result], names, path)
    elif len(names) == 1 and only.is_single_file and path.suffix:
        if path.suffix.lower() != only.extension:
            raise ConfigError(
                f"{path}: the format {only.name!r} is written as {only.extension}. Name the file "
                f"{path.with_suffix(only.extension).name}, or choose another format."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode(only.name, result)[1])
        except OSError as error:
            raise _unwritable(path, error) from error
    else:
        write(names, path, PurePosixPath(safe_stem(result.name)).name, result)
    return path


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(f"{path}: cannot be written ({error.strerror or error}); free disk space or choose another folder.")
