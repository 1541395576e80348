"""Folders with the same file names whose own names say nothing: which of two holds the masks is seen in the files."""

from pathlib import Path

from unet_core.data.layouts.base import Reading, Sample
from unet_core.data.layouts.tree import Folder
from unet_core.data.name_words import Words, split_words, subset_of
from unet_core.io.filenames import stem_of

SHARED = 0.9  # share of the names of two folders that they must have in common
MOST_OPENED = 8  # files of a folder that are looked at


def told_apart(tree: Folder) -> Reading:
    """`sat/` and `map/`, `x_train/` and `y_train/`: the masks are the files with few values. Told, as it is a guess."""
    reading = Reading(reason="two folders with the same file names, told apart by their content")
    folders = [folder for folder in tree.walk() if folder.images]
    stems = {folder.name: {split_words(stem_of(path.name)): path for path in folder.images} for folder in folders}
    pairs = [pair for pair in (_sort(*pair) for pair in _pairs(folders, stems)) if pair is not None]
    for images, masks in pairs:
        reading.notes.append(
            f"{images.name}/ is read as images and {masks.name}/ as their masks, which have few values. "
            "Call the folders images and masks if it is the other way around."
        )
        subset = subset_of(images.parts[-1]) or subset_of(masks.parts[-1])
        for words, image in stems[images.name].items():
            name = stem_of(image.name) if len(pairs) == 1 else f"{subset or images.name}/{stem_of(image.name)}"
            mask = stems[masks.name].get(words)
            sample = Sample(name, image, (mask,) if mask else (), subset)
            if mask:
                reading.samples.append(sample)
            else:
                reading.lack(sample, f"{image.relative_to(tree.path)} has no mask in {masks.name}/")
        for words, path in stems[masks.name].items():
            if words not in stems[images.name]:
                reading.leave_over(f"{path.relative_to(tree.path)} has no image in {images.name}/", [path])
    return reading


def _pairs(folders: list[Folder], stems: dict[str, dict[Words, Path]]) -> list[tuple[Folder, Folder]]:
    """The folders that have the same file names as exactly one other, with that one."""

    def is_partner(one: Folder, other: Folder) -> bool:
        first, second = stems[one.name], stems[other.name]
        return len(first.keys() & second.keys()) >= SHARED * max(len(first), len(second))

    partners = {
        folder.name: [other for other in folders if other is not folder and is_partner(folder, other)]
        for folder in folders
    }
    return [
        (folder, partners[folder.name][0])
        for folder in folders
        if len(partners[folder.name]) == 1
        and len(partners[partners[folder.name][0].name]) == 1
        and folder.name < partners[folder.name][0].name
    ]


def _sort(one: Folder, other: Folder) -> tuple[Folder, Folder] | None:
    """(images, masks), where all files of one that are looked at have few values and none of the other; else None."""
    from unet_core.data.pairing import has_few_values

    few = []
    for folder in (one, other):
        looked_at = folder.images[:: -(-len(folder.images) // MOST_OPENED)]
        few.append(sum(map(has_few_values, looked_at)) / len(looked_at))
    if few == [0, 1]:
        return one, other
    return (other, one) if few == [1, 0] else None
