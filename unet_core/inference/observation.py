"""What the search for causes looks at: an image and its prediction, what is known of the model, what is odd."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unet_core.config.choices import FIXED_NORMALIZATIONS
from unet_core.data import appearance
from unet_core.data.fingerprint import Fingerprint
from unet_core.inference.adjustments import Adjust
from unet_core.io.pixels import Pixels

ALMOST = 0.995  # share of the pixels from which a mask counts as full, or as of one class
FLOOR = 1 / 255  # of the range: the least deviation that z-scores divide by
UNSURE = 0.35  # width of the middle 98% of the probabilities under which the model does not discriminate
CONFIDENT = 0.1  # probability up to which a pixel is background without doubt
Array = NDArray[np.uint8]


@dataclass(frozen=True)
class ModelFacts:
    """What is known of the model; what its checkpoint does not say is left at its default."""

    threshold: float = 0.5
    fingerprint: Fingerprint | None = None  # of its training images
    usual: appearance.TypicalStats | None = None  # what they looked like
    val_dice: float | None = None
    num_classes: int = 1
    batches: int | None = None  # that its batch norm has seen; None without one
    normalization: str = "unit"  # of its input; a fixed one removes neither brightness nor contrast

    def removes_intensity(self, look: appearance.ImageStats) -> bool:
        """Whether brightness and contrast of an image are the same to the model as those of any other.

        z-scores remove both, but for images so faint that their deviation is below its floor (`data.normalization`).
        """
        return self.normalization not in FIXED_NORMALIZATIONS and look.deviation >= FLOOR


@dataclass(frozen=True)
class Observation:
    """An image (H, W, C) as it was read, how it was adjusted, and its prediction.

    `probability` (H, W) uint8 in 1/255 for one class, else None; `mask` (H, W) class indices at `threshold`.
    """

    image: Pixels
    mask: Array
    probability: Array | None
    threshold: float
    adjust: Adjust = field(default_factory=Adjust)
    known_look: appearance.ImageStats | None = None  # if measured before: no threshold changes it

    @cached_property
    def look(self) -> appearance.ImageStats:
        """The statistics of the image as the model got it."""
        return self.known_look or measure(self.image, self.adjust)


def measure(image: Pixels, adjust: Adjust) -> appearance.ImageStats:
    """The statistics of an image (H, W, C) after it was adjusted."""
    return appearance.measure(adjust.apply(appearance.middle(image)))


def symptom(observation: Observation) -> str:
    """ "empty", "full", "one class", "unsure", or "" where nothing is odd about the mask itself."""
    share = float((observation.mask > 0).mean())
    if observation.probability is None:
        largest = np.bincount(observation.mask.ravel()).max() / observation.mask.size
        return "one class" if largest >= ALMOST else ""
    if share <= 1e-5:
        return "empty"
    if share >= ALMOST:
        return "full"
    return "unsure" if _is_unsure(observation.probability) else ""


def _is_unsure(probability: Array) -> bool:
    """Whether the probabilities say little anywhere. A few small objects on a certain background are no doubt."""
    is_narrow = width(probability) < UNSURE and levels(probability)[1] < 0.8
    return is_narrow and float(np.median(probability)) > CONFIDENT * 255


def levels(probability: Array) -> tuple[float, float]:
    """The 1st and 99th percentile of the probabilities."""
    low, high = np.percentile(probability, (1, 99)) / 255
    return float(low), float(high)


def width(probability: Array) -> float:
    """How far these two lie apart."""
    low, high = levels(probability)
    return high - low
