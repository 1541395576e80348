"""Data sets: from a folder to a list of samples, and from the list to training, validation and test images.

A layout is a function from a folder to samples; it gives an empty list where the folder is not of its kind, and raises
a DataError that lists all that is wrong where it is.
"""

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unet_core import config, images
from unet_core.errors import DataError, ImageError, listing

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "inputs")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "segmentations", "gt", "targets")
MASK_ENDINGS = ("_mask", "_masks", "_label", "_labels", "_seg", "_gt", "_annot")
SUBSETS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
SUBSET_MASK_ENDINGS = ("annot", "_annot", "_mask", "_masks", "_label", "_labels")


@dataclass(frozen=True)
class Sample:
    """One image and its mask files; several mask files are one object each and are merged.

    `id` is unique in the data set and stays the same from run to run. `subset` is train, val or test where the folder
    says so.
    """

    id: str
    image: Path
    masks: tuple[Path, ...]
    subset: str | None = None


def find(root: Path, layout: str = "auto") -> list[Sample]:
    """All samples below `root`, sorted by id. Raises DataError: no such folder, no layout fits, or pairs are broken."""
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder. Give the folder that holds the images and masks.")
    if layout != "auto" and layout not in LAYOUTS:
        raise DataError(f"Unknown layout {layout!r}; known are auto, {', '.join(LAYOUTS)}.")
    for name in LAYOUTS if layout == "auto" else (layout,):
        found = LAYOUTS[name](root)
        if found:
            return sorted(found, key=lambda sample: sample.id)
    entries = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
    here = f"It holds {listing(entries, 6)}." if entries else "It is empty."
    wanted = "; ".join(f"{name}: {config.LAYOUTS[name]}" for name in LAYOUTS)
    raise DataError(f"{root}: no images with masks were found. {here} Expected one of these layouts: {wanted}.")


def check(samples: Iterable[Sample]) -> list[str]:
    """What headers alone tell is wrong, a line each: unreadable files, masks of another size than their image."""
    problems = []
    for sample in samples:
        try:
            expected = images.size(sample.image)
            for path in sample.masks:
                if (actual := images.size(path)) != expected:
                    problems.append(size_problem(sample, path, actual, expected))
        except ImageError as error:
            problems.append(str(error))
    return problems


def size_problem(sample: Sample, path: Path, actual: tuple[int, ...], expected: tuple[int, ...]) -> str:
    return (
        f"{path}: the mask is {actual[1]} x {actual[0]} pixels, its image {sample.image.name} "
        f"is {expected[1]} x {expected[0]}"
    )


def _image_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if images.is_image_name(path)) if folder.is_dir() else []


