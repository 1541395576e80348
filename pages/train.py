"""Settings, start, the queue, live curves; the net, its augmented crops, sweeps and their table."""

import streamlit as st

from pages import augment_view, before_start, net_view, queue_view, run_view, runs_view, sweep_view, train_form, widgets
from pages.places import runs_dir
from unet_core import runs

LIVE, NET, AUGMENTED, SWEEP, ALL = "Live", "The net", "Augmented crops", "Sweep", "All runs"


def show_live() -> None:
    found = runs.find(runs_dir())
    if found:
        run_view.show(widgets.choose_run("Run", found))
    else:
        st.info(
            "No run yet. The settings on the left are good ones to begin with: press **Start training**, and the "
            "curves appear here.",
            icon=":material/show_chart:",
        )


st.title("Train")
form, panel = st.columns([1, 2], gap="large")
with panel:
    queue_view.show()
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
        net_view.show(config.model)
    elif view == AUGMENTED:
        augment_view.show(config)
    elif view == SWEEP:
        sweep_view.show(config)
    elif view == ALL:
        runs_view.show()
