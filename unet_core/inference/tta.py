"""Test-time augmentation: the same image in several views, whose predictions are averaged and compared.

A view is a horizontal flip or none, then rotations by 90 degrees; `back` undoes it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unet_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

TTA = {
    "none": "the image as it is",
    "mirror": "also flipped horizontally (2 passes), for images with a fixed orientation",
    "flips": "also flipped horizontally, vertically and both (4 passes)",
    "d4": "all flips and 90-degree rotations (8 passes), for images without a fixed orientation",
}


@dataclass(frozen=True)
class View:
    """One way to present an image."""

    flipped: bool
    quarter_turns: int

    @property
    def swaps_axes(self) -> bool:
        """Whether height and width are exchanged."""
        return self.quarter_turns % 2 == 1

    def turn(self, x: "Tensor") -> "Tensor":
        """(N, C, H, W) turned into this view."""
        return (x.flip(-1) if self.flipped else x).rot90(self.quarter_turns, (-2, -1))

    def back(self, x: "Tensor") -> "Tensor":
        """What was predicted in this view, (N, K, ...), turned back onto the image."""
        x = x.rot90(-self.quarter_turns, (-2, -1))
        return x.flip(-1) if self.flipped else x


VIEWS = {
    "none": (View(False, 0),),
    "mirror": (View(False, 0), View(True, 0)),
    "flips": (View(False, 0), View(True, 0), View(False, 2), View(True, 2)),
    "d4": tuple(View(flipped, turns) for turns in (0, 2, 1, 3) for flipped in (False, True)),
}


def views(name: str) -> tuple[View, ...]:
    """The views of a name in TTA. Raises ConfigError for another."""
    if name not in VIEWS:
        raise ConfigError(f"Unknown tta {name!r}. Use one of {', '.join(TTA)}.")
    return VIEWS[name]
