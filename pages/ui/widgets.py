"""Widgets that several pages share; those of settings take their bounds and help texts from the core."""

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from pages.server import paths
from pages.ui import form_state
from pages.ui.formatting import plain
from unet_core.config.fields import Field
from unet_core.config.labels import fields_by_name, in_words
from unet_core.runs import manage
from unet_core.runs import run as runs

LABELS = {name: option.label for name, option in fields_by_name().items()}


def label_of(name: str) -> str:
    """The name of a setting in running text and tables: its label without the unit."""
    return fields_by_name()[name].noun


def set_option(name: str, value: Any) -> None:
    """Called by a button, before the form is drawn again: sets a setting."""
    form_state.put(name, value)


def explain_refusal(name: str, value: Any) -> str:
    """What is said of a value that `paths.may_set` does not allow."""
    remedy = "Choose a run from the list." if name == "init" else "Enter the colors themselves." * (name == "color_map")
    return f"{label_of(name)}: {value!r} may be a file of this server, which visitors cannot name. {remedy}".rstrip()


def help_of(option: Field) -> str:
    """What a setting is, its choices, its default and its name on the command line."""
    lines = [option.description]
    if option.choices is not None:
        lines += [f"- **{option.words(name)}** (`{name}`): {text}" for name, text in option.choices.items()]
        lines.append("")
    general, default = option.words(option.default), option.words(form_state.default_of(option.name))
    by_default = f"Default: {general or 'empty'}."
    if default != general:
        by_default = f"Suggested for this dataset: {default or 'empty'}. General default: {general or 'empty'}."
    return "\n".join([*lines, f"{by_default} Name: `{option.name}`."])


def option_widget(option: Field) -> Any:
    """One setting as a widget that shows its value in the form; what 0 or "" stand for is shown in words."""
    current = form_state.prepare(option)
    label, name, text = option.label, option.name, help_of(option)
    if option.choices is not None:
        names = list(option.choices)
        return st.selectbox(label, names, names.index(current), option.words, name, text)
    if option.kind is bool:
        return st.toggle(label, current, name, text)
    if option.kind is str:
        return st.text_input(label, current, key=name, help=text, placeholder=option.zero or None)
    number: Any = {  # of int or of float, all of one kind
        "min_value": None if option.ge is None else option.kind(option.ge),
        "max_value": None if option.le is None else option.kind(option.le),
        "value": None if form_state.can_be_empty(option) else current,
        "step": 1 if option.kind is int else max((option.default or 0) / 10, 0.001),
        "format": None if option.kind is int else "%g",
    }
    value = st.number_input(label, key=name, help=text, placeholder=option.zero or None, **number)
    return option.kind(0) if value is None and not option.optional else value


BADGES: dict[runs.RunState, tuple[Literal["blue", "gray", "green", "orange", "red"], str]] = {
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
    """The state of a run, with a color and an icon."""
    color, icon = BADGES[state]
    st.badge(state.value, color=color, icon=icon)


def choose_name(label: str, names: Sequence[str], noun: str) -> str | None:
    """A menu of runs or models by name, whose choice is kept in the page's address; the first by default.

    Where the address names one that is not there, it says so and None is chosen: not another one in its place.
    """
    named = st.session_state.get("run") or st.query_params.get("run")
    by_default = st.session_state.get("first_run")  # the address does not hold a default: nobody has named it
    st.session_state["first_run"] = names[0]
    if named and named not in names and named != by_default:
        st.session_state["missing_run"] = named
    elif named:
        st.session_state.pop("missing_run", None)
    missing = st.session_state.get("missing_run")
    if missing in names:  # it was restored, and nothing else was chosen meanwhile
        del st.session_state["missing_run"]
        missing, st.session_state["run"] = None, missing
    if missing:
        st.session_state.pop("run", None)
    chosen = st.selectbox(
        label, names, None if missing else 0, key="run", bind="query-params", placeholder=f"Choose a {noun}"
    )
    if missing and chosen is None:
        reason = f"The {noun} {missing} of this address is not available: it was deleted, or has no checkpoint yet."
        if "/" in missing and noun == "model":
            reason = f"The model {missing} is not on this machine yet. Download it below, under Add a model."
        elif "/" in missing:
            reason = (
                f"{missing} is a model of the Hugging Face Hub; this page shows runs of this machine. Open it on "
                "Predict or Evaluate."
            )
        show_warning(reason)
    return chosen


def choose_run(label: str, choices: Sequence[runs.Run]) -> runs.Run | None:
    """A menu of runs, the newest first, and the name of the chosen one; None where that of the address is gone.

    The menu lists the ids: the address holds what the menu shows, and names can change and need not be unique.
    """
    chosen = choose_name(label, [run.id for run in choices], "run")
    run = next((run for run in choices if run.id == chosen), None)
    if run is not None:
        show_notes(run)
    return run


def show_notes(run: runs.Run) -> None:
    """The name and the note that a user gave a run, if any."""
    notes = manage.notes(run)
    if notes.name or notes.note:
        st.caption(f"**{plain(notes.name)}** {plain(notes.note)}".replace("**** ", ""))


def tiles(values: dict[str, tuple[str, str]]) -> None:
    """Numbers side by side, {label: (value, help)}; they wrap on a narrow screen and are never cut off."""
    with st.container(horizontal=True, gap="medium"):
        for label, (value, sentence) in values.items():
            st.metric(label, value, help=sentence or None, width="content")


def show_error(message: object) -> None:
    """A problem that the user can fix; the messages are those of the core, with the names of settings as labels."""
    st.error(plain(paths.shorten(in_words(str(message)))), icon=":material/error:")


def show_warning(message: object) -> None:
    """A problem that does not stop the work."""
    st.warning(plain(paths.shorten(in_words(str(message)))), icon=":material/warning:")
