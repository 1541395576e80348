"""Mask files: read as they are; where an image has a file for each object, they are joined once and cached.

DSB 2018 has hundreds of mask files for some images, which would all be opened again at the start of every run.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.discovery import size_problem
from unet_core.data.layouts import Sample
from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import count_values
from unet_core.data.recipe import stored
from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.files import cache_folder, write_atomically

__all__ = ["RawMask", "foreground", "read"]

Array = NDArray[np.uint8]
MOST_VALUES = 4096  # different values of a file that are remembered


def read(sample: Sample, shape: tuple[int, ...]) -> RawMask:
    """The raw mask of a sample with its repairs; the objects of several files are joined and keep their values.

    Raises DataError on another size than the image's `shape`, ImageError where a file cannot be read.
    """
    height, width = shape[:2]
    if sample.empty:
        return RawMask(np.zeros((height, width), np.uint8), parts=(frozenset({0}),))
    mask = stored.repair(_read_all(sample, shape), sample.repairs, (height, width))
    _check_size(sample, sample.masks[0], mask, shape)
    if sample.field_of_view is None:
        return mask
    field = _read_file(sample, sample.field_of_view)
    _check_size(sample, sample.field_of_view, field, shape)
    return mask.ignore(foreground(field.as_colors()) == 0)


def _read_all(sample: Sample, shape: tuple[int, ...]) -> RawMask:
    """The mask without repairs, of whatever size."""
    if sample.drawing is not None:
        classes, numbers = sample.drawing.draw(*shape[:2])
        return RawMask(classes, objects=numbers, parts=(frozenset(count_values(classes)),), drawn=True)
    if len(sample.masks) == 1:
        return _read_file(sample, sample.masks[0])
    cached = cache_folder() / f"{_hash_files(sample)}.mask"
    with suppress(OSError, ValueError, KeyError, ImageError):  # a damaged cache file is written again below
        return _unpack(cached.read_bytes())
    parts = [_read_file(sample, path) for path in sample.masks]
    sizes = {(part.values.shape[0], part.values.shape[1]) for part in parts}
    if {stored.size_after(size, sample.repairs, (shape[0], shape[1])) for size in sizes} != {shape[:2]}:
        for path, part in zip(sample.masks, parts, strict=True):
            _check_size(sample, path, part, shape)
    if len(sizes) > 1:
        raise DataError(
            f"{sample.masks[0]}: the {len(parts)} masks of {sample.image.name} have different sizes, so they cannot be "
            "repaired together. Make them the same size."
        )
    joined = _join(parts)
    _write_cache(cached, _pack(joined))
    return joined


def _check_size(sample: Sample, path: Path, mask: RawMask, shape: tuple[int, ...]) -> None:
    """Raise DataError where a mask has another size than its image."""
    if mask.values.shape[:2] != shape[:2]:
        problem = size_problem(sample, path, mask.values.shape, shape)
        raise DataError(problem + ("." if ";" in problem else "; make both the same size."))


def foreground(mask: NDArray[Any]) -> Array:
    """(H, W) 0 or 1: where a raw mask, gray or in colors, is not 0 or black."""
    return np.asarray(mask > 0 if mask.ndim == 2 else (mask > 0).any(2), np.uint8)


def _join(parts: Sequence[RawMask]) -> RawMask:
    """One mask of all parts, which have one size: each keeps its values, what a later one covers is its own."""
    shape = parts[0].values.shape
    colored = any(part.as_colors().ndim == 3 for part in parts)
    wide = max(
        (part.values.dtype for part in parts if part.values.ndim == 2), key=lambda kind: kind.itemsize, default=np.uint8
    )
    values = np.zeros((*shape[:2], 3) if colored else shape[:2], np.uint8 if colored else wide)
    objects = np.zeros(shape[:2], np.int32)
    for number, part in enumerate(parts, 1):
        pixels = part.as_colors()
        inside = foreground(pixels) > 0
        if colored and pixels.ndim == 2:
            pixels = np.repeat(pixels.astype(np.uint8)[:, :, None], 3, 2)
        np.copyto(values, pixels, where=inside[:, :, None] if colored else inside)
        objects[inside] = number
    return RawMask(
        values,
        objects=objects,
        parts=tuple(dict.fromkeys(values for part in parts for values in part.parts)),
        lossy=any(part.lossy for part in parts),
        source=next((part.source for part in parts if part.source), ""),
    )


def _read_file(sample: Sample, path: Path) -> RawMask:
    file = images.read_mask_file(path, sample.page)
    values, palette = file.pixels, file.palette
    if palette is not None:
        bright = palette.max(1)
        gray = (bright == palette.min(1)) & ((bright == 0) | (bright == 255))
        used = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
        if gray[used].all():  # black and white, in whatever order: no index means more than its color
            values, palette = bright[values], None
    codes = frozenset(list(count_values(values))[:MOST_VALUES])
    return RawMask(values, palette, None, (codes,), file.lossy, file.source, ignored=file.invalid)


def _hash_files(sample: Sample) -> str:
    """Changes when a mask file is added, removed or written.

    From path, time and size: hashing the content would need all the files to be read, which the cache is to avoid.
    """
    digest = hashlib.sha256()
    folders = {folder: folder.resolve() for folder in {path.parent for path in sample.masks}}
    for path in sample.masks:
        status = path.stat()
        line = f"{folders[path.parent]}/{path.name}\0{status.st_mtime_ns}\0{status.st_size}\n"
        digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _pack(mask: RawMask) -> bytes:
    """A line of JSON, then two PNGs: the values, and the objects as 16-bit gray."""
    import cv2

    assert mask.objects is not None
    planes = []
    for pixels in (mask.values, mask.objects.astype(np.uint16)):
        small = pixels.dtype.itemsize <= 2
        planes.append(
            cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes() if small else pixels.tobytes()
        )
    head = {
        "parts": [sorted(part) for part in mask.parts],
        "lossy": mask.lossy,
        "source": mask.source,
        "first": len(planes[0]),
        "type": mask.values.dtype.str,
        "shape": mask.values.shape,
    }
    return json.dumps(head).encode() + b"\n" + b"".join(planes)


def _unpack(data: bytes) -> RawMask:
    """Raises ValueError, KeyError where the bytes are damaged."""
    import cv2

    line, _, rest = data.partition(b"\n")
    head = json.loads(line)
    first, shape, kind = rest[: head["first"]], tuple(head["shape"]), np.dtype(head["type"])
    if kind.itemsize <= 2:
        values = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_UNCHANGED) if first else None
    else:
        values = np.frombuffer(first, kind).reshape(shape)
    coded = np.frombuffer(rest[head["first"] :], np.uint8)
    objects = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED) if coded.size else None
    if values is None or objects is None or values.shape != shape or objects.shape != shape[:2]:
        raise ValueError("damaged")
    parts = tuple(frozenset(part) for part in head["parts"])
    return RawMask(values, None, objects.astype(np.int32), parts, head["lossy"], head["source"])


def _write_cache(path: Path, data: bytes) -> None:
    """Write a cache file; without one, as on a full or read-only disk, masks are joined again each time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
