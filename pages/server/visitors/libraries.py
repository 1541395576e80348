"""The datasets of one visitor of a public server: the own ones, and beside them those of the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unet_core.data.library.library import Entry, Library
from unet_core.errors import DataError
from unet_core.io import owners
from unet_core.io.filenames import fold_case, readable, unique
from unet_core.io.files import write_atomically
from unet_core.io.trash import Removed

VISITORS = ".visitors"  # in the folder of the datasets and in that of the runs: a folder for each owner


class VisitorLibrary(Library):
    """What a visitor adds, in a folder that is the visitor's; uploads, trash and lock lie in it too.

    Datasets of the server are listed after them and can be used, not renamed or removed.
    """

    def __init__(self, folder: Path, owner: str, shared: Library) -> None:
        super().__init__(folder)
        self.owner, self.shared = owner, shared

    def own_entries(self) -> list[Entry]:
        """Those that the visitor has added. Raises DataError where the disk refuses."""
        return super().entries()

    def entries(self) -> list[Entry]:
        own = self.own_entries()
        taken = {fold_case(entry.name) for entry in own}
        shared = [
            Entry(unique(entry.name, taken, before_suffix=False), entry.root, entry.kind)
            for entry in self.shared.entries()
        ]
        return sorted([*own, *shared], key=lambda entry: (fold_case(entry.name), entry.name))

    def link(self, root: Path, name: str = "") -> Entry:
        """Folders of the server are the operator's. Raises DataError."""
        raise DataError("Folders of the server cannot be chosen here. Upload the images instead.")

    def rename(self, name: str, new: str) -> Entry:
        self._check_own(name)
        return super().rename(name, new)

    def remove(self, name: str) -> Removed:
        self._check_own(name)
        return super().remove(name)

    def _check_own(self, name: str) -> None:
        """Raises DataError where a dataset is not the visitor's."""
        entry = self.find(name)
        if all(other.root != entry.root for other in self.own_entries()):
            raise DataError(
                f"The dataset {readable(entry.name)} belongs to this server and cannot be changed here. Upload a copy "
                "of your own."
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self.owner == owners.STRANGER:
            raise DataError("The server does not know this visitor. Reload the page, then try again.")
        with super()._locked():
            if not (self.folder / owners.FILE).is_file():
                with self._errors():
                    write_atomically(self.folder / owners.FILE, f"{self.owner}\n")
            yield


def all_libraries(folder: Path) -> list[Library]:
    """That of the server in a folder and those of all visitors, for the operator's housekeeping."""
    visitors = [
        VisitorLibrary(path, path.name, Library(folder))
        for path in sorted((folder / VISITORS).glob("*"))
        if owners.OWNER.fullmatch(path.name)
    ]
    return [Library(folder), *visitors]
