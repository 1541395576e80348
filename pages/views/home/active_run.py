"""The run that trains now: how far it is, with its validation Dice and its loss as small curves."""

import html
import math
from collections.abc import Sequence

import streamlit as st

from pages.server import run_feed
from pages.server.paths import runs_dir
from pages.ui import addresses, widgets
from pages.ui.formatting import plain, score_text
from pages.views.train.live import status
from unet_core.io import owners
from unet_core.runs import manage, queue, stages
from unet_core.runs import run as runs
from unet_core.runs.history import History

SECONDS = 2.0
POINTS = 40  # of a small curve


def show() -> None:
    """The card; nothing while no run trains."""
    if _find_run() is not None:
        st.fragment(_show_run, run_every=SECONDS)()


def _find_run() -> runs.Run | None:
    """The run that trains, where it is the visitor's."""
    run = runs.find_active(runs_dir())
    return run if run is not None and owners.is_own(run.folder) else None


def _show_run() -> None:
    run = _find_run()
    if run is None:
        st.rerun()  # the page, whose list of recent runs has the result
    state, history = run.state(), run_feed.history(run)
    with (
        st.container(border=True, key="home_run"),
        st.container(horizontal=True, vertical_alignment="center", gap="medium"),
    ):
        with st.container(key="home_run_text", gap="small", width="stretch"):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                widgets.state_badge(state)
                st.markdown(f"**{plain(manage.label(run))}**", width="content")
                if waiting := sum(owners.is_own(other.folder) for other in queue.waiting(runs_dir())):
                    st.caption(f"{waiting} in the queue", width="content")
                with st.container(key="home_next", width="content"):
                    st.page_link(
                        "train.py", label="Open", icon=":material/show_chart:", query_params={addresses.MODEL: run.id}
                    )
            status.show(run, state, history)
            if not history.steps and (start := stages.read(run.folder)):
                st.caption(f"{start[-1].label}…")
        _show_curves(history)


def _show_curves(history: History) -> None:
    dices = [epoch.val_dice for epoch in history.epochs if epoch.val_dice is not None]
    losses = [step.loss for step in history.steps if step.loss is not None]
    if dices:
        _show_curve("Validation Dice", score_text(dices[-1]), dices, "epochs")
    if losses:
        _show_curve("Loss", f"{losses[-1]:.3g}", losses, "steps")


def _show_curve(label: str, value: str, values: Sequence[float], unit: str) -> None:
    """The latest value over a small curve; that of `st.metric` has no name for screen readers."""
    with st.container(width=180, gap=None):
        st.metric(label, value)
        name = f"{label} over {len(values)} {unit}, from {values[0]:.3g} to {values[-1]:.3g}"
        st.html(draw_sparkline(thin(values), name))


def draw_sparkline(values: Sequence[float], name: str) -> str:
    """A line through the values, evenly spaced, lowest at the bottom, as an SVG image of the text's color.

    >>> draw_sparkline([0.5, 1.0], "Dice").count("0.0,30.0 100.0,2.0")
    1
    """
    low, span = min(values), max(values) - min(values) or 1.0
    step = 100 / max(1, len(values) - 1)
    points = " ".join(f"{step * i:.1f},{30 - 28 * (value - low) / span:.1f}" for i, value in enumerate(values))
    stroke = 'fill="none" stroke="currentColor" stroke-width="2" vector-effect="non-scaling-stroke"'
    line = f'<polyline points="{points}" {stroke}/>'
    return (
        f'<svg role="img" aria-label="{html.escape(name)}" viewBox="0 0 100 32" preserveAspectRatio="none" '
        f'style="display: block; width: 100%; height: 3rem">{line}</svg>'
    )


def thin(values: Sequence[float], most: int = POINTS) -> list[float]:
    """At most so many values, each the mean of as many neighbors.

    >>> thin([1.0, 3.0, 5.0, 7.0, 9.0], most=3)
    [2.0, 6.0, 9.0]
    """
    size = max(1, math.ceil(len(values) / most))
    groups = [values[start : start + size] for start in range(0, len(values), size)]
    return [sum(group) / len(group) for group in groups]
