"""Images in some folders and their masks in others: `images/` + `masks/`, `train/` + `train_labels/`, and the like.

Folders are told apart by the words of their names and belong together where the rest of their paths is the same:
`images/training` and `annotations/training`, `liver/tissue images` and `liver/mask binary`.
"""

import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

from unet_core.data.layouts import collections
from unet_core.data.layouts.base import Reading, Sample, note_bare
from unet_core.data.layouts.choosing import Choice, choose, drop_other_kinds
from unet_core.data.layouts.matching import Match, match
from unet_core.data.layouts.pages import split_pages
from unet_core.data.layouts.tree import Folder, shared_start, without_start
from unet_core.data.name_words import (
    folder_role,
    is_by_product,
    is_group_folder,
    is_subset_folder,
    path_role,
    split_words,
    subset_of,
)
from unet_core.io.filenames import EXTENSIONS, stem_of

Key = tuple[str, ...]  # what a folder's path says beside image and mask: the subset first, then all else


@dataclass
class Part:
    """The folders of images, of masks, and of neither name, whose paths are the same but for these names."""

    images: list[Folder] = field(default_factory=list)
    masks: list[Folder] = field(default_factory=list)
    plain: list[Folder] = field(default_factory=list)
    objects: dict[str, Folder] = field(default_factory=dict)  # a folder of masks for each image, by its stem
    subset: str | None = None
    names: tuple[str, ...] = ()  # as the folders are written


def paired(tree: Folder) -> Reading:
    """`images/` and `masks/` (or names like these) with the masks found by the names of the images."""
    return _read_folders(tree, with_subsets=False)


def split_folders(tree: Folder) -> Reading:
    """The same in train, val and test: `train/` with `trainannot/`, `train/images` with `train/masks`, ..."""
    return _read_folders(tree, with_subsets=True)


def _read_folders(tree: Folder, with_subsets: bool) -> Reading:
    parts = {} if collections.is_special(tree) else _sort(tree)
    if not any(part.masks for part in parts.values()):
        return Reading()
    _adopt(parts)
    masked = [part for part in parts.values() if part.masks and (part.images or part.plain)]
    if not masked or any(part.subset for part in masked) != with_subsets:
        return Reading()
    shared = shared_start(part.names for part in parts.values() if part.masks)
    reading = Reading(reason="folders of images and folders of masks by their names")
    bare: dict[str, list[str]] = {}
    choices = {
        key: Choice(part.masks) if part.objects else choose(part.masks) for key, part in parts.items() if part.masks
    }
    # What is no ground truth in one part is none where it lies alone: DRIVE's test/mask/ beside training/mask/.
    unused = {folder.parts[-1].casefold() for choice in choices.values() for folder in choice.fields + choice.left_out}
    for key, part in parts.items():
        prefix = "/".join([*([part.subset] if part.subset else []), *without_start(part.names, shared)])
        choice = choices.get(key)
        if choice and not all(folder.parts[-1].casefold() in unused for folder in choice.masks):
            _read_part(tree, part, choice, prefix, reading)
        else:
            bare |= _leave_out(part, prefix, reading)
    note_bare(reading, bare)
    _name_apart(reading)
    return split_pages(reading)


def _sort(tree: Folder) -> dict[Key, Part]:
    """All folders with images, and empty ones that are named as for them, by what their paths have in common."""
    parts: dict[Key, Part] = defaultdict(Part)
    for folder in tree.walk():
        own_role = bool(folder.parts) and folder_role(folder.parts[-1])
        if not folder.images and not (own_role and folder.is_empty):
            continue
        subset = next((name for part in folder.parts if (name := subset_of(part))), None)
        names = tuple(part for part in folder.parts if not folder_role(part) and not is_subset_folder(part))
        key = (subset or "", *(unicodedata.normalize("NFC", name).casefold() for name in names))
        part = parts[key]
        part.subset, part.names = subset, names
        role = path_role(folder.parts)
        (part.masks if role == "mask" else part.images if role == "image" else part.plain).append(folder)
    return dict(sorted(parts.items(), key=lambda item: (list(_ORDER).index(item[0][0]), item[0])))


_ORDER = ("", "train", "val", "test")


