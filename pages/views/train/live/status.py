"""How far a run is and how much time is left, in one line above a bar."""

import math
from typing import Any

import streamlit as st

from pages.server import run_feed
from pages.ui.formatting import duration_text
from unet_core.runs import run as runs
from unet_core.runs.history import History
from unet_core.runs.run import RunState


def show(run: runs.Run, state: RunState, history: History) -> None:
    """The line and the bar of a run that trains; nothing before its first step."""
    if state in (RunState.RUNNING, RunState.PAUSED, RunState.STOPPING) and history.steps and history.started:
        st.progress(history.progress, text=describe(state, run_feed.feed_of(run).standing()))


def describe(state: RunState, standing: dict[str, Any]) -> str:
    """The line, from what the feed of a run says of it (`RunFeed.standing`).

    >>> describe(RunState.RUNNING, {"step": 40, "total": 100, "epoch": 2, "epochs": 5, "left": 125.0})
    '**40%** · epoch 2 of 5 · about 2 min left'
    """
    share = math.floor(100 * standing["step"] / standing["total"]) if standing["total"] else 0
    line = f"**{min(100, share)}%** · epoch {standing['epoch']} of {standing['epochs']}"
    if state == RunState.STOPPING:
        return line
    if standing["left"] is None:
        return f"{line} · estimating the time left…"
    paused = " when resumed" if state == RunState.PAUSED else ""
    source = ", by the pace of earlier runs" if standing.get("by_past") else ""
    return f"{line} · about {round_duration(standing['left'])} left{paused}{source}"


def round_duration(seconds: float) -> str:
    """Rounded as an estimate should be: to 5 s, from 90 s on to minutes, from 2 h on to 10 min.

    >>> round_duration(3.2), round_duration(48), round_duration(200), round_duration(7777)
    ('5 s', '50 s', '3 min', '2 h 10 min')
    """
    if seconds < 90:
        return duration_text(max(5, 5 * round(seconds / 5)))
    unit = 600 if seconds >= 7200 else 60
    text = duration_text(unit * round(seconds / unit))
    return text.removesuffix(" 0 min").removesuffix(" 0 s")
