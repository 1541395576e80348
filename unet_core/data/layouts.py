"""Layouts: what a folder must look like to be a dataset, one function from a folder to samples each.

A function returns an empty list where the folder is not of its kind, and raises a DataError that lists all problems
where it is.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from unet_core.errors import DataError, ImageError, listing
from unet_core.io.filenames import EXTENSIONS, is_image_name

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "inputs")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "segmentations", "gt", "targets")
MASK_ENDINGS = ("_mask", "_masks", "_label", "_labels", "_seg", "_gt", "_annot")
SUBSETS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
SUBSET_MASK_ENDINGS = ("annot", "_annot", "_mask", "_masks", "_label", "_labels")
MOST_OPENED = 20  # files of a folder whose headers are read to see whether it is of a kind


@dataclass(frozen=True)
class Sample:
    """One image and its mask files; several mask files are one object each and are merged.

    `id` is unique in the dataset and stays the same from run to run. `subset` is train, val or test where the folder
    says so. `page` is the one of a multi-page TIFF, in the image as in the mask. Without masks: for prediction only.
    `group` names what the image was cut or taken from (patient, slide, video): one that must not be split.
    `field_of_view` is a mask file whose 0 does not count. `channel_files` hold further channels, a file each.
    """

    id: str
    image: Path
    masks: tuple[Path, ...]
    subset: str | None = None
    page: int | None = None
    group: str | None = None
    field_of_view: Path | None = None
    channel_files: tuple[Path, ...] = ()


def is_mask_folder(name: str) -> bool:
    """Whether a folder is called as those that hold masks, `masks` as well as `train_masks`."""
    name = name.lower()
    return name in MASK_FOLDERS or any(name == subset + end for subset in SUBSETS for end in SUBSET_MASK_ENDINGS)


def _image_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_image_name(path)) if folder.is_dir() else []


def _first_folder(root: Path, names: Iterable[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def dsb2018(root: Path) -> list[Sample]:
    """`<id>/images/*` with `<id>/masks/*`, a mask file for each object; also below `stage1_train/` and the like.

    A folder where no image has masks (`stage1_test/`) gives samples without.
    """
    stages = sorted(path for path in root.iterdir() if path.is_dir() and path.name.startswith("stage"))
    if stages:
        return [sample for stage in stages for sample in dsb2018(stage)]
    folders = [path for path in root.iterdir() if (path / "images").is_dir()]
    masked = [path for path in folders if (path / "masks").is_dir()]
    if not masked and any(path for folder in folders for path in folder.iterdir() if path.name in MASK_FOLDERS):
        return []
    single = [path for path in masked or folders if len(_image_files(path / "images")) == 1]
    if 2 * len([path for path in single if path.name not in SUBSETS]) <= len(masked or folders):
        return []
    samples, problems = [], []
    for folder in sorted(path for path in root.iterdir() if (path / "images").is_dir()):
        files, masks = _image_files(folder / "images"), _image_files(folder / "masks")
        if len(files) != 1:
            problems.append(f"{folder / 'images'} holds {len(files)} images, but one is expected")
        elif not masks and masked:
            problems.append(f"{folder / 'masks'} holds no mask")
        else:
            samples.append(Sample(folder.name, files[0], tuple(masks)))
    _refuse(root, problems)
    return samples


def paired(root: Path) -> list[Sample]:
    """`images/` and `masks/` (or one of their usual names) with one mask for each image, found by its name."""
    image_folder, mask_folder = _first_folder(root, IMAGE_FOLDERS), _first_folder(root, MASK_FOLDERS)
    if image_folder is None or mask_folder is None:
        return []
    return _pair_folders(root, [(image_folder, mask_folder, None)])


def split_folders(root: Path) -> list[Sample]:
    """`train/` with `trainannot/` (or `train_masks/`), or `train/images` with `train/masks`; likewise val and test."""
    parts: list[tuple[Path, Path, str | None]] = []
    for name, subset in SUBSETS.items():
        folder = root / name
        if not folder.is_dir():
            continue
        inside = _first_folder(folder, IMAGE_FOLDERS), _first_folder(folder, MASK_FOLDERS)
        beside = _first_folder(root, (name + ending for ending in SUBSET_MASK_ENDINGS))
        if inside[0] is not None and inside[1] is not None:
            parts.append((inside[0], inside[1], subset))
        elif beside is not None:
            parts.append((folder, beside, subset))
    return _pair_folders(root, parts)


def stack(root: Path) -> list[Sample]:
    """Multi-page TIFFs, a sample a page: `train-volume.tif` with `train-labels.tif`; without labels, without masks."""
    files = _find_tiffs(root)
    if not _is_stack(files):
        return []
    from unet_core.data import pairing

    pairs = pairing.pair_by_name(files)
    problems = list(pairs.doubts)
    samples = []
    for path, masks in (*pairs.pairs.items(), *((path, []) for path in pairs.alone)):
        count, subset = _count_pages(path), SUBSETS.get(re.split(r"[^a-z]", path.stem.lower())[0])
        for mask in masks:
            if _count_pages(mask) != count:
                problems.append(f"{path.name} has {count} pages, {mask.name} {_count_pages(mask)}")
        digits = max(3, len(str(count - 1)))
        samples += [Sample(f"{path.stem}/{page:0{digits}d}", path, tuple(masks), subset, page) for page in range(count)]
    _refuse(root, problems)
    return samples


def _find_tiffs(folder: Path) -> list[Path]:
    return [path for path in _image_files(folder) if path.suffix.lower() in (".tif", ".tiff")]


def _is_stack(files: list[Path]) -> bool:
    return any(_count_pages(path) > 1 for path in files[:MOST_OPENED])


def _count_pages(path: Path) -> int:
    from unet_core.io import images

    try:
        return images.pages(path)
    except ImageError:
        return 1  # the error is raised when it is read


def mixed_folder(root: Path) -> list[Sample]:
    """Images and masks in one folder, or in each of several, told apart by their names or else by content."""
    from unet_core.data import pairing

    if _is_stack(_find_tiffs(root)):
        return []
    if files := _image_files(root):
        folders = [(root, pairing.pair(files))]
    else:
        below = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        folders = [(folder, pairing.pair_by_name(_image_files(folder))) for folder in below]
        folders = [(folder, pairs) for folder, pairs in folders if pairs.pairs]
    samples: list[Sample] = []
    problems: list[str] = []
    for folder, pairs in folders:
        if not pairs.pairs:
            continue
        problems += [f"{doubt} ({folder.name}/)" if folder != root else doubt for doubt in pairs.doubts]
        problems += [f"{path.relative_to(root)} has no mask beside it" for path in pairs.alone]
        subset = SUBSETS.get(folder.name) if folder != root else None
        for path, masks in pairs.pairs.items():
            name = path.stem if folder == root else f"{subset or folder.name}/{path.stem}"
            samples.append(Sample(name, path, tuple(masks), subset))
    _refuse(root, problems)
    return samples


@dataclass(frozen=True)
class Layout:
    """A way in which datasets lie in folders: `find(root)` gives the samples, none where the folder lies otherwise."""

    find: Callable[[Path], list[Sample]]
    description: str


LAYOUTS = {  # tried in this order
    "dsb2018": Layout(dsb2018, "<id>/images/* and <id>/masks/*, one mask file per object (Data Science Bowl 2018)"),
    "paired": Layout(paired, "images/ and masks/ with the same file names"),
    "split_folders": Layout(
        split_folders,
        "train/ and trainannot/ (or train_masks/, train/images + train/masks), likewise val and test",
    ),
    "stack": Layout(stack, "multi-page TIFFs, train-volume.tif and train-labels.tif, one image per page (ISBI 2012)"),
    "mixed": Layout(
        mixed_folder, "images and masks in one folder, paired by names such as a.png and a_mask.png, else by content"
    ),
}


def _pair_folders(root: Path, parts: Iterable[tuple[Path, Path, str | None]]) -> list[Sample]:
    """Pair the images of each part with its masks by file name; DataError lists all that have no partner."""
    samples: list[Sample] = []
    problems: list[str] = []
    for image_folder, mask_folder, subset in parts:
        images_by_stem = _group_by_stem(_image_files(image_folder), (), problems)
        masks_by_stem = _group_by_stem(_image_files(mask_folder), MASK_ENDINGS, problems, images_by_stem)
        if not images_by_stem:
            problems.append(f"{image_folder} holds no image ({', '.join(EXTENSIONS)})")
        for stem, path in images_by_stem.items():
            if stem in masks_by_stem:
                name = stem if subset is None else f"{subset}/{stem}"
                samples.append(Sample(name, path, (masks_by_stem[stem],), subset))
            else:
                problems.append(f"{path.relative_to(root)} has no mask in {mask_folder.name}/")
        problems += [
            f"{path.relative_to(root)} has no image in {image_folder.name}/"
            for stem, path in masks_by_stem.items()
            if stem not in images_by_stem
        ]
    _refuse(root, problems)
    return samples


def _group_by_stem(
    paths: Iterable[Path], endings: tuple[str, ...], problems: list[str], stems: Iterable[str] = ()
) -> dict[str, Path]:
    """Files by name without extension and without one of the endings; a name that is among `stems` keeps its ending."""
    by_stem: dict[str, Path] = {}
    for path in paths:
        ending = next((end for end in endings if path.stem.endswith(end) and path.stem != end), "")
        stem = path.stem if path.stem in stems else path.stem.removesuffix(ending)
        if stem in by_stem:
            problems.append(f"{path.parent.name}/ holds both {by_stem[stem].name} and {path.name}")
        by_stem[stem] = path
    return by_stem


def _refuse(root: Path, problems: list[str]) -> None:
    if problems:
        raise DataError(
            f"{root}: {len(problems)} problem{'s' * (len(problems) > 1)} in the dataset: "
            f"{listing(problems, 20, '; ')}. "
            "Give each image a mask of the same name, or remove it from the folder."
        )
