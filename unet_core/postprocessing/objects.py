"""The objects of a mask: connected components, touching ones separated on request, and their measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core.data.masks.coding import IGNORE
from unet_core.errors import ConfigError, DataError
from unet_core.io.channels import are_colors
from unet_core.io.pixels import Pixels, full_range, with_channels
from unet_core.postprocessing import watershed
from unet_core.postprocessing.cleanup import present

Array = NDArray[np.uint8]
Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Objects:
    """`labels` (H, W) int32: 0 the background, 1 to N the objects in reading order of class, top and left.

    `table` has a column of N values for each measure, in the order to be shown; row i is the object i + 1:

    | column | what |
    |---|---|
    | id, class | 1 to N; the class index, 1 for binary |
    | area_px2, perimeter_px, equivalent_diameter_px | with a pixel size in um: area_um2 and so on |
    | eccentricity | 0 a circle, towards 1 a line: of the ellipse with the same second moments |
    | mean_intensity | of the image's own values; of colors their luminance, then mean_red and so on |
    | mean_intensity_0, ... | of other numbers of channels: of each, by its name or number; mean_intensity of all |
    | mean_probability | 0..1, of the object's class; only where probabilities were given |
    | centroid_x_px, centroid_y_px | from the upper left corner of the image; the center of the first pixel is 0.5 |
    | left_px, top_px, width_px, height_px | the box around it |
    | touches_border | True where it may continue outside of the image |
    """

    labels: Labels
    table: dict[str, NDArray[Any]]
    pixel_size: float | None = None  # micrometers a pixel

    def __len__(self) -> int:
        """How many objects there are."""
        return len(self.table["id"])

    @property
    def unit(self) -> str:
        """ "um" where there is a pixel size, else "px": the end of the names of the measured columns."""
        return "px" if self.pixel_size is None else "um"

    def rows(self) -> list[dict[str, Any]]:
        """The table as one dictionary of plain Python values an object."""
        columns = [values.tolist() for values in self.table.values()]
        return [dict(zip(self.table, row, strict=True)) for row in zip(*columns, strict=True)]

    def at(self, x: float, y: float) -> int:
        """The object under a point in pixels from the upper left corner; 0 for none or outside."""
        height, width = self.labels.shape
        return int(self.labels[int(y), int(x)]) if 0 <= x < width and 0 <= y < height else 0


def find(
    mask: Array,
    image: Pixels,
    *,
    probability: NDArray[Any] | None = None,
    split: bool = False,
    pixel_size: float | None = None,
    channel_names: Sequence[str] = (),
) -> Objects:
    """The objects of a mask (H, W) of class indices: connected (8 neighbors) pixels of one class; 0, IGNORE are none.

    `image` (H, W, C) gives the intensities, `channel_names` the names of their columns, `probability` (H, W) or
    (K, H, W) in 0..1 (whole numbers: of the full range of their type) the mean probability. `split` separates touching
    ones (`watershed.split`). `pixel_size` in micrometers converts lengths and areas.

    Raises ConfigError for a pixel size that is not above 0, DataError for shapes that differ.
    """
    if pixel_size is not None and not 0 < pixel_size < float("inf"):
        raise ConfigError(
            f"The pixel size is {pixel_size}, but it must be above 0 (micrometers). Leave it empty if it is unknown."
        )
    if image.shape[:2] != mask.shape or (probability is not None and probability.shape[-2:] != mask.shape):
        shapes = f"image {image.shape[:2]}, mask {mask.shape}"
        raise DataError(f"Image, mask and probabilities differ in height or width: {shapes}. Pass those of one image.")
    labels, classes, boxes = _labeled(mask, split)
    return Objects(
        labels,
        _measured(labels, classes, boxes, image, channel_names, _probability_of(mask, probability), pixel_size),
        pixel_size,
    )


def label(mask: Array, split: bool = False) -> Labels:
    """(H, W) the number of each pixel's object from 1, 0 = none: connected (8 neighbors) pixels of one class.

    `split` separates touching ones (`watershed.split`).

    >>> label(np.array([[1, 1, 0, 2]], np.uint8)).tolist()
    [[1, 1, 0, 2]]
    """
    return _labeled(mask, split)[0]


def _labeled(mask: Array, split: bool) -> tuple[Labels, NDArray[np.int32], NDArray[np.int32]]:
    """Labels (H, W) in reading order, the class (N,) and the box (N, 4) left, top, width, height of each."""
    labels = np.zeros(mask.shape, np.int32)
    classes, boxes = [np.zeros(0, np.int32)], [np.zeros((0, 4), np.int32)]
    number = 0
    for value in present(mask):
        if value in (0, IGNORE):
            continue
        components, component_boxes = _components((mask == value).view(np.uint8), split)
        order = np.lexsort((component_boxes[:, 0], component_boxes[:, 1]))
        renumbered = np.zeros(len(order) + 1, np.int32)
        renumbered[order + 1] = np.arange(number + 1, number + 1 + len(order))
        labels += renumbered[components]
        classes.append(np.full(len(order), value, np.int32))
        boxes.append(component_boxes[order])
        number += len(order)
    return labels, np.concatenate(classes), np.concatenate(boxes)


def _components(foreground: Array, split: bool) -> tuple[Labels, NDArray[np.int32]]:
    """Labels (H, W) of the objects of one class and their boxes (N, 4)."""
    _, components, stats, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    labels, boxes = np.asarray(components, np.int32), np.asarray(stats[1:, :4], np.int32)
    if split:
        before = len(boxes)
        labels, number = watershed.split(labels, boxes)
        if number > before:
            from scipy.ndimage import find_objects

            slices = find_objects(labels, number)
            boxes = np.array([(x.start, y.start, x.stop - x.start, y.stop - y.start) for y, x in slices], np.int32)
    return labels, boxes


def _probability_of(mask: Array, probability: NDArray[Any] | None) -> NDArray[Any] | None:
    """(H, W): the probability of each pixel's own class."""
    if probability is None or probability.ndim == 2:
        return probability
    if len(probability) == 1:
        return np.asarray(probability[0])
    inside = np.minimum(mask, len(probability) - 1)
    return np.asarray(np.take_along_axis(probability, inside[None].astype(np.intp), 0)[0])


