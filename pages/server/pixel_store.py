"""Pixels for the viewer, over HTTP: sent once to a browser, in tiles, at the size that a screen can show.

    GET /viewer/pixels/<id>/<level>/<column>/<row>   one tile of a layer, reduced 2**level times
    GET /viewer/values/<id>/<column>/<row>           the true values of a small part of a layer, for the read-out
    GET /viewer/data/<id>                            a piece of JSON
    GET /viewer/<version>/<folder>/<file>            a module of the program (any component's)

A layer's id is a keyed hash of its content: nobody can guess one, equal content has equal ids, and what an id stands
for never changes, so that browsers cache it. On a public server it ends with a keyed hash of the visitor to whom it was
given, and is nothing for another. All tiles are plain little-endian numbers, packed, and not PNG: a browser
may change the colors of one, cuts 16 bits to 8, and gives no exact pixel back where it guards against fingerprinting;
contrast is set in the browser, from all the levels that there are.
The store holds `MOST_BYTES`; what was used least recently goes first, and is put back by a rerun of its page.
"""

import gzip
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pages.server.lru import LRU
from unet_core.io import owners

Kind = Literal["color", "mean", "nearest"]
Pixels = NDArray[Any]

TILE = 1024  # pixels a side
VALUES = 256  # the same for the read-out
HALF = 16  # letters of an id
MOST_BYTES = 768 * 1024**2


class GoneError(LookupError):
    """No such layer (any more), or no such tile of it."""


@dataclass(frozen=True)
class Contrast:
    """Intensities of an image: those shown as black and white unless the user says otherwise, and its extremes."""

    auto: tuple[float, float]
    bounds: tuple[float, float]


