"""The live curves of a run and its progress: the browser itself fetches new points (`pages.server.run_api`).

Drawn on a canvas of our own: Plotly's script alone takes 1.1 s of the browser's time at each visit, and its charts
cannot live in the shadow tree that keeps a component's style apart.
"""

import streamlit as st

from pages.components import component, is_news, program_address, source
from unet_core.runs import run as runs

_mount = component(
    "live_chart",
    "live_chart/live_chart.js",
    "The curves",
    html=source("live_chart/live_chart.html"),
    css=source("live_chart/live_chart.css"),
)


def show_live_chart(run: runs.Run, active: bool, epoch: int | None = None, key: str = "live_chart") -> int | None:
    """Draw the curves of a run with `epoch` marked on them. Returns the epoch that was clicked in this session, if any.

    `active` is what the page knows of the run: where the browser learns otherwise, the whole page runs again.
    """
    result = _mount(
        key=key,
        data={"run": run.id, "active": active, "epoch": epoch, **program_address()},
        default={"epoch": None},
        on_epoch_change=lambda: None,
        on_stale_change=lambda: None,
    )
    if is_news(f"{key} latest", result.stale):
        st.rerun()
    picked = result.epoch
    if isinstance(picked, dict) and picked.get("run") == run.id:
        number = picked.get("epoch")
        return number if isinstance(number, int) else None
    return None
