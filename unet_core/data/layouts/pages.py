"""Samples of files with several pages (TIFF stacks, volumes): one for each page, image and mask alike."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unet_core.data.layouts.base import Reading, Sample
from unet_core.errors import ImageError
from unet_core.io.filenames import STACKS

MOST_OPENED = 20  # files of a dataset whose headers are read to see whether any has pages


def count_pages(path: Path) -> int:
    """How many images a file holds; 1 of what cannot be read, which raises an error when it is."""
    from unet_core.io import images

    try:
        return images.pages(path)
    except ImageError:
        return 1


def is_stack(files: Sequence[Path]) -> bool:
    """Whether any of a spread sample of the files has several pages."""
    step = max(1, len(files) // MOST_OPENED)
    return any(count_pages(path) > 1 for path in files[::step][:MOST_OPENED])


def page_ids(stem: str, count: int) -> list[str]:
    """`stem/000`, `stem/001`, ... of the pages.

    >>> page_ids("train-volume", 2)
    ['train-volume/000', 'train-volume/001']
    """
    digits = max(3, len(str(count - 1)))
    return [f"{stem}/{page:0{digits}d}" for page in range(count)]


def split_pages(reading: Reading) -> Reading:
    """Samples whose image has several pages as one sample a page; the file is their group. Each mask needs as many."""
    paged = [sample for sample in reading.samples if sample.image.name.lower().endswith(STACKS)]
    if not is_stack([sample.image for sample in paged]):
        return reading
    samples: list[Sample] = []
    stacks, before = 0, len(reading.problems)
    for sample in reading.samples:
        count = count_pages(sample.image) if sample.image.name.lower().endswith(STACKS) else 1
        counts = {mask: count_pages(mask) for mask in (*sample.masks, *sample.channel_files)}
        if others := [mask for mask, other in counts.items() if other != count]:
            for mask in others:
                sentence = f"{_name(sample.image)} has {count} pages, {_name(mask)} {counts[mask]}"
                reading.leave_over(sentence, [mask], [sample])
            continue
        if count == 1:
            samples.append(sample)
            continue
        stacks += 1
        group = sample.group or sample.id
        samples += [replace(sample, id=name, page=page, group=group) for page, name in _pages(sample.id, count)]
    reading.samples[:] = samples
    if len(reading.problems) > before == 0:
        reading.remedy = "Save image and mask with the same number of pages."
    reading.notes.append(f"{stacks} files have several pages: each page is an image, the pages of a file are a group.")
    return reading


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _pages(stem: str, count: int) -> list[tuple[int, str]]:
    return list(enumerate(page_ids(stem, count)))
