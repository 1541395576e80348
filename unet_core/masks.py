"""Masks: merging the objects of an image, and from raw grey values to class indices, by one table of 256 entries."""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unet_core import images
from unet_core.errors import DataError, ImageError, listing
from unet_core.samples import Sample, size_problem

IGNORE = 255  # the class index of pixels that count in no loss and no score
MOST_CLASSES = 64  # more grey levels than this are taken for a blurred or compressed 0/255 mask

Array = NDArray[np.uint8]


def cache_folder() -> Path:
    """Where merged masks are kept between runs: `$XDG_CACHE_HOME/unet-studio`, by default `~/.cache/unet-studio`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unet-studio"


def read(sample: Sample, shape: tuple[int, ...]) -> Array:
    """The raw mask (H, W) uint8 of a sample; several files are merged to 0 and 1. Raises DataError on another size."""
    if len(sample.masks) == 1:
        return _sized(sample, sample.masks[0], shape)
    cached = cache_folder() / f"{_fingerprint(sample)}.png"
    if cached.is_file():
        try:
            merged = images.read_mask(cached)
            if merged.shape == shape[:2]:
                return merged
        except ImageError:
            pass  # a damaged cache file is made anew
    merged = np.zeros(shape[:2], np.uint8)
    for path in sample.masks:
        merged |= _sized(sample, path, shape) > 0
    _keep(cached, images.encode_png(merged))
    return merged


def _sized(sample: Sample, path: Path, shape: tuple[int, ...]) -> Array:
    mask = images.read_mask(path)
    if mask.shape != shape[:2]:
        raise DataError(size_problem(sample, path, mask.shape, shape) + "; give both the same size.")
    return mask


def _fingerprint(sample: Sample) -> str:
    """Changes when a mask file is added, removed or written."""
    digest = hashlib.sha256()
    for path in sample.masks:
        status = path.stat()
        digest.update(f"{path.resolve()}\0{status.st_mtime_ns}\0{status.st_size}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _keep(path: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; where it cannot be written the cache is done without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).replace(path)
    except OSError:
        return


def class_table(values: set[int], num_classes: int, ignore_index: int | None) -> tuple[int, Array]:
    """How raw mask values become class indices: (num_classes, table (256,) uint8 with IGNORE where a pixel is ignored).

    `values` are all raw values of the data set, `num_classes` is 0 where it is to be found:
    0/1, 0/255 or 0/any single value is binary; values below `MOST_CLASSES` are class indices; else DataError asks.
    With `num_classes` 1 more than two grey levels are cut at half (anti-aliased or JPEG masks).
    """
    table = np.full(256, IGNORE, np.uint8)
    values = values - {ignore_index}
    most = max(values, default=0)
    if num_classes <= 1 and len(values | {0}) <= 2:
        num_classes = 1
        table[sorted(values)] = [value > 0 for value in sorted(values)]
    elif num_classes == 1 and most > 127:
        num_classes = 1
        table[:] = np.arange(256) > 127
    elif num_classes == 0 and most < MOST_CLASSES:
        num_classes = most + 1
        table[:num_classes] = np.arange(num_classes)
    elif num_classes > 1 and most < num_classes:
        table[:num_classes] = np.arange(num_classes)
    elif num_classes > 1:
        wrong = [str(value) for value in sorted(values) if value >= num_classes]
        raise DataError(
            f"The masks hold the values {listing(wrong)}, but with {num_classes} classes they must be 0 to "
            f"{num_classes - 1}. Raise num_classes to {most + 1}, or name the unlabelled value as ignore_index."
        )
    else:
        raise DataError(
            f"The masks hold {len(values)} grey values ({listing([str(value) for value in sorted(values)])}), which "
            "are neither 0/1, 0/255 nor class indices. If they are 0/255 with blurred or compressed edges, set "
            "num_classes to 1 and they are cut at half; if they are classes, set num_classes."
        )
    if ignore_index is not None:
        table[ignore_index] = IGNORE
    return num_classes, table
