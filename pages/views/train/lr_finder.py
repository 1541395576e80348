"""The learning rate finder: the loss over rising learning rates, and a suggestion that one click sets."""

import streamlit as st

from pages.ui import widgets
from pages.ui.figures import chart_view, charts
from pages.views.train import preflight
from unet_core.config.schema import RunConfig
from unet_core.planning.process import Check
from unet_core.planning.report import LrRange


def show(config: RunConfig, usable: bool) -> None:
    """The section of the page."""
    st.header("Learning rate finder", anchor=False)
    st.caption(
        "Trains a temporary model for 30 to 100 steps while the learning rate increases. "
        "Takes up to 40 seconds and does not affect your runs."
    )
    labels = ("Find learning rate", "Find learning rate again")
    preflight.show_check(config, usable, "lr-range", labels, ":material/trending_down:", show_result)


def show_result(check: Check, config: RunConfig) -> None:
    """The suggestion, a button to use it, and the curve."""
    result = check.result()
    if not isinstance(result, LrRange):
        return
    if result.suggestion is None:
        st.warning("The loss never decreased, so no learning rate can be suggested.", icon=":material/warning:")
    else:
        ending = "then diverged" if result.ended_by == "diverged" else "without diverging"
        st.markdown(
            f"Suggested peak: **{result.suggestion:g}**, a tenth of the rate with the lowest loss "
            f"({result.lowest:.2g}). The loss decreased fastest at {result.steepest:.2g}. "
            f"Training ran for {len(result.rates)} steps, {ending}."
        )
        if result.suggestion != config.train.lr:
            st.button(
                f"Use learning rate {result.suggestion:g}",
                key="use_lr",
                icon=":material/input:",
                on_click=widgets.set_option,
                args=("lr", result.suggestion),
            )
    chart_view.show_chart(
        charts.draw_lr_finder(result, config.train.lr),
        "lr_range_chart",
        "learning-rate-test",
        f"Smoothed loss over the learning rate; suggestion {result.suggestion}",
        has_toolbar=False,
    )
