"""What a prediction gives and keeps: enough for any threshold, for measures and exports, and no more.

No torch here: pages, measures and exports read answers without it.
"""

import dataclasses
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.uint8]
FULL = 65535  # what stands for a probability of 1 in 16 bits


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture (H, W). Binary: `probability16`; several classes: `classes`, `confidence`.

    - `probability16` (H, W) uint16: the probability of the foreground in 1/65535; None for several classes
    - `classes` (H, W) uint8: the most probable class; `confidence` (H, W) uint8: its probability in 1/255
    - `uncertainty` (H, W) uint8 in 1/255: with views (`tta` is not "none") twice the standard deviation of the
      probability over the views (of the class where it is largest), 0 where all agree and 1 where half of them say 0
      and half 1; without, the entropy of the probabilities over its largest value (`uncertainty_is`)
    - `tile`: the side of the tiles in pixels, 0 where the picture was predicted in one piece
    - `note`: what a user should know ("" for nothing), such as tiles made smaller to fit the memory
    """

    num_classes: int
    uncertainty: Array
    probability16: NDArray[np.uint16] | None = None
    classes: Array | None = None
    confidence: Array | None = None
    tta: str = "none"
    tile: int = 0
    note: str = ""

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = self.uncertainty.shape
        return height, width

    @property
    def nbytes(self) -> int:
        return sum(array.nbytes for array in self._arrays().values())

    @property
    def uncertainty_is(self) -> str:
        """What `uncertainty` holds, in words."""
        return "normalized entropy" if self.tta == "none" else "spread over the views"

    @property
    def probability(self) -> Array:
        """(H, W) uint8 in 1/255, made anew each time: of the foreground, or of the most probable class."""
        if self.probability16 is None:
            assert self.confidence is not None
            return self.confidence
        return ((self.probability16.astype(np.uint32) * 255 + FULL // 2) // FULL).astype(np.uint8)

    def mask(self, threshold: float = 0.5) -> Array:
        """(H, W) class indices: binary 1 where the probability is above the threshold, else the most probable class."""
        if self.probability16 is None:
            assert self.classes is not None
            return self.classes
        return np.asarray(self.probability16 > threshold * FULL, np.uint8)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True)
class CompressedPrediction:
    """An answer squeezed (zlib, lossless), to be kept for later."""

    answer: dict[str, Any]
    arrays: dict[str, tuple[str, tuple[int, ...], bytes]]

    @classmethod
    def of(cls, answer: Prediction) -> Self:
        arrays = answer._arrays()
        rest = {f.name: getattr(answer, f.name) for f in dataclasses.fields(answer) if f.name not in arrays}
        return cls(rest, {n: (a.dtype.str, a.shape, zlib.compress(a.tobytes(), 1)) for n, a in arrays.items()})

    @property
    def nbytes(self) -> int:
        return sum(len(data) for _, _, data in self.arrays.values())

    def unpacked(self) -> Prediction:
        arrays = {
            name: np.frombuffer(zlib.decompress(data), dtype).reshape(shape)
            for name, (dtype, shape, data) in self.arrays.items()
        }
        return Prediction(**(self.answer | arrays))


def to_probabilities(logits: "Tensor") -> "Tensor":
    """(N, K, H, W) logits to probabilities of the same shape: sigmoid for K = 1, else softmax over the classes."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)


def to_mask(probabilities: NDArray[np.floating], threshold: float = 0.5) -> NDArray[np.uint8]:
    """(K, H, W) probabilities to a mask (H, W) of class indices.

    K = 1: 1 where the probability is above `threshold`, else 0. K > 1: the most probable class; no threshold.
    """
    if probabilities.shape[0] == 1:
        return np.asarray(probabilities[0] > threshold, np.uint8)
    return np.asarray(probabilities.argmax(0), np.uint8)


def scored_classes(num_classes: int) -> int:
    """How many classes are scored: the foreground alone for binary, else all."""
    return 1 if num_classes == 1 else num_classes
