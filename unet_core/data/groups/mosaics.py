"""Tiles that were cut from one large image, found by borders that continue one another; no torch.

Two tiles side by side share a cut: the last row of the one and the first row of the other were neighbors once, and
differ no more than two neighboring rows inside of either. Flat borders say nothing and match nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels

SHORTEST = 64  # pixels of a border; shorter ones resemble one another by chance
WINDOW = 9  # pixels of the running mean that is taken off, so that shading alone is no likeness
LIKENESS = 0.45  # correlation of two borders of LENGTH pixels or more without their shading; shorter ones need more
LENGTH = 256
SHARE = 0.6  # of the correlation of neighboring rows inside of the two tiles
WITH_SHADING = 0.85  # correlation of the borders as they are
STEP = 1.25  # times the difference between neighboring rows inside of the two tiles
MARGIN = 0.1  # by which the next best border must correlate less: a pattern that is common is no sign
MOST = 30_000  # borders of one length, which take half a minute to compare on one core; more are left alone
BLOCK = 512  # borders that are compared with all others at once

Lines = NDArray[np.float32]


@dataclass(frozen=True)
class Borders:
    """The outermost two lines of each side of an image in gray levels: (2, W) above and below, (2, H) left and right.

    The first line of each is the border itself.
    """

    top: Lines
    bottom: Lines
    left: Lines
    right: Lines


def measure_borders(image: Pixels) -> Borders:
    """The borders of an image (H, W, C) of any dtype, H and W at least 2."""

    def gray(lines: Pixels) -> Lines:
        return np.ascontiguousarray(lines.mean(axis=2, dtype=np.float32))

    columns = image.swapaxes(0, 1)
    return Borders(gray(image[:2]), gray(image[:-3:-1]), gray(columns[:2]), gray(columns[:-3:-1]))


def find_neighbors(borders: Mapping[str, Borders]) -> list[tuple[str, str]]:
    """Pairs of image ids whose images adjoin, the left or upper one first, sorted.

    A pair must be the best partner for both its borders, and clearly better than the second best. Of more than MOST
    images with borders of one length none are compared.

    >>> noise = np.random.default_rng(0).normal(size=(64, 128, 1)).cumsum(0).cumsum(1).astype(np.float32)
    >>> find_neighbors({"a": measure_borders(noise[:, :64]), "b": measure_borders(noise[:, 64:])})
    [('a', 'b')]
    """
    names = sorted(borders)
    pairs: set[tuple[str, str]] = set()
    for end, start in (("bottom", "top"), ("right", "left")):
        by_length: dict[int, list[str]] = defaultdict(list)
        for name in names:
            by_length[getattr(borders[name], end).shape[1]].append(name)
        for length, group in by_length.items():
            if length >= SHORTEST and 1 < len(group) <= MOST:
                ends = np.stack([getattr(borders[name], end) for name in group])
                starts = np.stack([getattr(borders[name], start) for name in group])
                pairs.update((group[a], group[b]) for a, b in _matches(ends, starts))
    return sorted(pairs)


def components(names: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The connected components of more than one name, each sorted, in the order of their first names.

    >>> components("abcd", [("a", "c"), ("c", "d")])
    [['a', 'c', 'd']]
    """
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for first, second in pairs:
        parent[max(root(first), root(second))] = min(root(first), root(second))
    members: dict[str, list[str]] = defaultdict(list)
    for name in sorted(parent):
        members[root(name)].append(name)
    return [group for _, group in sorted(members.items()) if len(group) > 1]


def _matches(ends: Lines, starts: Lines) -> Iterator[tuple[int, int]]:
    """Pairs (a, b) where the border that ends a continues in the one that starts b; both (N, 2, L)."""
    length = ends.shape[2]
    needed = min(0.9, LIKENESS * max(1.0, (LENGTH / length) ** 0.5))
    sharp_ends, sharp_starts = _unit(_sharpen(ends)), _unit(_sharpen(starts))
    inside_ends = (sharp_ends[:, 0] * sharp_ends[:, 1]).sum(1)
    inside_starts = (sharp_starts[:, 0] * sharp_starts[:, 1]).sum(1)
    best, partner, second = _best(sharp_ends[:, 0], sharp_starts[:, 0])
    _, partner_back, second_back = _best(sharp_starts[:, 0], sharp_ends[:, 0])
    plain_ends, plain_starts = _unit(ends[:, 0]), _unit(starts[:, 0])
    for a, b in enumerate(partner.tolist()):
        likeness = float(best[a])
        if partner_back[b] != a or likeness < needed:
            continue
        if likeness - max(float(second[a]), float(second_back[b])) < MARGIN:
            continue
        if likeness < SHARE * min(float(inside_ends[a]), float(inside_starts[b])):
            continue
        if float(plain_ends[a] @ plain_starts[b]) < WITH_SHADING:
            continue
        inside = float(np.abs(ends[a, 0] - ends[a, 1]).mean() + np.abs(starts[b, 0] - starts[b, 1]).mean()) / 2
        if float(np.abs(ends[a, 0] - starts[b, 0]).mean()) <= STEP * inside:
            yield a, b


def _best(lines: Lines, others: Lines) -> tuple[Lines, NDArray[np.intp], Lines]:
    """For each line (N, L): its highest correlation with another, that one's index, and the second highest."""
    best, second = np.zeros(len(lines), np.float32), np.zeros(len(lines), np.float32)
    partner = np.zeros(len(lines), np.intp)
    for first in range(0, len(lines), BLOCK):
        rows = np.arange(first, min(first + BLOCK, len(lines)))
        likeness = lines[rows] @ others.T
        likeness[rows - first, rows] = -1  # an image is no neighbor of its own
        partner[rows] = likeness.argmax(1)
        best[rows] = likeness[rows - first, partner[rows]]
        likeness[rows - first, partner[rows]] = -1
        second[rows] = likeness.max(1)
    return best, partner, second


def _sharpen(lines: Lines) -> Lines:
    """Lines less their running mean along the last axis, without the ends, which have none."""
    sums = np.cumsum(np.pad(lines, [(0, 0)] * (lines.ndim - 1) + [(1, 0)]), axis=-1, dtype=np.float64)
    smooth = (sums[..., WINDOW:] - sums[..., :-WINDOW]) / WINDOW
    return (lines[..., WINDOW // 2 : -(WINDOW // 2)] - smooth).astype(np.float32)


def _unit(lines: Lines) -> Lines:
    """Lines less their mean and of length 1 along the last axis; flat ones become 0 and correlate with nothing."""
    centered = lines - lines.mean(axis=-1, keepdims=True)
    norm = np.sqrt((centered**2).sum(axis=-1, keepdims=True))
    return np.where(norm > 1e-3, centered / np.maximum(norm, 1e-3), np.float32(0))