def _first_folder(root: Path, names: Iterable[str]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def dsb2018(root: Path) -> list[Sample]:
    """`<id>/images/*` with `<id>/masks/*`, a mask file for each object; also one level down, as `stage1_train/<id>`."""
    folders = [path for path in root.iterdir() if (path / "images").is_dir() and (path / "masks").is_dir()]
    single = [path for path in folders if path.name not in SUBSETS and len(_image_files(path / "images")) == 1]
    if 2 * len(single) <= len(folders):
        below = [path for path in root.iterdir() if path.is_dir() and path.name.startswith("stage1")]
        return dsb2018(below[0]) if len(below) == 1 else []
    samples, problems = [], []
    for folder in sorted(path for path in root.iterdir() if (path / "images").is_dir()):
        pictures, masks = _image_files(folder / "images"), _image_files(folder / "masks")
        if len(pictures) != 1:
            problems.append(f"{folder / 'images'} holds {len(pictures)} images where one is meant")
        elif not masks:
            problems.append(f"{folder / 'masks'} holds no mask")
        else:
            samples.append(Sample(folder.name, pictures[0], tuple(masks)))
    _refuse(root, problems)
    return samples


def paired(root: Path) -> list[Sample]:
    """`images/` and `masks/` (or one of their usual names) with one mask for each image, found by its name."""
    pictures, masks = _first_folder(root, IMAGE_FOLDERS), _first_folder(root, MASK_FOLDERS)
    if pictures is None or masks is None:
        return []
    return _pairs(root, [(pictures, masks, None)])


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
    return _pairs(root, parts)


LAYOUTS: dict[str, Callable[[Path], list[Sample]]] = {
    "dsb2018": dsb2018,
    "paired": paired,
    "split_folders": split_folders,
}


def _pairs(root: Path, parts: Iterable[tuple[Path, Path, str | None]]) -> list[Sample]:
    """Pair the images of each part with its masks by file name; DataError lists all that have no partner."""
    samples: list[Sample] = []
    problems: list[str] = []
    for image_folder, mask_folder, subset in parts:
        pictures = _by_stem(_image_files(image_folder), (), problems)
        masks = _by_stem(_image_files(mask_folder), MASK_ENDINGS, problems, pictures)
        if not pictures:
            problems.append(f"{image_folder} holds no image ({', '.join(images.EXTENSIONS)})")
        for stem, path in pictures.items():
            if stem in masks:
                name = stem if subset is None else f"{subset}/{stem}"
                samples.append(Sample(name, path, (masks[stem],), subset))
            else:
                problems.append(f"{path.relative_to(root)} has no mask in {mask_folder.name}/")
        problems += [
            f"{path.relative_to(root)} has no image in {image_folder.name}/"
            for stem, path in masks.items()
            if stem not in pictures
        ]
    _refuse(root, problems)
    return samples


def _by_stem(
    paths: Iterable[Path], endings: tuple[str, ...], problems: list[str], wanted: Iterable[str] = ()
) -> dict[str, Path]:
    """Files by name without extension and without one of the endings, unless the whole name is wanted as it is."""
    found: dict[str, Path] = {}
    for path in paths:
        ending = next((end for end in endings if path.stem.endswith(end) and path.stem != end), "")
        stem = path.stem if path.stem in wanted else path.stem.removesuffix(ending)
        if stem in found:
            problems.append(f"{path.parent.name}/ holds both {found[stem].name} and {path.name}")
        found[stem] = path
    return found


def _refuse(root: Path, problems: list[str]) -> None:
    if problems:
        raise DataError(
            f"{root}: {len(problems)} problems in the data set: {listing(problems, 20).replace(', ', '; ')}. "
            "Give each image a mask of the same name, or take it out of the folder."
        )


@dataclass(frozen=True)
class Split:
    """The ids of the images that train, that choose the best epoch, and that nothing was ever chosen by."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from (("train", self.train), ("val", self.val), ("test", self.test))


def content_hash(path: Path) -> str:
    """The first 16 hex digits of the file's SHA-256: tells the same picture under another name."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def restore_split(parts: Mapping[str, Mapping[str, str]], hashes: Mapping[str, str]) -> Split:
    """The split of a run that is taken up again. Raises DataError where its images are gone or have changed."""
    changed = [name for ids in parts.values() for name, digest in ids.items() if hashes.get(name) != digest]
    if changed:
        raise DataError(
            f"{len(changed)} images of this run are gone or have changed since it began: {listing(changed)}. Put them "
            "back to resume it, or start a new run."
        )
    return Split(*(tuple(sorted(parts[name])) for name in ("train", "val", "test")))


def split(
    samples: list[Sample],
    val_fraction: float,
    test_fraction: float,
    seed: int,
    hashes: Mapping[str, str],
    looks: Mapping[str, tuple[float, ...]],
) -> Split:
    """Divide the samples: as their folders say where they do, else by chance, a function of the seed and the images.

    By chance means stratified: the images are put in the order of their looks (size, colour, brightness), cut into as
    many stretches as are to be held back, and one is drawn of each, so that rare kinds are neither all trained on nor
    all held back. Images with the same content (`hashes`) stay together, so that none is trained on and judged at once.
    With two images or more at least one trains and, where `val_fraction` > 0, one validates; a single image trains.
    """
    parts: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    given = {sample.subset for sample in samples} - {None}
    free: dict[str, list[str]] = defaultdict(list)
    for sample in sorted(samples, key=lambda sample: sample.id):
        if sample.subset in ("val", "test") or (sample.subset == "train" and "val" in given):
            parts[sample.subset].append(sample.id)
        else:
            free[hashes[sample.id]].append(sample.id)
    groups = sorted(free.values(), key=lambda group: (looks[group[0]], group[0]))
    counts = {
        part: max(1, round(fraction * len(groups))) if fraction > 0 and part not in given else 0
        for part, fraction in (("val", val_fraction), ("test", test_fraction))
    }
    rng = random.Random(f"split {seed}")
    held_back = min(sum(counts.values()), max(0, len(groups) - 1))
    drawn = [
        rng.randrange(number * len(groups) // held_back, (number + 1) * len(groups) // held_back)
        for number in range(held_back)
    ]
    rng.shuffle(drawn)
    for number, index in enumerate(drawn):
        parts["val" if number < counts["val"] else "test"] += groups[index]
    parts["train"] += [name for index, group in enumerate(groups) if index not in drawn for name in group]
    if not parts["train"]:
        raise DataError(f"Of {len(samples)} images none is left for training; put some into train/.")
    return Split(*(tuple(sorted(parts[name])) for name in ("train", "val", "test")))