@dataclass(frozen=True)
class Layer:
    """Pixels (H, W) or (H, W, 1|3) as they are shown, and the values (H, W) or (H, W, C) that the read-out gives."""

    shown: Pixels
    values: Pixels
    kind: Kind  # color: an image, reduced by means; mean: a map, reduced by means; nearest: numbers that have no mean
    contrast: Contrast | None = None  # of an image

    @property
    def nbytes(self) -> int:
        return int(self.shown.nbytes + (0 if self.values is self.shown else self.values.nbytes))

    @property
    def levels(self) -> int:
        """How often it is halved until it is one tile."""
        side: int = max(self.shown.shape[:2])
        return max(0, (-(-side // TILE) - 1).bit_length())

    def tile(self, level: int, column: int, row: int) -> bytes:
        """One tile of at most TILE x TILE pixels, packed; an image's as differences. Raises GoneError."""
        if not 0 <= level <= self.levels:
            raise GoneError
        part = _reduced(cut(self.shown, TILE << level, column, row), 1 << level, self.kind)
        return pack(_differ(part) if self.kind == "color" else part)


def _size(entry: Layer | bytes) -> int:
    return len(entry) if isinstance(entry, bytes) else entry.nbytes


class PixelStore:
    """Layers by id, bounded in bytes; for all visitors together, from any thread."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._secret = secrets.token_bytes(32)
        self._entries: LRU[str, Layer | bytes] = LRU(most, _size)

    def put(self, pixels: Pixels, kind: Kind, shown: Pixels | None = None) -> str:
        """The id of pixels, see `add`."""
        return self.add(pixels, kind, shown)[0]

    def add(self, pixels: Pixels, kind: Kind, shown: Pixels | None = None) -> tuple[str, Layer]:
        """Store pixels (H, W) or (H, W, C); their id and layer.

        `shown` (H, W, 3) uint8 is how they are shown, where that is chosen. The first half of the id is of the pixels
        alone: a browser that sees it again stays where it is in the image.
        """
        values = np.ascontiguousarray(pixels)
        content = self._id(f"{kind} {values.shape} {values.dtype.str}".encode(), values)
        if shown is not None:
            shown = np.ascontiguousarray(shown)
            content = content[:HALF] + self._id(b"shown", shown)[HALF:]
        layer = self._entries.get(content)
        if not isinstance(layer, Layer):
            drawn = _shown(values, kind) if shown is None else shown
            is_chosen = shown is not None or values.shape[2:] not in ((), (1,), (3,))
            layer = Layer(drawn, values, kind, _measure(drawn, is_chosen) if kind == "color" else None)
            self._entries.put(content, layer)
        return self._seal(content), layer

    def put_data(self, data: object) -> str:
        """The id of something that is JSON."""
        text = json.dumps(data, allow_nan=False, separators=(",", ":")).encode()
        content = self._id(b"data", text)
        if self._entries.get(content) is None:
            self._entries.put(content, text)
        return self._seal(content)

    def get(self, sealed: str) -> Layer | bytes:
        """What an id stands for that was given to who acts (`io.owners`). Raises GoneError."""
        content = sealed[: 2 * HALF]
        entry = (
            self._entries.get(content) if hmac.compare_digest(sealed.encode(), self._seal(content).encode()) else None
        )
        if entry is None:
            raise GoneError
        return entry

    def _seal(self, content: str) -> str:
        """The id as who acts gets it."""
        owner = owners.current()
        if owner is None:
            return content
        return content + hmac.new(self._secret, f"{content} {owner}".encode(), hashlib.sha256).hexdigest()[:HALF]

    def clear(self) -> None:
        """Forget all; ids stay what they are."""
        self._entries.clear()

    @property
    def nbytes(self) -> int:
        return self._entries.total

    def _id(self, head: bytes, data: Pixels | bytes) -> str:
        digest = hashlib.sha256(self._secret + head + b"\0")
        digest.update(data if isinstance(data, bytes) else data.data)
        return digest.hexdigest()[:32]


STORE = PixelStore()


def _shown(values: Pixels, kind: Kind) -> Pixels:
    if kind == "color":
        from unet_core.io.pixels import for_display

        if values.ndim == 3 and values.shape[2] not in (1, 3):
            return np.ascontiguousarray(for_display(values))
        return np.nan_to_num(values, posinf=0, neginf=0) if values.dtype.kind == "f" else values
    if kind == "mean" and values.dtype.kind == "f":  # a share of 1
        return np.asarray(np.rint(np.clip(np.nan_to_num(values), 0, 1) * 255), np.uint8)
    return values


def _measure(shown: Pixels, is_chosen: bool) -> Contrast:
    """The contrast of an image: automatic from its percentiles, or as it is where its colors were chosen before."""
    from unet_core.io.pixels import LIMITS, full_range, percentiles

    whole = 0.0, full_range(shown)
    if is_chosen:
        return Contrast(whole, whole)
    bounds = float(shown.min()), float(shown.max())
    if bounds[0] == bounds[1]:  # one color alone is shown as it is
        return Contrast(whole, whole)
    low, high = percentiles(shown, LIMITS)
    return Contrast((low, high) if high > low else bounds, bounds)


def _differ(part: Pixels) -> Pixels:
    """Integers as differences to the pixel on the left, modulo their range: they pack better. Floats as they are."""
    if part.dtype.kind == "f":
        return part
    differences = part.copy()
    differences[:, 1:] -= part[:, :-1]
    return differences


def cut(pixels: Pixels, side: int, column: int, row: int) -> Pixels:
    part = pixels[row * side : (row + 1) * side, column * side : (column + 1) * side] if min(row, column) >= 0 else None
    if part is None or not part.size:
        raise GoneError
    return part


def _reduced(pixels: Pixels, factor: int, kind: Kind) -> Pixels:
    """`factor` times smaller, the last row and column repeated up to a whole multiple. Means, or the middle pixel."""
    if factor == 1:
        return pixels
    if kind == "nearest":
        rows, columns = (
            np.minimum(np.arange(-(-side // factor)) * factor + factor // 2, side - 1) for side in pixels.shape[:2]
        )
        return np.asarray(pixels[rows][:, columns])
    import cv2

    height, width = pixels.shape[:2]
    rows, columns = -(-height // factor), -(-width // factor)
    padded = cv2.copyMakeBorder(pixels, 0, rows * factor - height, 0, columns * factor - width, cv2.BORDER_REPLICATE)
    small: Pixels = cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA)
    return small.reshape(rows, columns, *pixels.shape[2:])


def pack(pixels: Pixels) -> bytes:
    little = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    return gzip.compress(little.tobytes(), 1, mtime=0)
