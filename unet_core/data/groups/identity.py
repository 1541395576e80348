"""Which image is which: by its decoded pixels, whatever its name and file format; no torch.

A record is a line of keys, `px:0f.. file:ab.. look:256x320:..`. Two records are of the same image where they share
`px` (the pixel values) or `file` (the bytes of the file). `look` tells what merely resembles: a copy that was
compressed anew; `cells` does so for images of few differences, such as dark ones. A record of release 0.1 is the hash
of the file alone, without a name before it.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels

BySize = dict[str, tuple[list[str], NDArray[np.float32]]]

SIDE = 16  # cells of a look in each direction
SAMPLED = 128  # pixels along the shorter side that its cells are averaged from
MOST_DIFFERENT = 16  # of its 256 bits: a JPEG copy differs in about 10, neighboring frames of a video in 20 and more
MOST_ALIKE = 20
BLOCK = 1024  # images that are compared with all others at once
PLAIN = 64  # bits of one kind that a look needs; a blank image or a ramp has fewer and resembles any other
UNSURE = 100  # of one kind, below which a lossy copy may have no look, so that cells are needed as well
COLUMNS, LEVELS = 12, 15  # cells in each direction, and the highest of their levels, a hexadecimal digit each
MOST_APART = (
    0.5  # squared difference of two levels, the mean over cells: JPEG copies 0 to 0.4, other images 0.7 and more
)
LEAST_SHAPE = 1.0  # deviation of the levels from a plane; a ramp has less and resembles any other
RESEMBLING = ("look:", "cells:")


def describe_pixels(image: Pixels) -> str:
    """The keys `px`, `look` and `cells`, where it has them, of a decoded image (H, W, C), upright, of any dtype.

    Equal values give an equal `px`, whatever the dtype, and gray that is stored as RGB equals gray.

    >>> gray = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    >>> describe_pixels(gray) == describe_pixels(np.repeat(gray, 3, 2).astype(np.uint16))
    True
    """
    planes = _planes(image)
    return " ".join([f"px:{_digest(planes)}", *_resemblance(planes)])


def keys(record: str) -> frozenset[str]:
    """The keys of a record that tell an image for sure: `px:...`, `file:...`.

    >>> sorted(keys("px:12 look:4x4:ff file:ab")), sorted(keys("ab"))
    (['file:ab', 'px:12'], ['file:ab'])
    """
    words = (word if ":" in word else f"file:{word}" for word in record.split())
    return frozenset(word for word in words if not word.startswith(RESEMBLING))


def key(record: str, name: str) -> str:
    """One key of a record, `px`, `file`, `look` or `cells`, with its name; "" where the record has none."""
    return next((word for word in record.split() if word.startswith(f"{name}:")), "")


def drop_look(record: str) -> str:
    """The record without what merely resembles.

    >>> drop_look("px:12 look:4x4:ff file:ab")
    'px:12 file:ab'
    """
    return " ".join(word for word in record.split() if not word.startswith(RESEMBLING))


def is_same(record: str, other: str) -> bool:
    """Whether two records are of one image."""
    return bool(keys(record) & keys(other))


def find_lookalikes(records: Mapping[str, str], others: Iterable[str]) -> list[str]:
    """The ids of those `records` that look like one of the `others` and are none of them, sorted.

    They have the same size and all but the same 256 bits of brighter or darker from cell to cell; or, where there are
    few differences, all but the same levels of their cells.
    """
    others = list(others)
    same = frozenset[str]().union(*map(keys, others))
    candidates = {str(number): record for number, record in enumerate(others)}
    lookalikes = {
        *_match(_by_size(records), _by_size(candidates), MOST_DIFFERENT),
        *_match(_cells_by_size(records), _cells_by_size(candidates), MOST_APART * COLUMNS**2),
    }
    return sorted(name for name in lookalikes if not keys(records[name]) & same)


def _match(ours: BySize, theirs: BySize, most: float) -> Iterator[str]:
    """The ids of those of ours that have a squared distance of at most `most` to one of theirs of the same size.

    Of bits it is the number of those that differ.
    """
    for size, (names, rows) in ours.items():
        if size not in theirs:
            continue
        there = theirs[size][1]
        lengths = np.einsum("ij,ij->i", there, there)
        for first in range(0, len(names), BLOCK):
            block = rows[first : first + BLOCK]
            apart = np.einsum("ij,ij->i", block, block)[:, None] + lengths - 2 * block @ there.T
            yield from (names[first + row] for row in np.flatnonzero(apart.min(axis=1) <= most).tolist())


def find_similar(records: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pairs of ids of images that look the same and are not, sorted; see `find_lookalikes`.

    Of an image that resembles more than MOST_ALIKE others, as a frame of a still video does, so many pairs are given.

    >>> records = {"a": "px:1 look:9x9:" + "0f" * 32, "b": "px:2 look:9x9:" + "0f" * 31 + "0e", "c": "px:3"}
    >>> find_similar(records)
    [('a', 'b')]
    """
    pairs = []
    for names, bits in _by_size(records).values():
        for first in range(0, len(names), BLOCK):
            block = bits[first : first + BLOCK]
            different = block @ (1 - bits).T + (1 - block) @ bits.T
            for row, alike in enumerate(different <= MOST_DIFFERENT, first):
                later = row + 1 + np.flatnonzero(alike[row + 1 :])[:MOST_ALIKE]
                others = [names[column] for column in later.tolist()]
                pairs += [(names[row], other) for other in others if not is_same(records[names[row]], records[other])]
    return sorted(pairs)


