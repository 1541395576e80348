"""Layouts with rules of their own: DSB 2018, Pascal VOC and CVAT, nnU-Net and MSD, the Cell Tracking Challenge."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from unet_core.data.layouts.base import Reading, Sample, note_unlabeled
from unet_core.data.layouts.matching import match
from unet_core.data.layouts.pages import split_pages
from unet_core.data.layouts.tree import Folder
from unet_core.data.name_words import SUBSETS, folder_role
from unet_core.io.filenames import stem_of

CHANNEL = re.compile(r"^(?P<case>.+)_(?P<channel>\d{4})$")  # nnU-Net's case_0000, case_0001
SEQUENCE = re.compile(r"^\d{2,3}$")
VOC_MASKS = ("SegmentationClassPNG", "SegmentationClass")  # the first is labelme2voc's
VOC_LISTS = {"train": "train", "val": "val", "test": "test"}


def is_special(tree: Folder) -> bool:
    """Whether a layout of this module reads the folder, so that the general ones leave it alone."""
    readers = _voc_folders(tree), _nnunet_folders(tree), _sequences(tree)
    return any(next(iter(some), None) is not None for some in readers) or bool(_dsb_stages(tree))


def dsb2018(tree: Folder) -> Reading:
    """`<id>/images/*` with `<id>/masks/*`, a mask file for each object; also below `stage1_train/` and the like.

    A folder where no image has masks (`stage1_test/`) gives samples without.
    """
    reading = Reading(reason="folders of one image each, with a folder of its objects' masks")
    for stage, is_masked in _dsb_stages(tree):
        for name, folder in stage.folders.items():
            image_folder, mask_folder = folder.child("images"), folder.child("masks")
            if image_folder is None:
                continue
            files, masks = image_folder.images, mask_folder.images if mask_folder is not None else []
            if len(files) != 1:
                candidates = [Sample(f"{name}/{stem_of(path.name)}", path, tuple(masks)) for path in files]
                sentence = f"{image_folder.path} holds {len(files)} images, but one is expected"
                reading.leave_over(sentence, masks, candidates)
            elif not masks and is_masked:
                sentence = f"{folder.path / 'masks'} holds no mask"
                reading.lack(Sample(name, files[0], ()), sentence)
            else:
                reading.samples.append(Sample(name, files[0], tuple(masks)))
    note_unlabeled(reading, [s.id for s in reading.samples if not s.masks], "their stage has no masks")
    return reading


def _dsb_stages(tree: Folder) -> list[tuple[Folder, bool]]:
    """The folders of ids, and whether their images have masks."""
    tree = tree.unwrap(above="images")
    stages = [folder for name, folder in tree.folders.items() if name.lower().startswith("stage")] or [tree]
    pairs = []
    for stage in stages:
        folders = [folder for folder in stage.folders.values() if folder.child("images")]
        masked = [folder for folder in folders if folder.child("masks")]
        if not masked and any(folder_role(name) == "mask" for folder in folders for name in folder.folders):
            continue
        single = [folder for folder in masked or folders if _is_single(folder)]
        if 2 * len([folder for folder in single if folder.parts[-1] not in SUBSETS]) > len(masked or folders):
            pairs.append((stage, bool(masked)))
    return pairs


def _is_single(folder: Folder) -> bool:
    image_folder = folder.child("images")
    return image_folder is not None and len(image_folder.images) == 1


def voc(tree: Folder) -> Reading:
    """`JPEGImages/` with `SegmentationClass/` (Pascal VOC, CVAT): images without a mask are left out.

    `ImageSets/Segmentation/train.txt` and `val.txt` name the subsets.
    """
    reading = Reading(reason="JPEGImages/ and SegmentationClass/, as Pascal VOC and CVAT write them")
    bases = list(_voc_folders(tree))
    for base in bases:
        image_folder, mask_folder = base.child("JPEGImages"), base.child(*VOC_MASKS)
        if image_folder is None or mask_folder is None:
            continue
        prefix = f"{base.name}/" if len(bases) > 1 else ""
        subsets = _read_lists(base)
        pairs = _match_below(image_folder, mask_folder)
        unmasked = []
        for image, name in _below(image_folder):
            masks = pairs.pop(name, [])
            unmasked += [] if masks else [image.name]
            if len(masks) > 1:
                reading.problems.append(f"SegmentationClass/ holds both {masks[0].name} and {masks[1].name}")
            reading.samples.append(Sample(prefix + name, image, tuple(masks[:1]), subsets.get(name)))
        for path in [path for paths in pairs.values() for path in paths]:
            reading.leave_over(f"{path.relative_to(tree.path)} has no image in JPEGImages/", [path])
        note_unlabeled(reading, unmasked, "SegmentationClass/ has masks of some images only")
        if base.child("SegmentationObject"):
            reading.notes.append("SegmentationObject/ (a number for each object) is left out.")
    return reading


def _voc_folders(tree: Folder) -> Iterator[Folder]:
    for folder in tree.walk():
        classes = folder.child(*VOC_MASKS)
        if folder.child("JPEGImages") and classes and classes.has_images():
            yield folder


def _below(folder: Folder) -> list[tuple[Path, str]]:
    """All images with their path below the folder, without suffix."""
    skip = len(folder.parts)
    return [(path, "/".join([*f.parts[skip:], stem_of(path.name)])) for f in folder.walk() for path in f.images]


def _match_below(images: Folder, masks: Folder) -> dict[str, list[Path]]:
    by_name: dict[str, list[Path]] = defaultdict(list)
    names = {name for _, name in _below(images)}
    for path, name in _below(masks):
        by_name[name if name in names or not name.endswith(".jpg") else name.removesuffix(".jpg")].append(path)
    return dict(by_name)


def _read_lists(base: Folder) -> dict[str, str]:
    """The subset of each name that the lists of `ImageSets/Segmentation` give."""
    lists = base.child("ImageSets")
    lists = lists.child("Segmentation") if lists else None
    subsets: dict[str, str] = {}
    for path in lists.others if lists else []:
        subset = VOC_LISTS.get(stem_of(path.name).lower())
        if subset and path.suffix.lower() == ".txt":
            for line in path.read_text("utf-8", "surrogateescape").splitlines():
                if name := line.strip():
                    subsets[name] = subset
    return subsets


def nnunet(tree: Folder) -> Reading:
    """`imagesTr/` with `labelsTr/` (nnU-Net, MSD): `case_0000`, `case_0001` are the channels of an image.

    Images of `imagesTs/` are the test subset where `labelsTs/` holds their masks, else left out.
    """
    reading = Reading(reason="imagesTr/ and labelsTr/, as nnU-Net and the Medical Segmentation Decathlon have them")
    bases = list(_nnunet_folders(tree))
    for base in bases:
        prefix = f"{base.name}/" if len(bases) > 1 else ""
        for ending, subset in (("Tr", None), ("Val", "val"), ("Ts", "test")):
            image_folder, mask_folder = base.child(f"images{ending}"), base.child(f"labels{ending}")
            if image_folder is None:
                continue
            masks = {stem_of(path.name): path for path in (mask_folder.images if mask_folder else [])}
            cases = _group_channels(image_folder.images, set(masks))
            numbers = {tuple(channels) for channels in cases.values()}
            if len(numbers) > 1:
                few = min(cases, key=lambda case: len(cases[case]))
                reading.problems.append(
                    f"{image_folder.name}/{few} has {len(cases[few])} channel files, others have more"
                )
            unmasked = []
            for case, channels in cases.items():
                first, *others = channels.values()
                name = prefix + (f"{subset}/{case}" if subset else case)
                mask = masks.pop(case, None)
                sample = Sample(name, first, (mask,) if mask else (), subset, channel_files=tuple(others))
                if mask or subset:
                    reading.samples.append(sample)
                    unmasked += [] if mask else [first.name]
                else:
                    reading.lack(sample, f"{first.relative_to(tree.path)} has no mask in labels{ending}/")
            for path in masks.values():
                reading.leave_over(f"{path.relative_to(tree.path)} has no image in images{ending}/", [path])
            note_unlabeled(reading, unmasked, f"images{ending}/ without labels")
    return split_pages(reading)


def _nnunet_folders(tree: Folder) -> Iterator[Folder]:
    for folder in tree.walk():
        images, labels = folder.child("imagesTr"), folder.child("labelsTr")
        if images is not None and labels is not None and images.images:
            yield folder


def _group_channels(paths: list[Path], cases: set[str]) -> dict[str, dict[str, Path]]:
    """The files of each case by their channel. A name that is itself a mask's is a case without channels (MSD)."""
    grouped: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in paths:
        stem = stem_of(path.name)
        part = CHANNEL.match(stem)
        if part is None or stem in cases:
            grouped[stem][""] = path
        else:
            grouped[part["case"]][part["channel"]] = path
    return dict(grouped)


