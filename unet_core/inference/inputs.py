"""Inputs of a prediction, in order: files, folders, ZIPs, multi-page stacks, a photo, examples of a run.

    uploads = inputs.gather([("cells.zip", data), ("stack.tif", path)])
    for item in uploads.items:
        image = item.read()        # decoded here and not before; raises ImageError that names the file

A file that cannot be used is a message in `problems`; the others are still read. Masks beside their images
(`a_mask.png`, a folder `masks`) are skipped, which `notes` says.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path, PurePosixPath

import numpy as np

from unet_core.config.channels import MOST_CHANNELS
from unet_core.data import pairing
from unet_core.data.layouts import Sample
from unet_core.data.name_words import path_role
from unet_core.data.recipe import intensity, recipe
from unet_core.errors import DataError, ImageError, PredictionError, listing
from unet_core.inference.input_file import File, Source
from unet_core.io import channels, images, zip_reader
from unet_core.io.filenames import (
    EXTENSIONS,
    STACKS,
    fold_case,
    is_image_name,
    is_junk,
    safe_name,
    stem_of,
    suffix_of,
    unique,
)
from unet_core.io.pixels import Pixels

MOST_IMAGES = 10_000  # of one upload, each page of a stack counted
MOST_NAMED = 5  # files of one kind of problem that a message names


@dataclass(frozen=True)
class Item:
    """One image. `name` and `stem` are unique, whatever the case of letters, and safe as relative file names.

    `name` is for the screen, with suffix (`sub/a.png`, `stack_003.tif`), `stem` for files made of it (`sub/a`).
    """

    name: str
    stem: str
    file: File
    page: int | None = None
    channel_files: tuple[File, ...] = ()  # with further channels of the same image
    repairs: tuple[recipe.Repair, ...] = ()  # of the dataset's recipe

    @property
    def label(self) -> str:
        """Where the image came from, for messages: the archive, the file, the page."""
        return self.file.label if self.page is None else f"{self.file.label}, page {self.page}"

    @property
    def key(self) -> str:
        """The same for the same image, different for any other; for caches. Raises ImageError."""
        digests = " ".join(file.digest for file in (self.file, *self.channel_files))
        changes = "".join(f" {one.options}" for one in self.repairs)
        return f"{digests}{changes}" if self.page is None else f"{digests} {self.page}{changes}"

    def read(self) -> Pixels:
        """(H, W, C) uint8, uint16 or float32, upright. Raises ImageError."""
        files = (self.file, *self.channel_files)
        image = channels.stack([file.read(self.page) for file in files], [file.label for file in files])
        return intensity.repair(image, self.repairs)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Those that its file has, () where it has none. Raises ImageError."""
        return channels.join(file.describe() for file in (self.file, *self.channel_files)).names

    def remarks(self) -> tuple[str, ...]:
        """What a user should know of the image, a sentence each; it is decoded for them. Raises ImageError."""
        return tuple(text for file in (self.file, *self.channel_files) for text in file.remarks(self.page))


@dataclass(frozen=True)
class Inputs:
    """The images in order; a message for each file that cannot be used; what else the user should know."""

    items: list[Item] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def gather(files: Iterable[tuple[str, Source]], masks: bool = False) -> Inputs:
    """The images of uploads, each a name (of a folder's files with its folders) and its bytes or path on disk.

    ZIPs and folders on disk are searched, stacks give an item per page. Uploads keep their order, files in folders are
    sorted by name. With `masks` nothing is skipped for being named like a mask.
    """
    result, files_in_order = Inputs(), list[File]()
    groups: list[list[File]] = [[]]  # single files and folders together, each archive for itself
    order: dict[File, int] = {}
    for number, (name, source) in enumerate(files):
        singles, archives_before = len(groups[0]), len(groups)
        _look_into(name, source, groups, result)
        order |= dict.fromkeys([*groups[0][singles:], *chain(*groups[archives_before:])], number)
    if any("/" in file.name for file in groups[0]):
        groups[0].sort(key=lambda file: zip_reader.natural(file.name))
        order = dict.fromkeys(order, 0)
    for group in groups:
        files_in_order += group if masks else _without_masks(group, result)
    _name(sorted(files_in_order, key=order.__getitem__), result)
    return result


def drop_unreadable(uploaded: Inputs) -> Inputs:
    """Without the files whose headers are those of no image; each is a problem. Pixels that are damaged show later."""
    problems: dict[File, str] = {}
    for file in dict.fromkeys(file for item in uploaded.items for file in (item.file, *item.channel_files)):
        try:
            file.describe()
        except ImageError as error:
            problems[file] = str(error)
    items = [item for item in uploaded.items if not problems.keys() & {item.file, *item.channel_files}]
    return replace(uploaded, items=items, problems=[*uploaded.problems, *problems.values()])


def from_samples(samples: Iterable[Sample]) -> Inputs:
    """The images of a dataset, named as it names them."""
    result, taken, stems = Inputs(), set[str](), set[str]()
    for sample in samples:
        file, *others = (
            File(path.name, str(path), lambda path=path: path)  # type: ignore[misc]
            for path in (sample.image, *sample.channel_files)
        )
        name = safe_name(sample.id)
        shown = unique(name + suffix_of(sample.image.name), taken)
        result.items.append(Item(shown, unique(name, stems), file, sample.page, tuple(others), sample.repairs))
    return result


