"""Data sets: from a folder to a list of samples, and from the list to training, validation and test images."""

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from unet_core import config, images
from unet_core.errors import DataError, ImageError, listing
from unet_core.layouts import LAYOUTS as LAYOUTS
from unet_core.layouts import MASK_FOLDERS as MASK_FOLDERS
from unet_core.layouts import Sample as Sample


def find(root: Path, layout: str = "auto", unmasked: bool = False) -> list[Sample]:
    """All samples below `root`, sorted by id; those without a mask, for prediction, only where `unmasked`.

    Raises DataError: no such folder, no layout fits, pairs are broken, or there are no masks.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder. Give the folder that holds the images and masks.")
    if layout != "auto" and layout not in LAYOUTS:
        raise DataError(f"Unknown layout {layout!r}; known are auto, {', '.join(LAYOUTS)}.")
    for name in LAYOUTS if layout == "auto" else (layout,):
        found = LAYOUTS[name](root)
        if kept := [sample for sample in found if sample.masks or unmasked]:
            return sorted(kept, key=lambda sample: sample.id)
        if found:
            raise DataError(
                f"{root}: {len(found)} images, but no masks (layout {name!r}). They can be predicted; to train or to "
                "score, give the folder that holds the masks as well."
            )
    entries = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
    here = f"It holds {listing(entries, 6)}." if entries else "It is empty."
    wanted = "; ".join(f"{name}: {config.LAYOUTS[name]}" for name in LAYOUTS)
    raise DataError(f"{root}: no images with masks were found. {here} Expected one of these layouts: {wanted}.")


def check(samples: Iterable[Sample]) -> list[str]:
    """What headers alone tell is wrong, a line each: unreadable files, masks of another size than their image."""
    problems = []
    for sample in samples:
        try:
            expected = images.size(sample.image, sample.page)
            for path in sample.masks:
                if (actual := images.size(path, sample.page)) != expected:
                    problems.append(size_problem(sample, path, actual, expected))
        except ImageError as error:
            problems.append(str(error))
    return problems


def size_problem(sample: Sample, path: Path, actual: tuple[int, ...], expected: tuple[int, ...]) -> str:
    where = path if sample.page is None else f"{path}, page {sample.page}"
    return (
        f"{where}: the mask is {actual[1]} x {actual[0]} pixels, its image {sample.image.name} "
        f"is {expected[1]} x {expected[0]}"
    )


@dataclass(frozen=True)
class Split:
    """The ids of the images that train, that choose the best epoch, and that nothing was ever chosen by."""

    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def parts(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        yield from (("train", self.train), ("val", self.val), ("test", self.test))


def content_hash(path: Path, page: int | None = None) -> str:
    """The first 16 hex digits of the file's SHA-256, or of a page's pixels: tells the same picture by another name."""
    if page is None:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    pixels = images.read(path, page)
    return hashlib.sha256(f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()[:16]


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
        if sample.subset in ("val", "test"):
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