def cell_tracking(tree: Folder) -> Reading:
    """`01/t000.tif` with `01_GT/SEG/man_seg000.tif` (Cell Tracking Challenge): frames without SEG are left out.

    The sequence is the group. Silver truth (`01_ST`) is used only where there is no gold truth.
    """
    reason = "sequences 01/, 02/ with 01_GT/SEG/, as the Cell Tracking Challenge has them"
    reading = Reading(reason=reason, labels="instances")
    sequences = list(_sequences(tree))
    shared = len(tree.unwrap().parts)
    for frames, truth in sequences:
        if not truth.parts[-2].upper().endswith("GT"):
            reading.notes.append(f"{truth.name}/ is silver truth, made by programs; there is no gold truth beside it.")
        matches = match(frames.images, truth.images)
        sequence = "/".join(frames.parts[shared:]) or frames.path.name
        if (
            matches.orphans
            and not matches.pairs
            and any("_" in stem_of(p.name).removeprefix("man_seg") for p in truth.images)
        ):
            reading.problems.append(
                f"{truth.name}/{matches.orphans[0].name} is the mask of one slice of a 3-D frame, which is not read"
            )
            continue
        for path in matches.orphans:
            reading.leave_over(f"{path.relative_to(tree.path)} has no frame in {frames.name}/", [path])
        samples = {
            image: Sample(
                f"{sequence}/{stem_of(image.name)}", image, tuple(matches.pairs.get(image, [])), group=sequence
            )
            for image in frames.images
        }
        for doubt, (some, others) in matches.disputed.items():
            reading.leave_over(doubt, others, [samples[image] for image in some])
        reading.samples += samples.values()
        unmasked = [image.name for image in frames.images if image not in matches.pairs]
        note_unlabeled(reading, unmasked, f"{truth.name}/ has masks of some frames only")
    return split_pages(reading) if sequences else Reading()


def _sequences(tree: Folder) -> Iterator[tuple[Folder, Folder]]:
    """Frames and their masks."""
    for folder in tree.walk():
        for name, frames in folder.folders.items():
            if SEQUENCE.match(name) and frames.images:
                for kind in ("GT", "ST"):
                    truth = folder.child(f"{name}_{kind}")
                    masks = truth.child("SEG") if truth else None
                    if masks and masks.images:
                        yield frames, masks
                        break
