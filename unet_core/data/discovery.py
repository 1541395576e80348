"""Datasets: from a folder to a list of samples, and from the list to training, validation and test images."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from unet_core.config import choices
from unet_core.data.layouts import LAYOUTS as LAYOUTS
from unet_core.data.layouts import MASK_FOLDERS as MASK_FOLDERS
from unet_core.data.layouts import Sample as Sample
from unet_core.errors import DataError, ImageError, listing
from unet_core.io import images


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
    wanted = "; ".join(f"{name}: {choices.LAYOUTS[name]}" for name in LAYOUTS)
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


def content_hash(path: Path, page: int | None = None) -> str:
    """The first 16 hex digits of the file's SHA-256, or of a page's pixels: tells the same picture by another name."""
    if page is None:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    pixels = images.read(path, page)
    return hashlib.sha256(f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()[:16]
