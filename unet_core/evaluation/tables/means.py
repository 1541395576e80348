"""Every measure over all images: the mean over images and all counted together, side by side, and what is undefined."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unet_core.evaluation.summary import Summary
from unet_core.evaluation.tables.columns import OBJECT_F1, ScoreTable


@dataclass(frozen=True)
class MeanRow:
    """One measure: its mean over the `defined` images, and `pooled`, all images counted together.

    `pooled` is None where there is no such number (a quantile, such as HD95); `undefined` images are left out of the
    mean.
    """

    name: str
    mean: float
    pooled: float | None
    defined: int
    undefined: int


def list_means(table: ScoreTable, summary: Summary, names: Sequence[str]) -> list[MeanRow]:
    """The means of these columns of a table, which has the images of the summary. Names it does not have are left out.

    The numbers are those of the summary where it has them, so that all places show the same.
    """
    measures = summary.measures
    means = summary.mean | ({} if measures is None else measures.mean)
    pooled: dict[str, float] = summary.pooled | ({} if measures is None else measures.pooled)
    if summary.objects is not None:
        pooled[OBJECT_F1] = summary.objects.f1
    rows = []
    for name in names:
        if name not in table.values:
            continue
        values = table.values[name]
        defined = values[~np.isnan(values)]
        mean = means[name] if name in means else float(defined.mean()) if len(defined) else float("nan")
        rows.append(MeanRow(name, mean, pooled.get(name), len(defined), len(values) - len(defined)))
    return rows
