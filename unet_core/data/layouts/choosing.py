"""Which of several folders of masks beside the same images holds the truth: by known meanings, never the first."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from unet_core.data.layouts.tree import Folder
from unet_core.data.name_words import Words, folder_role, folder_words
from unet_core.errors import listing
from unet_core.io.filenames import stem_of

FIELD_WORDS = {"mask", "masks", "fov"}  # alone, beside a folder of what was drawn by hand
DRAWN_WORDS = {"labels", "label", "gt", "groundtruth", "annotations", "vessel", "vessels"}

MERGE = (
    "Merge a folder for each class into one mask for each image, with the values 1, 2, ...; of versions of the ground "
    "truth keep one."
)


@dataclass
class Choice:
    """Folders of the ground truth, of fields of view, and sentences."""

    masks: list[Folder]
    fields: list[Folder] = field(default_factory=list)
    left_out: list[Folder] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remedy: str = "Move the folder that is not the ground truth out of the dataset."


def choose(folders: Iterable[Folder]) -> Choice:
    """The folders that are used, of those in which masks of the same images were found; a problem where it is open."""
    every = list(folders)
    choice = Choice([folder for folder in every if folder.images] or every)
    words = {folder.name: _words(folder) for folder in choice.masks}

    def pick(is_wanted: Callable[[Words], bool]) -> list[Folder]:
        return [folder for folder in choice.masks if is_wanted(words[folder.name])]

    drawn = pick(lambda name: "manual" in name)
    by_hand = drawn or pick(lambda name: bool(DRAWN_WORDS.intersection(name)))
    around = pick(lambda name: "fov" in name) or pick(
        lambda name: len(name) == 1 and name[0] in (FIELD_WORDS if drawn else {"mask"})
    )
    if around and not by_hand:
        by_hand = [folder for folder in choice.masks if folder not in around and "fov" in words[around[0].name]]
    if by_hand and around:
        choice.fields, choice.masks = around, [folder for folder in choice.masks if folder not in around]
        choice.notes.append(
            f"{around[0].parts[-1]}/ is taken as the field of view (what is 0 there does not count), because "
            f"{by_hand[0].parts[-1]}/ beside it holds the ground truth."
        )
    for is_used, is_left_out in RULES:
        used = pick(is_used)
        others = [folder for folder in choice.masks if is_left_out(words[folder.name]) and folder not in used]
        if used and others:
            choice.masks = [folder for folder in choice.masks if folder not in others]
            choice.left_out += others
            names = listing([f"{folder.parts[-1]}/" for folder in others], 4)
            choice.notes.append(f"{used[0].parts[-1]}/ is used as the ground truth; {names} left out.")
    if len(choice.masks) > 1 and not _are_parts(choice.masks):
        names = " and ".join(f"{folder.name}/" for folder in choice.masks[:4])
        choice.problems.append(
            f"{names} hold masks of the same images, and nothing says which of them is the ground truth"
        )
        if not any(folder_role(folder.parts[-1]) for folder in choice.masks):
            choice.remedy = MERGE
        choice.masks = choice.masks[:1]
    return choice


def drop_other_kinds(masks: list[Path], notes: list[str]) -> list[Path]:
    """Without the other versions of the same truth that some tools write beside it: colors, instances, train ids."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in masks:
        stem = stem_of(path.name).lower().replace("_", "").replace("-", "")
        kind = next(
            (ending for ending in ("labeltrainids", "labelids", "instanceids", "color") if stem.endswith(ending)), ""
        )
        kinds[kind].append(path)
    used = next((kind for kind in ("labeltrainids", "labelids") if kinds[kind]), None)
    if used is None:
        return masks
    others = [path for kind, paths in kinds.items() if kind not in (used, "") for path in paths]
    if others:
        notes.append(
            f"The masks whose names end in {used} are used; other versions of them (color, instances) are not."
        )
    return kinds[used] + kinds[""]


def _are_parts(folders: list[Folder]) -> bool:
    """Whether they are parts of one folder of masks (`masks/a/1.png`, `masks/b/2.png`) that share no name."""
    stems = [{stem_of(path.name) for path in folder.images} for folder in folders]
    distinct = sum(map(len, stems)) == len(set().union(*stems))
    return distinct and not any(folder_role(folder.parts[-1]) for folder in folders)


def _words(folder: Folder) -> Words:
    return folder_words(folder.parts[-1]) if folder.parts else ()


def _has(*wanted: str) -> Callable[[Words], bool]:
    return lambda name: set(wanted) <= set(name)


RULES: tuple[tuple[Callable[[Words], bool], Callable[[Words], bool]], ...] = (
    (_has("segmentation", "class"), _has("segmentation", "object")),
    (_has("masks", "machine"), _has("masks", "human")),
    (lambda name: name in (("mask", "binary"), ("masks", "binary")), lambda name: True),  # NuInsSeg
    (_has("manual", "1"), lambda name: "manual" in name and "1" not in name),  # another observer
    (_has("seg"), _has("tra")),
)
