"""The table of a scored dataset, made once and kept as long as its scores: a page answers without going over them."""

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pages.server.lru import LRU
from pages.server.scoring_job import ScoringJob

if TYPE_CHECKING:
    from unet_core.evaluation.measures.registry import Measured, Settings
    from unet_core.evaluation.slices import Slice
    from unet_core.evaluation.summary import ImageScore, Summary
    from unet_core.evaluation.tables.columns import ScoreTable

MOST_SETTINGS = 4  # tolerances and pixel sizes with which a dataset was measured


@dataclass
class Prepared:
    """The scores of a dataset, with all measures where there are any, and what follows from them."""

    scores: "list[ImageScore]"

    @cached_property
    def table(self) -> "ScoreTable":
        from unet_core.evaluation.tables.columns import make_table

        return make_table(self.scores)

    @cached_property
    def summary(self) -> "Summary":
        from unet_core.evaluation.summary import summarize

        summary = summarize(self.scores)
        _ = summary.bound  # computed here, once
        return summary

    @cached_property
    def slices(self) -> "list[Slice]":
        from unet_core.evaluation.slices import slice_scores

        return slice_scores(self.scores)


class _Kept:
    """Of one scored dataset: what is prepared, by settings (None: without other measures), and what was measured."""

    def __init__(self) -> None:
        self.prepared: LRU[tuple[int, Settings | None], Prepared] = LRU(MOST_SETTINGS + 1)
        self.measured: LRU[Settings, dict[str, Measured]] = LRU(MOST_SETTINGS)


_KEPT: WeakKeyDictionary[ScoringJob, _Kept] = WeakKeyDictionary()
_LOCK = threading.Lock()


def prepare(scoring: ScoringJob, settings: "Settings | None" = None) -> Prepared:
    """The scores of a job that is over, with all measures where they were kept for these settings."""
    from unet_core.evaluation.tables.columns import add_measures

    kept = _kept(scoring)
    measured = None if settings is None else kept.measured.get(settings)
    key = len(scoring.scores.images), None if measured is None else settings

    def make() -> Prepared:
        images = list(scoring.scores.images)
        return Prepared(images if measured is None else add_measures(images, measured))

    return kept.prepared.get_or_add(key, make)


def keep_measured(scoring: ScoringJob, settings: "Settings", measured: "dict[str, Measured]") -> None:
    """Keep what was measured to the end, for all who look at these scores."""
    _kept(scoring).measured.put(settings, measured)


def find_measured(scoring: ScoringJob, settings: "Settings") -> "dict[str, Measured] | None":
    """What was measured with these settings; None where it was not, or not to the end."""
    return _kept(scoring).measured.get(settings)


def find_any_measured(scoring: ScoringJob, among: "list[Settings]") -> "dict[str, Measured] | None":
    """What was measured with one of these settings."""
    kept = _kept(scoring).measured
    return next((measured for settings in among if (measured := kept.get(settings)) is not None), None)


def _kept(scoring: ScoringJob) -> _Kept:
    with _LOCK:
        return _KEPT.setdefault(scoring, _Kept())