def _measured(
    labels: Labels,
    classes: NDArray[np.int32],
    boxes: NDArray[np.int32],
    image: Pixels,
    channel_names: Sequence[str],
    probability: NDArray[Any] | None,
    pixel_size: float | None,
) -> dict[str, NDArray[Any]]:
    from skimage.measure import regionprops_table

    properties = ("area", "perimeter", "equivalent_diameter_area", "eccentricity", "centroid")
    measured = regionprops_table(labels, properties=properties)
    unit, scale = ("px", 1.0) if pixel_size is None else ("um", pixel_size)
    area = measured["area"] * scale**2 if pixel_size is not None else measured["area"].astype(np.int64)
    table: dict[str, NDArray[Any]] = {
        "id": np.arange(1, len(classes) + 1),
        "class": classes,
        f"area_{unit}2": area,
        f"perimeter_{unit}": measured["perimeter"] * scale,
        f"equivalent_diameter_{unit}": measured["equivalent_diameter_area"] * scale,
        "eccentricity": measured["eccentricity"],
        **_intensities(labels, image, channel_names),
    }
    if probability is not None:
        is_integer = np.issubdtype(probability.dtype, np.integer)
        table["mean_probability"] = _means(labels, probability) / (full_range(probability) if is_integer else 1)
    left, top, width, height = boxes.T
    rows, columns = labels.shape
    return table | {
        "centroid_x_px": measured["centroid-1"] + 0.5,
        "centroid_y_px": measured["centroid-0"] + 0.5,
        "left_px": left,
        "top_px": top,
        "width_px": width,
        "height_px": height,
        "touches_border": (left == 0) | (top == 0) | (left + width == columns) | (top + height == rows),
    }


def _intensities(labels: Labels, image: Pixels, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The means of the image's channels in each object, by column."""
    channels = image.shape[2]
    if channels == 1 or (channels == 3 and are_colors(names)):
        table = {"mean_intensity": _means(labels, with_channels(image, 1)[:, :, 0])}
        if channels == 3 and (image != image[:, :, :1]).any():
            for channel, name in enumerate(("red", "green", "blue")):
                table[f"mean_{name}"] = _means(labels, image[:, :, channel])
        return table
    columns = names if len(set(names)) == channels else range(channels)
    by_channel = {
        f"mean_intensity_{name}": _means(labels, image[:, :, channel]) for channel, name in enumerate(columns)
    }
    return {"mean_intensity": np.mean(list(by_channel.values()), 0), **by_channel}


def _means(labels: Labels, values: NDArray[Any]) -> NDArray[np.float64]:
    """(N,) the mean of the values (H, W) in each object."""
    from skimage.measure import regionprops_table

    if values.dtype == np.float16:  # whose means would be rounded to three digits
        values = values.astype(np.float32)
    return np.asarray(regionprops_table(labels, values, properties=("intensity_mean",))["intensity_mean"], np.float64)
