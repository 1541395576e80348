"""Why is it black? What can be measured of a picture and its answer, in words, the likeliest cause first; no torch.

A cause carries its remedy: another threshold, or a change of the picture (`adjust.Adjust`) before it is predicted anew.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data import appearance
from unet_core.data.fingerprint import Fingerprint
from unet_core.inference.adjustments import Adjust
from unet_core.io.pixels import Pixels, full_range

ALMOST = 0.995  # share of the pixels from which a mask counts as full, or as of one class
UNSURE = 0.35  # width of the middle 98 % of the probabilities under which the model tells nothing apart

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class ModelFacts:
    """What is known of the model; what its checkpoint does not tell is left at its default."""

    threshold: float = 0.5
    fingerprint: Fingerprint | None = None  # of its training images
    usual: appearance.TypicalStats | None = None  # what they looked like
    val_dice: float | None = None
    batches: int | None = None  # that its batch norm has seen; None without one


@dataclass(frozen=True)
class Observation:
    """A picture (H, W, C) as it was read, what was changed in it, and the answer.

    `probability` (H, W) uint8 in 1/255 for one class, else None; `mask` (H, W) class indices at `threshold`.
    """

    image: Pixels
    mask: Array
    probability: Array | None
    threshold: float
    adjust: Adjust = field(default_factory=Adjust)
    known_look: appearance.ImageStats | None = None  # where it was worked out before: no threshold changes it

    @cached_property
    def look(self) -> appearance.ImageStats:
        """Of the picture as the net saw it."""
        return self.known_look or measure(self.image, self.adjust)


def measure(image: Pixels, adjust: Adjust) -> appearance.ImageStats:
    """The look of a picture (H, W, C) after it was changed."""
    return appearance.measure(adjust.apply(appearance.middle(image)))


def symptom(seen: Observation) -> str:
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


LEARNED = 0.3  # validation Dice under which a model has not learned what it is asked for
FEW_LEVELS = 32
FLAT = 1 / 4096  # of the range: less than a step of twelve bits
LEAPS = 0.04  # share of neighbors that differ by half the range, above which values have wrapped around
SCALES_APART = 1.5  # times the usual range of structure
NOTEWORTHY = 0.85  # weight from which a cause is told of though the mask itself looks well


@dataclass(frozen=True)
class Cause:
    """One possible cause: its `name`, what was measured, how likely it is (0..1), and the remedy where there is one."""

    name: str
    sentence: str
    weight: float
    action: str = ""  # what the button says
    threshold: float | None = None
    adjust: Adjust | None = None


def find_causes(seen: Observation, known: ModelFacts) -> list[Cause]:
    """What may be wrong, the likeliest first; never empty: the last resort says what the model itself says."""
    found = [cause for check in CHECKS for cause in check(seen, known)]
    return sorted(found, key=lambda cause: -cause.weight) or [_nothing_there(seen)]


def is_suspicious(seen: Observation, found: Sequence[Cause]) -> bool:
    """Whether the user should be told of the `causes`: an odd mask, or a picture far from all that the model knows."""
    return bool(symptom(seen)) or found[0].weight >= NOTEWORTHY


def _threshold(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """The threshold lies beside all that the model finds, which another one would show."""
    if seen.probability is None or symptom(seen) not in ("empty", "full"):
        return
    _, highest = levels(seen.probability)
    better, split = known.threshold, _two_groups(seen.probability)
    share = float((seen.probability > better * 255).mean())
    sensible = 1e-4 < share < ALMOST and abs(better - seen.threshold) > 0.01
    if not sensible:
        better = max(0.01, math.floor(split * 100) / 100)
        share = float((seen.probability > better * 255).mean())
    if not 1e-4 < share < ALMOST or abs(better - seen.threshold) <= 0.01 or highest < 0.05:
        return
    most = float(seen.probability.max()) / 255
    side = f"above {seen.threshold:.2f}, the highest is {most:.2f}"
    told = f"No pixel has a probability {side}." if symptom(seen) == "empty" else f"Nearly all are {side}."
    yield Cause(
        "threshold",
        f"{told} At {better:.2f} {share:.1%} of the picture would be foreground.",
        1.0 if sensible else 0.35 + 0.4 * (width(seen.probability) > UNSURE),
        f"Use threshold {better:.2f}",
        threshold=better,
    )


def _untrained(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """A net that has learned nothing answers nearly the same everywhere, or is known to score badly."""
    remedy = "Train longer, or look at the masks it was trained on."
    if known.batches == 0:
        told = "These weights were never trained: their batch norm has seen no batch."
        yield Cause("untrained", f"{told} {remedy}", 0.98)
        return
    if known.val_dice is not None:
        if known.val_dice < LEARNED:
            told = f"This model reached a Dice of only {known.val_dice:.2f} on its own validation images: "
            yield Cause("untrained", f"{told}it has not learned to find anything. {remedy}", 0.97)
        return
    if seen.probability is None or width(seen.probability) >= UNSURE:
        return
    low, high = levels(seen.probability)
    if low > 0.1 and high < 0.9:
        told = f"98 % of the probabilities lie between {low:.2f} and {high:.2f}: the model tells nothing apart, as "
        yield Cause("untrained", f"{told}an untrained net does. No score came with its weights. {remedy}", 0.6)


def _flat(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """Nothing at all is in the picture."""
    if seen.look.contrast < FLAT:
        yield Cause(
            "flat",
            f"The picture is one flat gray, at {seen.look.mean:.1%} of the range of {seen.image.dtype}: nothing "
            "is in it. Was it exported empty, or is it another page or channel that you meant?",
            0.99,
        )


def _inverted(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """Where the mean lies between the darkest and the brightest: mirrored against the training."""
    if known.usual is None:
        return
    here, there = seen.look.place, known.usual.place
    nearer = _outside(here, there) - _outside(1 - here, there)
    if nearer > 0.15:
        bright = there[1] < 0.5
        kinds = ("bright on dark", "dark on bright") if bright else ("dark on bright", "bright on dark")
        yield Cause(
            "inverted",
            f"The contrast is the other way round: the training images are {kinds[0]} (mean at {there[1]:.0%} of their "
            f"range), this one is {kinds[1]} ({here:.0%}).",
            min(0.95, 0.7 + nearer / 2),
            "Invert the picture",
            adjust=replace(seen.adjust, invert=not seen.adjust.invert),
        )


def _bit_depth(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """Twelve bits in a file of sixteen; sixteen cut to their upper eight, or to their lower eight, which wraps."""
    if full_range(seen.image) == 1:
        return
    gray_levels, used, leaps, dtype = seen.look.levels, seen.look.used, seen.look.leaps, seen.image.dtype
    usual = known.usual.used if known.usual else (1.0, 1.0, 1.0)
    if dtype == np.uint8 and leaps > LEAPS:
        yield Cause(
            "bit_depth",
            f"Neighboring pixels differ by more than half the range in {leaps:.0%} of the picture: 16-bit values that "
            "were cut to their lower 8 bits look like this. Save the original anew as 16-bit TIFF or PNG.",
            0.96,
        )
    elif used < 0.15 and used < usual[0] / 3:
        few = f" in {gray_levels} gray levels" if gray_levels <= FEW_LEVELS else ""
        yield Cause(
            "bit_depth",
            f"Only {used:.1%} of the range of {dtype} is in use{few}; the training images used {usual[1]:.0%}. "
            "A 16-bit picture that was read as 8 bits, or 12 bits stored in 16, looks like this.",
            0.96 if gray_levels <= FEW_LEVELS else 0.9,
            "" if seen.adjust.stretch else "Stretch the contrast",
            adjust=None if seen.adjust.stretch else replace(seen.adjust, stretch=True),
        )


def _channels(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """Red and blue have changed places: their difference is usual the other way round."""
    if known.usual is None or seen.image.shape[2] != 3:
        return
    here, there = seen.look.redness, known.usual.redness
    as_is, swapped = _outside(here, there), _outside(-here, there)
    if as_is > 0.1 and swapped < as_is / 3:
        yield Cause(
            "channels",
            "The colors fit the training images with red and blue exchanged: red less blue is "
            f"{here:+.2f} of the mean, usual is {there[0]:+.2f} to {there[2]:+.2f}.",
            0.9,
            "Swap red and blue",
            adjust=replace(seen.adjust, swap=not seen.adjust.swap),
        )


def _scale(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """What is in the picture is much coarser or finer than in any image of the training."""
    if known.usual is None:
        return
    here, there = seen.look.structure, known.usual.structure
    if not here or not there[0] or there[0] / SCALES_APART <= here <= there[2] * SCALES_APART:
        return
    ratio = here / there[1]
    scale = float(np.clip(float(f"{seen.adjust.scale / ratio:.2g}"), 0.05, 20))
    objects = ""
    if known.fingerprint and known.fingerprint.object_diameter:
        size = known.fingerprint.object_diameter
        objects = f" Objects of {size:.0f} px there would measure about {size * ratio:.0f} px here."
    yield Cause(
        "scale",
        f"What is in this picture is {'coarser' if ratio > 1 else 'finer'} than in the training images, by a factor of "
        f"about {max(ratio, 1 / ratio):.1f}.{objects}",
        min(0.93, 0.6 + 0.15 * abs(math.log2(ratio))),
        f"Predict at scale {scale:g}",
        adjust=replace(seen.adjust, scale=scale),
    )


def _intensity(seen: Observation, known: ModelFacts) -> Iterator[Cause]:
    """Much brighter or darker than any image of the training."""
    if known.usual is None:
        return
    here, there = seen.look.mean, known.usual.mean
    if _outside(here, there) > 0.1 + (there[2] - there[0]):
        yield Cause(
            "intensity",
            f"Its mean brightness is {here:.0%} of the range, that of the training images {there[0]:.0%} to "
            f"{there[2]:.0%}: another kind of picture, stain or exposure. A model knows what it was shown.",
            0.4,
        )


CHECKS: tuple[Callable[[Observation, ModelFacts], Iterator[Cause]], ...] = (
    _threshold,
    _untrained,
    _flat,
    _inverted,
    _bit_depth,
    _channels,
    _scale,
    _intensity,
)


def _nothing_there(seen: Observation) -> Cause:
    told = "Nothing measured speaks against the picture"
    if seen.probability is not None:
        low, high = float(seen.probability.min()) / 255, float(seen.probability.max()) / 255
        told += f", and the probabilities lie between {low:.2f} and {high:.2f}"
    return Cause("nothing", f"{told}: the model may be right, or it was never shown pictures like this one.", 0.1)


def _outside(value: float, usual: appearance.Range) -> float:
    """How far a value lies outside the usual range; 0 inside."""
    return max(usual[0] - value, value - usual[2], 0.0)


def _two_groups(probability: Array) -> float:
    """The probability that parts the picture best into two groups (Otsu 1979), 0..1."""
    return float(cv2.threshold(probability, 0, 255, cv2.THRESH_OTSU)[0]) / 255
