"""What trains without an error and yet is hardly meant, in sentences for the user."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from unet_core.data.discovery import content_hash
from unet_core.data.label_map import IGNORE
from unet_core.data.layouts import Sample
from unet_core.errors import listing


def find_problems(found: set[int], kinds: Iterable[tuple[np.dtype[Any], int]], samples: list[Sample]) -> Iterator[str]:
    """`found` are the class indices in all masks, `kinds` type and channels of each image as stored."""
    if found == {IGNORE}:
        yield "All pixels of all masks are ignored, so nothing can be learned; is ignore_index right?"
    elif found <= {0, IGNORE}:
        yield "All masks are background alone, so nothing can be learned but to find nothing; are they the right masks?"
    depths, channels = Counter[str](), Counter[str]()
    for dtype, number in kinds:
        depths[str(dtype)] += 1
        channels["gray" if number == 1 else "in colors"] += 1
    for what, words in (("bit depths", depths), ("channels", channels)):
        if len(words) > 1:
            parts = ", ".join(f"{images} {name}" for name, images in sorted(words.items()))
            yield f"The images differ in their {what} ({parts}); check that all come from the same source."
    if twins := in_train_and_val(samples):
        yield (
            f"{len(twins)} images lie in train and in val as well, so that the score flatters: {listing(twins)}. Take "
            "them out of one of the two folders."
        )


def in_train_and_val(samples: Iterable[Sample]) -> list[str]:
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
