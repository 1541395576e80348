"""A ZIP file of a stranger unpacked into a folder of its own, whole or not at all.

The rules are those of `unet_core.io.zip_reader`, with room for a dataset. What is hostile refuses the archive: a name
that leads out, a size that lies, a bomb, too many entries. What only cannot be used (links, archives inside, encrypted
files) is left out and named. Links are never made and files never overwritten, so that nothing is written elsewhere.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unet_core.data.name_words import folder_role, subset_of
from unet_core.errors import Cancelled, DataError, listing
from unet_core.io.filenames import is_junk
from unet_core.io.files import new_folder
from unet_core.io.zip_reader import LEADS_OUT, Archive, Limits, readable

LIMITS = Limits(entries=100_000, directory=2**25, each=2**33, total=2**36)
SPARE = 2**29  # bytes left free on the disk
MOST_NAMED = 5  # problems that are spelled out

Progress = Callable[[int, int, str], None]  # bytes so far, bytes in all, name of the file


@dataclass(frozen=True)
class Unpacked:
    """How many files and bytes were written, and a sentence for each kind of file that was left out."""

    files: int
    bytes: int
    notes: tuple[str, ...] = ()


def unpack(
    archive: Path,
    target: Path,
    progress: Progress = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
    name: str = "",
) -> Unpacked:
    """Write all files of a ZIP below `target`, which must not exist or be empty; 1 MiB is in memory at a time.

    Args:
        archive: the ZIP file.
        target: appears when all is written; where anything fails or is cancelled there is nothing of it.
        progress: called with bytes so far, bytes in all, and the name of the current file.
        cancelled: asked between pieces.
        name: what messages call the archive; default its file name.

    Raises:
        DataError: it is hostile, damaged, too large for the limits or the disk, or has no usable file.
        Cancelled: `cancelled` gave True.
    """
    label = readable(name or archive.name)
    source = Archive(archive, label, LIMITS)
    try:
        if escapes := [problem for problem in source.problems if LEADS_OUT in problem]:
            raise DataError(
                f"{escapes[0].removesuffix('; skipped.')}, so nothing was unpacked. Do not trust this file, or pack "
                "the images again."
            )
        if not source.members:
            reason = listing(source.problems, MOST_NAMED, " ") or "It is empty."
            raise DataError(f"{label}: no file in it can be used. {reason}")
        total = sum(member.size for member in source.members)
        check_space(target, total, label)
        try:
            with new_folder(target) as fresh:
                _write(source, fresh, total, progress, cancelled)
        except OSError as error:
            raise DataError(
                f"{label}: cannot be unpacked ({error.strerror or error}"
                f"{': ' + readable(Path(str(error.filename)).name) if error.filename else ''})."
            ) from error
    finally:
        source.close()
    notes = [f"{label}: skipped {source.junk} hidden or system files, such as __MACOSX."] if source.junk else []
    if source.problems:
        notes.append(listing(source.problems, MOST_NAMED, " "))
    return Unpacked(len(source.members), total, tuple(notes))


def _write(source: Archive, fresh: Path, total: int, progress: Progress, cancelled: Callable[[], bool]) -> None:
    done, folders = 0, {fresh}
    for member in source.members:
        path = fresh / member.name
        if path.parent not in folders:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise DataError(
                    f"{source.name}: {readable(member.name)} lies in a folder whose name is also that of a file. "
                    "Rename one of the two and pack it again."
                ) from error
            folders.add(path.parent)
        try:
            file = path.open("xb")  # never over another: names may be equal for this disk that differ by case
        except FileExistsError as error:
            raise DataError(
                f"{source.name}: {readable(member.name)} has the name of another file or folder in it, at least for "
                "this disk. Rename one of the two and pack it again."
            ) from error
        with file:
            for part in source.stream(member):
                if cancelled():
                    raise Cancelled(f"{source.name}: unpacking was canceled.")
                file.write(part)
                done += len(part)
                progress(done, total, member.name)


def check_space(folder: Path, size: int, label: str) -> None:
    """Raises DataError where so many bytes do not fit on the disk of a folder, which need not exist yet."""
    disk = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(disk).free
    if size + SPARE > free:
        raise DataError(
            f"{label}: its {size:,} bytes do not fit on the server's disk, {max(0, free - SPARE):,} are free. Remove "
            "datasets that are not needed, or upload less."
        )


def content_of(folder: Path) -> Path:
    """The folder with the content of an upload: wrappers that hold one folder and nothing else are looked through.

    A folder whose name says something (images, train) is none.
    """
    for _ in range(64):
        inside = [path for path in folder.iterdir() if not is_junk(path.name)]
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].is_symlink():
            return folder
        name = inside[0].name
        if folder_role(name) or subset_of(name) or name.lower().startswith("stage"):
            return folder
        folder = inside[0]
    return folder
