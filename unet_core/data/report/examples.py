"""Small pictures of samples with the outlines of their masks, before and after repairs."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from unet_core.data import reading
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.masks.files import foreground
from unet_core.data.masks.raw import RawMask
from unet_core.data.recipe.recipe import Repair
from unet_core.errors import DataError
from unet_core.io.html.pictures import Picture, as_color, encode_jpeg, shrink
from unet_core.io.pixels import for_display

SIDE = 220  # pixels of the longer side
TINT = 0.2  # of the inside of objects
OUTLINE = (255, 64, 0)
IGNORED = (120, 120, 255)


@dataclass(frozen=True)
class Example:
    """A sample as it is and as some repairs would make it, as `data:` addresses; "" where there is none."""

    id: str
    before: str = ""
    after: str = ""


def make_example(sample: Sample, coding: MaskCoding | None, repairs: Iterable[Repair] = ()) -> Example:
    """The pictures of a sample; a file that cannot be read gives none."""
    ours = tuple(repair for repair in repairs if repair.concerns(sample.id))
    before = after = ""
    with suppress(DataError):
        before = encode_jpeg(_draw(sample, coding))
    if ours:
        with suppress(DataError):
            after = encode_jpeg(_draw(replace(sample, repairs=(*sample.repairs, *ours)), coding))
    return Example(sample.id, before, after if after != before else "")


def _draw(sample: Sample, coding: MaskCoding | None) -> Picture:
    """The image with its mask outlined; where they do not fit, side by side. Raises DataError."""
    image = reading.read_image(sample)
    shown = shrink(as_color(for_display(image)), SIDE)
    try:
        raw = files.read(sample, image.shape)
    except DataError:
        return shown
    classes = _classes(raw, coding)
    return _outline(shown, classes)


def _classes(raw: RawMask, coding: MaskCoding | None) -> Picture:
    """(H, W) class indices; what is not 0 where the values have no meaning."""
    if coding is not None:
        with suppress(DataError):
            return coding.apply(raw)
    mask = foreground(raw.as_colors())
    return mask if raw.ignored is None else np.where(raw.ignored, np.uint8(IGNORE), mask)


def _outline(picture: Picture, classes: Picture) -> Picture:
    import cv2

    height, width = picture.shape[:2]
    small = cv2.resize(classes, (width, height), interpolation=cv2.INTER_NEAREST)
    drawn = picture.copy()
    drawn[small == IGNORE] = drawn[small == IGNORE] // 2 + np.array(IGNORED, np.uint8) // 2
    for label in np.unique(small).tolist():
        if label not in (0, IGNORE):
            inside = small == label
            drawn[inside] = (drawn[inside] * (1 - TINT) + np.array(OUTLINE) * TINT).astype(np.uint8)
            contours, _ = cv2.findContours((small == label).view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
            cv2.drawContours(drawn, contours, -1, OUTLINE, 1)
    return drawn
