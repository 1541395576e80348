"""Warnings about data that trains without an error and yet is hardly intended."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.errors import listing


def find_problems(
    classes: set[int],
    image_types: Iterable[tuple[np.dtype[Any], int]],
    samples: list[Sample],
    records: Mapping[str, str],
) -> Iterator[str]:
    """Warnings; `classes` are the class indices in all masks, `image_types` dtype and channels as stored.

    `records` tell the images by their pixels, see `identity`.
    """
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
    for part, word in (("val", "validation"), ("test", "test")):
        if twins := find_leaks(samples, records, part):
            yield (
                f"{len(twins)} images are in both train and {part}, so {word} scores are too high: {listing(twins)}. "
                "Remove them from one of the two folders."
            )


def find_leaks(samples: Iterable[Sample], records: Mapping[str, str], part: str = "val") -> list[str]:
    """The images of the folder for `part` whose pixels also lie in that for train, under any name and format.

    `records` are those of `identity`, by image id.
    """
    samples = list(samples)
    trained = {identity.key(records[sample.id], "px") for sample in samples if sample.subset == "train"}
    return sorted(
        sample.id for sample in samples if sample.subset == part and identity.key(records[sample.id], "px") in trained
    )
