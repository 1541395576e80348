"""A dataset in numbers: sizes, intensities, class shares, how large its objects are and how far apart; no torch.

    fingerprint.measure(pairs)              # of images in memory
    fingerprint.measure_samples(samples)    # of a folder: at most 64 images, spread over it

The idea and the name are nnU-Net's (Isensee et al., Nature Methods 2021). An object is a connected component
(8 neighbors) of a class other than 0; touching nuclei of one class are one object.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import reading
from unet_core.data.discovery import Search
from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.coding import IGNORE
from unet_core.data.masks.decide import decide
from unet_core.data.masks.evidence import Evidence
from unet_core.data.masks.raw import RawMask
from unet_core.data.recipe.recipe import Recipe
from unet_core.data.recipe.recipes import configure_parts
from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.pixels import Pixels, full_range

MOST_IMAGES = 64  # of a folder; more hardly change the numbers
MOST_PIXELS = 64_000_000  # read of a folder, so that large images take seconds too; at least FEWEST_IMAGES are
FEWEST_IMAGES = 4
WINDOW = 2048  # side in pixels of the middle of larger masks, which stands for all of them
SAMPLED = 2048  # pixels drawn from each image for the statistics of intensities
MOST_SAMPLED = 256  # images whose drawn pixels stay in memory; of more every second one is dropped
SPECK = 4  # pixels; smaller components are no objects

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Fingerprint:
    """What a dataset is like. Intensities are shares of the dtype's full range (of float as they are).

    Object sizes are diameters in pixels of a disk of the same area; None where there is no object, the gap also where
    no image holds two of one class.
    """

    images: int = 0
    height: int = 0  # median
    width: int = 0  # median
    channels: int = 0
    dtype: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    low: tuple[float, ...] = ()  # 1st percentile
    high: tuple[float, ...] = ()  # 99th percentile
    class_shares: tuple[float, ...] = ()  # of the pixels that count, class 0 first; binary has two
    object_diameter: float | None = None  # median
    object_diameter_low: float | None = None  # 10th percentile
    object_diameter_high: float | None = None  # 90th percentile
    object_gap: float | None = None  # median distance to the nearest other object of the same class
    objects_per_image: float = 0.0  # median
    upright: float = 0.0  # 0..1: how much more the classes differ between top and bottom than between left and right

    def to_dict(self) -> dict[str, Any]:
        """A dict that JSON can hold."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; unknown keys are ignored, missing ones take their defaults."""
        names = {item.name for item in dataclasses.fields(cls)}
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items() if key in names
        }
        return cls(**fields)


def measure(pairs: Iterable[tuple[Pixels, Array | None]]) -> Fingerprint:
    """The fingerprint of (image (H, W, C), class mask (H, W) with IGNORE, or None where there is no mask).

    Each pair is dropped before the next one is taken, so that a generator needs memory for one.

    >>> image, mask = np.full((8, 8, 1), 51, np.uint8), np.zeros((8, 8), np.uint8)
    >>> mask[2:6, 2:6] = 1
    >>> facts = measure([(image, mask)])
    >>> round(facts.mean[0], 3), facts.class_shares, facts.objects_per_image
    (0.2, (0.75, 0.25), 1.0)
    """
    stats = _Stats()
    for image, mask in pairs:
        stats.add_image(image)
        if mask is not None:
            stats.add_mask(mask)
    return stats.result()


