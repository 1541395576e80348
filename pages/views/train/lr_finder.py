"""The learning-rate range test: the loss over rising rates, the suggestion marked and one click away."""

import math

import plotly.graph_objects as go
import streamlit as st

from pages.ui import widgets
from pages.ui.charts import BLUE, GREEN, ORANGE
from pages.views.train import preflight
from unet_core.config.schema import RunConfig
from unet_core.planning.process import Check
from unet_core.planning.report import LrRange


def show(config: RunConfig, usable: bool) -> None:
    """The section of the page."""
    st.subheader("Learning rate", anchor=False)
    st.caption(
        "A throw-away net makes some 30 to 100 steps while its rate rises: too low and nothing moves, too high and the "
        "loss climbs. Takes up to 40 seconds; your run is not touched by it."
    )
    preflight.section(config, usable, "lr-range", "Find a learning rate", ":material/trending_down:", results)


def results(check: Check, config: RunConfig) -> None:
    """The curve, and the way to use what it suggests."""
    found = check.result()
    if not isinstance(found, LrRange):
        return
    if found.suggestion is None:
        st.warning("The loss never fell, so that no rate can be suggested.", icon=":material/warning:")
    else:
        fate = "until it ran away" if found.ended_by == "diverged" else "and it never ran away"
        st.markdown(
            f"Suggested peak: **{found.suggestion:g}**. The loss was lowest at {found.lowest:.2g}, of which this is a "
            f"tenth, and fell fastest at {found.steepest:.2g}; {len(found.rates)} steps {fate}."
        )
        if found.suggestion != config.train.lr:
            st.button(
                f"Use {found.suggestion:g} as learning rate",
                key="use_lr",
                icon=":material/input:",
                on_click=widgets.set_option,
                args=("lr", found.suggestion),
            )
    st.plotly_chart(
        chart(found, config.train.lr),
        key="lr_range_chart",
        config={"displayModeBar": False},
        alt=f"Smoothed loss over the learning rate; suggestion {found.suggestion}",
    )


def chart(found: LrRange, lr: float) -> go.Figure:
    """The smoothed loss over the rate, logarithmic; vertical lines at the suggestion and at the rate set now."""
    figure = go.Figure()
    figure.add_scatter(x=found.rates, y=found.losses, mode="lines", line={"color": BLUE, "width": 2}, name="loss")
    top = max(found.losses[: max(1, len(found.losses) // 3)]) * 1.25 if found.losses else 1.0
    low = min(found.losses, default=0.0)
    marks = [("now", lr, ORANGE, "dot", "bottom")]
    if found.suggestion is not None:
        marks.insert(0, ("suggested", found.suggestion, GREEN, "dash", "top"))
    for name, rate, color, dash, where in marks:
        figure.add_vline(x=rate, line={"color": color, "dash": dash, "width": 2})
        figure.add_annotation(
            x=math.log10(rate),  # of a logarithmic axis, other than for lines
            y=1.0 if where == "top" else 0.0,
            yref="paper",
            xanchor="left" if rate < 0.1 else "right",
            text=f"{name} {rate:g}",
            font={"color": color},
            showarrow=False,
        )
    figure.update_layout(
        height=320,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        showlegend=False,
        hovermode="x unified",
        xaxis={"type": "log", "title": "learning rate", "exponentformat": "e", "dtick": 1},
        yaxis={"title": "loss, smoothed", "range": [low - 0.05 * (top - low), max(top, low + 1e-6)]},
    )
    return figure
