"""What an annotation file says of one image: shapes with a class each, drawn to pixels only when they are asked for."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unet_core.data.annotations import bitmaps, polygons
from unet_core.data.annotations.bitmaps import Bitmap
from unet_core.data.annotations.polygons import Points, Ring
from unet_core.errors import DataError

IGNORE = 255  # the label of pixels that do not count
MOST_CLASSES = 254  # without the background


@dataclass(frozen=True, eq=False)
class Shape:
    """One object, or a part of one: polygons, which unite, and pixels.

    `label` is the class index, from 1; 0 is background that lies over other shapes, IGNORE what does not count. Each
    polygon is an exterior ring and its holes, each hole filled by itself and taken away. Shapes with the same label and
    `group` are one object. `crowd`: many objects at once, which get no number. `exact`: the corners lie on the plane of
    the image even where the drawing's `pixels` is set, as those of a box that is given by its width.
    """

    label: int
    rings: tuple[tuple[Ring, ...], ...] = ()
    bitmap: Bitmap | None = None
    group: str | None = None
    crowd: bool = False
    exact: bool = False


@dataclass(frozen=True, eq=False)
class Drawing:
    """The shapes of one image, in the order in which they lie over each other, the last on top.

    `size` is (height, width) in pixels as `source` states it. x runs to the right, y down; (0, 0) is the upper left
    corner of the image and pixel (0, 0) covers 0 to 1, unless `pixels`: then corners are pixels, (0, 0) is the center
    of the first one and outlines belong to their shapes. `relative`: x, y are shares of the width and the height.
    Equal drawings have equal `key`s, which change when a pixel could.
    """

    source: Path
    size: tuple[int, int] | None
    shapes: tuple[Shape, ...] = field(repr=False)  # thousands of corners would drown a message
    pixels: bool = False
    relative: bool = False

    @cached_property
    def key(self) -> str:
        """The first 16 hex digits of a SHA-256 over all that decides what is drawn."""
        parts = hashlib.sha256(repr((self.size, self.pixels, self.relative, len(self.shapes))).encode())
        for shape in self.shapes:
            lengths = [[len(ring) for ring in polygon] for polygon in shape.rings]
            facts = (shape.label, shape.group, shape.crowd, shape.exact, lengths, shape.bitmap)
            parts.update(repr(facts).encode())
            for polygon in shape.rings:
                for ring in polygon:
                    parts.update(np.ascontiguousarray(ring, "<f4").tobytes())
        return parts.hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Drawing) and (self.source, self.key) == (other.source, other.key)

    def __hash__(self) -> int:
        return hash((self.source, self.key))

    def draw(self, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """(class indices, object numbers), both (height, width), of the image that has this size.

        A pixel belongs to a polygon when its center lies inside; see `polygons.fill` for centers on a line. Objects
        count from 1 in the order of the shapes; 0 are pixels of none, of a crowd, or ignored. A number is missing where
        other shapes hide the object, or it covers no center.

        Raises DataError: the stated size is another, a shape lies outside the image, stored pixels cannot be decoded.

        >>> square = np.array([[1, 1], [3, 1], [3, 3], [1, 3]], np.float32)
        >>> Drawing(Path("a.json"), (4, 4), (Shape(2, ((square,),)),)).draw(4, 4)[0].tolist()
        [[0, 0, 0, 0], [0, 2, 2, 0], [0, 2, 2, 0], [0, 0, 0, 0]]
        """
        if self.size is not None and self.size != (height, width):
            turned = self.size == (width, height)
            raise DataError(
                f"{self.source}: it is drawn for an image of {self.size[1]} x {self.size[0]} pixels, but the image is "
                f"{width} x {height}. "
                + (
                    "The image is probably turned by its EXIF orientation; save it upright, or annotate it upright."
                    if turned
                    else "Use the image that was annotated, or export the annotations for this size."
                )
            )
        classes = np.zeros((height, width), np.uint8)
        objects = np.zeros((height, width), np.int32)
        numbers: dict[tuple[int, str], int] = {}
        for index, shape in enumerate(self.shapes):
            number = 0
            if shape.label not in (0, IGNORE) and not shape.crowd:
                number = numbers.setdefault((shape.label, shape.group or f"shape {index}"), len(numbers) + 1)
            for mask, top, left in self._masks(shape, height, width):
                area = np.s_[top : top + mask.shape[0], left : left + mask.shape[1]]
                classes[area][mask] = shape.label
                objects[area][mask] = number
        return classes, objects

    def _masks(self, shape: Shape, height: int, width: int) -> list[tuple[NDArray[np.bool_], int, int]]:
        outline = self.pixels and not shape.exact
        masks = []
        for polygon in shape.rings:
            rings = [self._centered(ring, height, width, outline) for ring in polygon]
            low, high = rings[0].min(0), rings[0].max(0)
            if (high < -0.5).any() or low[0] > width - 0.5 or low[1] > height - 0.5:
                (x0, y0), (x1, y1) = low + 0.5, high + 0.5
                raise DataError(
                    f"{self.source}: a shape from x, y = {x0:.5g}, {y0:.5g} to {x1:.5g}, {y1:.5g} lies outside the "
                    f"image of {width} x {height} pixels. Check that it belongs to this image and was drawn at this "
                    "size."
                )
            masks.append(polygons.fill(rings, height, width, outline))
        if shape.bitmap is not None:
            try:
                masks.append((bitmaps.decode(shape.bitmap, height, width), shape.bitmap.top, shape.bitmap.left))
            except ValueError as error:
                raise DataError(f"{self.source}: {error}. Export the annotations again.") from error
        return masks

    def _centered(self, ring: Ring, height: int, width: int, outline: bool) -> Points:
        """The ring with whole numbers at pixels' centers."""
        points: Points = ring.astype(np.float64)
        if self.relative:
            points *= [width, height]
        if not outline:
            return points - 0.5
        return np.rint(points) if self.relative else points