def _by_size(records: Mapping[str, str]) -> BySize:
    """By the size of the image: ids and their looks (N, SIDE * SIDE) of 0 and 1."""
    return _parse(
        records,
        "look",
        SIDE * SIDE // 4,
        lambda digits: np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8)),
    )


def _cells_by_size(records: Mapping[str, str]) -> BySize:
    """The same for their cells (N, COLUMNS * COLUMNS) of 0 to LEVELS."""
    return _parse(records, "cells", COLUMNS**2, lambda digits: np.array([int(digit, 16) for digit in digits], np.uint8))


def _parse(records: Mapping[str, str], name: str, length: int, read: Callable[[str], NDArray[np.uint8]]) -> BySize:
    rows: dict[str, dict[str, NDArray[np.uint8]]] = {}
    for image, record in records.items():
        _, _, text = key(record, name).partition(":")
        size, _, digits = text.partition(":")
        if len(digits) == length:
            rows.setdefault(size, {})[image] = read(digits)
    return {size: (list(found), np.stack(list(found.values())).astype(np.float32)) for size, found in rows.items()}


def _planes(image: Pixels) -> list[Pixels]:
    """The channels (H, W) of an image in one form for all dtypes: one where all are equal, the smallest whole numbers.

    Apart and contiguous, because comparing and hashing them interleaved takes several times as long.
    """
    planes = [np.ascontiguousarray(image[:, :, number]) for number in range(image.shape[2])]
    if all(np.array_equal(planes[0], plane) for plane in planes[1:]):
        planes = planes[:1]
    if image.dtype.kind == "f" and all(
        (plane == np.rint(plane)).all() and float(np.abs(plane).max(initial=0)) < 2**31 for plane in planes
    ):
        planes = [plane.astype(np.int32) for plane in planes]
    if planes[0].dtype.kind in "iu" and planes[0].dtype != np.uint8:
        low = min(int(plane.min(initial=0)) for plane in planes)
        high = max(int(plane.max(initial=0)) for plane in planes)
        smallest = np.min_scalar_type(high) if low >= 0 else np.dtype(np.int64)
        planes = [plane.astype(smallest) for plane in planes]
    return planes


def _digest(planes: list[Pixels]) -> str:
    height, width = planes[0].shape
    digest = hashlib.sha256(f"{height} {width} {len(planes)} {planes[0].dtype}".encode())
    for plane in planes:
        digest.update(plane.data)
    return digest.hexdigest()[:16]


def _resemblance(planes: list[Pixels]) -> Iterator[str]:
    """The keys `look` and `cells` of an image, as far as it has them: none of a tiny or plain one.

    `look:HxW:` has 256 bits in hexadecimal: whether each of 16 x 17 cells is brighter than its left neighbor, a
    difference hash (dHash, N. Krawetz, 2013). `cells:HxW:` has the brightness of 12 x 12 cells, from the darkest, 0, to
    the brightest, f, where so few are brighter that compression may change which.
    """
    height, width = planes[0].shape
    if min(height, width) <= SIDE:
        return
    bits = np.diff(_average(planes, SIDE, SIDE + 1), axis=1) > 0
    fewest = min(int(bits.sum()), bits.size - int(bits.sum()))
    if fewest >= PLAIN:
        yield f"look:{height}x{width}:{np.packbits(bits).tobytes().hex()}"
    if fewest < UNSURE:
        cells = _average(planes, COLUMNS, COLUMNS)
        low, high = cells.min(), cells.max()
        if high > low and np.isfinite(high - low):
            levels = np.rint((cells - low) * (LEVELS / (high - low)))
            if _deviation_from_plane(levels) >= LEAST_SHAPE:
                yield f"cells:{height}x{width}:{''.join(f'{int(level):x}' for level in levels.flat)}"


def _average(planes: list[Pixels], rows: int, columns: int) -> NDArray[np.float64]:
    """The sum of all channels in rows x columns cells."""
    step = max(1, min(planes[0].shape) // SAMPLED)
    cells = np.zeros((rows, columns))
    for plane in planes:
        plane = np.ascontiguousarray(plane[::step, ::step])
        resizable = plane if plane.dtype in (np.uint8, np.uint16, np.float32) else plane.astype(np.float32)
        cells += cv2.resize(resizable, (columns, rows), interpolation=cv2.INTER_AREA)
    return cells


def _deviation_from_plane(levels: NDArray[np.float64]) -> float:
    """The standard deviation of cells (N, N) from the plane that fits them best."""
    across = np.arange(levels.shape[0]) - (levels.shape[0] - 1) / 2
    rest = levels - levels.mean()
    rest = rest - np.outer(across, np.ones_like(across)) * ((rest.mean(axis=1) @ across) / (across @ across))
    rest = rest - np.outer(np.ones_like(across), across) * ((rest.mean(axis=0) @ across) / (across @ across))
    return float(rest.std())
