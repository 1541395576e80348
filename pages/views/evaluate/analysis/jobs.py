"""The background work of the views: started once for an evaluation, its result kept as long as the evaluation is."""

import math
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

import streamlit as st

from pages.server.background_job import CANCELLED, DONE, BackgroundJob
from pages.server.scoring_job import ScoringJob
from pages.ui import job_progress, widgets
from pages.ui.formatting import duration_text

Job = TypeVar("Job", bound=BackgroundJob)

_FINISHED: "WeakKeyDictionary[ScoringJob, dict[str, BackgroundJob]]" = WeakKeyDictionary()


def find(scoring: ScoringJob, key: str, kind: type[Job]) -> Job | None:
    """The job that was done for all visitors, or that this session has started, under this key."""
    done = _FINISHED.get(scoring, {}).get(key)
    if isinstance(done, kind):
        return done
    job, of = st.session_state.get(key, (None, None))
    return job if isinstance(job, kind) and of is scoring and not job.abandoned else None


def start(scoring: ScoringJob, key: str, make: Callable[[], Job]) -> Job:
    """Start one in the place of what this session had under this key."""
    before, _ = st.session_state.get(key, (None, None))
    if before is not None:
        before.cancel()
    _FINISHED.get(scoring, {}).pop(key, None)
    job = make()
    st.session_state[key] = job, scoring
    job.start()
    job.wait(0.4)  # what is quick is there without a progress bar
    return job


def follow(scoring: ScoringJob, key: str, job: BackgroundJob) -> bool:
    """Its progress until it is over, and what went wrong; whether it was done to its end."""
    with st.container():  # it has its place also where it is empty
        if not job.poll().over:
            job_progress.follow(job, f"cancel {key}")
            return False
        if job.error:
            widgets.show_error(job.error)
    if job.state == DONE:
        _FINISHED.setdefault(scoring, {})[key] = job
    return job.state == DONE


def estimate(pace: float, predictions: int) -> str:
    """How long so many predictions take, for a sentence; "" where the pace (seconds each) is not known.

    >>> estimate(0.5, 100), estimate(float("nan"), 100)
    (', about 50 s', '')
    """
    return "" if math.isnan(pace) else f", about {duration_text(max(1.0, pace * predictions))}"


def show_cancelled(job: BackgroundJob) -> None:
    """What a canceled job has done."""
    if job.state == CANCELLED:
        st.warning(f"Canceled after {job.poll().sentence}.", icon=":material/cancel:")
