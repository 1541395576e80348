"""Warnings about data that trains without an error and yet is hardly intended."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.groups import identity
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.masks.values import format_code
from unet_core.errors import ImageError, listing
from unet_core.io import images

TURNABLE = (".jpg", ".jpeg", ".heic", ".heif")  # cameras write an orientation into these
FEWEST_REPEATED = 4  # masks, so that being the same says something
REPEATED = 0.005  # share of pixels in which the same masks may differ
MOST_FOREGROUND = 0.5  # share of the pixels, and of those at the borders: above both the masks may be inverted
MOST_BORDER = 0.9


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
            parts = ", ".join(f"{number} {name}" for name, number in sorted(words.items()))
            yield f"The images have different {what} ({parts}). Check that all come from the same source."
    for part, word in (("val", "validation"), ("test", "test")):
        if twins := find_leaks(samples, records, part):
            yield (
                f"{len(twins)} images are in both train and {part}, so {word} scores are too high: {listing(twins)}. "
                "Remove them from one of the two folders."
            )


def find_turned(samples: Iterable[Sample]) -> Iterator[str]:
    """A warning where photos are turned upright by their EXIF orientation and their masks are not.

    Where height and width are swapped by it the sizes differ, which is refused; a square photo or one that stands on
    its head shows nothing.
    """
    turned = []
    for sample in samples:
        if sample.image.suffix.lower() in TURNABLE and len(sample.masks) == 1 and sample.drawing is None:
            if any(repair.kind == "turn" for repair in sample.repairs):
                continue  # the mask is turned as well
            with suppress(ImageError):
                if images.orientation(sample.image) != 1 and images.orientation(sample.masks[0]) == 1:
                    turned.append(sample.image.name)
    if turned:
        yield (
            f"{len(turned)} photos are turned by their EXIF orientation and their masks are not: {listing(turned, 3)}. "
            "Look at them with their masks; if these lie wrong, save the photos as they are stored."
        )


def find_repeated(masks: Sequence[NDArray[np.uint8]], number: int) -> Iterator[str]:
    """A warning where nearly all of some masks are the same: a field of view or a template, and no ground truth.

    `number` is how many masks the dataset has, for the sentence.
    """
    first = masks[0] if len(masks) >= FEWEST_REPEATED else None
    if first is None or not 0.02 < (first > 0).mean() < 0.98:
        return
    same = sum(mask.shape == first.shape and (mask != first).mean() <= REPEATED for mask in masks)
    if same >= 0.9 * len(masks):
        yield (
            f"{same} of {len(masks)} masks (of {number} in all) are nearly the same, as a field of view or a template "
            "is. Check that they are the ground truth."
        )


def find_inverted(masks: Sequence[NDArray[np.uint8]], coding: MaskCoding) -> Iterator[str]:
    """A warning where the foreground of binary masks is what lies around: it covers most pixels and nearly all borders.

    The remedy names the two values the other way around.
    """
    values = {index: code for code, index in coding.classes}
    if coding.kind != "binary" or len(coding.classes) != 2 or coding.threshold is not None or len(masks) < 2:
        return
    shares = [(mask == 1).mean() for mask in masks]
    borders = [(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]) == 1).mean() for mask in masks]
    if np.mean(shares) > MOST_FOREGROUND and np.mean(borders) > MOST_BORDER:
        yield (
            f"The foreground ({format_code(values[1])}) covers {np.mean(shares):.0%} of the pixels and "
            f"{np.mean(borders):.0%} of the borders of the masks. If it is the background, set color_map to "
            f'"{format_code(values[1])};{format_code(values[0])}".'
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
