"""The bar that is always on the screen: what will be trained in one line, Start, and the check before it.

A click on Start right after a change can reach the server before the form is drawn with that change. Its callback must
not start what the form was drawn with before: it then only notes the click, and the same run of the page starts what
its form shows.
"""

from typing import Any

import streamlit as st

from pages.server.paths import runs_dir
from pages.server.visitors import quotas
from pages.ui import dataset_picker, form_state, widgets
from pages.ui.formatting import plain
from pages.views.train import before_start, plan
from pages.views.train.plan import Plan
from pages.views.train.settings import duration
from unet_core.config.schema import RunConfig
from unet_core.errors import UnetError
from unet_core.io import owners
from unet_core.planning import devices
from unet_core.runs import run as runs
from unet_core.training import launch

Input = tuple[dict[str, Any], str, str | None, str | None]  # settings, plan, dataset, preset

ASKED = "start_asked"  # in the session: Start was clicked right after a change
STARTED = "run_started"  # in the session: the id of the run that was started, which becomes the chosen one


def choose_started() -> None:
    """At the top of the page, before the menu of runs is drawn: the run that was just started is the chosen one."""
    if name := st.session_state.pop(STARTED, None):
        st.session_state["run"] = name


def start(config: RunConfig, drawn: Input) -> None:
    """Called by the button, before the page is drawn again; `config` is what the form gave for the input `drawn`."""
    form_state.read()
    if _read_input() != drawn:
        st.session_state[ASKED] = True
    elif name := _launch(config):
        st.session_state["run"] = name


def _read_input() -> Input:
    """What the visitor has put into the form so far."""
    form, chosen = form_state.get(), st.session_state
    return dict(form.changes), form.mode, chosen.get(dataset_picker.KEY), chosen.get("preset_chosen")


def _launch(config: RunConfig) -> str | None:
    """The id of the new run; None where it cannot start, which is then said."""
    try:
        devices.check(config.train.device, config.train.precision)
        return launch.launch(config, runs_dir()).id
    except UnetError as error:
        st.session_state["start_error"] = str(error)
        return None


def _start_changed(config: RunConfig, usable: bool) -> None:
    """After a click right after a change: start what the form shows now, and draw the page again."""
    if not usable:
        st.toast("Not started: the form was still changing. Click Start again.", icon=":material/info:")
    elif name := _launch(config):
        st.session_state[STARTED] = name
        st.rerun()


def show(config: RunConfig, usable: bool, advice: Plan) -> None:
    """The line, the buttons, and what stands in the way."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="plan_line"):
        if usable:
            duration.show(plan.describe(advice, config), config, advice)
        plan.explain(advice)
    with st.container():  # has its place also where it is empty
        usable = usable and _may_train() and _check_device(config)
    if st.session_state.pop(ASKED, False):
        _start_changed(config, usable)
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
            args=(config, _read_input()),
            help=f"{_name(active)} is using the device. This run starts when its turn comes." if active else None,
        )
        before_start.check_button(usable)
    if message := st.session_state.pop("start_error", None):
        widgets.show_error(message)


def _name(run: runs.Run) -> str:
    return f"Run {plain(run.id)}" if owners.is_visible(run.folder) else "Another visitor's run"


def _may_train() -> bool:
    """Whether visitors of this server train; where not, that is said."""
    problem = quotas.training_problem()
    if problem:
        st.info(problem, icon=":material/block:")
    return not problem


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
