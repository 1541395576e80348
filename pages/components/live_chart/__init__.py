"""The live curves of a run and its standing: the browser asks the server's routes (`pages.api`) for new points itself.

Drawn on a canvas of our own: Plotly's script alone takes 1.1 s of the browser's time at each visit, and its charts
cannot live in the shadow tree that keeps a component's style apart.
"""

import streamlit as st

from pages.components import source
from unet_core.runs import run as runs

_mount = st.components.v2.component(
    "live_chart",
    html=source("live_chart/live_chart.html"),
    css=source("live_chart/live_chart.css"),
    js=source(
        "shared/fetch_with_timeout.js", "live_chart/columns.js", "live_chart/plot.js", "live_chart/live_chart.js"
    ),
)


def show_live_chart(run: runs.Run, active: bool, epoch: int | None = None, key: str = "live_chart") -> int | None:
    """Draw the curves of a run; `epoch` is marked on them. Gives the epoch that was clicked in this session, if any.

    `active` is what the page knows of the run: where the browser learns otherwise, the whole page runs again.
    """
    result = _mount(
        key=key,
        data={"run": run.id, "active": active, "epoch": epoch},
        default={"epoch": None},
        on_epoch_change=lambda: None,
        on_stale_change=lambda: None,
    )
    if result.stale:
        st.rerun()
    picked = result.epoch
    if isinstance(picked, dict) and picked.get("run") == run.id and isinstance(picked.get("epoch"), int):
        return picked["epoch"]
    return None
