"""The view "Before start": a plan for the data, the check, the learning rate; and the form's buttons that lead here."""

import streamlit as st

from pages.views.train import lr_finder, plan, preflight
from unet_core.config.schema import RunConfig

VIEW = "Before start"


def buttons(config: RunConfig, usable: bool) -> None:
    """Below the settings, beside Start."""
    left, right = st.columns(2)
    left.button(
        "Propose a plan",
        key="propose",
        icon=":material/lightbulb:",
        width="stretch",
        disabled=not usable,
        on_click=to_view,
        help="Looks at images and masks and proposes crop size, depth, batch and more, each with its reason.",
    )
    right.button(
        "Check before start",
        key="check",
        icon=":material/speed:",
        width="stretch",
        disabled=not usable,
        on_click=to_check,
        args=(config,),
        help="A few real steps: how long an epoch takes, memory, the largest batch, and what speaks against it.",
    )


def to_view() -> None:
    st.session_state["view"] = VIEW


def to_check(config: RunConfig) -> None:
    to_view()
    preflight.begin(config, "check")


def show(config: RunConfig) -> None:
    """Plan, check, learning rate, one below the other."""
    if not config.data.root:
        st.info("Name the folder that holds your images and masks first.", icon=":material/folder_open:")
        return
    plan.show(config)
    preflight.show(config, usable=True)
    lr_finder.show(config, usable=True)
