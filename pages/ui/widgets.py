"""Widgets that several pages share; those of settings get their bounds and sentences from the core."""

from typing import Any

import streamlit as st

from pages.ui.formatting import plain
from unet_core.config.fields import Field
from unet_core.runs import manage
from unet_core.runs import run as runs


def label_of(name: str) -> str:
    """What a setting is called on a page."""
    return name.replace("_", " ").capitalize().replace("Lr", "Learning rate").replace("Val ", "Validation ")


def set_option(name: str, value: Any) -> None:
    """Called by a button, before the form is drawn anew: sets a setting's widget."""
    st.session_state[name] = value


def option_widget(option: Field) -> Any:
    """One setting as a widget; its value stands in the page's address, so that a link reproduces the form."""
    label = label_of(option.name)
    common: dict[str, Any] = {"key": option.name, "help": option.description, "bind": "query-params"}
    if option.choices is not None:
        menu = "\n".join(f"- `{name}`: {sentence}" for name, sentence in option.choices.items())
        names = list(option.choices)
        common["help"] = f"{option.description}\n{menu}"
        return st.selectbox(label, names, index=names.index(option.default), **common)
    kind = option.kind
    if kind is bool:
        return st.toggle(label, value=option.default, **common)
    if kind is str:
        return st.text_input(label, value=option.default, **common)
    return st.number_input(
        label,
        min_value=None if option.ge is None else kind(option.ge),
        max_value=None if option.le is None else kind(option.le),
        value=option.default,
        step=1 if kind is int else max(option.default / 10, 0.001),
        format=None if kind is int else "%g",
        **common,
    )


BADGES = {
    runs.RunState.STARTING: ("blue", ":material/hourglass_top:"),
    runs.RunState.QUEUED: ("gray", ":material/hourglass_empty:"),
    runs.RunState.RUNNING: ("blue", ":material/play_arrow:"),
    runs.RunState.PAUSED: ("orange", ":material/pause:"),
    runs.RunState.STOPPING: ("orange", ":material/hourglass_bottom:"),
    runs.RunState.FINISHED: ("green", ":material/check:"),
    runs.RunState.STOPPED: ("green", ":material/stop:"),
    runs.RunState.FAILED: ("red", ":material/error:"),
    runs.RunState.INTERRUPTED: ("orange", ":material/power_off:"),
}


def state_badge(state: runs.RunState) -> None:
    color, icon = BADGES[state]
    st.badge(state.value, color=color, icon=icon)


def choose_run(label: str, found: list[runs.Run]) -> runs.Run:
    """A menu of runs, the newest first, and the name of the chosen one; the choice stands in the page's address.

    The menu has the ids: what it shows is what the address holds, and names change and need not differ.
    """
    chosen = st.selectbox(label, [run.id for run in found], key="run", bind="query-params")
    run = next(run for run in found if run.id == chosen)
    show_notes(run)
    return run


def show_notes(run: runs.Run) -> None:
    """What a user called a run and wrote of it, if anything."""
    notes = manage.notes(run)
    if notes.name or notes.note:
        st.caption(f"**{plain(notes.name)}** {plain(notes.note)}".replace("**** ", ""))


def tiles(values: dict[str, tuple[str, str]]) -> None:
    """Numbers side by side, {label: (value, sentence)}; they wrap on a narrow screen and are never cut."""
    with st.container(horizontal=True, gap="medium"):
        for label, (value, sentence) in values.items():
            st.metric(label, value, help=sentence or None, width="content")


def show_error(message: object) -> None:
    """What a user can mend, as it stands in the core."""
    st.error(plain(str(message)), icon=":material/error:")


def show_warning(message: object) -> None:
    """The same for what does not stop the work."""
    st.warning(plain(str(message)), icon=":material/warning:")
