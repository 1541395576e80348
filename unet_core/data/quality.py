"""Warnings about data that trains without an error and yet is hardly intended."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from unet_core.data.discovery import content_hash
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import listing


def find_problems(
    classes: set[int], image_types: Iterable[tuple[np.dtype[Any], int]], samples: list[Sample]
) -> Iterator[str]:
    """Warnings; `classes` are the class indices in all masks, `image_types` dtype and channels as stored."""
    if classes == {IGNORE}:
        yield "All pixels of all masks are ignored, so there is nothing to learn. Check ignore_index."
    elif classes <= {0, IGNORE}:
        yield "All masks are background only, so there is nothing to learn. Check that these are the right masks."
    depths, channels = Counter[str](), Counter[str]()
    for dtype, number in image_types:
        depths[str(dtype)] += 1
        channels[{1: "gray", 3: "RGB"}.get(number, f"with {number} channels")] += 1
    for what, words in (("bit depths", depths), ("channels", channels)):
        if len(words) > 1:
            parts = ", ".join(f"{images} {name}" for name, images in sorted(words.items()))
            yield f"The images have different {what} ({parts}). Check that all come from the same source."
    if twins := find_leaks(samples):
        yield (
            f"{len(twins)} images are in both train and val, so validation scores are too high: {listing(twins)}. "
            "Remove them from one of the two folders."
        )


def find_leaks(samples: Iterable[Sample]) -> list[str]:
    """The val images whose content also lies in train, where folders say what is which; only equal sizes are read."""
    sizes: dict[str, dict[int, list[Sample]]] = {"train": {}, "val": {}}
    for sample in samples:
        if sample.subset in sizes:
            sizes[sample.subset].setdefault(sample.image.stat().st_size, []).append(sample)
    twins = []
    for size, held_back in sizes["val"].items():
        if same := sizes["train"].get(size):
            trained = {content_hash(sample.image, sample.page) for sample in same}
            twins += [sample.id for sample in held_back if content_hash(sample.image, sample.page) in trained]
    return sorted(twins)
