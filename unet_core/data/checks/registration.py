"""Whether a mask lies where the edges of its image are: registration by the edges of both; no torch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH = 24  # pixels by which a mask may be shifted and still be found, at most a quarter of the image
WINDOW = 768  # side in pixels of the middle that is compared
SIGMA = 0.7  # of the blur of both: masks are drawn to about a pixel
CLIP = 98  # percentile of the gradient that counts as a full edge, so that a few bright specks do not decide
PEAK = 2.8  # deviations by which the best place must stand out of all others; faint images give up to 2.6
LEAST = 0.12  # correlation at the best place; a small image of noise gives up to 0.11

Shift = tuple[float, float]


def find_shift(gray: NDArray[Any], mask: NDArray[Any], ignored: NDArray[np.bool_] | None = None) -> tuple[Shift, float]:
    """((pixels down, pixels right) that bring the mask to the edges of the image, how much better it fits there).

    `gray` (H, W) gray levels, `mask` (H, W) classes or object numbers. The gain is how much higher the
    correlation of both edge maps is there than at the best of the nine places within one pixel of where the mask lies,
    in deviations of the correlation over all places; 0 where no place stands out. Between pixels the place is that of a
    parabola through the best one and its neighbors.

    >>> disk = (np.hypot(*np.mgrid[-48:48, -40:56]) < 20).astype(np.uint8)
    >>> tuple(map(round, find_shift(disk * 100, np.roll(disk, (3, -5), (0, 1)))[0]))
    (-3, 5)
    """
    import cv2

    outline = _outline(_middle(mask), None if ignored is None else _middle(ignored))
    height, width = outline.shape
    reach = min(REACH, height // 4, width // 4)
    if reach < 2 or not outline[reach : height - reach, reach : width - reach].any():
        return (0.0, 0.0), 0.0
    smooth = cv2.GaussianBlur(outline, (0, 0), SIGMA)
    template = np.ascontiguousarray(smooth[reach : height - reach, reach : width - reach])
    fit = cv2.matchTemplate(_edges(_middle(gray)), template, cv2.TM_CCOEFF_NORMED)
    deviation = float(fit.std())
    if not np.isfinite(fit).all() or deviation < 1e-6:
        return (0.0, 0.0), 0.0
    row, column = (int(at) for at in np.unravel_index(int(fit.argmax()), fit.shape))
    place = row - reach + _vertex(fit[:, column], row), column - reach + _vertex(fit[row], column)
    best = float(fit.max())
    if best < LEAST or best - float(np.median(fit)) < PEAK * deviation:
        return place, 0.0
    near = float(fit[reach - 1 : reach + 2, reach - 1 : reach + 2].max())
    return place, (best - near) / deviation


def _vertex(line: NDArray[Any], at: int) -> float:
    """Where a parabola through the highest value of a line and its neighbors has its vertex, from -0.5 to 0.5."""
    if not 0 < at < len(line) - 1:
        return 0.0
    before, best, after = (float(value) for value in line[at - 1 : at + 2])
    bend = before - 2 * best + after
    return round(0.5 * (before - after) / bend, 2) + 0.0 if bend < 0 else 0.0


def _middle(pixels: NDArray[Any]) -> NDArray[Any]:
    top, left = (max(0, (length - WINDOW) // 2) for length in pixels.shape[:2])
    return pixels[top : top + WINDOW, left : left + WINDOW]


def _edges(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """(H, W) 0..1 the gradient of the gray levels."""
    import cv2

    gray = cv2.GaussianBlur(pixels.astype(np.float32, copy=False), (0, 0), SIGMA)
    gradient = cv2.magnitude(cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1))
    full = max(float(np.percentile(gradient, CLIP)), 1e-6)
    return np.asarray(np.minimum(gradient, full) / full, np.float32)


def _outline(mask: NDArray[Any], ignored: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """(H, W) up to 1 beside the borders between two values; none at pixels that do not count."""
    outline = np.zeros(mask.shape, np.float32)
    for values, lines, hidden in (
        (mask, outline, ignored),
        (mask.T, outline.T, None if ignored is None else ignored.T),
    ):
        differ = values[1:] != values[:-1]
        if hidden is not None:
            differ = differ & ~hidden[1:] & ~hidden[:-1]
        lines[1:] += 0.5 * differ
        lines[:-1] += 0.5 * differ
    return np.minimum(outline, 1)


def measure_fit(gray: NDArray[Any], mask: NDArray[Any], ignored: NDArray[np.bool_] | None = None) -> float:
    """The correlation of the edges of an image and the outlines of a mask where it lies, -1 to 1; 0 of none."""
    import cv2

    outline = cv2.GaussianBlur(_outline(_middle(mask), None if ignored is None else _middle(ignored)), (0, 0), SIGMA)
    fit = float(cv2.matchTemplate(_edges(_middle(gray)), outline, cv2.TM_CCOEFF_NORMED)[0, 0])
    return fit if np.isfinite(fit) and outline.any() else 0.0
