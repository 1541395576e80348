"""Checks of images: bit depth, channels, constant ones, those unlike all others."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from unet_core.data.checks.case import Case
from unet_core.data.checks.facts import SampleFacts
from unet_core.data.checks.finding import ERROR, INFO, WARNING, Finding
from unet_core.data.recipe.recipe import Remedy, make_repair
from unet_core.errors import DataError
from unet_core.io.channels import Kind
from unet_core.models.channels import resolve

FACTORS = (1 / 257, 1 / 256, 1 / 16, 1.0, 16.0, 256.0, 257.0, 255.0, 65535.0, 1 / 255, 1 / 65535)  # between bit depths
FEWEST_ALIKE = 5  # images of one type, so that one of other intensities says something
ALIKE = math.log(2.0)  # by which mean, deviation and highest value may differ from the usual, times the step
BYTE = 255  # the highest value of 8 bits
FEWEST = 12  # images, so that being unlike all others says something
NEIGHBORS = 3  # that an image should resemble
UNLIKE = 3.5  # times farther from its neighbors than 90 of 100 images
FLOORS = (0.05, 0.05, 0.15, 0.1, 0.15, 0.05)  # spreads that are too small to matter, of each number of a look


def find_depths(case: Case) -> Iterator[Finding]:
    """Images of another bit depth than most, and 16-bit files that hold 8-bit values."""
    usable = [facts for facts in case.scan.facts if facts.dtype]
    kinds = {facts.id: _kind(facts) for facts in usable}
    kinds |= _find_other_scale([facts for facts in usable if kinds[facts.id] == facts.dtype])
    counts = Counter(kinds.values())
    if not counts:
        return
    usual, number = counts.most_common(1)[0]
    if len(counts) == 1:
        if usual == "uint16 with 8-bit values":
            yield Finding(
                "bit_depth",
                INFO,
                f"All {number} images are stored with 16 bits and hold values up to {BYTE} only. That trains as well; "
                "it matters where other images hold the full range.",
                tuple(kinds),
            )
        return
    odd = [facts for facts in usable if kinds[facts.id] != usual]
    dtype = usual.partition(" ")[0]
    brightness = median(facts.brightness for facts in usable if kinds[facts.id] == usual)
    groups: dict[float, list[str]] = defaultdict(list)
    for kind in sorted({kinds[facts.id] for facts in odd}):
        members = [facts for facts in odd if kinds[facts.id] == kind]
        ratio = brightness / max(median(facts.brightness for facts in members), 1e-9)
        factor = min(FACTORS, key=lambda factor: abs(math.log(max(ratio, 1e-12) / factor)))
        groups[factor] += [facts.id for facts in members]
    parts = ", ".join(f"{count} are {name}" for name, count in counts.most_common())
    ids = tuple(facts.id for facts in odd)
    repairs = tuple(
        make_repair("scale_intensity", names, factor=factor, dtype=dtype) for factor, names in groups.items()
    )
    yield Finding(
        "bit_depth",
        WARNING,
        f"The images have different bit depths: {parts}. Unlike most are {case.name(ids)}; check that all come from "
        "the same source.",
        ids,
        (Remedy("Scale their intensities like the others", repairs),),
    )


def _kind(facts: SampleFacts) -> str:
    """The type of an image, and whether it uses more than 8 bits of 16."""
    eight = facts.dtype == "uint16" and 0 < max(facts.high) <= BYTE
    return f"{facts.dtype} with 8-bit values" if eight else facts.dtype


def _find_other_scale(images: Sequence[SampleFacts]) -> dict[str, str]:
    """Images whose intensities all are a step of bit depth from those of most with the same type, and what to call it.

    Images that are only darker than others have no such ratio of mean, deviation and highest value at once, in a
    dataset where all others are alike.
    """
    by_type: dict[str, list[SampleFacts]] = defaultdict(list)
    for facts in images:
        if facts.dtype != "uint8" and facts.brightness > 0 and max(facts.high) > 0 and max(facts.std) > 0:
            by_type[facts.dtype].append(facts)
    names: dict[str, str] = {}
    for members in by_type.values():
        if len(members) < FEWEST_ALIKE:
            continue
        rows = np.log([(facts.brightness, max(facts.std), max(facts.high)) for facts in members])
        off = rows - np.median(rows, axis=0)
        steps = np.array([_nearest_step(row) for row in off])
        left = np.abs(off - np.log(steps)[:, None]).max(axis=1)
        if (left < ALIKE).all() and 2 * np.count_nonzero(steps == 1) > len(members):
            times = [f"{step:.0f} times higher" if step > 1 else f"{1 / step:.0f} times lower" for step in steps]
            names |= {
                facts.id: f"{facts.dtype} with {text} values"
                for facts, step, text in zip(members, steps, times, strict=True)
                if step != 1
            }
    return names


def _nearest_step(logs: NDArray[np.float64]) -> float:
    return min(FACTORS, key=lambda factor: abs(float(np.median(logs)) - math.log(factor)))


def find_channels(case: Case) -> Iterator[Finding]:
    """Images whose channels do not fit together."""
    usable = [facts for facts in case.scan.facts if facts.channels]
    kinds = {facts.image: Kind(facts.channels, facts.channel_names, facts.stacked) for facts in usable}
    counts = Counter(facts.channels for facts in usable)
    usual = counts.most_common(1)[0][0] if counts else 0
    odd = tuple(facts.id for facts in usable if facts.channels != usual)
    leave_out = (Remedy("Leave them out", (make_repair("leave_out", odd),)),) if odd else ()
    try:
        resolve(case.model, kinds)
    except DataError as error:
        yield Finding("channels", ERROR, str(error), odd, leave_out)
        return
    if odd:
        parts = ", ".join(f"{number} have {count}" for count, number in counts.most_common())
        yield Finding(
            "channels",
            INFO,
            f"The images have different numbers of channels ({parts}), which are gray and RGB: {case.name(odd)}. Gray "
            "images are repeated to RGB.",
            odd,
            leave_out,
        )


def find_constant(case: Case) -> Iterator[Finding]:
    """Images that have one value in all pixels."""
    ids = tuple(facts.id for facts in case.scan.facts if facts.low and facts.low == facts.high)
    if ids:
        noun = "image has" if len(ids) == 1 else "images have"
        yield Finding(
            "constant",
            WARNING,
            f"{len(ids)} {noun} the same value in every pixel: {case.name(ids)}. Nothing can be learned from it; leave "
            "it out or export it again.",
            ids,
            (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
        )


def find_outliers(case: Case) -> Iterator[Finding]:
    """Images that look unlike all others: by brightness, contrast, coarseness, color and noise."""
    usable = [facts for facts in case.scan.facts if len(facts.look) == len(FLOORS) and facts.low != facts.high]
    if len(usable) < FEWEST:
        return
    distances = _distances([facts.look for facts in usable])
    limit = UNLIKE * max(1.0, float(np.percentile(distances, 90)))
    odd = sorted(
        (index for index in range(len(usable)) if distances[index] > limit), key=lambda index: -distances[index]
    )
    ids = tuple(usable[index].id for index in odd)
    if ids:
        verb = "looks" if len(ids) == 1 else "look"
        yield Finding(
            "outliers",
            INFO,
            f"{len(ids)} of {len(usable)} images {verb} unlike all others in brightness, contrast, color or "
            f"coarseness: {case.name(ids)}. Check that they belong to the dataset.",
            ids,
            (Remedy("Leave them out", (make_repair("leave_out", ids),)),),
        )


def _distances(looks: Sequence[tuple[float, ...]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """For each image how far its nearest others are, in spreads of each number over the dataset."""
    from scipy.spatial import cKDTree

    rows = np.array(looks, np.float64)
    for column in (2, 4):  # coarseness and contrast are compared by their ratio
        rows[:, column] = np.log(np.maximum(rows[:, column], 1e-4))
    spreads = np.subtract(*np.percentile(rows, (75, 25), axis=0)) / 1.349
    rows /= np.maximum(spreads, FLOORS)
    distances, _ = cKDTree(rows).query(rows, min(NEIGHBORS + 1, len(rows)))
    return np.asarray(distances[:, -1], np.float64)
