"""What the masks of a dataset hold, gathered file by file before anything is decided from it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import MaskCoding
from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import count_codes, count_values, encode_pixels, find_unique

MOST_PIECES = 200  # files whose connected pieces are counted
MOST_SIDE = 1024  # pixels of a mask's middle in which they are counted
LARGEST_PIECE = 0.9  # share of a value's pixels that one piece must hold to count as the only one
FEW_VALUES = 4  # of one mask, so that none of them is taken for a smoothed edge
EXAMPLES = 3  # file names that are remembered for a value


@dataclass(frozen=True)
class Pieces:
    """Of one mask with several values: the codes besides the background's, which of them are one connected piece.

    `first` is the place of each code's first pixel, counted row by row.
    """

    codes: tuple[int, ...]
    single: tuple[int, ...]
    first: tuple[int, ...]

    @property
    def in_order(self) -> bool:
        """Whether the values come in their order row by row, as labeling tools number objects."""
        return list(self.first) == sorted(self.first)

    def without(self, codes: frozenset[int]) -> "Pieces":
        """The same without some codes."""
        rest = [(code, place) for code, place in zip(self.codes, self.first, strict=True) if code not in codes]
        single = tuple(code for code in self.single if code not in codes)
        return Pieces(tuple(code for code, _ in rest), single, tuple(place for _, place in rest))


@dataclass
class Evidence:
    """The values of all masks: pixels by code, the different sets of values in one file, palettes, connected pieces.

    `counts` takes palettes by their indices, `color_counts` by their colors. `palettes`: for each palette that differs,
    the index and color code of each entry in use. `inner` counts the pixels whose eight neighbors have the same value:
    smoothed edges have none.
    """

    files: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    color_counts: Counter[int] = field(default_factory=Counter)
    sets: Counter[frozenset[int]] = field(default_factory=Counter)
    palettes: Counter[frozenset[tuple[int, int]]] = field(default_factory=Counter)
    examples: dict[int, list[str]] = field(default_factory=dict)
    sources: Counter[str] = field(default_factory=Counter)
    lossy: int = 0
    joined: int = 0
    drawn: int = 0
    pieces: list[Pieces] = field(default_factory=list)
    inner: Counter[int] = field(default_factory=Counter)

    def add(self, raw: RawMask, name: str, pieces: bool = True) -> None:
        """Take the mask of one image; `name` is what messages call it, `pieces` says whether they are counted."""
        self.files += 1
        self.lossy += raw.lossy
        self.drawn += raw.drawn
        self.joined += raw.objects is not None
        self.sources.update([raw.source] * bool(raw.source))
        counts = count_values(raw.values)
        self.counts.update(counts)
        if raw.palette is None:
            self.color_counts.update(counts)
        else:
            colors = encode_pixels(raw.palette[None])[0]
            used = {code: int(colors[code & 255]) for code in counts}
            self.palettes[frozenset(used.items())] += 1
            for code, number in counts.items():
                self.color_counts[used[code]] += number
        self.sets.update(raw.parts or (frozenset(counts),))
        for code in counts if len(counts) <= 256 else ():
            names = self.examples.setdefault(code, [])
            if len(names) < EXAMPLES:
                names.append(name)
        if len(counts) > FEW_VALUES:
            self.inner.update(_count_inner(encode_pixels(raw.values)))
        if pieces and raw.objects is None and len(counts) > 2 and len(self.pieces) < MOST_PIECES:
            self.pieces.append(count_pieces(encode_pixels(_middle(raw.values))))

    def counts_for(self, coding: MaskCoding) -> Counter[int]:
        """Pixels by code, as the coding reads palettes."""
        return self.color_counts if coding.palette_colors else self.counts


def _count_inner(codes: NDArray[Any]) -> dict[int, int]:
    rows = (codes[1:-1] == codes[:-2]) & (codes[1:-1] == codes[2:])
    # Whole rows above and below are equal where their three pixels are and the middle ones agree.
    across = (codes[:, 1:-1] == codes[:, :-2]) & (codes[:, 1:-1] == codes[:, 2:])
    inner = rows[:, 1:-1] & across[1:-1] & across[:-2] & across[2:]
    return count_codes(codes[1:-1, 1:-1][inner]) if inner.any() else {}


def _middle(values: NDArray[Any]) -> NDArray[Any]:
    top, left = (max(0, (length - MOST_SIDE) // 2) for length in values.shape[:2])
    return values[top : top + MOST_SIDE, left : left + MOST_SIDE]


def count_pieces(codes: NDArray[Any]) -> Pieces:
    """The connected pieces (8 neighbors) of each code of a mask (H, W).

    >>> count_pieces(np.array([[0, 1, 0, 1], [2, 0, 0, 0]]))
    Pieces(codes=(1, 2), single=(2,), first=(1, 4))
    """
    import cv2

    unique, index = find_unique(codes)
    background = 0 if unique[0] == 0 else int(np.bincount(index.ravel()).argmax())
    inside = index != background
    # Pieces of all values at once: pixels lie on the even rows and columns of a larger image, and the cells between
    # them are set where neighbors have the same value.
    height, width = index.shape
    links = np.zeros((2 * height - 1, 2 * width - 1), np.uint8)
    links[::2, ::2] = inside
    links[::2, 1::2] = inside[:, 1:] & (index[:, 1:] == index[:, :-1])
    links[1::2, ::2] = inside[1:] & (index[1:] == index[:-1])
    falling = inside[1:, 1:] & (index[1:, 1:] == index[:-1, :-1])
    rising = inside[1:, :-1] & (index[1:, :-1] == index[:-1, 1:])
    links[1::2, 1::2] = falling | rising
    number, labels = cv2.connectedComponents(links, connectivity=8, ltype=cv2.CV_32S)
    labels = labels[::2, ::2]
    areas = np.bincount(labels.ravel(), minlength=number)
    value_of = np.zeros(number, np.int64)
    value_of[labels.ravel()] = index.ravel()
    totals, largest = np.zeros(len(unique)), np.zeros(len(unique))
    np.add.at(totals, value_of[1:], areas[1:])
    np.maximum.at(largest, value_of[1:], areas[1:])
    others = [at for at in range(len(unique)) if at != background]
    first = np.zeros(len(unique), np.int64)
    first[index.ravel()[::-1]] = np.arange(index.size)[::-1]
    single = [at for at in others if largest[at] >= LARGEST_PIECE * totals[at]]
    return Pieces(*(tuple(values.tolist()) for values in (unique[others], unique[single], first[others])))
