"""The result of one image, all that exported files are made of."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels
from unet_core.postprocessing import contours, objects

Array = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Result:
    """One image and its mask; what follows from it, such as `objects`, is computed once, when first asked for."""

    name: str  # as the user knows it: "plate1/a.png", "stack_003"; made safe before it names a file
    image: Pixels  # (H, W, C) uint8, uint16 or float32
    mask: Array  # (H, W) class indices, after threshold and cleaning
    num_classes: int  # 1 = binary
    probability: NDArray[Any] | None = None  # (H, W) or (K, H, W) float in 0..1, or uint8/uint16 of their full range
    class_names: tuple[str, ...] = ()  # by class index, the background's first; () where none are known
    channel_names: tuple[str, ...] = ()  # of the image; () where none are known
    pixel_size: float | None = None  # micrometers a pixel
    threshold: float | None = None  # that made the mask; None for several classes
    split: bool = False  # separate touching objects
    opacity: float = 0.5  # of the overlay
    outline: bool = False  # overlay as outlines
    precomputed: objects.Objects | None = field(default=None, repr=False)  # the objects, if they were found already

    @cached_property
    def objects(self) -> objects.Objects:
        """Its objects, as `objects.find` gives them."""
        if self.precomputed is not None:
            return self.precomputed
        return objects.find(
            self.mask,
            self.image,
            probability=self.probability,
            split=self.split,
            pixel_size=self.pixel_size,
            channel_names=self.channel_names,
        )

    @cached_property
    def polygons(self) -> list[list[contours.Polygon]]:
        """Of each object, along the edges of its pixels."""
        return contours.polygons(self.objects.labels, len(self.objects))

    @property
    def pixel_areas(self) -> list[int]:
        """The pixels of each object, whatever the unit of its measures."""
        counted = np.bincount(self.objects.labels.ravel(), minlength=len(self.objects) + 1)
        return [int(pixels) for pixels in counted[1:]]

    @property
    def object_classes(self) -> range:
        """The class indices that objects may have: 1 for binary, else all but the background's 0."""
        return range(1, max(self.num_classes, 2))

    def class_name(self, index: int) -> str:
        """The name of a class; "object" of an unnamed binary one, else "class 3"."""
        if index < len(self.class_names):
            return self.class_names[index]
        return "object" if self.num_classes == 1 else f"class {index}"