def _adopt(parts: dict[Key, Part]) -> None:
    """Give masks without images of the same path the one folder of images that is left, as `photos 2020/` for `masks/`.

    Only where the names fit does it count; the names of the folder then tell nothing.
    """
    lost = [part for part in parts.values() if any(folder.images for folder in part.masks) and not _sources(part)]
    if not lost or _adopt_objects(parts, lost):
        return
    if _adopt_numbers(parts, lost):
        return
    for subset in _ORDER:
        needy = [part for part in lost if (part.subset or "") == subset]
        free = [part for part in parts.values() if not part.masks and (part.subset or "") == subset and _sources(part)]
        if len(needy) == 1:
            if all(part.images for part in free) or len(free) == 1:
                for part in free:
                    needy[0].images += _sources(part)
                    part.images, part.plain = [], []
        elif len(free) == 1 and needy:
            for part in needy:
                free[0].masks += part.masks
                part.masks = []
    lost = [part for part in lost if part.masks and not _sources(part)]
    free = [part for part in parts.values() if not part.masks and _sources(part)]
    if len(lost) == len(free) == 1:  # `train_images/` and `masks/`
        lost[0].images, lost[0].subset = _sources(free[0]), free[0].subset
        free[0].images, free[0].plain = [], []


def _adopt_objects(parts: dict[Key, Part], lost: list[Part]) -> bool:
    """Whether masks lie in a folder for each image, as `masks/a/1.png`, `masks/a/2.png` of `images/a.png`."""
    free = [part for part in parts.values() if not part.masks and _sources(part)]
    folders = {folder.parts[-1]: folder for part in lost for folder in part.masks}
    stems = {stem_of(path.name) for folder in _sources(free[0]) for path in folder.images} if len(free) == 1 else set()
    if len(folders) != sum(len(part.masks) for part in lost) or not set(folders) <= stems:
        return False
    free[0].objects = folders
    for part in lost:
        part.masks = []
    free[0].masks = list(folders.values())
    return True


def _adopt_numbers(parts: dict[Key, Part], lost: list[Part]) -> bool:
    """Whether folders of masks belong to others by their numbers: `GT_01/`, `GT_02/` to `Slide_01/`, `Slide_02/`."""
    free = {
        tuple(word for word in split_words(part.names[-1]) if word.isdigit()): part
        for part in parts.values()
        if not part.masks and _sources(part) and part.names
    }
    folders = {
        tuple(word for word in split_words(folder.parts[-1]) if word.isdigit()): folder
        for part in lost
        for folder in part.masks
    }
    count = sum(len(part.masks) for part in lost)
    if () in folders or len(folders) != count or count < 2 or not set(folders) <= set(free):
        return False
    for part in lost:
        part.masks = []
    for numbers, folder in folders.items():
        free[numbers].masks = [folder]
    return True


def _sources(part: Part) -> list[Folder]:
    return [folder for folder in part.images if folder.images] or [folder for folder in part.plain if folder.images]


