"""Test-time augmentation: the same picture seen in several ways, so that the answers can be averaged and compared.

A view is a flip left-right or none, then quarter turns; `back` undoes it. Names and sentences stand here for menus.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unet_core.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

TTA = {
    "none": "the picture as it is",
    "mirror": "and its mirror image (2 passes), for pictures with an up and down",
    "flips": "and flipped left-right, up-down and both (4 passes)",
    "d4": "all flips and quarter turns (8 passes), for pictures without an up and down",
}


@dataclass(frozen=True)
class View:
    """One way to see a picture."""

    flipped: bool
    quarter_turns: int

    @property
    def lies(self) -> bool:
        """Whether height and width are exchanged."""
        return self.quarter_turns % 2 == 1

    def turn(self, x: "Tensor") -> "Tensor":
        """(N, C, H, W) as seen in this view."""
        return (x.flip(-1) if self.flipped else x).rot90(self.quarter_turns, (-2, -1))

    def back(self, x: "Tensor") -> "Tensor":
        """What was given for this view, (N, K, ...), laid on the picture again."""
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
        raise ConfigError(f"tta {name!r} is unknown; choose one of {', '.join(TTA)}.")
    return VIEWS[name]
