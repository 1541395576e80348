"""The files below a folder: which are images, what the others begin with, and which image a name means."""

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unet_core.data.name_words import SUBSETS
from unet_core.data.recipe.recipe import FILE as RECIPE
from unet_core.errors import DataError
from unet_core.io.filenames import fold_case, is_image_name, is_junk

SUFFIXES = (".json", ".geojson", ".xml", ".txt", ".csv")  # of files that may hold annotations
MOST_BYTES = 2**29  # of one of them
PEEK = 4096  # bytes at the start and at the end by which a kind is known
DEEPEST = 8  # folders in folders
MASK_FOLDERS = {"masks", "mask", "labels", "label", "gt", "segmentations", "overlays"}


class Tree:
    """All files below `root` but junk and recipes, and its images by name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[Path] = []
        for folder, folders, names in os.walk(root, followlinks=True):
            inside = Path(folder).relative_to(root)
            here = os.path.realpath(folder)
            folders[:] = [
                name
                for name in sorted(folders)
                if not is_junk(f"{name}/x")
                and len(inside.parts) < DEEPEST
                and not Path(here).is_relative_to(os.path.realpath(Path(folder, name)))  # a link that leads back
            ]
            self.files += [Path(folder, name) for name in sorted(names) if not is_junk(name) and name != RECIPE]
        self.images = [path for path in self.files if is_image_name(path)]
        self._all = set(self.images)
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in self.images:
            self._by_name[fold_case(path.name)].append(path)
            self._by_stem[fold_case(path.stem)].append(path)

    def name(self, path: Path) -> str:
        """A file's path below the root, for messages."""
        return path.relative_to(self.root).as_posix()

    def subset(self, path: Path) -> str | None:
        """train, val or test by the folders of a file or, where it speaks of many images, by its name."""
        inside = path.relative_to(self.root)
        for folder in reversed(inside.parts[:-1]):
            # "train", "train2017", "train_images", but not "test tubes"
            match = re.fullmatch(r"(?:images?)?[^a-z]*([a-z]+?)[^a-z]*(?:images?|imgs?|set)?", folder.lower())
            if match and match[1] in SUBSETS:
                return SUBSETS[match[1]]
        stem = fold_case(path.stem)
        if path in self._all or path.suffix == ".txt" or stem in self._by_stem or stem in self._by_name:
            return None  # the name is that of one image
        words = {SUBSETS[word] for word in re.findall("[a-z]+", stem) if word in SUBSETS}
        return words.pop() if len(words) == 1 else None

    def find_images(self, reference: str, source: Path) -> list[Path]:
        """The images that a name in the file `source` may mean: one where it is certain, none where it is missing.

        The path as it is written, from the file's folder or the root; else the images of this name anywhere, of these
        those with the longest part of the path in common, not among masks, in the same folder, in the same subset.
        """
        parts = [part for part in reference.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        if not parts:
            return []
        for folder in (source.parent, self.root):
            if (path := folder.joinpath(*parts)) in self._all:
                return [path]
        return self._nearest(self._by_name.get(fold_case(parts[-1]), []), parts, source)

    def find_stem(self, stem: str, source: Path) -> list[Path]:
        """The images with this name before the extension that may belong to the file `source`, by the same rules."""
        return self._nearest(self._by_stem.get(fold_case(stem), []), [stem], source)

    def has(self, image: Path) -> bool:
        """Whether a path is one of the images."""
        return image in self._all

    def beside(self, folder: Path, stem: str) -> list[Path]:
        """The images with this name before the extension in one folder."""
        return [path for path in self._by_stem.get(fold_case(stem), []) if path.parent == folder]

    def _nearest(self, images: list[Path], parts: list[str], source: Path) -> list[Path]:
        subset = self.subset(source)
        # An image of another subset that happens to have the name of a missing one is not it.
        images = [path for path in images if not subset or self.subset(path) in (None, subset)]

        def shared(path: Path) -> int:
            pairs = zip(reversed(path.parent.parts), reversed(parts[:-1]), strict=False)
            return next((n for n, (one, other) in enumerate(pairs) if one != other), len(parts) - 1)

        most = max(map(shared, images), default=0)
        for preferred in (
            [path for path in images if shared(path) == most],
            [path for path in images if path.parent.name.lower() not in MASK_FOLDERS],
            [path for path in images if path.parent == source.parent],
            [path for path in images if subset and self.subset(path) == subset],
        ):
            if len(images) > 1:
                both = [path for path in images if path in preferred]
                images = both or images
        return images


def peek(path: Path) -> str:
    """The start and the end of a file as text, empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            start = file.read(PEEK)
            file.seek(max(len(start), path.stat().st_size - PEEK))
            return (start + file.read(PEEK)).decode("utf-8-sig", "replace")
    except OSError:
        return ""


def read_text(path: Path) -> str:
    """A whole file as UTF-8. Raises DataError: unreadable, too large, of another encoding."""
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise DataError(
                f"{path}: the file has {size // 2**20} MB; at most {MOST_BYTES // 2**20} MB are read. "
                "Split it into several files."
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8.") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from error


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises DataError."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}: no valid JSON in line {error.lineno} ({error.msg}). The file is damaged or cut short; export it "
            "again."
        ) from error
    except RecursionError as error:
        raise DataError(f"{path}: the JSON is nested too deeply. Export it again.") from error


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn what goes wrong with a malformed file into a DataError that names it."""
    try:
        yield
    except KeyError as error:
        raise DataError(f"{path}: as {kind} it lacks {error.args[0]!r}. Export it again.") from error
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise DataError(f"{path}: it is not as {kind} should be ({error}). Export it again.") from error
