"""Where the missing Dice of an image went: outlines, missed and false objects, merges, splits, wrong classes.

Each wrong pixel has one cause, so the shares of the causes add up to 1 - Dice.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.measures.objects import compact
from unet_core.postprocessing import objects

Array = NDArray[np.uint8]
Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]

BAND = 2  # pixels from a true outline: wrong pixels so near are a matter of the outline
SEEN = 0.25  # share of an object that the other mask must cover, else it is missed (or false)
MOST_NAMED = 4
PART = 0.1  # share of a true object that each part of a split must have at least: specks are no parts
CAUSES: dict[str, str] = {  # in the order of the numbers in the map of causes, from 1
    "outline": "outlines",
    "partial": "parts of objects",
    "merge": "between objects that are merged",
    "split": "between parts of objects that are split",
    "missed": "missed objects",
    "false": "false objects",
    "wrong_class": "wrong classes",
}
NUMBER = {name: number for number, name in enumerate(CAUSES, 1)}


@dataclass(frozen=True)
class ErrorAnalysis:
    """The causes of one image's errors.

    `shares` has, for each of CAUSES, how much Dice it costs; they add up to 1 - `dice`, and are NaN where that is
    undefined. `areas` are those of the true objects in pixels, `missed` and `false` those of missed and false ones.
    `merges` says for each predicted object that merges how many true ones, `splits` for each true object that is split
    into how many parts. `confused` are the true objects with more pixels of a wrong class than of their own.
    """

    dice: float
    shares: dict[str, float]
    areas: tuple[int, ...]
    missed: tuple[int, ...]
    false: tuple[int, ...]
    merges: tuple[int, ...]
    splits: tuple[int, ...]
    confused: int

    @property
    def sentence(self) -> str:
        """One sentence: what cost most, at most MOST_NAMED causes, and faults of objects that cost hardly any Dice.

        >>> truth = np.zeros((40, 40), np.uint8)
        >>> truth[2:22, 2:22], truth[30:34, 30:34] = 1, 1
        >>> pred = truth * (np.arange(40) < 25)
        >>> explain_errors(pred, truth, 1)[0].sentence
        'Dice 0.98: lost 0.02 to 1 of 2 objects missed, under 20 px.'
        """
        if math.isnan(self.dice):
            return "Nothing to find, and nothing predicted."
        costs = sorted(self.shares.items(), key=lambda item: -item[1])
        parts = [f"{cost:.2f} to {self._describe(name)}" for name, cost in costs[:MOST_NAMED] if cost >= 0.005]
        cheap = ", ".join(self._describe(name) for name, cost in costs if cost < 0.005 and self.count(name))
        if not parts and not cheap:
            return f"Dice {self.dice:.2f}: {'no errors' if self.dice == 1 else 'a few pixels'}."
        if not parts:
            return f"Dice {self.dice:.2f}, but {cheap}."
        return f"Dice {self.dice:.2f}: lost {'; '.join(parts)}{f'; also {cheap}' if cheap else ''}."

    def count(self, name: str) -> int:
        """How many objects have this fault, one of CAUSES; 0 for `outline` and `partial`, which are not counted."""
        numbers = {"missed": self.missed, "false": self.false, "merge": self.merges, "split": self.splits}
        return self.confused if name == "wrong_class" else len(numbers.get(name, ()))

    def _describe(self, name: str) -> str:
        count, total = self.count(name), len(self.areas)
        if not count:
            return CAUSES[name]
        if name == "missed":
            return f"{count} of {total} objects missed{self._size_of_missed()}"
        if name == "false":
            return f"{count} false object{'s' if count > 1 else ''}"
        if name == "merge":
            return f"{count} merge{'s' if count > 1 else ''} of {sum(self.merges)} objects"
        if name == "split":
            return f"{count} object{'s' if count > 1 else ''} split into {sum(self.splits)} parts"
        return f"{count} of {total} objects with a wrong class"

    def _size_of_missed(self) -> str:
        """Which ones they are, where they are smaller than most of the others."""
        remaining = list(self.areas)
        for area in self.missed:
            remaining.remove(area)
        largest = max(self.missed)
        if not remaining or largest >= float(np.median(remaining)):
            return ""
        step = 10 ** max(1, len(str(largest)) - 2)
        return f", {'all ' if len(self.missed) > 1 else ''}under {(largest // step + 1) * step} px"


def explain_errors(
    pred: Array, target: Array, num_classes: int, numbers: NDArray[np.int32] | None = None, band: int = BAND
) -> tuple[ErrorAnalysis, Array]:
    """The analysis of a predicted mask (H, W) of class indices, and (H, W) the cause of each wrong pixel.

    In the second, 0 is no error, 1 the first of CAUSES and so on. True objects are `numbers` (H, W), 0 = none, or where
    there are none (None) what is connected in `target` and of one class. The rules, the first that holds:

    - wrong_class: both masks have a class there, but not the same, and the object is taken for another class as a whole
      or the pixel is farther than `band` pixels from a true outline.
    - missed: of a true object of which less than a quarter is predicted, as whatever class.
    - false: of a predicted object of which less than a quarter is a true object.
    - merge: a predicted object holds half of two true objects or more. Its false positives count as merge that lie
      within `band` of two true objects or of none, and what is within `band` of these.
    - split: the same with the masks exchanged; each part is a tenth of the true object at least.
    - outline: within `band` pixels of a true outline.
    - partial: all else, what is missing from an object or added to it.

    A pixel costs its share of the Dice: 1 / (2 TP + FP + FN), for several classes of both of its classes, by the number
    of classes that are scored.
    """
    counted = target != IGNORE
    true_class, pred_class = (np.where(counted, mask, 0).astype(np.uint8) for mask in (target, pred))
    true = compact(np.where(true_class > 0, objects.label(true_class) if numbers is None else numbers, 0))
    predicted = objects.label(pred_class).astype(np.int64)
    near = meets_several(true, band, background=True)
    too_much, too_little = (pred_class > 0) & (true_class == 0), (pred_class == 0) & (true_class > 0)
    confusion = (pred_class > 0) & (true_class > 0) & (pred_class != true_class)

    areas, sizes = np.bincount(true.ravel()), np.bincount(predicted.ravel())
    is_missed = _count(true, pred_class > 0, len(areas)) < SEEN * areas
    is_false = _count(predicted, true_class > 0, len(sizes)) < SEEN * sizes
    is_confused = _count(true, confusion, len(areas)) > _count(true, pred_class == true_class, len(areas))
    merged, parts = _find_merges_and_splits(true, predicted, areas, sizes)
    for flags in (is_missed, is_false, is_confused):
        flags[0] = False

    causes = np.zeros(target.shape, np.uint8)
    causes[too_much | too_little | confusion] = NUMBER["partial"]
    causes[(causes > 0) & near] = NUMBER["outline"]
    causes[_bridge(too_much & (merged > 1)[predicted], near, true, band)] = NUMBER["merge"]
    causes[_bridge(too_little & (parts > 1)[true], near, predicted, band)] = NUMBER["split"]
    causes[too_little & is_missed[true]] = NUMBER["missed"]
    causes[too_much & is_false[predicted]] = NUMBER["false"]
    causes[confusion & (is_confused[true] | ~near)] = NUMBER["wrong_class"]

    dice, shares = _share(causes, pred_class, target, num_classes)
    analysis = ErrorAnalysis(
        dice,
        shares,
        areas=tuple(areas[1:].tolist()),
        missed=tuple(areas[is_missed].tolist()),
        false=tuple(sizes[is_false].tolist()),
        merges=tuple(merged[merged > 1].tolist()),
        splits=tuple(parts[parts > 1].tolist()),
        confused=int(is_confused.sum()),
    )
    return analysis, causes


def _share(causes: Array, pred: Array, target: Array, num_classes: int) -> tuple[float, dict[str, float]]:
    """The Dice of the image, and what each cause takes from it."""
    counts = metrics.count(pred, target, num_classes)
    scores, total = metrics.dice(counts), 2 * counts.tp + counts.fp + counts.fn
    defined = int((~np.isnan(scores)).sum())
    if not defined:
        return math.nan, dict.fromkeys(CAUSES, math.nan)
    labels = max(num_classes, 2)
    weights = np.zeros(labels)
    weights[1 if num_classes == 1 else 0 :] = np.divide(1, total * defined, out=np.zeros_like(total), where=total > 0)
    wrong = causes > 0
    cost = weights[target[wrong]] + weights[pred[wrong]]
    sums = np.bincount(causes[wrong], weights=cost, minlength=len(CAUSES) + 1)
    return metrics.mean(scores), {name: float(sums[number]) for name, number in NUMBER.items()}


def _count(numbers: Numbers, flags: Flags, length: int) -> NDArray[np.int64]:
    """(length,) the flagged pixels of each number."""
    return np.bincount(numbers[flags], minlength=length)


def _find_merges_and_splits(
    true: Numbers, predicted: Numbers, areas: NDArray[np.int64], sizes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many true objects each predicted one holds half of, and how many parts each true one has."""
    both = (true > 0) & (predicted > 0)
    keys, overlap = np.unique(predicted[both] * len(areas) + true[both], return_counts=True)
    outer, inner = np.divmod(keys, len(areas))
    held = 2 * overlap >= areas[inner]
    part = (2 * overlap >= sizes[outer]) & (overlap >= PART * areas[inner])
    return np.bincount(outer[held], minlength=len(sizes)), np.bincount(inner[part], minlength=len(areas))


def _bridge(wrong: Flags, near: Flags, others: Numbers, band: int) -> Flags:
    """Of the wrong pixels in merged (or split) objects those that join (or part) what the other mask keeps apart."""
    if not wrong.any():
        return wrong
    core = wrong & (~near | meets_several(others, band, background=False))
    return wrong & (cv2.dilate(core.view(np.uint8), _disk(band)) > 0)


def meets_several(numbers: NDArray[np.integer], band: int, background: bool) -> Flags:
    """(H, W) whether two different numbers lie within `band` pixels; 0 is one of them if `background` says so."""
    values = numbers.astype(np.float32)  # exact up to 16 million objects
    highest = cv2.dilate(values, _disk(band))
    lowest = cv2.erode(values if background else np.where(values > 0, values, np.inf).astype(np.float32), _disk(band))
    return np.asarray((highest > 0) & (lowest < highest))


def _disk(radius: int) -> Array:
    steps = np.arange(-radius, radius + 1)
    return (steps[:, None] ** 2 + steps**2 <= radius**2).astype(np.uint8)
