"""From a folder to a list of samples, and what is wrong with them by their headers."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from unet_core.data.layouts import LAYOUTS, Sample
from unet_core.errors import DataError, ImageError, listing
from unet_core.io import images


def find(root: Path, layout: str = "auto", unmasked: bool = False) -> list[Sample]:
    """All samples below `root`, sorted by id; those without a mask, for prediction, only where `unmasked`.

    Raises DataError: no such folder, no layout fits, pairs are broken, or there are no masks.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder. Enter the folder that holds the images and masks.")
    if layout != "auto" and layout not in LAYOUTS:
        raise DataError(f"Unknown layout {layout!r}; known are auto, {', '.join(LAYOUTS)}.")
    for name in LAYOUTS if layout == "auto" else (layout,):
        samples = LAYOUTS[name].find(root)
        if usable := [sample for sample in samples if sample.masks or unmasked]:
            return sorted(usable, key=lambda sample: sample.id)
        if samples:
            raise DataError(
                f"{root}: {len(samples)} images, but no masks (layout {name!r}). You can predict them; to train or "
                "evaluate, choose the folder that also holds the masks."
            )
    entries = sorted(path.name + "/" * path.is_dir() for path in root.iterdir())
    content = f"It holds {listing(entries, 6)}." if entries else "It is empty."
    layouts = "; ".join(f"{name}: {layout.description}" for name, layout in LAYOUTS.items())
    raise DataError(f"{root}: no images with masks were found. {content} Expected one of these layouts: {layouts}.")


def check(samples: Iterable[Sample]) -> list[str]:
    """Problems that headers alone show, a line each: unreadable files, masks of another size than their image."""
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
    """The sentence, without its full stop, for a mask of (height, width) `actual` whose image is `expected`."""
    where = path if sample.page is None else f"{path}, page {sample.page}"
    return (
        f"{where}: the mask is {actual[1]} x {actual[0]} pixels, its image {sample.image.name} "
        f"is {expected[1]} x {expected[0]}"
    )


def content_hash(path: Path, page: int | None = None) -> str:
    """The first 16 hex digits of the file's SHA-256, or of a page's pixels: equal for copies under other names."""
    if page is None:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    pixels = images.read(path, page)
    return hashlib.sha256(f"{pixels.dtype} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()[:16]
