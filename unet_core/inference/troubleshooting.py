"""Why is the mask empty? Possible causes, measured on the image and its prediction, the likeliest first; no torch.

A cause carries its remedy: another threshold, or an adjustment of the image (`adjustments.Adjust`) before it is
predicted again.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from unet_core.data import appearance
from unet_core.inference.adjustments import Adjust
from unet_core.inference.observation import (
    ALMOST,
    UNSURE,
    Array,
    ModelFacts,
    Observation,
    levels,
    measure,
    symptom,
    width,
)
from unet_core.io.pixels import full_range

__all__ = [
    "Cause",
    "ModelFacts",
    "Observation",
    "find_causes",
    "is_suspicious",
    "levels",
    "measure",
    "symptom",
    "width",
]

LEARNED = 0.3  # validation Dice under which a model has not learned its task
FEW_LEVELS = 32
FAINT = 0.25  # no probability above this: nothing is there, and no threshold makes it an object
FLAT = 1 / 4096  # of the range: less than a step of twelve bits
LEAPS = 0.04  # share of neighbors that differ by half the range, above which values have wrapped around
SCALES_APART = 1.5  # times the usual range of structure
NOTEWORTHY = 0.85  # weight from which a cause is shown even if the mask itself looks fine


@dataclass(frozen=True)
class Cause:
    """One possible cause: its `name`, what was measured, how likely it is (0..1), and the remedy where there is one."""

    name: str
    sentence: str
    weight: float
    action: str = ""  # what the button says
    threshold: float | None = None
    adjust: Adjust | None = None


def find_causes(observation: Observation, facts: ModelFacts) -> list[Cause]:
    """What may be wrong, the likeliest first; never empty: the last resort gives the range of the probabilities."""
    causes = [cause for check in CHECKS for cause in check(observation, facts)]
    return sorted(causes, key=lambda cause: -cause.weight) or [_no_cause(observation)]


def is_suspicious(observation: Observation, causes: Sequence[Cause]) -> bool:
    """Whether to show the causes: the mask is odd, or the image is far from the training images."""
    return bool(symptom(observation)) or causes[0].weight >= NOTEWORTHY


def _threshold(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """The threshold is outside the range of the probabilities; another one would give a mask."""
    if observation.probability is None or symptom(observation) not in ("empty", "full"):
        return
    better, split = facts.threshold, _two_groups(observation.probability)
    share = float((observation.probability > better * 255).mean())
    sensible = 1e-4 < share < ALMOST and abs(better - observation.threshold) > 0.01
    if not sensible:
        better = max(0.01, math.floor(split * 100) / 100)
        share = float((observation.probability > better * 255).mean())
    most = float(observation.probability.max()) / 255
    if not 1e-4 < share < ALMOST or abs(better - observation.threshold) <= 0.01 or most < FAINT:
        return
    side = f"above {observation.threshold:.2f}, the highest is {most:.2f}"
    problem = f"No pixel has a probability {side}." if symptom(observation) == "empty" else f"Nearly all are {side}."
    yield Cause(
        "threshold",
        f"{problem} At {better:.2f}, {share:.1%} of the image would be foreground.",
        1.0 if sensible else 0.35 + 0.4 * (width(observation.probability) > UNSURE),
        f"Use threshold {better:.2f}",
        threshold=better,
    )


def _untrained(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """A model that has learned nothing predicts nearly the same everywhere, or is known to score badly."""
    remedy = "Train longer, or check the masks it was trained on."
    if facts.batches == 0:
        yield Cause("untrained", f"Untrained weights: their batch norm has processed no batch. {remedy}", 0.98)
        return
    if facts.val_dice is not None:
        # Of several classes, who knows only the most frequent one has at most a Dice of 1 in one of them.
        if facts.val_dice < (LEARNED if facts.num_classes <= 2 else min(LEARNED, 1 / facts.num_classes)):
            score = f"Poorly trained model: its Dice on its own validation images is only {facts.val_dice:.2f}."
            yield Cause("untrained", f"{score} {remedy}", 0.97)
        return
    if observation.probability is None or width(observation.probability) >= UNSURE:
        return
    low, high = levels(observation.probability)
    if low > 0.1 and high < 0.9:
        spread = f"98% of the probabilities are between {low:.2f} and {high:.2f}, as from an untrained model."
        yield Cause("untrained", f"{spread} No score came with its weights. {remedy}", 0.6)


def _flat(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """The image is blank."""
    if observation.look.contrast < FLAT:
        yield Cause(
            "flat",
            f"Blank image: every pixel is at {observation.look.mean:.1%} of the range of {observation.image.dtype}. "
            "Check that the export worked and that this is the right page or channel.",
            0.99,
        )


def _inverted(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """The mean lies between the darkest and the brightest pixel where the training images' would if inverted."""
    if facts.usual is None:
        return
    here, there = observation.look.place, facts.usual.place
    nearer = _outside(here, there) - _outside(1 - here, there)
    if nearer > 0.15:
        bright = there[1] < 0.5
        kinds = ("bright on dark", "dark on bright") if bright else ("dark on bright", "bright on dark")
        yield Cause(
            "inverted",
            f"Inverted contrast: the training images are {kinds[0]} (mean at {there[1]:.0%} of their range), this one "
            f"is {kinds[1]} ({here:.0%}).",
            min(0.95, 0.7 + nearer / 2),
            "Invert the image",
            adjust=replace(observation.adjust, invert=not observation.adjust.invert),
        )


