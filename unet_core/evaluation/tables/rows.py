"""Which images of a table are shown, and in which order: filters and sorts over its columns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.evaluation.tables.columns import NAME, ScoreTable, describe_column

Rows = NDArray[np.int64]

CAUSE_COST = 0.005  # Dice that a cause takes at least, to be one: as in the sentence of an image


@dataclass(frozen=True)
class Range:
    """Images whose value of a measure is in low..high; `high` itself counts only where `closed`."""

    measure: str
    low: float
    high: float
    closed: bool = False


@dataclass(frozen=True)
class Filter:
    """What an image must have to be shown; an empty field asks for nothing.

    `text` occurs in its id, whatever the case. `subset` is its own. Its Dice is `below` a value. `cause`, one of
    `error_analysis.CAUSES`, costs it Dice. `ids`: it is one of them. What is undefined is below nothing, in no range.
    """

    text: str = ""
    subset: str = ""
    below: float | None = None
    cause: str = ""
    within: Range | None = None
    ids: frozenset[str] | None = None


def select(table: ScoreTable, chosen: Filter, sort: str = "dice", reverse: bool = False) -> Rows:
    """The rows (numbers of images) that pass, worst first by a column of the table, or by NAME from A to Z.

    Images in which the value is undefined come last in either direction; equal ones are in the order of their names.
    A column that the table does not have sorts as Dice does.

    >>> from unet_core.evaluation.tables.columns import make_table
    >>> select(make_table([]), Filter()).tolist()
    []
    """
    passed = np.ones(len(table), np.bool_)
    if text := chosen.text.strip().casefold():
        passed &= np.fromiter((text in name for name in table.folded), np.bool_, len(table))
    if chosen.subset:
        passed &= np.fromiter((subset == chosen.subset for subset in table.subsets), np.bool_, len(table))
    if chosen.below is not None:
        passed &= table.values["dice"] < chosen.below
    if chosen.cause and table.has_causes:
        passed &= table.values[f"lost_{chosen.cause}"] >= CAUSE_COST
    if chosen.within is not None and chosen.within.measure in table.values:
        values = table.values[chosen.within.measure]
        under = values <= chosen.within.high if chosen.within.closed else values < chosen.within.high
        passed &= (values >= chosen.within.low) & under
    if chosen.ids is not None:
        passed &= np.fromiter((name in chosen.ids for name in table.ids), np.bool_, len(table))
    rows = np.flatnonzero(passed)
    return rows[sort_rows(table, rows, sort, reverse)]


def sort_rows(table: ScoreTable, rows: Rows, sort: str, reverse: bool) -> Rows:
    """(R,) the order of these rows, see `select`."""
    rank = table.rank[rows]
    if sort == NAME:
        return np.argsort(-rank if reverse else rank)
    name = sort if sort in table.values else "dice"
    values = table.values[name][rows]
    distance = np.abs(values - describe_column(name).best)
    return np.lexsort((rank, distance if reverse else -distance))  # NaN is last, as NumPy sorts it
