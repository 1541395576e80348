"""The scores of many images as columns of numbers, made once, so that a table of 10,000 images answers at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unet_core.evaluation.error_analysis import CAUSES
from unet_core.evaluation.measures.registry import BY_CLASS, MEASURES, Measured
from unet_core.evaluation.summary import ImageScore
from unet_core.metrics import METRICS

Floats = NDArray[np.float64]

NAME = "image"  # the column of names, in an order
OF_CLASSES = ("dice", "iou")  # metrics that are columns of each class, where there are several
OBJECT_F1 = "object_f1"  # of the basic scores; among all measures it is `object_f1_50`


@dataclass(frozen=True)
class Column:
    """How a measure is called and read. `best` is the best value there is: the farther from it, the worse.

    `is_share`: it lies in 0..1. `is_length`: it is in pixels, or in micrometers where their size is known.
    """

    label: str
    description: str
    best: float = 1.0
    is_share: bool = True
    is_length: bool = False


def describe_column(name: str, class_names: Sequence[str] = ()) -> Column:
    """The column of that name in a `ScoreTable`; `dice_2` is the Dice of class 2. Raises KeyError.

    >>> describe_column("dice").label, describe_column("hd95").best, describe_column("iou_0", ["sky"]).label
    ('Dice', 0, 'IoU: sky')
    """
    if name == OBJECT_F1:
        return replace(describe_column("object_f1_50"), label="Object F1")
    if (metric := METRICS.get(name)) is not None:
        return Column(metric.label or name.replace("_", " ").capitalize(), metric.description)
    if (entry := MEASURES.get(name)) is not None:
        label = entry.label or name.replace("_", " ").capitalize()
        return Column(label, entry.description, entry.best, entry.is_share, entry.is_length)
    of_all, _, index = name.rpartition("_")
    if not index.isdigit():
        raise KeyError(name)
    column = describe_column(of_all)
    class_name = class_names[int(index)] if int(index) < len(class_names) else f"class {index}"
    return replace(column, label=f"{column.label}: {class_name}", description=f"{column.description}; {class_name}")


@dataclass(frozen=True)
class ScoreTable:
    """N images: their ids, the subset of each, whether it is empty, and (N,) values by measure, NaN where undefined.

    The names of columns are those of the CSV (`summary.to_csv`) and of `METRICS` and `MEASURES`.
    """

    ids: tuple[str, ...]
    subsets: tuple[str, ...]
    empty: NDArray[np.bool_]
    values: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """(N,) the number of each image in the order of names."""
        rank = np.empty(len(self.ids), np.int64)
        rank[np.argsort(np.array(self.ids, dtype=object), kind="stable")] = np.arange(len(self.ids))
        return rank

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The ids for a search in which upper and lower case are the same."""
        return tuple(name.casefold() for name in self.ids)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The row of each id."""
        return {name: row for row, name in enumerate(self.ids)}

    @property
    def has_causes(self) -> bool:
        """Whether it says what the missing Dice was lost to."""
        return f"lost_{next(iter(CAUSES))}" in self.values


def list_columns(num_classes: int, has_objects: bool, has_measures: bool) -> list[str]:
    """The names of the columns of scores, where masks tell objects apart or not, with all measures or without.

    >>> list_columns(1, True, False)
    ['dice', 'iou', 'precision', 'recall', 'accuracy', 'object_f1']
    """
    names = list(METRICS)
    if has_measures:
        names += [name for name, entry in MEASURES.items() if has_objects or not entry.of_objects]
    elif has_objects:
        names.append(OBJECT_F1)
    of_classes = OF_CLASSES + (BY_CLASS if has_measures else ())
    return names + [f"{name}_{index}" for name in of_classes for index in range(num_classes if num_classes > 1 else 0)]


def make_table(scores: Sequence[ImageScore]) -> ScoreTable:
    """The table of scored images, in their order; all measures are columns where every image has them."""
    measured = [item.measured for item in scores if item.measured is not None]
    if len(measured) < len(scores):
        measured = []
    values = {name: np.array([item.scores[name] for item in scores]) for name in METRICS}
    values |= {name: np.array([MEASURES[name].function(item) for item in measured]) for name in MEASURES if measured}
    values[OBJECT_F1] = np.array([np.nan if item.objects is None else item.objects.f1 for item in scores])
    classes = len(scores[0].counts.tp) if scores else 1
    by_class = {name: np.array([METRICS[name].function(item.counts) for item in scores]) for name in OF_CLASSES}
    by_class |= {name: np.array([getattr(item.surface, name) for item in measured]) for name in BY_CLASS if measured}
    for name, table in by_class.items():
        values |= {f"{name}_{index}": table[:, index] for index in range(classes if classes > 1 else 0)}
    has_objects = any(item.objects is not None for item in scores)
    has_objects = has_objects or any(item.objects is not None for item in measured)
    return ScoreTable(
        tuple(item.id for item in scores),
        tuple(item.subset for item in scores),
        np.array([item.counts.empty for item in scores], np.bool_),
        {name: values[name] for name in list_columns(classes, has_objects, bool(measured))},
    )


def add_measures(scores: Sequence[ImageScore], measured: Mapping[str, Measured]) -> list[ImageScore]:
    """The same scores with all other measures, by image id: as if all had been asked for when they were scored."""
    return [replace(item, measured=measured.get(item.id)) for item in scores]
