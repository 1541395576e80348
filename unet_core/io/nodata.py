"""Pixels that hold no data: by the file's own tag, not a number, or a marker such as -9999."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io.pixels import Pixels

MARKERS = (-9999.0, -32768.0, -99999.0)  # what raster tools write where nothing was measured, unless told otherwise
LOWEST = -3.4e38  # the lowest numbers of a 32-bit float are another such marker
APART = 0.5  # a marker is this many times the range of all other values away from them

Valid = NDArray[np.bool_]


def find_valid(pixels: NDArray[Any], nodata: float | None) -> tuple[Valid | None, str]:
    """(H, W) False where a pixel of (H, W, C) holds no data, None where all do, and the reason for a message.

    `nodata` is the value that the file names. Of unsigned pixels all channels must have it: 0 is also a dark band. An
    undeclared marker must be far below all other values; unsigned pixels have none.

    >>> image = np.array([[[-9999.0], [0.1]], [[0.2], [0.9]]], np.float32)
    >>> find_valid(image, None)[0].tolist()
    [[False, True], [True, True]]
    """
    unsigned = np.issubdtype(pixels.dtype, np.unsignedinteger)
    if unsigned and nodata is None:
        return None, ""
    invalid = np.zeros(pixels.shape[:2], bool)
    reasons = []
    if not np.issubdtype(pixels.dtype, np.integer):
        odd = ~np.isfinite(pixels).all(2)
        if odd.any():
            invalid |= odd
            reasons.append("NaN or infinite")
    if nodata is not None and np.isfinite(nodata):
        number = nodata if np.issubdtype(pixels.dtype, np.integer) else pixels.dtype.type(nodata)
        equal = pixels <= LOWEST if nodata <= LOWEST else pixels == number  # the lowest float is often written short
        marked = equal.all(2) if unsigned else equal.any(2)
        if marked.any():
            invalid |= marked
            reasons.append(f"{nodata:.10g}, which the file calls no data")
    elif nodata is None and not unsigned:
        marked, marker = _undeclared(pixels, ~invalid)
        if marker is not None:
            invalid |= marked
            rim = any(edge.any() for edge in (marked[0], marked[-1], marked[:, 0], marked[:, -1]))
            reasons.append(f"{marker:.10g}{' at the rim' * rim}, far from all other values")
    return (~invalid, " or ".join(reasons)) if invalid.any() else (None, "")


def _undeclared(pixels: NDArray[Any], finite: Valid) -> tuple[Valid, float | None]:
    """Where a usual marker lies that the file does not name, and which; None where there is none."""
    if not finite.any():
        return ~finite, None
    lowest = float(pixels[finite].min())
    marker = lowest if lowest in MARKERS or lowest <= LOWEST else None
    if marker is None:
        return ~finite, None
    marked = (pixels <= LOWEST if marker <= LOWEST else pixels == marker).any(2) & finite
    others = pixels[finite & ~marked]
    if others.size and float(others.min()) - marker < APART * (float(others.max()) - float(others.min())):
        return ~finite, None
    return marked, marker


def fill(pixels: Pixels, valid: Valid, name: str) -> Pixels:
    """The pixels (H, W, C) with a channel's mean of the valid ones in the others. Raises ImageError without any."""
    if not valid.any():
        raise ImageError(f"{name}: no pixel holds data (all are NaN, infinite or no data); leave the image out.")
    means = pixels[valid].mean(axis=0, dtype=np.float64)
    filled = pixels.copy()
    filled[~valid] = np.rint(means) if np.issubdtype(pixels.dtype, np.integer) else means
    return filled


def sentence(valid: Valid, reason: str, name: str) -> str:
    """What to tell of an image with invalid pixels."""
    count = int((~valid).sum())
    return (
        f"{name}: {count:,} of {valid.size:,} pixels ({count / valid.size:.1%}) hold no data ({reason}). They are "
        "filled with the mean of the others."
    )
