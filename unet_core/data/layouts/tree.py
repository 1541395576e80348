"""A folder and all below it, listed once and kept in memory, so that every layout looks at the same files."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from unet_core.data.name_words import folder_role, path_role, subset_of
from unet_core.data.recipe.recipe import FILE as RECIPE
from unet_core.errors import DataError
from unet_core.io.filenames import is_image_name, is_junk

MOST_ENTRIES = 1_000_000
MOST_DEPTH = 12


@dataclass
class Folder:
    """A folder: `parts` is its path below the root, `images` are image files by name, `others` all other files.

    Junk is not in it, and no recipe. Links are followed, `broken` are those that lead nowhere.
    """

    path: Path
    parts: tuple[str, ...] = ()
    folders: dict[str, "Folder"] = field(default_factory=dict)
    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    broken: list[Path] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The path below the root with `/`, "." of the root itself."""
        return "/".join(self.parts) or "."

    @property
    def is_empty(self) -> bool:
        return not (self.folders or self.images or self.others)

    def walk(self) -> Iterator["Folder"]:
        """This folder and all below, sorted by name."""
        yield self
        for folder in self.folders.values():
            yield from folder.walk()

    def child(self, *names: str) -> "Folder | None":
        """The folder below with one of the names, the first first; whatever the case of letters."""
        for name in names:
            for other, folder in self.folders.items():
                if other.lower() == name.lower():
                    return folder
        return None

    def has_images(self) -> bool:
        """Whether there are images in it or below."""
        return any(folder.images for folder in self.walk())

    def unwrap(self, above: str = "") -> "Folder":
        """The folder itself, or the one below that holds all the images, as in an unpacked archive.

        A folder whose name says something (images, train, stage1_train), or which holds a folder called `above`, is not
        looked through.
        """
        inside = [folder for folder in self.folders.values() if folder.has_images()]
        if self.images or len(inside) != 1:
            return self
        name = inside[0].parts[-1]
        speaks = folder_role(name) or subset_of(name) or name.lower().startswith("stage")
        return self if speaks or (above and inside[0].child(above)) else inside[0].unwrap(above)


def shared_start(paths: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The names at the start that all paths have in common.

    >>> shared_start([("set", "a"), ("set", "b")]), shared_start([])
    (('set',), ())
    """
    shared = []
    for level in zip(*paths, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return tuple(shared)


def without_start(path: tuple[str, ...], start: tuple[str, ...]) -> tuple[str, ...]:
    """A path without the names that it starts with; one that starts otherwise as it is."""
    return path[len(start) :] if path[: len(start)] == start else path


def scan(root: Path) -> Folder:
    """The tree below a folder. No file is opened. Raises DataError where there are too many files, or no access."""
    counter = [0]
    try:
        linked: set[Path] = set()
        tree = _scan(root, root.resolve(), (), frozenset(), counter, linked)
        return _prune(tree, linked) if linked else tree
    except OSError as error:
        raise DataError(f"{error.filename or root}: cannot be read ({error.strerror or error}).") from error


def _scan(
    path: Path, real: Path, parts: tuple[str, ...], above: frozenset[Path], counter: list[int], linked: set[Path]
) -> Folder:
    tree = Folder(path, parts)
    with os.scandir(path) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    counter[0] += len(listed)
    if counter[0] > MOST_ENTRIES:
        raise DataError(f"{path}: more than {MOST_ENTRIES:,} files. Choose the folder of one dataset.")
    for entry in listed:
        if is_junk(entry.name) or entry.name == RECIPE:
            continue
        file = path / entry.name
        if entry.is_dir():
            target = real / entry.name
            if entry.is_symlink():
                target = file.resolve()
                linked.add(target)
            # A link to a folder above it would never end.
            if target not in above | {real} and len(parts) < MOST_DEPTH:
                tree.folders[entry.name] = _scan(file, target, (*parts, entry.name), above | {real}, counter, linked)
        elif entry.is_symlink() and not file.exists():
            tree.broken.append(file)
        elif is_image_name(file) and not entry.name.lower().endswith("_seg.npy"):  # Cellpose's: a pickle
            tree.images.append(file)
        else:
            tree.others.append(file)
    return tree


def _prune(tree: Folder, linked: set[Path]) -> Folder:
    """Without folders that links with a telling name show as well: `images -> data/x` makes `data/x` nothing new."""
    for name, folder in list(tree.folders.items()):
        is_plain = not folder.path.is_symlink() and not path_role(folder.parts) and not subset_of(name)
        if is_plain and folder.path.resolve() in linked:
            del tree.folders[name]
        else:
            _prune(folder, linked)
    return tree