def _read_part(tree: Folder, part: Part, choice: Choice, prefix: str, reading: Reading) -> None:
    sources = _sources(part) or part.images
    reading.notes += choice.notes
    if choice.problems and not reading.problems:
        reading.remedy = choice.remedy
    reading.problems += choice.problems
    if twice := _find_twice(sources):
        reading.problems.append(
            f"{twice[0].name}/ and {twice[1].name}/ hold images of the same names: move one of them"
        )
        sources = sources[:1]
    images = [path for folder in sources for path in folder.images]
    masks = [path for folder in choice.masks for path in folder.images]
    masks = drop_other_kinds(masks, reading.notes)
    mask_names = " and ".join(f"{folder.parts[-1]}/" for folder in choice.masks)
    image_names = " and ".join(f"{folder.parts[-1] if folder.parts else folder.path.name}/" for folder in sources)
    if not images:
        where = sources[0].path if sources else tree.path
        reading.problems.append(f"{where} holds no image ({', '.join(EXTENSIONS)})")
    words = {split_words(stem_of(path.name)) for path in images}
    if by_products := {path for path in images if is_by_product(split_words(stem_of(path.name)), words)}:
        images = [path for path in images if path not in by_products]
        example = min(by_products).name
        reading.notes.append(f"{len(by_products)} files that tools write beside images are left out, as {example}.")
    matches = _match_objects(images, part.objects) if part.objects else match(images, masks)
    reading.notes += matches.notes
    if not matches.pairs and len(images) > 1 and len(masks) > 1:
        samples = [_sample(tree, part, prefix, image, matches, Match()) for image in images]
        reading.leave_over(_name_strangers(images, masks, image_names, mask_names), masks, samples)
        return
    fields = match(images, [path for folder in choice.fields for path in folder.images]) if choice.fields else Match()
    broken = {stem_of(path.name) for folder in choice.masks for path in folder.broken}
    beside = _pair_by_name(images) if matches.alone else {}
    named = {mask: image for image, files in beside.items() for mask in files}
    for doubt, (some, others) in matches.disputed.items():
        samples = [_sample(tree, part, prefix, image, matches, fields) for image in some]
        reading.leave_over(doubt, others, samples)
    for image in images:
        sample = _sample(tree, part, prefix, image, matches, fields)
        if image in matches.pairs:
            reading.samples.append(sample)
        elif image in named:
            where = image.relative_to(tree.path)
            reading.problems.append(
                f"{where} is named like a mask of {named[image].name}, which has one in {mask_names}"
            )
            reading.remedy = "Keep one mask of each image: move the others out of the dataset."
        elif image in matches.alone:
            why = " (a broken link)" if stem_of(image.name) in broken else ""
            reading.lack(sample, f"{image.relative_to(tree.path)} has no mask in {mask_names}{why}")
    for path in matches.orphans:
        reading.leave_over(f"{path.relative_to(tree.path)} has no image in {image_names}", [path])


def _pair_by_name(images: list[Path]) -> dict[Path, list[Path]]:
    from unet_core.data import pairing  # loads numpy, which the list of layouts in a menu does without

    return pairing.pair_by_name(images).pairs


def _match_objects(images: list[Path], folders: dict[str, Folder]) -> Match:
    pairs = {path: folders[stem_of(path.name)].images for path in images if stem_of(path.name) in folders}
    return Match(dict(pairs), [path for path in images if path not in pairs])


def _find_twice(folders: list[Folder]) -> list[Folder]:
    """Two folders that hold an image of the same name."""
    first: dict[str, Folder] = {}
    for folder in folders:
        for path in folder.images:
            if (other := first.setdefault(stem_of(path.name), folder)) is not folder:
                return [other, folder]
    return []


def _sample(tree: Folder, part: Part, prefix: str, image: Path, matches: Match, fields: Match) -> Sample:
    stem = stem_of(image.name)
    inside = [name for name in part.names if is_group_folder(name)]
    return Sample(
        f"{prefix}/{stem}" if prefix else stem,
        image,
        tuple(sorted(matches.pairs.get(image, []))),
        part.subset,
        group="/".join(inside) or None,
        field_of_view=next(iter(fields.pairs.get(image, [])), None),
    )


def _leave_out(part: Part, prefix: str, reading: Reading) -> dict[str, list[str]]:
    """Give all images of folders without masks as samples without; their names by folder."""
    folders = [folder for folder in (*part.images, *part.plain) if folder.images]
    for image in [path for folder in folders for path in folder.images]:
        name = f"{prefix}/{stem_of(image.name)}" if prefix else stem_of(image.name)
        reading.samples.append(Sample(name, image, (), part.subset))
    return {f"{folder.name}/": [path.name for path in folder.images] for folder in folders}


def _name_strangers(images: list[Path], masks: list[Path], image_names: str, mask_names: str) -> str:
    """That no name fits, and what Label Studio does to names."""
    advice = ""
    if any(path.name.startswith("task-") and "annotation" in path.name for path in masks):
        advice = "; Label Studio names masks by the numbers of its tasks: export JSON, or rename them as the images"
    return (
        f"no name of the {len(masks)} masks in {mask_names} fits one of the {len(images)} images in {image_names}, "
        f"as {masks[0].name} and {images[0].name}{advice}"
    )


def _name_apart(reading: Reading) -> None:
    """Ids of images that differ in their suffix alone get it: `a.jpg` and `a.tif` with `a.jpg.png`, `a.tif.png`."""
    counts: dict[str, int] = defaultdict(int)
    for sample in reading.samples:
        counts[sample.id] += 1
    reading.samples[:] = [
        replace(sample, id=sample.id + sample.image.suffix) if counts[sample.id] > 1 else sample
        for sample in reading.samples
    ]
