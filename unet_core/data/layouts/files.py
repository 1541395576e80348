"""Images and masks in the same folder: told apart by their names or by content, and stacks of pages."""

from collections import defaultdict
from pathlib import Path

from unet_core.data.layouts import collections
from unet_core.data.layouts.base import Reading, Sample, note_bare, note_unlabeled
from unet_core.data.layouts.pages import count_pages, is_stack, page_ids, split_pages
from unet_core.data.layouts.tree import Folder, shared_start, without_start
from unet_core.data.name_words import is_group_folder, is_mask_folder, is_subset_folder, subset_of
from unet_core.io.filenames import stem_of, suffix_of


def stack(tree: Folder) -> Reading:
    """Multi-page TIFFs, a sample a page: `train-volume.tif` with `train-labels.tif`; without labels, without masks."""
    tree = tree.unwrap()
    files = _tiffs(tree)
    if not is_stack(files):
        return Reading()
    from unet_core.data import pairing

    pairs = pairing.pair_by_name(files)
    reading = Reading(reason="TIFF files of several pages")
    for doubt, (some, others) in pairs.disputed.items():
        reading.leave_over(doubt, others, [Sample(stem_of(path.name), path, ()) for path in some])
    many_stacks = len(pairs.pairs) > 1
    for path, masks in (*pairs.pairs.items(), *((path, []) for path in pairs.alone)):
        count, stem = count_pages(path), stem_of(path.name)
        for mask in masks:
            if count_pages(mask) != count:
                reading.problems.append(f"{path.name} has {count} pages, {mask.name} {count_pages(mask)}")
        group = stem if many_stacks else None
        reading.samples += [
            Sample(name, path, tuple(masks), subset_of(stem), page, group)
            for page, name in enumerate(page_ids(stem, count))
        ]
    if pairs.pairs:
        note_unlabeled(reading, [path.name for path in pairs.alone], "no file is named like their masks")
    return reading


def _tiffs(tree: Folder) -> list[Path]:
    return [path for path in tree.images if path.suffix.lower() in (".tif", ".tiff")]


def mixed(tree: Folder) -> Reading:
    """Images and masks in one folder, or in each of several, told apart by their names or else by content."""
    from unet_core.data import pairing

    if is_stack(_tiffs(tree.unwrap())) or collections.is_special(tree):
        return Reading()
    folders = [folder for folder in tree.walk() if folder.images]
    reading = Reading(reason="masks beside their images, by the names of the files")
    apart = any(folder.parts and is_mask_folder(folder.parts[-1]) for folder in folders)  # names decide then
    read: list[tuple[Folder, pairing.Pairing]] = []
    unread: list[tuple[Folder, pairing.Pairing]] = []
    for folder in folders:
        alike = 2 * len(_twins(folder.images)) > len(folder.images)
        by_content = (len(folders) == 1 or folder is tree or alike) and not apart
        pairs = pairing.pair(folder.images) if by_content else pairing.pair_by_name(folder.images)
        (read if pairs.pairs else unread).append((folder, pairs))
    if not read:
        return Reading()
    doubtful = [(folder, pairs) for folder, pairs in unread if pairs.doubts and not apart]
    read += doubtful
    unread = [item for item in unread if item not in doubtful]
    shared = shared_start(folder.parts[:-1] for folder, _ in read)
    for folder, pairs in read:
        where = f" ({folder.name}/)" if folder.parts else ""
        for doubt, (some, others) in pairs.disputed.items():
            reading.leave_over(doubt + where, others, [_sample(folder, path, [], shared) for path in some])
        reading.notes += pairs.notes
        for path in pairs.alone:
            reading.lack(_sample(folder, path, [], shared), f"{path.relative_to(tree.path)} has no mask beside it")
        reading.samples += [_sample(folder, path, masks, shared) for path, masks in pairs.pairs.items()]
    bare = [folder for folder, _ in unread if not (folder.parts and is_mask_folder(folder.parts[-1]))]
    for folder in bare:
        reading.samples += [_sample(folder, path, [], shared) for path in folder.images]
    note_bare(reading, {f"{folder.name}/": [path.name for path in folder.images] for folder in bare})
    return split_pages(reading)


def _twins(paths: list[Path]) -> list[Path]:
    """Files that share their stem with exactly one other of another suffix, as x.jpg and x.png (Crack500)."""
    by_stem: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        by_stem[stem_of(path.name)].append(path)
    return [
        path
        for group in by_stem.values()
        if len({suffix_of(path.name).lower() for path in group}) == len(group) == 2
        for path in group
    ]


def _sample(folder: Folder, path: Path, masks: list[Path], shared: tuple[str, ...]) -> Sample:
    parts = without_start(folder.parts, shared)
    subset = next((subset_of(part) for part in parts if is_subset_folder(part)), None)
    names = [subset_of(part) or part if is_subset_folder(part) else part for part in parts]
    group = "/".join(part for part in parts if is_group_folder(part) and not is_subset_folder(part)) or None
    return Sample("/".join([*names, stem_of(path.name)]), path, tuple(masks), subset, group=group)