def read_source(source: str | Path | Pixels) -> tuple[Pixels, str, tuple[str, ...]]:
    """The image (H, W, C) in a file or an array, its name ("" for an array), the names of its channels or ().

    Raises ImageError for a file that is not a readable image, PredictionError for an array that is not an image.
    """
    if not isinstance(source, np.ndarray):
        path = Path(source)
        return images.read(path), stem_of(path.name), channels.describe((path,)).names
    image = source[:, :, None] if source.ndim == 2 else source
    if image.ndim != 3 or not 1 <= image.shape[2] <= MOST_CHANNELS or image.size == 0:
        raise PredictionError(
            f"Expected an image of shape (H, W) or (H, W, C) with C up to {MOST_CHANNELS}, got {source.shape}. "
            "Put the channels last, as in np.moveaxis(image, 0, -1); predict the images of a stack one by one."
        )
    if image.dtype not in (np.uint8, np.uint16, np.float32):
        raise PredictionError(
            f"Expected pixels of uint8, uint16 or float32, got {image.dtype}. Convert them, as in "
            "image.astype(np.float32)."
        )
    if not np.isfinite(image).all():
        raise PredictionError("The image has NaN or infinite pixels. Replace them, as in np.nan_to_num(image).")
    return np.ascontiguousarray(image), "", ()


def _look_into(name: str, source: Source, groups: list[list[File]], result: Inputs) -> None:
    """Add the images of one upload to the groups."""
    name = name.replace("\\", "/")
    if isinstance(source, Path) and zip_reader.leads_out(name):
        name = source.name
    label, others = zip_reader.readable(name), list[str]()
    if isinstance(source, Path) and source.is_dir():
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            inside = path.relative_to(source).as_posix()
            if not is_junk(inside):
                _sort(File(inside, str(path), lambda path=path: path), groups[0], others)  # type: ignore[misc]
        _name_others(label, others, bool(groups[0]), result)
        return
    try:
        if zip_reader.is_archive(name, source):
            archive = zip_reader.Archive(source, label)
            result.problems.extend(archive.problems)
            if archive.junk:
                result.notes.append(f"{label}: skipped {archive.junk} hidden or system files, such as __MACOSX.")
            groups.append([])
            for file in _of_archive(archive, source):
                _sort(file, groups[-1], others)
            _name_others(label, others, bool(groups[-1]), result)
        elif not is_junk(name):
            _sort(File(name, label, lambda: source), groups[0], others)
            if others:
                raise ImageError(f"{label}: not a supported image file. Use {', '.join(EXTENSIONS)} or .zip.")
    except DataError as error:
        result.problems.append(str(error))


def _of_archive(archive: zip_reader.Archive, source: Source) -> Iterator[File]:
    container = File(archive.name, archive.name, lambda: source)
    for number, member in enumerate(archive.members):
        content = partial(archive.read, member)
        yield File(member.name, f"{archive.name}: {zip_reader.readable(member.name)}", content, (container, number))


def _sort(file: File, image_files: list[File], others: list[str]) -> None:
    if is_image_name(Path(file.name)):
        image_files.append(file)
    else:
        others.append(file.name)


def _name_others(label: str, others: list[str], any_image: bool, result: Inputs) -> None:
    names = listing([zip_reader.readable(name) for name in others], MOST_NAMED)
    if not any_image:
        contents = f" It contains {names}." if others else ""
        result.problems.append(f"{label}: no images in it ({', '.join(EXTENSIONS)}).{contents}")
    elif others:
        result.notes.append(f"{label}: skipped non-image files: {names}.")


def _without_masks(group: list[File], result: Inputs) -> list[File]:
    """The files that are no masks by the name of their folder or by the files beside them."""
    folders = defaultdict[PurePosixPath, dict[Path, list[File]]](lambda: defaultdict(list))
    in_folders = [file for file in group if path_role(PurePosixPath(file.name).parent.parts) != "mask"]
    for file in in_folders or group:
        path = PurePosixPath(file.name)
        folders[path.parent][Path(path.name)].append(file)
    chosen = {id(file) for names in folders.values() for path in pairing.without_masks(names) for file in names[path]}
    remaining = [file for file in group if id(file) in chosen]
    skipped = [zip_reader.readable(file.name) for file in group if id(file) not in chosen]
    if skipped:
        result.notes.append(f"Skipped, because they are named like masks: {listing(skipped, MOST_NAMED)}.")
    return remaining


def _name(files: list[File], result: Inputs) -> None:
    """Give every page of every file its names."""
    taken, stems = set[str](), set[str]()
    safe = [safe_name(file.name) for file in files]
    while safe and len({name.partition("/")[0] for name in safe}) == 1 and all("/" in name for name in safe):
        safe = [name.partition("/")[2] for name in safe]  # the folder that all are in says nothing
    for file, name in zip(files, safe, strict=True):
        path, suffix = PurePosixPath(name), suffix_of(name)
        try:
            pages = file.pages() if name.lower().endswith(STACKS) else 1
        except ImageError as error:
            result.problems.append(str(error))
            continue
        if len(result.items) + pages > MOST_IMAGES:
            result.problems.append(f"{file.label}: more than {MOST_IMAGES:,} images; it and all after it were skipped.")
            return
        for stem, page in images.page_names(stem_of(name), pages):
            shown = unique(str(path.with_name(stem + suffix)), taken)
            file_stem = shown.removesuffix(suffix)
            file_stem += f"_{suffix[1:].lower()}" if fold_case(file_stem) in stems else ""
            result.items.append(Item(shown, unique(file_stem, stems), file, page))