def _bit_depth(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """Twelve bits in a file of sixteen; sixteen cut to their upper eight, or to their lower eight, which wraps."""
    if full_range(observation.image) == 1:
        return
    look, dtype = observation.look, observation.image.dtype
    usual = facts.usual.used if facts.usual else (1.0, 1.0, 1.0)
    if dtype == np.uint8 and look.leaps > LEAPS:
        yield Cause(
            "bit_depth",
            f"Wrapped gray values: neighbors differ by more than half the range in {look.leaps:.0%} of the image, as "
            "when 16-bit values are cut to their lower 8 bits. Export the original again as 16-bit TIFF or PNG.",
            0.96,
        )
    elif look.used < 0.15 and look.used < usual[0] / 3:
        if look.levels > FEW_LEVELS and facts.removes_intensity(look):
            return
        few = f" in {look.levels} gray levels" if look.levels <= FEW_LEVELS else ""
        yield Cause(
            "bit_depth",
            f"Low dynamic range: the image uses {look.used:.1%} of the range of {dtype}{few}, the training images used "
            f"{usual[1]:.0%}. Typical of 12-bit values stored in 16 bits, or of 16 bits reduced to 8.",
            0.96 if look.levels <= FEW_LEVELS else 0.9,
            "" if observation.adjust.stretch else "Stretch the contrast",
            adjust=None if observation.adjust.stretch else replace(observation.adjust, stretch=True),
        )


def _channels(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """Red and blue are swapped: with the opposite sign their difference would be usual."""
    if facts.usual is None or observation.image.shape[2] != 3:
        return
    here, there = observation.look.redness, facts.usual.redness
    as_is, swapped = _outside(here, there), _outside(-here, there)
    if as_is > 0.1 + (there[2] - there[0]) / 4 and swapped < as_is / 3:
        yield Cause(
            "channels",
            f"Red and blue seem swapped: red minus blue is {here:+.2f} of the mean, in the training images it was "
            f"{there[0]:+.2f} to {there[2]:+.2f}.",
            0.9,
            "Swap red and blue",
            adjust=replace(observation.adjust, swap=not observation.adjust.swap),
        )


def _scale(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """The structures in the image are much larger or smaller than in any training image."""
    if facts.usual is None:
        return
    here, there = observation.look.structure, facts.usual.structure
    if not here or not there[0] or there[0] / SCALES_APART <= here <= there[2] * SCALES_APART:
        return
    ratio = here / there[1]
    beyond = here / there[2] if ratio > 1 else there[0] / here  # a varied training set has a wide range
    scale = float(np.clip(float(f"{observation.adjust.scale / ratio:.2g}"), 0.05, 20))
    objects = ""
    if facts.fingerprint and facts.fingerprint.object_diameter:
        size = facts.fingerprint.object_diameter
        objects = f" Training objects of {size:.0f} px would be about {size * ratio:.0f} px here."
    yield Cause(
        "scale",
        f"Objects appear about {max(ratio, 1 / ratio):.2g}x {'larger' if ratio > 1 else 'smaller'} than in training."
        f"{objects}",
        min(0.93, 0.6 + 0.15 * math.log2(beyond)),
        f"Predict at scale {scale:g}",
        adjust=replace(observation.adjust, scale=scale),
    )


def _intensity(observation: Observation, facts: ModelFacts) -> Iterator[Cause]:
    """Much brighter or darker than any training image."""
    if facts.usual is None or facts.removes_intensity(observation.look):
        return
    here, there = observation.look.mean, facts.usual.mean
    if _outside(here, there) > 0.1 + (there[2] - there[0]):
        yield Cause(
            "intensity",
            f"Unusual brightness: the mean is {here:.0%} of the range, that of the training images {there[0]:.0%} to "
            f"{there[2]:.0%}. Check the exposure or stain; the model was not trained on such images.",
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


def _no_cause(observation: Observation) -> Cause:
    text = "No cause found"
    if observation.probability is not None:
        low, high = float(observation.probability.min()) / 255, float(observation.probability.max()) / 255
        text += f"; the probabilities are between {low:.2f} and {high:.2f}"
    return Cause("nothing", f"{text}. The prediction may be right, or the training set has no images like this.", 0.1)


def _outside(value: float, usual: appearance.Range) -> float:
    """How far a value lies outside the usual range; 0 inside."""
    return max(usual[0] - value, value - usual[2], 0.0)


def _two_groups(probability: Array) -> float:
    """The probability that best separates the image into two groups (Otsu 1979), 0..1."""
    return float(cv2.threshold(probability, 0, 255, cv2.THRESH_OTSU)[0]) / 255
