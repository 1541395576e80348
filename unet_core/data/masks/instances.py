"""Whether the values of masks are objects' numbers rather than classes."""

from dataclasses import dataclass

from unet_core.data.masks.evidence import Evidence, Pieces
from unet_core.data.masks.values import LABELS, is_color

MOST_CLASSES = 64  # more different values than this are not classes
SINGLE = 0.9  # share of values that are one connected piece
REGULAR = 0.9  # share of masks whose values run from 1 without a gap, or row by row
FEWEST_PIXELS = 8  # of an object, on average: the colors of a photo have one or two
FEWEST_OBJECTS = 6  # in one mask, where the values run from 1
FEWEST_IN_ORDER = 4  # the same where they are also numbered row by row
DIVISOR = 1000  # of codings class * 1000 + object number (Cityscapes, KITTI)


@dataclass(frozen=True)
class InstanceEvidence:
    """What speaks for object numbers: `certain`, or only `likely`; `reason` is the evidence in words."""

    certain: bool
    likely: bool
    reason: str


def gray_value(code: int) -> int | None:
    """The gray level or label of a code; None of a color."""
    return None if is_color(code) else code - LABELS if code >= LABELS else code & 255


def find_instances(evidence: Evidence, void: frozenset[int] = frozenset()) -> InstanceEvidence:
    """Whether masks number their objects.

    Classes come again from image to image and often in several pieces; object numbers differ from image to image, each
    is one piece, they run from 1 without gaps, often row by row, and how many there are varies.
    """
    masks = [pieces.without(void) for pieces in evidence.pieces]
    masks = [pieces for pieces in masks if len(pieces.codes) > 1]
    values = sum(len(pieces.codes) for pieces in masks)
    if not masks:
        return InstanceEvidence(False, False, "")
    single = sum(len(pieces.single) for pieces in masks) / values
    numbers = [len(pieces.codes) for pieces in masks]
    different = len(set(evidence.counts) - void - {0})
    contiguous = sum(_runs_from_one(pieces) for pieces in masks) / len(masks)
    in_order = sum(pieces.in_order for pieces in masks) / len(masks)
    varying = len(set(numbers)) > 1 or (len(masks) == 1 and numbers[0] >= 2 * FEWEST_OBJECTS)
    reason = (
        f"{different} different values in {evidence.files} masks, up to {max(numbers)} in one, "
        f"{single:.0%} of them one connected piece"
    )
    reason += ", numbered from 1 in each mask" * (contiguous >= REGULAR)
    pixels = sum(number for code, number in evidence.counts.items() if code and code not in void)
    if single < SINGLE or pixels < FEWEST_PIXELS * values:
        return InstanceEvidence(False, different > MOST_CLASSES, reason)
    many = different > MOST_CLASSES
    regular = contiguous >= REGULAR and varying and max(numbers) >= FEWEST_OBJECTS
    ordered = in_order >= REGULAR and contiguous >= REGULAR and varying and max(numbers) >= FEWEST_IN_ORDER
    # Labels over 255 are no class numbers, so that only values that come again in each mask could be classes.
    large = max(gray_value(code) or 0 for code in evidence.counts) > 255 and different > max(numbers)
    likely = varying and (different > max(numbers) or max(numbers) >= 2 * FEWEST_OBJECTS)
    return InstanceEvidence(many or regular or ordered or large, likely, reason)


def find_divisor(evidence: Evidence) -> int:
    """1000 where values are class * 1000 + object number, each one connected piece; else 0."""
    numbers = [gray_value(code) for code in evidence.counts]
    labels = [number for number in numbers if number is not None]
    large = [number for number in labels if number >= DIVISOR]
    rest = [number for number in labels if number < DIVISOR and number != 255]
    if len(labels) < len(numbers) or len(large) < 2 or max(rest, default=0) >= MOST_CLASSES:
        return 0
    parts = {number // DIVISOR for number in large}
    pieces = [part for part in evidence.pieces if len(part.codes) > 1]
    values, single = sum(len(part.codes) for part in pieces), sum(len(part.single) for part in pieces)
    small = max(number % DIVISOR for number in large) <= max(64, 4 * len(large))
    return DIVISOR if max(parts) < MOST_CLASSES and small and values and single >= SINGLE * values else 0


def _runs_from_one(pieces: Pieces) -> bool:
    return [gray_value(code) for code in pieces.codes] == list(range(1, len(pieces.codes) + 1))
