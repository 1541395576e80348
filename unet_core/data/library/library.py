"""The named datasets of an app: folders that were uploaded or downloaded into it, and links to folders elsewhere.

    datasets/
      cells/              an uploaded dataset; its name is that of the folder unless it was renamed
      nuclei/.hub.json    one of the Hugging Face Hub says where it came from
      .names/             a small JSON for each linked and each renamed dataset: NAME.json {"root": ...}

The name is the one by which the library lists a dataset, and nothing else: the `name` in a dataset's `studio.json` is
only what is proposed when the folder is linked. Renaming moves no files, so that runs find the dataset that they were
trained on. Names are file names that any system can write, unique whatever their case.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from unet_core.data.recipe import recipe as recipes
from unet_core.errors import DataError
from unet_core.io import trash
from unet_core.io.filenames import fold_case, safe_name, unique
from unet_core.io.files import write_atomically
from unet_core.io.trash import Removed
from unet_core.io.zip_reader import readable

UPLOADED, FOLDER, HUB = "uploaded", "folder", "hub"
NAMES, TRASH, LOCK = ".names", ".trash", ".lock"  # in the folder of a library
SOURCE = ".hub.json"  # in a dataset of the Hub
SAMPLE = "Built-in sample"  # what the pages call the dataset that is always there
LOCK_SECONDS = 10.0


@dataclass(frozen=True)
class Entry:
    """A dataset: its name, its folder, and its kind, uploaded, folder (a link, the files are the user's) or hub."""

    name: str
    root: Path
    kind: str

    @property
    def problem(self) -> str:
        """Why it cannot be read now, for the user; "" where its folder is there."""
        if self.root.is_dir():
            return ""
        return (
            f"The folder {readable(str(self.root))} of the dataset {self.name} is no longer there. Put it back or "
            "remove the dataset from the list."
        )


class Library:
    """The named datasets in a folder, which is made when the first is added. Several processes may use it at once.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> (folder / "my images").mkdir()
    >>> library = Library(folder / "datasets")
    >>> library.link(folder / "my images").name
    'my images'
    >>> [(entry.name, entry.kind) for entry in library.entries()]
    [('my images', 'folder')]
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self) -> list[Entry]:
        """All datasets by name, those whose folder has vanished too. Raises DataError where the disk refuses."""
        with self._errors():
            named = self._named()
            roots = {entry.root for entry in named}
            folders = [path for path in self._folders() if path not in roots]
        taken = {fold_case(entry.name) for entry in named}
        unnamed = [Entry(unique(path.name, taken, before_suffix=False), path, _kind(path)) for path in folders]
        return sorted([*named, *unnamed], key=lambda entry: (fold_case(entry.name), entry.name))

    def find(self, name: str) -> Entry:
        """The dataset of a name, whatever its case. Raises DataError where there is none."""
        for entry in self.entries():
            if fold_case(entry.name) == fold_case(name):
                return entry
        raise DataError(f"There is no dataset {readable(name)!r} here. Choose another or add it again.")

    def link(self, root: Path, name: str = "") -> Entry:
        """List a folder of this machine; nothing is copied. A folder that is listed already stays what it is called.

        Without a `name` it gets the one in its `studio.json`, else its own; a number is added where that is taken.
        Raises DataError where there is no such folder, or it contains this library or lies in it.
        """
        root = Path(os.path.abspath(root))  # noqa: PTH100 - links in the path are the user's, and stay
        if not root.is_dir():
            raise DataError(f"{readable(str(root))}: there is no such folder. Check the path.")
        real, own = root.resolve(), self.folder.resolve()
        if real == own or real in own.parents or own in real.parents:
            raise DataError(
                f"{readable(str(root))}: the app keeps its datasets there, in {readable(str(own))}. Choose a folder "
                "beside it."
            )
        with self._locked():
            for entry in self.entries():
                if entry.root == root:
                    return entry
            name = self._free_name(name or _proposed_name(root))
            self._write(name, root)
        return Entry(name, root, FOLDER)

    def add(self, staging: Path, name: str) -> Entry:
        """Move a folder in under a name; a number is added where that is taken. `staging` must be on the same disk.

        Raises DataError where the disk refuses; `staging` stays then.
        """
        with self._locked():
            name = self._free_name(name)
            root = self.folder / name
            with self._errors():
                staging.rename(root)
        return Entry(name, root, _kind(root))

    def rename(self, name: str, new: str) -> Entry:
        """Give a dataset another name, made safe for any system; no file of it moves.

        Raises DataError where the name is empty or taken, or the disk refuses.
        """
        with self._locked():
            entry = self.find(name)
            clean = _clean(new)
            if not new.strip():
                raise DataError(f"Enter a new name for the dataset {entry.name!r}.")
            if fold_case(clean) != fold_case(entry.name) and fold_case(clean) in self._taken():
                raise DataError(f"There is a dataset {clean!r} already. Choose another name.")
            old = self.folder / NAMES / f"{entry.name}.json"
            with self._errors():
                if old.is_file():
                    old.replace(self.folder / NAMES / f"{clean}.json")
                else:
                    self._write(clean, entry.root)
        return Entry(clean, entry.root, entry.kind)

    def remove(self, name: str) -> Removed:
        """Move an uploaded or downloaded dataset to the trash, or forget a linked folder, whose files stay.

        `restore` brings either back within a day. Raises DataError where there is none or the disk refuses.
        """
        with self._locked():
            entry = self.find(name)
            inside = entry.kind != FOLDER and entry.root.is_dir()
            notes = {"folder": entry.root.name} if inside else {"link": str(entry.root)}
            with self._errors():
                removed = trash.put(self.folder / TRASH, entry.name, entry.root if inside else None, notes)
                self._forget(entry.name)
        return removed

    def removed(self) -> list[Removed]:
        """The datasets that can be restored, the latest first."""
        return trash.find(self.folder / TRASH)

    def removed_size(self, key: str = "") -> int:
        """Bytes of a removed dataset by its key, or of all of them."""
        return trash.size(self.folder / TRASH, key)

    def restore(self, key: str) -> Entry:
        """Bring back a removed dataset by its key (`removed`), to its folder, so that runs find it again.

        Where its name or folder is taken meanwhile, a number is added. Raises DataError where it is not in the trash
        any more, or the disk refuses.
        """
        with self._locked():
            item = next((item for item in self.removed() if item.key == key), None)
            if item is None:
                raise DataError("The dataset is no longer in the trash. Removed datasets are kept for 24 hours.")
            own = _clean(item.notes.get("folder", item.name))
            folders = {fold_case(path.name) for path in self._folders()}
            root = self.folder / unique(own, folders, before_suffix=False)
            link = item.notes.get("link")
            again = next((entry for entry in self.entries() if link and entry.root == Path(link)), None)
            if again is not None:  # it was added again meanwhile
                trash.discard(self.folder / TRASH, key)
                return again
            with self._errors():
                name = self._free_name(item.name)
                trash.take_back(self.folder / TRASH, key, None if link else root)
                if link:
                    root = Path(link)
                if name != root.name or link:
                    self._write(name, root)
        return Entry(name, root, FOLDER if link else _kind(root))

    def empty_trash(self, keep_seconds: float = trash.KEEP_SECONDS) -> None:
        """Delete for good what was removed longer ago than that; all of it with 0."""
        trash.empty(self.folder / TRASH, keep_seconds)

    def _folders(self) -> list[Path]:
        """The folders in it, without hidden ones and links."""
        if not self.folder.is_dir():
            return []
        with os.scandir(self.folder) as items:
            names = [
                item.name for item in items if item.is_dir(follow_symlinks=False) and not item.name.startswith(".")
            ]
        return [self.folder / name for name in sorted(names)]

    def _named(self) -> list[Entry]:
        """The datasets that have a JSON; one that cannot be read names no dataset."""
        entries = []
        for path in sorted((self.folder / NAMES).glob("*.json")):
            with suppress(OSError, ValueError, KeyError, TypeError):
                root = self.folder / str(json.loads(path.read_text(encoding="utf-8"))["root"])
                inside = root.parent == self.folder
                if not inside or root.is_dir():
                    entries.append(Entry(path.name.removesuffix(".json"), root, _kind(root) if inside else FOLDER))
        return entries

    def _taken(self) -> set[str]:
        """The names that no new dataset can have, folded: those listed and those of the folders behind them."""
        names = [SAMPLE, *(entry.name for entry in self.entries()), *(path.name for path in self._folders())]
        return {fold_case(name) for name in names}

    def _free_name(self, name: str) -> str:
        return unique(_clean(name), self._taken(), before_suffix=False)

    def _write(self, name: str, root: Path) -> None:
        # Relative for folders of its own: the library may be moved or mounted elsewhere.
        text = root.name if root.parent == self.folder else str(root)
        with self._errors():
            (self.folder / NAMES).mkdir(exist_ok=True)
            write_atomically(self.folder / NAMES / f"{name}.json", json.dumps({"root": text}) + "\n")

    def _forget(self, name: str) -> None:
        with self._errors():
            (self.folder / NAMES / f"{name}.json").unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The only writer of the library."""
        with self._errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / LOCK, timeout=LOCK_SECONDS)
            try:
                lock.acquire()
            except Timeout as error:
                raise DataError(f"{self.folder}: another process is changing the datasets. Try again.") from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(
                f"{readable(str(error.filename or self.folder))}: cannot be read or written "
                f"({error.strerror or error}). Check the permissions and the free space of {self.folder}."
            ) from error


def _kind(root: Path) -> str:
    return HUB if (root / SOURCE).is_file() else UPLOADED


def _clean(name: str) -> str:
    """One part of a path that any system can write; "dataset" of nothing."""
    name = " ".join(name.replace("/", "_").replace("\\", "_").split())
    return safe_name(name).replace("/", "_") if name.strip(" ._") else "dataset"


def _proposed_name(root: Path) -> str:
    with suppress(DataError):
        return recipes.load(root).name or root.name
    return root.name
