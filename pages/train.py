"""Settings, start, live curves, stop; the net, its augmented crops, variants side by side."""

import streamlit as st

from pages import augment_view, net_view, run_view, series_view, train_form, widgets
from pages.places import runs_dir
from unet_core import runs

LIVE, NET, AUGMENTED, COMPARED = "Live", "The net", "Augmented crops", "Compare variants"


def show_live() -> None:
    found = runs.find(runs_dir())
    if found:
        run = widgets.choose_run("Run", found)
        active = run.state().active
        st.fragment(run_view.watch, run_every=1.0 if active else None)(run, active)
    else:
        st.info(
            "No run yet. The settings on the left are good ones to begin with: press **Start training**, and the "
            "curves appear here.",
            icon=":material/show_chart:",
        )


st.title("Train")
form, panel = st.columns([1, 2], gap="large")
with form:
    config = train_form.show()
with panel:
    views = [LIVE, NET, AUGMENTED, COMPARED]
    view = st.segmented_control("View", views, default=LIVE, key="view", bind="query-params", required=True)
    if view == LIVE:
        show_live()
    elif view == NET:
        net_view.show(config.model)
    elif view == AUGMENTED:
        augment_view.show(config)
    else:
        series_view.show(config)
