"""Folders of this machine that a user may choose: typed as a path, or picked in a list; only below the data root.

A link that leads out of the data root is refused like a path that does. What lies outside is not even said to exist.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unet_core.errors import DataError
from unet_core.io.filenames import is_image_name, is_junk
from unet_core.io.zip_reader import natural, readable

MOST_FOLDERS = 1000  # that are listed
MOST_ENTRIES = 1000  # of one folder that are counted
MOST_COUNTED = 50_000  # of all listed folders
CLOSED = ("boot", "dev", "etc", "proc", "sys")  # in the root of a disk: they hold no images and are not opened
PROGRAMS = ("bin", "cores", "lib", "lib32", "lib64", "libx32", "lost+found", "private", "run", "sbin", "snap", "usr")
SYSTEM = frozenset((*CLOSED, *PROGRAMS, "System", "Library"))  # none of them is listed
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "`": "`"}


@dataclass(frozen=True)
class FolderItem:
    """A folder in a list: how many images and folders lie directly in it.

    `is_partial`: only the first `MOST_ENTRIES` of its entries were counted, or none. `problem`: why it does not open.
    """

    name: str
    path: Path
    images: int
    folders: int
    is_partial: bool = False
    problem: str = ""


def parse_path(text: str, data_root: Path | None) -> Path:
    """The folder that a user typed or pasted; relative paths count from the data root, or where that is the whole disk
    from the current folder.

    Understood are quotes around it, `~`, `file://` addresses, and backslashes for slashes.

    >>> parse_path(" '/usr/../usr/' ", Path("/"))
    PosixPath('/usr')

    Raises DataError where it lies outside the data root, is no folder, cannot be opened, or `data_root` is None.
    """
    if data_root is None:
        raise DataError("Folders of the server cannot be chosen here. Upload the images instead.")
    shown = readable(text.strip())
    with _errors(shown):
        root = data_root.resolve()
        base = Path.cwd() if root == Path(root.anchor) else root
        text = _plain(text, base, shown)
        if not text:
            raise DataError("Enter the path of a folder.")
        # Without its dots first, so that what is checked is what is opened.
        path = Path(os.path.abspath(base / text))  # noqa: PTH100 - resolve() would lose the links that users made
        _check_inside(path, root, shown)
        if root == Path(root.anchor) and path.resolve().parts[1:2] and path.resolve().parts[1] in CLOSED:
            raise DataError(f"{shown}: belongs to the operating system. Choose the folder of your images.")
        if path.is_file():
            raise DataError(f"{shown}: is a file. Choose its folder, {readable(str(path.parent))}.")
        if not path.is_dir():
            raise DataError(f"{shown}: there is no such folder. Check the path.")
        with os.scandir(path):  # may it be opened?
            pass
    return path


def list_folders(folder: Path, data_root: Path | None) -> list[FolderItem]:
    """The folders in a folder, sorted as people count, without hidden ones, those of the system, and links that lead
    out of the data root.

    Raises DataError as `parse_path` does.
    """
    folder = parse_path(str(folder), data_root)
    assert data_root is not None, "parse_path has refused it"
    root, items, budget = data_root.resolve(), list[FolderItem](), MOST_COUNTED
    with _errors(readable(str(folder))), os.scandir(folder) as entries:
        hidden = SYSTEM if folder == Path(folder.anchor) else frozenset[str]()
        shown = (entry for entry in entries if not is_junk(entry.name) and entry.name not in hidden)
        names = [entry.name for entry in shown if _is_open_folder(entry, root)]
    for name in sorted(names, key=natural)[:MOST_FOLDERS]:
        item, counted = _count(folder / name, min(MOST_ENTRIES, budget))
        budget -= counted
        items.append(item)
    return items


def _plain(text: str, base: Path, shown: str) -> str:
    """The path in what was typed, as this system writes it."""
    text = text.strip()
    while len(text) > 1 and QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    if text.lower().startswith("file:"):
        address = urlsplit(text)
        if address.netloc not in ("", "localhost"):
            raise DataError(f"{shown}: lies on another machine. Mount it and enter the path of its folder here.")
        text = unquote(address.path, errors="surrogateescape")
    text = text.replace("\\ ", " ") if text.startswith(("/", "~")) else text  # as a terminal completes blanks
    if re.match(r"[A-Za-z]:[\\/]", text) or text.startswith("\\\\"):
        raise DataError(f"{shown}: is a path of Windows, but the app runs on another system. Enter its path there.")
    if "\\" in text and not (base / text).exists():
        text = text.replace("\\", "/")
    if text.startswith("~"):
        expanded = os.path.expanduser(text)  # noqa: PTH111 - Path's raises where there is no such user
        if expanded == text:
            raise DataError(f"{shown}: there is no such user on this machine.")
        text = expanded
    return text


def _check_inside(path: Path, root: Path, shown: str) -> None:
    real = path.resolve()
    if real != root and root not in real.parents:
        raise DataError(f"{shown}: lies outside the data folder {readable(str(root))}. Choose a folder in it.")


def _is_open_folder(entry: os.DirEntry[str], root: Path) -> bool:
    try:
        if not entry.is_dir():
            return False
        if not entry.is_symlink():
            return True
        real = Path(entry.path).resolve()
    except OSError:
        return False
    return real == root or root in real.parents


def _count(path: Path, most: int) -> tuple[FolderItem, int]:
    """A folder with its counts, and how many entries were looked at."""
    images = folders = counted = 0
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                if counted >= most:
                    return FolderItem(path.name, path, images, folders, is_partial=True), counted
                counted += 1
                if is_junk(entry.name):
                    continue
                if entry.is_dir():
                    folders += 1
                elif is_image_name(path / entry.name):
                    images += 1
    except OSError as error:
        problem = f"{readable(path.name)}: cannot be opened ({error.strerror or error})."
        return FolderItem(path.name, path, 0, 0, is_partial=True, problem=problem), counted
    return FolderItem(path.name, path, images, folders), counted


@contextmanager
def _errors(shown: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise DataError(f"{shown}: the app may not open it ({error.strerror}). Change its permissions.") from error
    except (OSError, ValueError, RuntimeError) as error:  # a zero byte; a loop of links
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{shown}: cannot be opened ({reason}). Check the path.") from error
