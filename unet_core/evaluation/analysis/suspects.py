"""Suspected label errors of a dataset: the one loop behind page, command line and `find_label_errors`."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unet_core.data.layouts import Sample
from unet_core.errors import ConfigError
from unet_core.evaluation.label_errors import Suspect, find_suspects, rank
from unet_core.inference.prediction import Prediction
from unet_core.inference.tta import views
from unet_core.io.pixels import Pixels

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset

Array = NDArray[np.uint8]

TTA = "flips"  # by default
MOST = 10_000  # places that are listed by default: of large datasets the rest would fill the memory
HIDDEN = (
    "The model was trained on some of these images: it has learned their labels, the wrong ones too, so label errors "
    "in them are mostly hidden."
)
COLUMNS = ("kind", "score", "certainty", "extent", "pixels", "left", "top", "width", "height")


@dataclass(frozen=True)
class SuspectImage:
    """One image: its suspects, and the masks (H, W) of class indices that disagree; IGNORE = 255 in `target`."""

    sample: Sample
    suspects: list[Suspect]
    pred: Array
    target: Array


def check_options(name: str, most: int = MOST) -> None:
    """Raise ConfigError where `name` is not a test-time augmentation of several views, or `most` below 1.

    One view alone cannot say what is stable.
    """
    if most < 1:
        raise ConfigError(f"Expected most to be 1 or more, got {most}.")
    if len(views(name)) < 2:
        raise ConfigError(
            f"tta is {name!r}, which is one view; label errors are looked for where several agree. Use mirror, flips "
            "or d4."
        )


class Ranking:
    """The most suspect places of many images, at most `most`; `total` is how many there were."""

    def __init__(self, most: int = MOST) -> None:
        self.most, self.total = most, 0
        self._kept: list[Suspect] = []

    def add(self, suspects: Sequence[Suspect]) -> None:
        """Those of one image more."""
        self.total += len(suspects)
        self._kept += suspects
        if len(self._kept) > 2 * self.most:
            self._kept = self.best()

    def best(self) -> list[Suspect]:
        """Those that are left, the most suspect first."""
        return rank(self._kept, self.most)


def scan(dataset: "Dataset", predict: Callable[[Sample, Pixels], Prediction]) -> Iterator[SuspectImage]:
    """The suspects of each image of a dataset, image after image.

    `predict` takes a sample with its image (H, W, C) and predicts with test-time augmentation; the mask that is
    compared is that at the threshold of the prediction.
    """
    for index, sample in enumerate(dataset.samples):
        example = dataset[index]
        prediction = replace(predict(sample, example.image), name=sample.id)
        suspects = find_suspects(prediction, example.mask)
        yield SuspectImage(sample, suspects, prediction.mask(), example.mask)


def to_csv(suspects: Sequence[Suspect], subsets: Mapping[str, str]) -> str:
    """`rank,image,subset,kind,score,certainty,extent,pixels,left,top,width,height`: a line for each, as they come.

    `subsets` says for each image whether it is train, val, test or new. Places are in pixels from the upper left corner
    of the image.

    >>> to_csv([Suspect("a", "class", 0.5, 0.75, 1, 9, 4, 5, 3, 3)], {"a": "val"}).splitlines()[1]
    '1,a,val,class,0.500000,0.750000,1.000000,9,4,5,3,3'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["rank", "image", "subset", *COLUMNS])
    for number, item in enumerate(suspects, 1):
        cells = [getattr(item, name) for name in COLUMNS]
        cells = [
            f"{float(cell):.6f}" if name in ("score", "certainty", "extent") else cell
            for name, cell in zip(COLUMNS, cells, strict=True)
        ]
        writer.writerow([number, item.image, subsets[item.image], *cells])
    return out.getvalue()


def find_window(suspect: Suspect, height: int, width: int, margin: int = 24, least: int = 96) -> tuple[slice, slice]:
    """The rows and columns of a square around a suspect, inside of an image of this size where it is large enough.

    >>> find_window(Suspect("a", "class", 1, 1, 1, 9, 90, 0, 3, 3), 200, 100)
    (slice(0, 96, None), slice(4, 100, None))
    """
    side = max(least, suspect.width + 2 * margin, suspect.height + 2 * margin)

    def cut(start: int, length: int, whole: int) -> slice:
        first = min(max(0, start + length // 2 - side // 2), max(0, whole - side))
        return slice(first, min(whole, first + side))

    return cut(suspect.top, suspect.height, height), cut(suspect.left, suspect.width, width)