def measure_samples(
    samples: Sequence[Sample],
    data: DataConfig | None = None,
    num_classes: int = 0,
    most: int = MOST_IMAGES,
    search: Search | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Fingerprint:
    """The fingerprint of a folder, from at most `most` of its images that can be read, spread over it.

    `progress(done, of)` is called before each image is read; what it raises ends the work.

    `data`, `num_classes` (0 = detect) and how the samples were found say what mask values mean, as in training.
    Raises DataError where no image can be read or the masks have no clear classes.
    """
    model = ModelConfig(num_classes=num_classes)
    data, model = configure_parts(data or DataConfig(), model, search.recipe if search else Recipe())
    stats, evidence = _Stats(), Evidence()
    masks_read: list[tuple[RawMask, int]] = []  # what values mean is known after the last one: middles with full areas
    problem: DataError | None = None
    chosen = spread(samples, most)
    for number, sample in enumerate(chosen):
        progress(number, len(chosen))
        try:
            image = reading.read_image(sample)
            raw = files.read(sample, image.shape) if sample.masks else None
        except DataError as error:  # the check of the folder lists all such files
            problem = problem or error
            continue
        stats.add_image(image)
        if raw is not None:
            evidence.add(raw, sample.id)
            middle = dataclasses.replace(
                raw,
                values=_middle(raw.values).copy(),
                objects=_middle(raw.objects).copy() if raw.repairs and raw.objects is not None else None,
                ignored=None if raw.ignored is None else _middle(raw.ignored).copy(),
            )
            masks_read.append((middle, raw.values.shape[0] * raw.values.shape[1]))
    if not stats.sizes:
        raise problem or DataError("There are no images to measure. Choose a folder with images.")
    if masks_read:
        coding, _ = decide(evidence, data, model, search)
        for raw, area in masks_read:
            stats.add_mask(coding.apply(raw), area)
    return dataclasses.replace(stats.result(), images=len(samples))


def spread(samples: Sequence[Sample], most: int = MOST_IMAGES) -> list[Sample]:
    """At most `most` samples, evenly spread in their order; fewer where they are large.

    How large is estimated from the headers of every eighth of them, as opening all would take as long as reading some.
    """
    count = min(most, len(samples))
    chosen = [samples[number * len(samples) // count] for number in range(count)]
    areas = []
    for sample in chosen[:: max(1, count // 8)]:
        try:
            areas.append(math.prod(images.size(sample.image, sample.page)))
        except ImageError:
            continue
    fitting = MOST_PIXELS // max(1, int(np.mean(areas))) if areas else count
    fewer = min(count, max(FEWEST_IMAGES, fitting))
    return [chosen[number * count // fewer] for number in range(fewer)]


class _Stats:
    """Running statistics; their size grows with the number of objects, not of pixels."""

    def __init__(self) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.kinds: Counter[tuple[int, str]] = Counter()
        self.intensities: list[NDArray[np.float32]] = []  # (SAMPLED, C) of every `stride`-th image
        self.stride = 1
        self.classes = np.zeros(256, np.int64)
        self.halves = np.zeros((2, 2, IGNORE))  # shares of the classes in (top, bottom), (left, right)
        self.diameters: list[NDArray[np.float64]] = []
        self.gaps: list[NDArray[np.float64]] = []
        self.objects: list[float] = []

    def add_image(self, image: Pixels) -> None:
        number = len(self.sizes)
        height, width, channels = image.shape
        self.sizes.append((height, width))
        self.kinds[channels, str(image.dtype)] += 1
        if number % self.stride:
            return
        pixels = image.reshape(-1, channels)
        positions = np.random.default_rng(number).integers(len(pixels), size=SAMPLED)
        self.intensities.append(pixels[positions].astype(np.float32) / full_range(image))
        # Halving what is there and the rate from now on keeps every image of the whole stream equally likely.
        if len(self.intensities) > MOST_SAMPLED:
            self.intensities, self.stride = self.intensities[::2], 2 * self.stride

    def add_mask(self, mask: Array, area: int | None = None) -> None:
        """`area` is that of the whole image in pixels, where `mask` is only the middle of it."""
        area = area or mask.size
        mask = _middle(mask)
        shares = np.bincount(mask.ravel(), minlength=256)[:256]
        self.classes += shares
        for axis, middle in enumerate(length // 2 for length in mask.shape):
            for half, part in enumerate(np.split(mask, [middle], axis)):
                self.halves[axis, half] += np.bincount(part.ravel(), minlength=256)[:IGNORE] / max(1, part.size)
        count = 0
        for label in np.flatnonzero(shares[:IGNORE]).tolist():
            if label:
                areas, gaps = components(mask == label)
                count += len(areas)
                self.diameters.append(2 * np.sqrt(areas / math.pi))
                self.gaps.append(gaps)
        self.objects.append(count * area / mask.size)  # as many as if all of it were like the middle

    def result(self) -> Fingerprint:
        if not self.sizes:
            return Fingerprint()
        channels, dtype = max(self.kinds, key=lambda kind: (self.kinds[kind], kind))
        nothing = np.zeros((0, channels), np.float32)
        values = np.concatenate([nothing, *(draw for draw in self.intensities if draw.shape[1] == channels)])
        # Float images may hold NaN here: they are refused in training, but this must not fail before that is said.
        values = values[np.isfinite(values).all(1)] if not np.isfinite(values).all() else values
        low, high = np.percentile(values, (1, 99), axis=0) if len(values) else np.zeros((2, channels))
        counted = self.classes[:IGNORE]
        classes = max(2, int(np.flatnonzero(counted).max(initial=0)) + 1) if counted.any() else 0
        diameters = np.concatenate([np.zeros(0), *self.diameters])
        gaps = np.concatenate([np.zeros(0), *self.gaps])
        smallest, median, largest = np.percentile(diameters, (10, 50, 90)).tolist() if len(diameters) else [None] * 3
        return Fingerprint(
            images=len(self.sizes),
            height=int(np.median([height for height, _ in self.sizes])),
            width=int(np.median([width for _, width in self.sizes])),
            channels=channels,
            dtype=dtype,
            mean=_floats(values.mean(0, np.float64)) if len(values) else (0.0,) * channels,
            std=_floats(values.std(0, np.float64)) if len(values) else (0.0,) * channels,
            low=_floats(low),
            high=_floats(high),
            class_shares=_floats(counted[:classes] / max(1, counted.sum())),
            object_diameter=median,
            object_diameter_low=smallest,
            object_diameter_high=largest,
            object_gap=float(np.median(gaps)) if len(gaps) else None,
            objects_per_image=float(np.median(self.objects)) if self.objects else 0.0,
            upright=self._upright(),
        )

    def _upright(self) -> float:
        """Total variation between the classes' shares in the top and the bottom half, less that of left and right.

        Street scenes have sky above and road below; cells have no up. Subtracting left from right cancels what is due
        to few or large objects, which makes any two halves differ.
        """
        shares = self.halves / np.maximum(self.halves.sum(2, keepdims=True), 1e-12)
        vertical, horizontal = np.abs(shares[:, 0] - shares[:, 1]).sum(1) / 2
        return float(max(0.0, vertical - horizontal))


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _middle(mask: NDArray[Any]) -> NDArray[Any]:
    """The middle of a mask (H, W) or (H, W, 3), at most WINDOW pixels high and wide."""
    top, left = (max(0, (length - WINDOW) // 2) for length in mask.shape[:2])
    return mask[top : top + WINDOW, left : left + WINDOW]


def components(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(areas in pixels of the objects, distances in pixels of each to the nearest other one) of a mask (H, W).

    Specks are left out. There are no distances where there is one object.

    All pairs of objects would take quadratic time. Instead the background is divided among the objects by the nearest
    one (a discrete Voronoi diagram); where two parts meet, the distances from there to both objects add up to the gap
    between them, right to about a pixel. Nearest neighbors always share such a border.
    """
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    areas[0] = 0  # the background
    large = areas >= SPECK
    if large.sum() < 2:
        return areas[large], np.zeros(0)
    objects = large[labels]
    distance, nearest = cv2.distanceTransformWithLabels(
        (~objects).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    gaps = np.full(int(nearest.max()) + 1, np.inf)
    for near, far in ((nearest, distance), (nearest.T, distance.T)):  # neighbors above one another, then side by side
        first, second = near[:-1], near[1:]
        meets = first != second
        sums = (far[:-1] + far[1:])[meets]
        np.minimum.at(gaps, first[meets], sums)
        np.minimum.at(gaps, second[meets], sums)
    return areas[large], gaps[np.isfinite(gaps)]
