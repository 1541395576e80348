"""Settings, start, the queue, live curves; the net, its augmented crops, sweeps and their table."""

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.views.train import architecture, augmentation, before_start, live_run, queue, run_table, sweep
from pages.views.train import form as train_form
from unet_core.runs import run as runs

LIVE, NET, AUGMENTED, SWEEP, ALL = "Live", "The net", "Augmented crops", "Sweep", "All runs"


def show_live() -> None:
    found = runs.find(runs_dir())
    if found:
        live_run.show(widgets.choose_run("Run", found))
    else:
        st.info(
            "No run yet. The settings on the left are good ones to begin with: press **Start training**, and the "
            "curves appear here.",
            icon=":material/show_chart:",
        )


st.title("Train")
form, panel = st.columns([1, 2], gap="large")
with panel:
    queue.show()
    views = [LIVE, before_start.VIEW, NET, AUGMENTED, SWEEP, ALL]
    view = st.segmented_control("View", views, default=LIVE, key="view", bind="query-params", required=True)
    if view == LIVE:
        show_live()  # before the form: the browser asks for the points while the form's many widgets are made
with form:
    config = train_form.show()
with panel:
    if view == before_start.VIEW:
        before_start.show(config)
    elif view == NET:
        architecture.show(config.model)
    elif view == AUGMENTED:
        augmentation.show(config)
    elif view == SWEEP:
        sweep.show(config)
    elif view == ALL:
        run_table.show()
