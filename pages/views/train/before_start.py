"""The view before a start: suggested settings, the pre-flight check, the learning rate; and the button to it."""

import streamlit as st

from pages.views.train import PREFLIGHT, lr_finder, plan, preflight
from unet_core.config.schema import RunConfig


def check_button(usable: bool) -> None:
    """Beside Start."""
    st.button(
        "Check first",
        key="check",
        icon=":material/speed:",
        disabled=not usable,
        on_click=start_check,
        help="Runs a few training steps to measure time, memory and the largest batch size, and reports problems.",
    )


def open_view() -> None:
    """Called by the button."""
    st.session_state["view"] = PREFLIGHT


def start_check() -> None:
    """Called by the button; the check starts with the settings that the form then shows."""
    open_view()
    preflight.ask("check")


def show(config: RunConfig) -> None:
    """Suggestions, check and learning rate, one below the other."""
    if not config.data.root:
        preflight.forget()
        st.info("Choose a dataset first.", icon=":material/database:")
        return
    plan.show(config)
    preflight.show(config, usable=True)
    lr_finder.show(config, usable=True)
