"""Repairs of masks as they are stored: where the pixels lie, and which values they have.

    raw = repair(raw, sample.repairs, (height, width))

Each acts on values, objects and ignored pixels alike. Pixels that come from nowhere repeat the border, so that no new
value comes in, and do not count.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import LABELS, encode_pixels, encode_value, find_unique, is_color
from unet_core.data.recipe.kinds import CLASSES, REPAIRS, SNAP_SHARE, STORED, parse_pair
from unet_core.data.recipe.recipe import Repair
from unet_core.io.formats.headers import upright

Codes = NDArray[np.int64]
Size = tuple[int, int]


def repair(raw: RawMask, repairs: Iterable[Repair], shape: Size) -> RawMask:
    """The mask of an image of (height, width) `shape` after its repairs; those that need classes are put on it."""
    for one in repairs:
        stage = REPAIRS[one.kind].stage
        if stage == STORED:
            raw = CHANGES[one.kind](raw, one, shape)
        elif stage == CLASSES:
            raw = replace(raw, repairs=(*raw.repairs, one))
    return raw


def size_after(size: Size, repairs: Iterable[Repair], shape: Size) -> Size:
    """(height, width) of a mask file of `size` after the repairs, for an image of `shape`."""
    for one in repairs:
        if one.kind == "turn" and one.get("orientation") >= 5:
            size = size[1], size[0]
        elif one.kind == "fit" and _fits(size, one, shape):
            size = shape
    return size


def _fits(size: Size, one: Repair, shape: Size) -> bool:
    """Whether a mask can be fitted as it is asked: only one that is larger can be cropped, one that is smaller padded.

    Where one side is larger and the other smaller, cropping pads that one and padding crops the other.
    """
    how = one.get("how")
    larger, smaller = (any(map(test, size, shape)) for test in (int.__gt__, int.__lt__))
    return how == "scale" or size == shape or (larger if how == "crop" else smaller)


def _fit(raw: RawMask, one: Repair, shape: Size) -> RawMask:
    height, width = raw.values.shape[:2]
    if (height, width) == shape or not _fits((height, width), one, shape):
        return raw  # whoever compares the sizes says so
    if one.get("how") == "scale":  # the pixel below the center of the new one, exactly
        rows, columns = (
            (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(shape, (height, width), strict=True)
        )
        return _take(raw, rows, columns)
    centered = one.get("at", "center") == "center"
    rows, columns = (
        np.arange(new) + ((old - new) // 2 if centered else 0) for new, old in zip(shape, (height, width), strict=True)
    )
    return _take(raw, rows, columns)


def _shift(raw: RawMask, one: Repair, shape: Size) -> RawMask:
    height, width = raw.values.shape[:2]
    return _take(raw, np.arange(height) - one.get("down", 0), np.arange(width) - one.get("right", 0))


def _take(raw: RawMask, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> RawMask:
    """The pixels of some rows and columns; those beyond the border repeat it and do not count."""
    height, width = raw.values.shape[:2]
    inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
    taken = np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))
    changed = _move(raw, lambda pixels: np.ascontiguousarray(pixels[taken]))
    return changed if inside.all() else changed.ignore(~inside)


def _turn(raw: RawMask, one: Repair, shape: Size) -> RawMask:
    return _move(raw, lambda pixels: upright(pixels, one.get("orientation")))


def _move(raw: RawMask, move: Callable[[NDArray[Any]], NDArray[Any]]) -> RawMask:
    return replace(
        raw,
        values=move(raw.values),
        objects=None if raw.objects is None else move(raw.objects),
        ignored=None if raw.ignored is None else move(raw.ignored),
    )


def _recode(raw: RawMask, one: Repair, shape: Size) -> RawMask:
    pairs = [tuple(map(encode_value, parse_pair(pair))) for pair in one.get("values")]
    if any(is_color(old) for old, _ in pairs):
        raw = _with_colors(raw)
    old, new = (np.array(codes, np.int64) for codes in zip(*pairs, strict=True))

    def change(codes: Codes) -> Codes:
        """All at once, the first pair of a value counts: what one pair made another leaves alone."""
        hit = codes[:, None] == old[None]
        return np.where(hit.any(1), new[hit.argmax(1)], codes)

    return replace(_map_codes(raw, change), palette=None)


def _threshold(raw: RawMask, one: Repair, shape: Size) -> RawMask:
    """Of colors the brightest channel counts."""
    level = one.get("level")

    def change(codes: Codes) -> Codes:
        return np.where(_numbers(codes).max(1) > level, encode_value((255,)), 0)

    return replace(_map_codes(_with_colors(raw), change), lossy=False)


def _snap(raw: RawMask, one: Repair, shape: Size) -> RawMask:
    """Of palettes the colors say which value is the nearest. The lower of two as near ones is taken."""
    codes = encode_pixels(raw.values)
    unique, index = find_unique(codes)
    counts = np.bincount(index.ravel(), minlength=len(unique))
    frequent = unique[counts >= SNAP_SHARE * codes.size]
    if not len(frequent):
        return raw
    palette = None if raw.palette is None else raw.palette.astype(np.int64)

    def place(codes: Codes) -> Codes:
        return _numbers(codes) if palette is None else palette[codes & 255]

    def change(codes: Codes) -> Codes:
        distance = ((place(codes)[:, None] - place(frequent)[None]) ** 2).sum(2)
        return np.where(np.isin(codes, frequent), codes, frequent[distance.argmin(1)])

    return replace(_map_codes(raw, change), lossy=False)


def _with_colors(raw: RawMask) -> RawMask:
    """A palette's colors in place of its indices."""
    if raw.palette is None:
        return raw
    colors = encode_pixels(raw.palette[None])[0]
    parts = tuple(frozenset(int(colors[code & 255]) for code in part) for part in raw.parts)
    return replace(raw, values=raw.as_colors(), palette=None, parts=parts)


def _map_codes(raw: RawMask, change: Callable[[Codes], Codes]) -> RawMask:
    """The mask with other values; `change` maps the different codes (N,) of a mask, see `masks.values`."""
    unique, index = find_unique(encode_pixels(raw.values))
    values = _decode(change(unique))[index]
    parts = tuple(frozenset(change(np.array(sorted(part), np.int64)).tolist()) for part in raw.parts)
    return replace(raw, values=values, parts=parts)


def _decode(codes: Codes) -> NDArray[Any]:
    """(N,) gray levels or labels, or (N, 3) colors where any of the codes is one."""
    if any(map(is_color, codes.tolist())):
        return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], 1).astype(np.uint8)
    numbers = _numbers(codes)[:, 0]
    largest = int(numbers.max(initial=0))
    return numbers.astype(np.uint8 if largest < 2**8 else np.uint16 if largest < 2**16 else np.uint32)


def _numbers(codes: Codes) -> NDArray[np.int64]:
    """(N, 3) red, green and blue of each code; of gray levels and labels three times the number."""
    label = np.where(codes >= LABELS, codes - LABELS, 0)
    colors = np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], 1)
    return np.where((codes >= LABELS)[:, None], label[:, None], colors)


CHANGES: dict[str, Callable[[RawMask, Repair, Size], RawMask]] = {
    "fit": _fit,
    "turn": _turn,
    "shift": _shift,
    "recode": _recode,
    "threshold": _threshold,
    "snap": _snap,
}
