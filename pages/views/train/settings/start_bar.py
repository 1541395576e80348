"""The bar that is always on the screen: what will be trained in one line, Start, and the check before it."""

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.train import before_start, plan
from pages.views.train.plan import Plan
from pages.views.train.settings import duration
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.planning import devices
from unet_core.runs import run as runs
from unet_core.training import launch


def start(config: RunConfig) -> None:
    """Called by the button, before the page is drawn again: the new run is then the chosen one."""
    try:
        devices.check(config.train.device, config.train.precision)
        st.session_state["run"] = launch.launch(config, runs_dir()).id
    except UnetError as error:
        st.session_state["start_error"] = str(error)


def show(config: RunConfig, usable: bool, advice: Plan) -> None:
    """The line, the buttons, and what stands in the way."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="plan_line"):
        if usable:
            duration.show(plan.describe(advice, config), config, advice)
        plan.explain(advice)
    if usable:
        usable = _check_device(config)
    active = runs.find_active(runs_dir())
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="start_row"):
        st.button(
            "Add to the queue" if active else "Start training",
            key="start",
            type="primary",
            icon=":material/playlist_add:" if active else ":material/play_arrow:",
            width="stretch",
            disabled=not usable,
            on_click=start,
            args=(config,),
            help=f"Run {plain(active.id)} is using the device. This run starts when its turn comes."
            if active
            else None,
        )
        before_start.check_button(config, usable)
    if message := st.session_state.pop("start_error", None):
        widgets.show_error(message)


def _check_device(config: RunConfig) -> bool:
    """Whether this machine has the device of the settings; asked of a process of its own, since torch loads slowly."""
    try:
        if devices.is_asked(config.train.device, config.train.precision):
            with st.spinner("Looking for the device…"):
                devices.check(config.train.device, config.train.precision)
    except UnetError as error:
        widgets.show_error(error)
        return False
    return True
