"""More labels or a better model? Runs on shares of the training images, scored on the same validation images.

    name = start(config, SHARES, runs_dir)
    curve = read(name, runs_dir)
    curve.sentence      # "Twice as many images (264): about +0.012 Dice (0.004 to 0.020)."

A smaller share lies within a larger one. All runs take about as many steps: fewer images are no shorter training.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError, RunError
from unet_core.evaluation.summary import Summary, summarize
from unet_core.experiments import series, validation
from unet_core.experiments.extrapolation import FEWEST, Extrapolation, extrapolate
from unet_core.experiments.series import Member, Score
from unet_core.runs.run import Run
from unet_core.training import sweep

KIND = "labels"
SHARES = (0.25, 0.5, 0.75, 1.0)
CAUTION = (
    "Intervals are those of the validation images; under 15 of them there are none. Each number of images has one run, "
    "and another seed gives another Dice."
)
MOST_EPOCHS = 100_000
BY_EPOCHS = ("epochs", "patience", "plateau_patience")  # settings that count passes over the training images


@dataclass(frozen=True)
class Point:
    """One run: its share of the training images, their number (None before it has read them), and its summary."""

    share: float
    run: Run
    state: str
    images: int | None
    summary: Summary | None = None


@dataclass(frozen=True)
class LearningCurve:
    """Dice against the number of training images, as far as the runs are finished.

    `problems` name every run that is missing, and why. `is_comparable`: all validate on the same images.
    """

    name: str
    points: tuple[Point, ...]
    problems: tuple[str, ...] = ()
    is_comparable: bool = True

    @property
    def scored(self) -> list[Point]:
        """The points that have a score."""
        return [point for point in self.points if point.summary is not None and point.images]

    @cached_property
    def extrapolation(self) -> Extrapolation | None:
        """The fitted curve, None of too few points. It is fitted when it is first asked for."""
        dice = [point.summary.dice for point in self.scored if point.summary is not None]
        if not dice or not self.is_comparable:
            return None
        return extrapolate([point.images or 0 for point in self.scored], np.stack(dice))

    @property
    def sentence(self) -> str:
        """What more images may gain, in one sentence, or why nothing can be said."""
        if (fitted := self.extrapolation) is not None:
            return fitted.sentence
        if not self.is_comparable:
            return "No extrapolation: the runs validate on other images."
        number = len({point.images for point in self.scored})
        return f"No extrapolation: it takes {FEWEST} numbers of images or more, and {number} are finished."

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the points, the fitted curve, the sentence."""
        fitted = self.extrapolation
        return {
            "series": self.name,
            "points": [_row(point) for point in self.points],
            "extrapolation": fitted
            and {
                "floor": fitted.floor,
                "b": fitted.b,
                "c": fitted.c,
                "twice_as_many": 2 * fitted.largest,
                "gain": fitted.gain,
                "gain_low": fitted.gain_low,
                "gain_high": fitted.gain_high,
                "trusted": not fitted.distrust,
            },
            "sentence": self.sentence,
            "problems": list(self.problems),
        }


def _row(point: Point) -> dict[str, Any]:
    row: dict[str, Any] = {"share": point.share, "run": str(point.run.folder), "state": point.state}
    row |= {"images": point.images}
    return row if point.summary is None else row | {"validation": point.summary.to_dict()}


def configure(config: RunConfig, shares: Sequence[float] = SHARES) -> dict[str, RunConfig]:
    """The settings of the run of each share, by its name: as many steps as with all images.

    Raises ConfigError where a share is out of range or there are fewer than two.
    """
    chosen = sorted(set(shares))
    if len(chosen) < 2:
        raise ConfigError("A learning curve needs two shares of the images or more, such as 0.25,0.5,0.75,1.")
    configs = {}
    for share in chosen:
        config.replace(train_share=share)  # refuses what is out of range
        longer = {name: math.ceil(round(getattr(config.train, name) / share, 6)) for name in BY_EPOCHS}
        limited = {
            name: min(value, 1000 if name == "plateau_patience" else MOST_EPOCHS) for name, value in longer.items()
        }
        configs[f"{100 * share:g}% of images"] = config.replace(train_share=share, **limited)
    return configs


def start(config: RunConfig, shares: Sequence[float], runs_dir: Path, name: str = "") -> str:
    """Queue a run for each share; the name of the series. Raises ConfigError, DataError, RunError."""
    return sweep.start(configure(config, shares), runs_dir, name, KIND)


def names(runs_dir: Path) -> list[str]:
    """The learning curves in a runs folder that who acts may see, the newest first."""
    return series.find(runs_dir, lambda run: run.config.data.train_share < 1)


def read(name: str, runs_dir: Path, score: Score = validation.score) -> LearningCurve:
    """The curve of a series; finished runs that were not scored before are scored now by `score`.

    Raises RunError where there is none of this name, or its runs differ in more than the share of images.
    """
    listed = series.members(runs_dir, name)
    settings = {run: run.config for run in listed}
    alike = {_without_share(config) for config in settings.values()}
    if len(alike) > 1 or len({config.data.train_share for config in settings.values()}) < len(listed):
        raise RunError(f"{name} is not one learning curve: its runs differ in more than the share of the images.")
    found = [series.look(run, score) for run in sorted(listed, key=lambda run: settings[run].data.train_share)]
    return make_curve(name, found)


def _without_share(config: RunConfig) -> RunConfig:
    same = config.replace(train_share=1.0, **dict.fromkeys(BY_EPOCHS, 1))
    return replace(same, train=replace(same.train, series=""))


def make_curve(name: str, found: Sequence[Member]) -> LearningCurve:
    """The curve of the members of a series, by rising share."""
    points, problems = [], [member.problem for member in found if member.problem]
    is_comparable = len({tuple(score.id for score in member.scores) for member in found if member.scores}) < 2
    if not is_comparable:
        problems.append("The dataset changed between the runs: they validate on other images. Start again.")
    for member in found:
        images = len(member.run.split()["train"]) if member.run.has_split else None
        summary = summarize(member.scores) if member.scores else None
        points.append(Point(member.run.config.data.train_share, member.run, member.state, images, summary))
    return LearningCurve(name, tuple(points), tuple(problems), is_comparable)
