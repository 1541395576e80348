"""Which class was taken for which: confusion matrices of many images, kept small, and scores of each class."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.metrics import METRICS, Counts

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Confusion:
    """The cells of a confusion matrix that are not 0: `pixels` (N,) of class `true` (N,) were predicted as `pred` (N,).

    A matrix of 254 classes takes half a megabyte, and an image has few of them.
    """

    labels: int
    true: Array
    pred: Array
    pixels: NDArray[np.int64]

    @property
    def table(self) -> NDArray[np.int64]:
        """(L, L): rows are the ground truth, columns the prediction."""
        table = np.zeros((self.labels, self.labels), np.int64)
        table[self.true, self.pred] = self.pixels
        return table

    def cell(self, true: int, pred: int) -> int:
        """Pixels of class `true` that were predicted as class `pred`.

        >>> of_two = measure_confusion(np.array([[1, 1]], np.uint8), np.array([[0, 1]], np.uint8), 1)
        >>> of_two.cell(0, 1), of_two.cell(1, 0)
        (1, 0)
        """
        return int(self.pixels[(self.true == true) & (self.pred == pred)].sum())


def measure_confusion(pred: Array, target: Array, num_classes: int) -> Confusion:
    """The confusion matrix of two masks (H, W) of class indices; pixels with target IGNORE count nowhere."""
    table = metrics.confusion_table(pred, target, num_classes)
    true, predicted = np.nonzero(table)
    return Confusion(len(table), true.astype(np.uint8), predicted.astype(np.uint8), table[true, predicted])


def sum_tables(items: Iterable[Confusion]) -> NDArray[np.int64]:
    """(L, L): all images counted together. `items` are one or more, of the same number of classes."""
    first, *rest = items
    table = first.table
    for item in rest:
        table[item.true, item.pred] += item.pixels
    return table


def shares_of_truth(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """(L, L): each row by its sum, the share of a true class that was predicted as each; NaN in a row of no pixel.

    The diagonal is the recall.
    """
    total = table.sum(1, keepdims=True)
    shares = np.full(table.shape, np.nan)
    np.divide(table, total, out=shares, where=total > 0)
    return shares


@dataclass(frozen=True)
class ClassMeans:
    """One class over all images, by metric of `metrics.METRICS`: `accuracy` is that of the class against the rest.

    `pooled` counts the pixels of all images together, `mean` is the mean over the images in which it is defined,
    `undefined` the number of those in which it is not. NaN where it is nowhere defined.
    """

    index: int
    pooled: dict[str, float]
    mean: dict[str, float]
    undefined: dict[str, int]


def average_classes(counts: Sequence[Counts]) -> list[ClassMeans]:
    """Every metric of each scored class over images (one or more); for binary of the foreground, as class 1.

    >>> right = Counts(*(np.array([value]) for value in (2.0, 0.0, 0.0, 2.0)))
    >>> wrong = Counts(*(np.array([value]) for value in (0.0, 2.0, 4.0, 0.0)))
    >>> (foreground,) = average_classes([right, wrong])
    >>> foreground.mean["dice"], foreground.pooled["dice"]
    (0.5, 0.4)
    """
    functions = {name: metric.function for name, metric in METRICS.items()} | {"accuracy": metrics.class_accuracy}
    total = Counts(*(np.sum([getattr(item, name) for item in counts], 0) for name in ("tp", "fp", "fn", "tn")))
    pooled = {name: function(total) for name, function in functions.items()}
    values = {name: np.array([function(item) for item in counts]) for name, function in functions.items()}
    first = 1 if len(total.tp) == 1 else 0
    # An entry of METRICS with one value for all classes, (1,), has none for a class.
    names = [name for name, value in pooled.items() if len(value) == len(total.tp)]
    return [
        ClassMeans(
            first + column,
            pooled={name: float(pooled[name][column]) for name in names},
            mean={name: metrics.mean(values[name][:, column]) for name in names},
            undefined={name: int(np.isnan(values[name][:, column]).sum()) for name in names},
        )
        for column in range(len(total.tp))
    ]


@dataclass(frozen=True)
class CellImage:
    """An image behind a cell of the confusion matrix: its `pixels` of this kind, and their share of the true class."""

    id: str
    pixels: int
    share: float


def find_images(items: Mapping[str, Confusion], true: int, pred: int, most: int | None = None) -> list[CellImage]:
    """The images with pixels of class `true` that were predicted as class `pred`, the most pixels first.

    `items` are the matrices by image id; `most` limits how many are listed.

    >>> one = measure_confusion(np.array([[1, 1]], np.uint8), np.array([[0, 1]], np.uint8), 1)
    >>> find_images({"a": one}, 0, 1)
    [CellImage(id='a', pixels=1, share=1.0)]
    """
    cells = [(item.cell(true, pred), name) for name, item in items.items()]
    chosen = sorted((-pixels, name) for pixels, name in cells if pixels)[:most]
    return [
        CellImage(name, -pixels, -pixels / int(items[name].pixels[items[name].true == true].sum()))
        for pixels, name in chosen
    ]
