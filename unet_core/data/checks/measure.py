"""From a decoded image and its mask to facts: pure functions of arrays; no torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data import appearance
from unet_core.data.checks import registration
from unet_core.data.checks.facts import BINS, SampleFacts
from unet_core.data.masks.coding import IGNORE, MaskCoding
from unet_core.data.masks.files import RawMask
from unet_core.data.masks.values import count_codes
from unet_core.io.pixels import Pixels

MOST_CODES = 512  # of one mask that are kept, the most frequent ones: objects have as many values, JPEGs more
MOST_AREAS = 2000  # of objects and of holes that are kept
MOST_PIECES = 200
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)  # a pixel and its four neighbors
LOOK = ("mean", "place", "structure", "redness", "contrast", "noise")  # of `SampleFacts.look`

SAMPLED = 128  # pixels along the shorter side of an image that are compared with those of others

Array = NDArray[np.uint8]
Gray = NDArray[np.float32]


def make_gray(image: Pixels) -> Gray:
    """(H, W) float32 the mean of the channels of an image (H, W, C)."""
    gray = image[:, :, 0].astype(np.float32)
    for number in range(1, image.shape[2]):
        gray += image[:, :, number]
    return gray / np.float32(image.shape[2])


def add_image(facts: SampleFacts, image: Pixels, gray: Gray) -> SampleFacts:
    """Facts with what an image (H, W, C) uint8, uint16 or float32 holds; `gray` is what `make_gray` gives."""
    height, width, channels = image.shape
    planes = [np.ascontiguousarray(image[:, :, number]) for number in range(channels)]  # faster than side by side
    histograms, limits = make_histograms(planes)
    return replace(
        facts,
        height=height,
        width=width,
        channels=channels,
        dtype=str(image.dtype),
        low=tuple(float(plane.min()) for plane in planes),
        high=tuple(float(plane.max()) for plane in planes),
        mean=tuple(float(plane.mean(dtype=np.float64)) for plane in planes),
        std=tuple(float(plane.std(dtype=np.float64)) for plane in planes),
        histogram=histograms,
        histogram_range=limits,
        look=_look(image, gray),
    )


def make_histograms(planes: Sequence[Pixels]) -> tuple[tuple[tuple[int, ...], ...], tuple[float, float]]:
    """(for each channel (H, W) the pixels in each of BINS bins, the range of the bins).

    >>> counts, limits = make_histograms([np.array([[0, 255]], np.uint8)])
    >>> limits, counts[0][0], counts[0][-1], sum(counts[0])
    ((0.0, 256.0), 1, 1, 2)
    """
    kind = planes[0].dtype
    if kind.kind == "u":
        size = 256 if kind == np.uint8 else 65536
        counts = (np.bincount(plane.ravel(), minlength=size).reshape(BINS, -1).sum(1) for plane in planes)
        return tuple(tuple(line.tolist()) for line in counts), (0.0, float(size))
    low, high = min(float(plane.min()) for plane in planes), max(float(plane.max()) for plane in planes)
    high = high if high > low else low + 1
    lines = (np.histogram(plane, BINS, (low, high))[0] for plane in planes)
    return tuple(tuple(line.tolist()) for line in lines), (low, high)


def _look(image: Pixels, gray: Gray) -> tuple[float, ...]:
    """The numbers of LOOK, by which images are compared; of every n-th pixel of a large image."""
    import cv2

    step = max(1, min(image.shape[:2]) // SAMPLED)
    stats = appearance.measure(np.ascontiguousarray(image[::step, ::step]))
    middle = appearance.middle(gray)
    noise = float(cv2.absdiff(middle, cv2.GaussianBlur(middle, (0, 0), 1.0)).mean()) / max(float(middle.std()), 1e-6)
    return (stats.mean, stats.place, stats.structure * step, stats.redness, stats.contrast, noise)


def add_values(facts: SampleFacts, raw: RawMask, counts: dict[int, int]) -> SampleFacts:
    """Facts with what a mask stores; `counts` are its pixels by code."""
    frequent = sorted(counts, key=lambda code: (-counts[code], code))[:MOST_CODES]
    kind = "palette" if raw.palette is not None else "drawn" if raw.drawn else str(raw.values.dtype)
    return replace(
        facts,
        mask_height=raw.values.shape[0],
        mask_width=raw.values.shape[1],
        mask_dtype=f"{kind} RGB" if raw.values.ndim == 3 else kind,
        lossy=raw.lossy,
        codes=tuple((code, counts[code]) for code in sorted(frequent)),
    )


def add_classes(facts: SampleFacts, gray: Gray, raw: RawMask, coding: MaskCoding, name: str) -> SampleFacts:
    """Facts with what the mask means by a coding. Raises DataError where it does not list a value."""
    mask = coding.apply(raw, name)
    numbers = coding.objects(raw)
    ignored = mask == IGNORE
    foreground = (mask != 0) & ~ignored
    pieces = np.sort(find_pieces(foreground, ignored, numbers))
    areas = np.bincount(numbers.ravel())[1:] if numbers is not None else _areas_by_class(mask)
    areas = np.sort(areas[areas > 0])
    objects = numbers if numbers is not None else mask
    shift, gain = registration.find_shift(gray, objects, ignored if ignored.any() else None)
    border = _rim(foreground)[~_rim(ignored)]
    return replace(
        facts,
        classes=tuple(sorted(count_codes(mask).items())),
        objects=len(areas),
        object_areas=tuple(areas[:MOST_AREAS].tolist()),
        pieces=tuple(pieces[:MOST_PIECES].tolist()),
        holes=tuple(np.sort(find_holes(foreground, ignored, objects))[:MOST_AREAS].tolist()),
        shift=shift,
        shift_gain=round(gain, 4),
        border_foreground=float(border.mean()) if border.size else 0.0,
        contrast=_contrast(gray, foreground, ignored),
        mask_record=hashlib.sha256(f"{mask.shape}".encode() + mask.tobytes()).hexdigest()[:16],
    )


def find_holes(foreground: NDArray[np.bool_], ignored: NDArray[np.bool_], objects: NDArray[Any]) -> NDArray[np.int64]:
    """The areas of the pieces of background that one object encloses; `objects` are numbers or classes (H, W).

    Between several objects that touch there is background too, which is no hole of any of them.

    >>> ring = np.pad(np.ones((3, 3), bool), 1)
    >>> ring[2, 2] = False
    >>> find_holes(ring, np.zeros((5, 5), bool), ring.astype(np.uint8)).tolist()
    [1]
    """
    import cv2

    background = ~(foreground | ignored)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(background.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
    height, width = foreground.shape
    left, top, wide, high = (stats[:, column] for column in range(4))
    inner = (left > 0) & (top > 0) & (left + wide < width) & (top + high < height)
    inner[0] = False
    areas = []
    for label in np.flatnonzero(inner).tolist():
        window = (
            slice(top[label] - 1, top[label] + high[label] + 1),
            slice(left[label] - 1, left[label] + wide[label] + 1),
        )
        hole = (labels[window] == label).view(np.uint8)
        rim = cv2.dilate(hole, CROSS) > hole
        around = objects[window][rim & foreground[window]]
        if around.size and (around == around[0]).all() and not ignored[window][rim].any():
            areas.append(int(stats[label, cv2.CC_STAT_AREA]))
    return np.array(areas, np.int64)


def find_pieces(
    foreground: NDArray[np.bool_], ignored: NDArray[np.bool_], numbers: NDArray[np.int32] | None
) -> NDArray[np.int64]:
    """The areas of the connected pieces of foreground, of each object by itself where they are numbered.

    Pieces at the border of the image or beside ignored pixels are left out: they may be cut off from larger ones.

    >>> mask = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]], bool)
    >>> find_pieces(mask, np.zeros_like(mask), None).tolist()
    [1]
    """
    import cv2

    if numbers is None:
        pieces = cv2.connectedComponents(np.ascontiguousarray(foreground).view(np.uint8), connectivity=8)[1]
    else:
        from skimage.measure import label

        pieces = label(np.where(foreground, numbers, 0), background=0, connectivity=2)
    areas = np.bincount(pieces.ravel())
    areas[_rim(pieces)] = 0
    if ignored.any():
        areas[pieces[cv2.dilate(ignored.view(np.uint8), np.ones((3, 3), np.uint8)) > 0]] = 0
    areas[0] = 0
    return areas[areas > 0]


def _areas(foreground: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The areas of the connected pieces (8 neighbors)."""
    import cv2

    stats = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(foreground).view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )[2]
    return stats[1:, cv2.CC_STAT_AREA].astype(np.int64)


def _areas_by_class(mask: Array) -> NDArray[np.int64]:
    labels = [label for label in np.flatnonzero(np.bincount(mask.ravel())).tolist() if label not in (0, IGNORE)]
    return np.concatenate([np.zeros(0, np.int64), *(_areas(mask == label) for label in labels)])


def _rim(pixels: NDArray[Any]) -> NDArray[Any]:
    """The pixels at the four borders."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _contrast(gray: Gray, foreground: NDArray[np.bool_], ignored: NDArray[np.bool_]) -> float:
    background = ~(foreground | ignored)
    deviation = float(gray.std())
    if deviation < 1e-6 or not foreground.any() or not background.any():
        return 0.0
    return float(gray[foreground].mean() - gray[background].mean()) / deviation
