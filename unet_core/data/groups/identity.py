"""Which image is which: by its decoded pixels, whatever its name and file format; no torch.

A record is a line of keys, `px:0f.. file:ab.. look:256x320:..`. Two records are of the same image where they share
`px` (the pixel values) or `file` (the bytes of the file). `look` tells what merely resembles: a copy that was
compressed anew. A record of release 0.1 is the hash of the file alone, without a name before it.
"""

import hashlib
from collections.abc import Iterable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels

SIDE = 16  # cells of a look in each direction
SAMPLED = 128  # pixels along the shorter side that its cells are averaged from
MOST_DIFFERENT = 16  # of its 256 bits: a JPEG copy differs in about 10, neighboring frames of a video in 20 and more
MOST_ALIKE = 20
BLOCK = 1024  # images that are compared with all others at once
PLAIN = 64  # bits of one kind that a look needs; a blank image or a ramp has fewer and resembles any other


def describe_pixels(image: Pixels) -> str:
    """The keys `px` and `look` of a decoded image (H, W, C), upright, of any dtype.

    Equal values give an equal `px`, whatever the dtype, and gray that is stored as RGB equals gray.

    >>> gray = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    >>> describe_pixels(gray) == describe_pixels(np.repeat(gray, 3, 2).astype(np.uint16))
    True
    """
    planes = _planes(image)
    digest, look = _digest(planes), _look(planes)
    return f"px:{digest} look:{look}" if look else f"px:{digest}"


def keys(record: str) -> frozenset[str]:
    """The keys of a record that tell an image for sure: `px:...`, `file:...`.

    >>> sorted(keys("px:12 look:4x4:ff file:ab")), sorted(keys("ab"))
    (['file:ab', 'px:12'], ['file:ab'])
    """
    words = (word if ":" in word else f"file:{word}" for word in record.split())
    return frozenset(word for word in words if not word.startswith("look:"))


def key(record: str, name: str) -> str:
    """One key of a record, `px`, `file` or `look`, with its name; "" where the record has none."""
    return next((word for word in record.split() if word.startswith(f"{name}:")), "")


def drop_look(record: str) -> str:
    """The record without what merely resembles.

    >>> drop_look("px:12 look:4x4:ff file:ab")
    'px:12 file:ab'
    """
    return " ".join(word for word in record.split() if not word.startswith("look:"))


def is_same(record: str, other: str) -> bool:
    """Whether two records are of one image."""
    return bool(keys(record) & keys(other))


def find_lookalikes(records: Mapping[str, str], others: Iterable[str]) -> list[str]:
    """The ids of those `records` that look like one of the `others` and are none of them, sorted.

    They have the same size and all but the same 256 bits of brighter or darker from cell to cell.
    """
    others = list(others)
    same = frozenset[str]().union(*map(keys, others))
    candidates = _by_size({str(number): record for number, record in enumerate(others)})
    lookalikes = []
    for size, (names, bits) in _by_size(records).items():
        if size in candidates:
            there = candidates[size][1]
            for first in range(0, len(names), BLOCK):
                block = bits[first : first + BLOCK]
                different = block @ (1 - there).T + (1 - block) @ there.T
                alike = different.min(axis=1) <= MOST_DIFFERENT
                lookalikes += [names[first + row] for row in np.flatnonzero(alike).tolist()]
    return sorted(name for name in lookalikes if not keys(records[name]) & same)


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


def _by_size(records: Mapping[str, str]) -> dict[str, tuple[list[str], NDArray[np.float32]]]:
    """By the size of the image: ids and their looks (N, SIDE * SIDE) of 0 and 1."""
    looks: dict[str, dict[str, NDArray[np.uint8]]] = {}
    for name, record in records.items():
        _, _, text = key(record, "look").partition(":")
        size, _, digits = text.partition(":")
        if len(digits) == SIDE * SIDE // 4:
            looks.setdefault(size, {})[name] = np.unpackbits(np.frombuffer(bytes.fromhex(digits), np.uint8))
    return {size: (list(found), np.stack(list(found.values())).astype(np.float32)) for size, found in looks.items()}


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


def _look(planes: list[Pixels]) -> str:
    """`HxW:` and 256 bits in hexadecimal: whether each cell is brighter than its left neighbor; "" for a plain image.

    A difference hash (dHash, N. Krawetz, 2013) of 16 x 17 cells.
    """
    height, width = planes[0].shape
    if min(height, width) <= SIDE:
        return ""
    cells = np.zeros((SIDE, SIDE + 1))
    step = max(1, min(height, width) // SAMPLED)
    for plane in planes:
        plane = np.ascontiguousarray(plane[::step, ::step])
        resizable = plane if plane.dtype in (np.uint8, np.uint16, np.float32) else plane.astype(np.float32)
        cells += cv2.resize(resizable, (SIDE + 1, SIDE), interpolation=cv2.INTER_AREA)
    bits = np.diff(cells, axis=1) > 0
    if not PLAIN <= int(bits.sum()) <= bits.size - PLAIN:
        return ""
    return f"{height}x{width}:{np.packbits(bits).tobytes().hex()}"
