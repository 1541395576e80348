"""Objects that are stored pixel by pixel: run lengths of several kinds, and small PNGs.

pycocotools would read COCO's text as well, but for pixels that a text cut short leaves out it gives whatever lay in
memory.
"""

import io
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
MOST_BYTES = 100_000_000  # of a PNG once it is inflated


@dataclass(frozen=True)
class Bitmap:
    """Pixels as a file stores them: `data` is read by KINDS[kind], and lies at (top, left) of the image.

    `size` is (height, width) in pixels, None for that of the image.
    """

    kind: str
    data: bytes
    size: tuple[int, int] | None = None
    top: int = 0
    left: int = 0


def from_lengths(
    kind: str, lengths: Iterable[int], size: tuple[int, int] | None, top: int = 0, left: int = 0
) -> Bitmap:
    """A bitmap of numbers, each at least 0 and below 2^32. Raises ValueError and OverflowError."""
    return Bitmap(kind, np.array([int(length) for length in lengths], np.uint32).tobytes(), size, top, left)


def decode(bitmap: Bitmap, height: int, width: int) -> Mask:
    """The mask, of the bitmap's size or that of the image (height, width). Raises ValueError with what is wrong."""
    mask = KINDS[bitmap.kind](bitmap.data, *(bitmap.size or (height, width)))
    bottom, right = bitmap.top + mask.shape[0], bitmap.left + mask.shape[1]
    if bitmap.top < 0 or bitmap.left < 0 or bottom > height or right > width:
        raise ValueError(
            f"a mask of {mask.shape[1]} x {mask.shape[0]} pixels at column {bitmap.left}, row {bitmap.top} does not "
            f"fit the image of {width} x {height}"
        )
    return mask


def _from_runs(lengths: NDArray[np.int64], pixels: int) -> Mask:
    """Flat pixels from the lengths of runs outside and inside in turn."""
    if lengths.sum() != pixels or (lengths < 0).any():
        raise ValueError(f"run lengths for {lengths.sum()} pixels, but the mask has {pixels}")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)


def _numbers(data: bytes) -> NDArray[np.int64]:
    return np.frombuffer(data, np.uint32).astype(np.int64)


def _rows(data: bytes, height: int, width: int) -> Mask:
    return _from_runs(_numbers(data), height * width).reshape(height, width)


def _columns(data: bytes, height: int, width: int) -> Mask:
    return _from_runs(_numbers(data), height * width).reshape(width, height).T


def _coco(data: bytes, height: int, width: int) -> Mask:
    """COCO's text: 5 bits a character, the lowest first; from the fourth number on, differences to the last but one."""
    lengths: list[int] = []
    value = shift = 0
    for character in data:
        digit = character - 48
        if not 0 <= digit < 64:
            raise ValueError(f"{chr(character)!r} is not a character of COCO's run lengths")
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            if shift > 35:
                raise ValueError("a run length is over 32 bits")
            continue
        if digit & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("COCO's run lengths end within a number")
    return _from_runs(np.array(lengths, np.int64), height * width).reshape(width, height).T


def _starts(data: bytes, height: int, width: int) -> Mask:
    """Pairs of a start, 1 for the first pixel, and a length, column by column (Kaggle)."""
    pairs = _numbers(data).reshape(-1, 2)
    ends = pairs.sum(1) - 1
    if len(pairs) and (pairs[:, 0].min() < 1 or ends.max() > height * width):
        raise ValueError(f"run lengths reach pixel {ends.max()} from {pairs[:, 0].min()}, but it has {height * width}")
    steps = np.zeros(height * width + 1, np.int32)
    np.add.at(steps, pairs[:, 0] - 1, 1)
    np.add.at(steps, ends, -1)
    return (np.cumsum(steps[:-1]) > 0).reshape(width, height).T


def _brush(data: bytes, height: int, width: int) -> Mask:
    """Label Studio's brush: bits that give RGBA values row by row; painted is where the last of the four is not 0.

    A head of 32 bits counts the values, 5 the bits of a value less one, and four times 4 the bits of a length less one.
    A block is a bit (1: one value for all), 2 that choose one of the four, the length less one, and its value(s).
    """
    bits = "".join(f"{byte:08b}" for byte in data)
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        if at > len(bits):
            raise ValueError("the brush strokes are cut short")
        return int(bits[at - count : at], 2)

    count, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    if count != 4 * height * width:
        raise ValueError(f"brush strokes for {count // 4} pixels, but the image has {height * width}")
    values = np.zeros(count, np.uint32)
    done = 0
    while done < count:
        same, length = take(1), take(sizes[take(2)]) + 1
        if done + length > count:
            raise ValueError("the brush strokes are longer than the image")
        values[done : done + length] = take(word) if same else [take(word) for _ in range(length)]
        done += length
    return values.reshape(height, width, 4)[:, :, 3] > 0


def _png(data: bytes, height: int, width: int) -> Mask:
    """A PNG, packed by zlib: where its alpha is not 0 or, without alpha, its value is not."""
    from PIL import Image

    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(data, MOST_BYTES)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            if image.width * image.height > MOST_BYTES:
                raise ValueError("the bitmap is too large")
            alpha = "A" in image.getbands() or "transparency" in image.info
            pixels = np.array(image.convert("RGBA"))[:, :, 3] if alpha else np.array(image)
    except (zlib.error, OSError, SyntaxError) as error:
        raise ValueError(f"the bitmap cannot be decoded ({error})") from error
    return np.not_equal(pixels if pixels.ndim == 2 else pixels.any(2), 0)


KINDS: dict[str, Callable[[bytes, int, int], Mask]] = {
    "rows": _rows,
    "columns": _columns,
    "coco": _coco,
    "starts": _starts,
    "brush": _brush,
    "png": _png,
}
