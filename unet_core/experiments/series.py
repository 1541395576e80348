"""Runs of one series, such as the folds of a cross-validation: where each stands, and its scores once it is over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unet_core.errors import RunError, UnetError, listing
from unet_core.evaluation.summary import ImageScore
from unet_core.experiments import validation
from unet_core.runs import leaderboard
from unet_core.runs import run as runs
from unet_core.runs.event_log import last_event
from unet_core.runs.events import RunFailed
from unet_core.runs.run import Run, RunState

Score = Callable[[Run], Sequence[ImageScore] | None]


@dataclass(frozen=True)
class Member:
    """One run of a series: its name in it, its state in words, and its scores, None where it has none that count.

    `problem` is a sentence where a run does not count: not finished, or its images cannot be scored.
    """

    name: str
    run: Run
    state: str
    scores: tuple[ImageScore, ...] | None
    problem: str = ""


def find(runs_dir: Path, belongs: Callable[[Run], bool]) -> list[str]:
    """The names of the series of which a run `belongs`, the newest first."""
    names: dict[str, bool] = {}
    for run in runs.find(runs_dir):
        series = leaderboard.series_and_name(run)[0]
        if series and not names.get(series):
            names[series] = belongs(run)
    return [name for name, is_one in names.items() if is_one]


def members(runs_dir: Path, name: str) -> list[Run]:
    """The runs of a series, in the order in which they were queued. Raises RunError where there is none."""
    if not (found := leaderboard.members(runs_dir, name)):
        raise RunError(f"There is no series {name!r} in {runs_dir}.")
    return found


def look(run: Run, score: Score = validation.score) -> Member:
    """What is known of a run. `score` gives the scores of its validation images, None where they are not there yet.

    A run that was stopped early or failed has a checkpoint too, but its score is none of the settings that were asked
    for: it is left out, and `problem` says so.
    """
    name, state = leaderboard.series_and_name(run)[1] or run.id, run.state()
    if state is not RunState.FINISHED:
        last = last_event(run.events)
        reason = f": {last.message}" if isinstance(last, RunFailed) else ""
        return Member(name, run, state.value, None, f"{name} is not finished ({state.value}){reason}".rstrip(".") + ".")
    try:
        scores = score(run)
    except UnetError as error:
        return Member(name, run, state.value, None, f"{name} cannot be scored: {error}")
    if scores is None:
        return Member(name, run, state.value, None, f"{name} is not scored yet.")
    return Member(name, run, state.value, tuple(scores))


def find_differing(listed: Sequence[Run]) -> list[str]:
    """A sentence where runs of one series have read other images, because the dataset changed in between."""
    images = {run: {name for ids in run.split().values() for name in ids} for run in listed if run.has_split}
    if not images:
        return []
    largest = max(images.values(), key=len)
    others = [leaderboard.series_and_name(run)[1] for run, names in images.items() if names != largest]
    if not others:
        return []
    return [
        f"The dataset changed between the runs: {listing(others, 5)} read other images than the rest. Their scores "
        "do not compare; start again."
    ]
