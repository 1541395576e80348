"""The learning film in the browser: it fetches the small pictures by routes of its own; scrubbing asks no page."""

import streamlit as st

from pages.components import source
from unet_core.runs import run as runs

_mount = st.components.v2.component(
    "learning_film",
    html=source("snapshots/snapshots.html"),
    css=source("snapshots/snapshots.css"),
    js=source("shared/fetch_with_timeout.js", "snapshots/snapshots.js"),
)


def show_snapshots(run: runs.Run, active: bool, epoch: int | None = None, key: str = "film") -> None:
    """Image | truth | mask of each probe; the newest epoch, unless the reader chose another or `epoch` changes."""
    _mount(key=key, data={"run": run.id, "active": active, "epoch": epoch})
