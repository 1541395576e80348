"""A mask as its files hold it, before anybody says what its values mean."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.data.recipe.recipe import Repair

Array = NDArray[np.uint8]
Values = frozenset[int]


@dataclass(frozen=True)
class RawMask:
    """A mask as it is stored, before anybody says what its values mean.

    `values` (H, W) unsigned gray levels, labels or palette indices, or (H, W, 3) uint8 colors. `palette` (256, 3) uint8
    where `values` are its indices. `objects` (H, W) the number of each pixel's object from 1, 0 = none, where the files
    say which object is which. `parts`: the codes in each file, those of joined files apart. `lossy`: from a JPEG.
    `source`: "alpha" where the transparency was the mask, "inverting LUT", or "". `drawn`: from annotations, the values
    are class indices. `ignored` (H, W): pixels outside the field of view or without data, which do not count; None
    where all do. `repairs`: those of the recipe that need class indices, which `MaskCoding` carries out.
    """

    values: NDArray[Any]
    palette: Array | None = None
    objects: NDArray[np.int32] | None = None
    parts: tuple[Values, ...] = ()
    lossy: bool = False
    source: str = ""
    drawn: bool = False
    ignored: NDArray[np.bool_] | None = None
    repairs: tuple[Repair, ...] = ()

    def as_colors(self) -> NDArray[Any]:
        """The values, those of a palette as (H, W, 3) colors."""
        return self.values if self.palette is None else self.palette[self.values]

    def ignore(self, pixels: NDArray[np.bool_]) -> "RawMask":
        """The same mask without some more pixels (H, W)."""
        return replace(self, ignored=pixels if self.ignored is None else self.ignored | pixels)
