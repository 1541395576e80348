"""k-fold cross-validation: as many runs as folds in the ordinary queue, and the table of what they reach.

    name = start(config, 5, runs_dir)
    table = read(name, runs_dir)
    table.spread["dice"].mean, table.summary.bound

Every image is scored once, by the model that did not train on it. A fold that is not finished is named.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError, RunError
from unet_core.evaluation.summary import ImageScore, Summary, summarize
from unet_core.experiments import series, validation
from unet_core.experiments.series import Member, Score
from unet_core.runs.run import Run
from unet_core.training import sweep

KIND = "folds"
COLUMNS = {"dice": "Dice", "iou": "IoU"}  # metrics whose spread over folds is told, with their names
UNSEEN = (
    "Each image is scored once, by the model that did not train on it. It did choose that model's best epoch, so "
    "scores are slightly too high."
)
FEWEST = 2


@dataclass(frozen=True)
class Spread:
    """The mean of a metric over folds, its standard deviation (NaN for one fold), and the lowest and highest fold."""

    mean: float
    sd: float
    low: float
    high: float
    folds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """That of one value or more.

        >>> Spread.of([0.5, 0.75, 1.0])
        Spread(mean=0.75, sd=0.25, low=0.5, high=1.0, folds=3)
        """
        sd = statistics.stdev(values) if len(values) > 1 else float("nan")
        return cls(statistics.fmean(values), sd, min(values), max(values), len(values))


@dataclass(frozen=True)
class Fold:
    """One fold: its number from 1, its run (None where it is gone), its state, and the summary of its images."""

    number: int
    run: Run | None
    state: str
    summary: Summary | None = None


@dataclass(frozen=True)
class CrossValidation:
    """What a cross-validation has reached so far.

    `spread` is over the finished folds, by metric; `summary` is of all images that were scored as unseen, each once,
    with its intervals; `problems` name every fold that is missing from both, and why. `scores` are those of each image.
    """

    name: str
    folds: tuple[Fold, ...]
    spread: dict[str, Spread] = field(default_factory=dict)
    summary: Summary | None = None
    problems: tuple[str, ...] = ()
    scores: tuple[ImageScore, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every fold is finished and scored."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the folds, the spread over them, the summary of all images."""
        rows = [
            {
                "fold": fold.number,
                "run": fold.run and str(fold.run.folder),
                "state": fold.state,
                "images": fold.summary and fold.summary.images,
                **{f"{kind}_{name}": _value(fold, kind, name) for kind in ("mean", "pooled") for name in COLUMNS},
            }
            for fold in self.folds
        ]
        spread = {
            f"{name}_{part}": getattr(item, part)
            for name, item in self.spread.items()
            for part in ("mean", "sd", "low", "high")
        }
        return {
            "series": self.name,
            "folds": rows,
            "spread_over_folds": spread,
            "all_images": self.summary and self.summary.to_dict(),
            "problems": list(self.problems),
        }


def _value(fold: Fold, kind: str, name: str) -> float | None:
    return None if fold.summary is None else float(getattr(fold.summary, kind)[name])


def configure(config: RunConfig, folds: int) -> dict[str, RunConfig]:
    """The settings of the run of each fold by its name. Raises ConfigError where there are under two."""
    if folds < FEWEST:
        raise ConfigError(f"A cross-validation needs {FEWEST} folds or more, got {folds}.")
    return {f"fold {fold} of {folds}": config.replace(folds=folds, fold=fold) for fold in range(1, folds + 1)}


def start(config: RunConfig, folds: int, runs_dir: Path, name: str = "") -> str:
    """Queue a run for each fold; the name of the cross-validation. Raises ConfigError, DataError, RunError."""
    return sweep.start(configure(config, folds), runs_dir, name, KIND)


def names(runs_dir: Path) -> list[str]:
    """The cross-validations in a runs folder that who acts may see, the newest first."""
    return series.find(runs_dir, lambda run: run.config.data.folds > 0)


def read(name: str, runs_dir: Path, score: Score = validation.score) -> CrossValidation:
    """The table of a cross-validation; finished folds that were not scored before are scored now by `score`.

    Raises RunError where there is none of this name, or its runs differ in more than the fold.
    """
    runs_by_fold: dict[int, Run] = {}
    listed = series.members(runs_dir, name)
    settings = {run: run.config for run in listed}
    folds = max(config.data.folds for config in settings.values())
    for run, config in settings.items():
        if config.data.folds != folds or config.data.fold in runs_by_fold:
            raise RunError(f"{name} is not one cross-validation: its runs have other or the same folds.")
        runs_by_fold[config.data.fold] = run
    alike = {replace(config.replace(fold=1), train=replace(config.train, series="")) for config in settings.values()}
    if len(alike) > 1:
        raise RunError(f"{name} is not one cross-validation: its runs differ in more than the fold.")
    found = [series.look(runs_by_fold[number], score) for number in sorted(runs_by_fold)]
    return make_table(name, folds, found, series.find_differing(listed))


def make_table(name: str, folds: int, found: Sequence[Member], problems: Sequence[str] = ()) -> CrossValidation:
    """The table of the members of a cross-validation."""
    by_number = {member.run.config.data.fold: member for member in found}
    rows, messages, scores = [], list(problems), list[ImageScore]()
    for number in range(1, folds + 1):
        if (member := by_number.get(number)) is None:
            rows.append(Fold(number, None, "deleted"))
            messages.append(f"fold {number} of {folds} is not there: its run was deleted or removed from the queue.")
            continue
        summary = summarize(member.scores) if member.scores else None
        rows.append(Fold(number, member.run, member.state, summary))
        if member.problem:
            messages.append(member.problem)
        scores += member.scores or ()
    finished = [row.summary for row in rows if row.summary is not None]
    spread = {}
    for column in COLUMNS:
        values = [summary.mean[column] for summary in finished if summary.mean[column] == summary.mean[column]]
        if values:
            spread[column] = Spread.of(values)
    whole = summarize(scores) if scores else None
    return CrossValidation(name, tuple(rows), spread, whole, tuple(messages), tuple(scores))
