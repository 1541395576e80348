"""What there is to go by when a mask is odd: the picture, the answer, what is known of the model; and what is odd."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unet_core import images, looks
from unet_core.adjust import Adjust
from unet_core.fingerprint import Fingerprint

ALMOST = 0.995  # share of the pixels from which a mask counts as full, or as of one class
UNSURE = 0.35  # width of the middle 98 % of the probabilities under which the model tells nothing apart

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Known:
    """What is known of the model; what its checkpoint does not tell is left at its default."""

    threshold: float = 0.5
    fingerprint: Fingerprint | None = None  # of its training images
    usual: looks.Usual | None = None  # what they looked like
    val_dice: float | None = None
    batches: int | None = None  # that its batch norm has seen; None without one


@dataclass(frozen=True)
class Seen:
    """A picture (H, W, C) as it was read, what was changed in it, and the answer.

    `probability` (H, W) uint8 in 1/255 for one class, else None; `mask` (H, W) class indices at `threshold`.
    """

    image: images.Pixels
    mask: Array
    probability: Array | None
    threshold: float
    adjust: Adjust = field(default_factory=Adjust)
    known_look: looks.Look | None = None  # where it was worked out before: no threshold changes it

    @cached_property
    def look(self) -> looks.Look:
        """Of the picture as the net saw it."""
        return self.known_look or look_of(self.image, self.adjust)


def look_of(image: images.Pixels, adjust: Adjust) -> looks.Look:
    """The look of a picture (H, W, C) after it was changed."""
    return looks.of(adjust.apply(looks.middle(image)))


def symptom(seen: Seen) -> str:
    """ "empty", "full", "one class", "unsure", or "" where nothing is odd about the mask itself."""
    share = float((seen.mask > 0).mean())
    if seen.probability is None:
        largest = np.bincount(seen.mask.ravel()).max() / seen.mask.size
        return "one class" if largest >= ALMOST else ""
    if share <= 1e-5:
        return "empty"
    if share >= ALMOST:
        return "full"
    return "unsure" if width(seen.probability) < UNSURE and levels(seen.probability)[1] < 0.8 else ""


def levels(probability: Array) -> tuple[float, float]:
    """The 1st and 99th percentile of the probabilities."""
    low, high = np.percentile(probability, (1, 99)) / 255
    return float(low), float(high)


def width(probability: Array) -> float:
    """How far these two lie apart."""
    low, high = levels(probability)
    return high - low
