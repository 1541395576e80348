"""Masks that are kept on the disk until it is known which images a report shows."""

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from unet_core.io.images import decode
from unet_core.io.pixels import Array, encode_png

Pair = tuple[Array, Array]


class KeptMasks:
    """Predicted and true masks (H, W) of images by their ids, in a folder that is removed at the end.

    >>> import numpy as np
    >>> with KeptMasks() as masks:
    ...     masks.add("a/b", np.ones((2, 3), np.uint8), np.zeros((2, 3), np.uint8))
    ...     masks.read("a/b")[0].tolist()
    [[1, 1, 1], [1, 1, 1]]
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="unet-masks-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._folder.cleanup()

    def add(self, name: str, pred: Array, target: Array) -> None:
        """Keep the masks of an image. Raises OSError on a full disk."""
        number = self._numbers.setdefault(name, len(self._numbers))
        for path, mask in zip(self._paths(number), (pred, target), strict=True):
            path.write_bytes(encode_png(mask))

    def read(self, name: str) -> Pair:
        """(predicted, true) masks of an image. Raises KeyError."""
        pred, target = (decode(path.read_bytes(), name)[:, :, 0] for path in self._paths(self._numbers[name]))
        return pred, target

    def _paths(self, number: int) -> tuple[Path, Path]:
        folder = Path(self._folder.name)
        return folder / f"{number}-pred.png", folder / f"{number}-true.png"
