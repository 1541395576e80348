"""Masks: merging the objects of an image, and from raw values to class indices, by one table of 256 entries."""

import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unet_core.data.discovery import size_problem
from unet_core.data.layouts import Sample
from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.files import write_atomically
from unet_core.io.pixels import Pixels, encode_png

Array = NDArray[np.uint8]


def cache_folder() -> Path:
    """Where merged masks are kept between runs: `$XDG_CACHE_HOME/unet-studio`, by default `~/.cache/unet-studio`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "unet-studio"


def read(sample: Sample, shape: tuple[int, ...], colors: bool = False) -> Pixels:
    """The raw mask of a sample as `images.read_mask` gives it, (H, W) or (H, W, 3); several files are merged to 0, 1.

    `colors` reads palettes through their colors. Raises DataError on another size than the image's `shape`.
    """
    if len(sample.masks) == 1:
        return _sized(sample, sample.masks[0], shape, colors)
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
        merged |= foreground(_sized(sample, path, shape))
    _keep(cached, encode_png(merged))
    return merged


def foreground(mask: Pixels) -> Array:
    """(H, W) 0 or 1: where a raw mask, gray or in colors, is not 0 or black."""
    return np.asarray(mask > 0 if mask.ndim == 2 else (mask > 0).any(2), np.uint8)


def _sized(sample: Sample, path: Path, shape: tuple[int, ...], colors: bool = False) -> Pixels:
    mask = images.read_mask(path, sample.page, colors)
    if mask.shape[:2] != shape[:2]:
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
        write_atomically(path, data)
    except OSError:
        return
