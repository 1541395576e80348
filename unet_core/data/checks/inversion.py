"""Which masks mark as foreground what the others mark as background."""

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from unet_core.data.checks.facts import SampleFacts

FEWEST = 4  # masks with foreground, to say what is usual
CERTAIN = 9.0  # difference of squared deviations, as of a mask that is three deviations off and inverted none
EVEN = 0.6  # log odds of the usual share of foreground, below which it may as well be the background
MOST_INVERTED = 0.35  # share of the masks up to which the others say what is usual
LIKELY = 4.0
MOST_OFF = 16.0  # that one number may contribute
USUAL = 2.5  # deviations within which an inverted mask must be usual
FEWEST_HALVES = 6  # masks, so that two kinds of them say something
SIDE = 0.9  # share of the masks that must lie clearly on their side
CLEAR = 0.35  # of the usual amount of a number, from where on it is clear
FLAT = 0.25  # usual log odds or contrast, below which a number says nothing

Row = tuple[float, ...]


def find_inverted(masks: Sequence[SampleFacts]) -> list[SampleFacts]:
    """Masks that are unusual as they are and usual the other way around, the most certain first.

    `masks` have some foreground and some background. Compared are the shares of foreground in all pixels and at the
    borders. Where foreground and background usually cover as much, which of them is brighter decides. Where up to half
    of the masks are inverted, none of them is unusual: all numbers then come with both signs.
    """
    if len(masks) < FEWEST:
        return []
    if halves := _find_halves(masks):
        return halves
    rows = {facts.id: (_logit(facts.foreground), _logit(facts.border_foreground)) for facts in masks}
    if abs(median(row[0] for row in rows.values())) < EVEN:
        return _find_other_polarity(masks)
    chosen: dict[str, float] = {}
    for needed in (LIKELY, LIKELY, LIKELY, CERTAIN):  # many inverted masks hide what is usual until they are set apart
        chosen = _compare(rows, chosen, needed)
    inverted = [facts for facts in masks if facts.id in chosen]
    return sorted(inverted, key=lambda facts: (-chosen[facts.id], facts.id))


def _find_halves(masks: Sequence[SampleFacts]) -> list[SampleFacts]:
    """The smaller of two kinds of masks, each of which is the other turned around; [] where there are no such two.

    Three numbers change their sign with a mask: the log odds of the two shares and the contrast. At least two of them
    must have a sign of their own in either kind and be about as large in both; the third may say nothing, as where
    bright and dark objects are mixed, but must not be the same in both kinds.
    """
    if len(masks) < FEWEST_HALVES:
        return []
    rows = np.array([(_logit(facts.foreground), _logit(facts.border_foreground), facts.contrast) for facts in masks])
    for column in range(rows.shape[1]):
        side = np.where(rows[:, column] < 0, -1.0, 1.0)
        if (side > 0).sum() * 2 > len(side):
            side = -side  # 1 = the smaller kind
        if (side > 0).sum() < 2 or (side > 0).sum() * 2 == len(side):
            continue
        states = [_judge(rows[:, number], side) for number in range(rows.shape[1])]
        if states.count("turned") >= 2 and "same" not in states:
            turned = [number for number, state in enumerate(states) if state == "turned"]
            scaled = rows[:, turned] / np.median(np.abs(rows[:, turned]), axis=0)
            sign = np.sign(np.median(scaled * side[:, None], axis=0))
            score = (scaled * sign).mean(axis=1)
            order = sorted(range(len(masks)), key=lambda index: (-score[index], masks[index].id))
            return [masks[index] for index in order if score[index] > 0]
    return []


def _judge(values: NDArray[np.float64], side: NDArray[np.float64]) -> str:
    """Whether a number is "turned" in one of two kinds of masks, the "same" in both, or "mixed"."""
    usual = float(np.median(np.abs(values)))
    if usual < FLAT:
        return "mixed"
    middles = [float(np.median(values[side == one])) for one in (-1.0, 1.0)]
    sign = math.copysign(1.0, middles[0])
    if np.mean(values * sign > CLEAR * usual) >= SIDE:
        return "same"
    alike = 0.5 < abs(middles[1]) / max(abs(middles[0]), 1e-9) < 2.0
    clear = [np.mean(values[side == one] * -one * sign > CLEAR * usual) >= SIDE for one in (-1.0, 1.0)]
    return "turned" if alike and all(clear) else "mixed"


def _compare(rows: Mapping[str, tuple[float, ...]], apart: Collection[str], needed: float) -> dict[str, float]:
    """How much more usual than as they are some masks would be the other way around, those that reach `needed`.

    `rows` are the log odds of the shares by mask; what is usual is that of the masks that are not set `apart`.
    """
    columns = list(zip(*(row for name, row in rows.items() if name not in apart), strict=True))
    middles = [median(column) for column in columns]
    spreads = [
        max(floor, 1.4826 * median(abs(value - middle) for value in column))
        for column, middle, floor in zip(columns, middles, (0.5, 0.7), strict=True)
    ]
    gains = {}
    for name, row in rows.items():
        off = [(value - middle) / spread for value, middle, spread in zip(row, middles, spreads, strict=True)]
        turned = [(-value - middle) / spread for value, middle, spread in zip(row, middles, spreads, strict=True)]
        gain = sum(min(a * a, MOST_OFF) - min(b * b, MOST_OFF) for a, b in zip(off, turned, strict=True))
        if gain > needed and max(map(abs, turned)) < USUAL and abs(off[0]) > abs(turned[0]):
            gains[name] = gain
    return gains if len(gains) <= MOST_INVERTED * len(rows) else {}


def _find_other_polarity(masks: Sequence[SampleFacts]) -> list[SampleFacts]:
    """Those whose foreground is darker where that of nearly all others is brighter, or the other way around."""
    sign = 1 if sum(facts.contrast > 0 for facts in masks) * 2 > len(masks) else -1
    usual = median(abs(facts.contrast) for facts in masks)
    others = [facts for facts in masks if sign * facts.contrast < -usual / 2]
    unclear = sum(sign * facts.contrast <= usual / 2 for facts in masks) - len(others)
    return others if len(others) <= MOST_INVERTED * len(masks) and not unclear else []


def _logit(value: float) -> float:
    value = min(max(value, 0.005), 0.995)
    return math.log(value / (1 - value))
