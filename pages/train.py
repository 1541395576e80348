"""The form and the start of training; beside it the queue, the live curves, the checks, sweeps and all runs."""

from pathlib import Path

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server.paths import runs_dir
from pages.ui import addresses, widgets
from pages.views import train as names
from pages.views.home import first_run
from pages.views.train import architecture, augmentation, before_start, form, live_run, queue, run_table, sweep
from pages.views.train.settings import start_bar
from unet_core.runs import run as runs

VIEWS = [names.LIVE, names.PREFLIGHT, names.ARCHITECTURE, names.CROPS, names.SWEEP, names.RUNS]


def show_live() -> None:
    """The chosen run, or where to begin."""
    first_run.show_hint("train")
    existing = runs.find(runs_dir())
    if existing:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="run_row"):
            with st.container():
                run = widgets.choose_run("Run", existing)
            if run is not None:
                show_copy_link({addresses.MODEL: run.id})
        if run is not None:
            live_run.show(run)
    else:
        st.info(
            "No runs yet. The default settings are a good start: click **Start training**, and the curves appear here.",
            icon=":material/show_chart:",
        )


start_bar.choose_started()
st.html(Path(__file__).parent / "assets" / "train.css")
with st.container(key="train_bar"):
    st.title("Train", anchor=False)
left, right = st.columns([1, 2], gap="large")
with right:
    queue.show()
    view = st.segmented_control("View", VIEWS, default=names.LIVE, key="view", bind="query-params", required=True)
    if view == names.LIVE:
        show_live()  # before the form: the browser requests the points while the form's many widgets are created
with left:
    config = form.show()
with right:
    if view == names.PREFLIGHT:
        before_start.show(config)
    elif view == names.ARCHITECTURE:
        architecture.show(config.model)
    elif view == names.CROPS:
        augmentation.show(config)
    elif view == names.SWEEP:
        sweep.show(config)
    elif view == names.RUNS:
        run_table.show()
