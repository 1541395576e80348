"""Masks in colors, and masks whose values were smoothed between a few levels."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.instances import MOST_CLASSES
from unet_core.data.masks.values import LABELS, format_code, is_color
from unet_core.errors import DataError, listing

MOST_BETWEEN = 0.5  # share of pixels that smoothing may have changed: small objects are mostly edge
FEWEST_BETWEEN = 4  # values between the true ones
INNER = 0.02  # share of a true value's pixels whose neighbors all have it
NEAR_LINE = 10.0  # distance of a smoothed color from the line between two true ones, in levels
NEAR_COLOR = 48.0  # the same from a true one, of JPEG
BACKGROUND = ("background", "bg")
EXPLAINED = 0.98  # share of the other pixels that must lie so


def by_palette_colors(evidence: Evidence) -> bool:
    """Whether palettes must be read through their colors: one index has different colors in different files.

    Not where that would give more classes than the indices do, as palettes that mean nothing do.
    """
    if len(evidence.palettes) < 2:
        return False
    colors_of: dict[int, set[int]] = {}
    for palette in evidence.palettes:
        for index, color in palette:
            colors_of.setdefault(index, set()).add(color)
    colors = set().union(*colors_of.values())
    return any(len(colors) > 1 for colors in colors_of.values()) and len(colors) <= len(colors_of) + 1


def order_of_colors(counts: Mapping[int, int]) -> list[int]:
    """The codes in class order: black, else the most frequent one, then the others sorted.

    Background is class 0 everywhere in the app. The order of the others must not depend on the order of files, or a run
    that is resumed, or a model that is scored later, would get its classes mixed up.
    """
    background = 0 if 0 in counts else max(counts, key=lambda code: counts[code])
    return [background, *sorted(set(counts) - {background})]


def find_peaks(evidence: Evidence) -> list[int] | None:
    """The true values of masks with smoothed edges, sorted; None where they cannot be told from those between.

    True values have pixels whose neighbors all agree, smoothed edges have none and lie on lines between two true ones,
    or, in JPEGs, near one. A true value that itself lies between two others is refused: their edges would pass
    through it.
    """
    counts = evidence.counts
    if max(counts) >= LABELS:
        return None
    codes = np.array(sorted(counts), np.int64)
    pixels = np.array([counts[code] for code in codes.tolist()], np.float64)
    solid = np.array([evidence.inner[code] for code in codes.tolist()]) >= INNER * pixels
    rest = pixels[~solid]
    if not 2 <= solid.sum() <= MOST_CLASSES or len(rest) < FEWEST_BETWEEN or rest.sum() > MOST_BETWEEN * pixels.sum():
        return None
    colors = _channels(codes)
    near_line, near_color = _distances(colors[~solid], colors[solid])
    explained = (near_line <= NEAR_LINE) | (near_color <= NEAR_COLOR * bool(evidence.lossy))
    if rest[explained].sum() < EXPLAINED * rest.sum() or _any_between(colors[solid]):
        return None
    return [int(code) for code in codes[solid]]


def _any_between(peaks: NDArray[np.float64]) -> bool:
    """Whether one of some colors lies on the line between two others."""
    rest = [np.delete(peaks, index, 0) for index in range(len(peaks))] if len(peaks) > 2 else []
    return any(_distances(peaks[i : i + 1], others)[0][0] <= NEAR_LINE for i, others in enumerate(rest))


def _channels(codes: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], 1).astype(np.float64)


def _distances(
    points: NDArray[np.float64], peaks: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(from the nearest line between two peaks, from the nearest peak) of points (N, 3)."""
    to_peak = np.sqrt(((points[:, None] - peaks[None]) ** 2).sum(2)).min(1)
    to_line = np.full(len(points), np.inf)
    for first in range(len(peaks)):
        for second in range(first + 1, len(peaks)):
            line = peaks[second] - peaks[first]
            share = np.clip((points - peaks[first]) @ line / max(1.0, line @ line), 0, 1)
            gap = points - (peaks[first] + share[:, None] * line)
            to_line = np.minimum(to_line, np.sqrt((gap**2).sum(1)))
    return to_line, to_peak


def code_colors(evidence: Evidence, palette_colors: bool) -> tuple[MaskCoding, list[str]]:
    """The coding of masks in colors, and what to tell.

    Raises DataError where the colors are no classes.
    """
    values: dict[int, int] = dict(evidence.color_counts if palette_colors else evidence.counts)
    remarks, nearest = [], False
    if not palette_colors and (peaks := find_peaks(evidence)) is not None:
        between = sum(pixels for code, pixels in values.items() if code not in peaks) / sum(values.values())
        remarks.append(
            f"The edges in the masks are smoothed: {len(values)} colors, {between:.1%} of the pixels between "
            f"{len(peaks)} true ones. Each was counted as the nearest; save masks without smoothing for exact edges."
        )
        values, nearest = {code: values[code] for code in peaks}, True
    if len(values) > MOST_CLASSES:
        raise DataError(
            f"The masks hold {len(values)} colors, more than {MOST_CLASSES}, so they are not classes: they may be "
            "JPEG, photos, or objects in colors of their own. Save them as PNG with one color per class, list the "
            "colors in color_map, or set labels to instances if each object has its own color."
        )
    order = order_of_colors(values)
    classes = ", ".join(f"{number} = ({format_code(code)})" for number, code in enumerate(order))
    remarks.append(
        f"The masks are in color; {len(order)} colors were found and used as classes: {classes}. To set the "
        f'order yourself, set color_map, for example to "{";".join(format_code(code) for code in order)}".'
    )
    if palette_colors:
        remarks.append(
            "The palettes of the masks differ from file to file, so classes go by color, not by palette index. "
            "List the colors in color_map to set their order."
        )
    kind = "binary" if len(order) <= 2 else "classes"
    pairs = tuple((code, index) for index, code in enumerate(order))
    return MaskCoding(kind, pairs, nearest=nearest, palette_colors=palette_colors), remarks


def order_by_table(evidence: Evidence, names: Mapping[int, str]) -> list[int] | None:
    """The codes in class order as a table of colors and names lists them; None where it does not fit.

    The background, by its name or else black, comes first: class 0 is no object anywhere in the app. A table of gray
    levels alone names classes and orders nothing.
    """
    present = evidence.color_counts
    if not any_color(names) or not any_color(present) or not set(present) <= set(names):
        return None
    background = next((code for code, name in names.items() if name.strip("_ ").lower() in BACKGROUND), 0)
    return sorted(names, key=lambda code: code != background)


def any_color(counts: Iterable[int]) -> bool:
    return any(is_color(code) for code in counts)


def name_values(codes: list[int], evidence: Evidence, most: int = 6) -> str:
    """Values with their pixels and a file each, for messages."""
    words = []
    for code in codes:
        where = evidence.examples.get(code, [])
        words.append(f"{format_code(code)} ({evidence.counts.get(code, 0)} pixels{', ' + where[0] if where else ''})")
    return listing(words, most)
