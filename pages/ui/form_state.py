"""The settings of the form of Train: what somebody has set, and the defaults of all others.

A setting is set by its widget, by the address, or by code that puts a value under its name into the session. All others
follow their default, which the plan for a dataset may change at any time. Streamlit can bind a widget to the address by
itself, but then a default that changes does not reach the widget, and what was set for one default is lost with the
next; so the form reads and writes the address here.

    read()             # once a run, before the form is drawn
    set_plan(values)   # the defaults that differ from the general ones
    prepare(option)    # just before its widget is drawn
    write_address()    # after the form
"""

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from pages.server import paths
from pages.ui.settings import values_of
from unet_core.config.fields import Field
from unet_core.config.labels import fields_by_name
from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError

ELSEWHERE = ("root", "threshold", "series")  # settings that are not the form's
PLAN = "plan"  # in the address: whether the plan is in use, where that differs from what suits the dataset
ON, OFF = "on", "off"
_NOTHING = object()


@dataclass
class FormState:
    """Of a session: what was set, the plan's values, whether the plan is in use ("" = as suits the dataset); what the
    widgets and the address were given last, which tells a new value from an old one; and the values before those, which
    a browser still sends that has not got a run of the page that was interrupted; what a visitor may not set."""

    changes: dict[str, Any] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    mode: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    stale: dict[str, list[Any]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Any] = field(default_factory=dict)


def get() -> FormState:
    """The state of this session."""
    if "form_state" not in st.session_state:
        st.session_state["form_state"] = FormState()
    state: FormState = st.session_state["form_state"]
    return state


def options() -> Mapping[str, Field]:
    """The settings of the form by name."""
    return {name: option for name, option in fields_by_name().items() if name not in ELSEWHERE}


def read() -> None:
    """Take up what the address and the session have set since the last run."""
    state = get()
    mode = st.query_params.get(PLAN, "")
    if mode in (ON, OFF) and mode != state.written.get(PLAN):
        state.mode = mode
    for name, option in options().items():
        text = st.query_params.get(name)
        if text is not None and text != state.written.get(name):
            with contextlib.suppress(ValueError, ConfigError):  # an invalid value is ignored
                value = option.checked(_parse(option, text))
                if paths.may_set(name, value):
                    state.changes[name] = value
                else:
                    state.refused[name] = value
        current = st.session_state.get(name, _NOTHING)
        if current is not _NOTHING and current != state.shown.get(name, _NOTHING):
            if current in state.stale.get(name, ()):
                continue
            state.shown[name] = current
            value = _decode(option, current)
            if option.choices is not None and value not in option.choices:
                continue  # no menu offers it: a message that no page of ours has sent
            if paths.may_set(name, value):
                put(name, value)
            else:
                state.refused[name] = value


def take_refused() -> dict[str, Any]:
    """The values that visitors of a public server may not set, since the last time that they were told."""
    refused, get().refused = get().refused, {}
    return refused


def put(name: str, value: Any) -> None:
    """Set a setting; to its default, which it then follows again."""
    if value == default_of(name):
        get().changes.pop(name, None)
    else:
        get().changes[name] = value


def set_plan(values: Mapping[str, Any]) -> None:
    """The defaults of this run that differ from the general ones."""
    get().plan = dict(values)


def default_of(name: str) -> Any:
    """What a setting is that nobody has set."""
    return get().plan.get(name, fields_by_name()[name].default)


def value_of(name: str) -> Any:
    """The value of a setting, whether its widget is shown or not."""
    return get().changes.get(name, default_of(name))


def is_set(name: str) -> bool:
    """Whether somebody has set it, though it may be to the default."""
    return name in get().changes


def is_changed(name: str) -> bool:
    """Whether it differs from its default."""
    return bool(value_of(name) != default_of(name))


def prepare(option: Field) -> Any:
    """Give the widget of a setting its value, also for when it is not drawn; returns it.

    It must be the widget's default as well: the browser may never have got what an interrupted run of the page has put
    into the session, and would show the lowest number while the server trains with another. A number that can be empty
    has no default, or it could not be emptied; it is put into the session each time.
    """
    state, value = get(), encode(option, value_of(option.name))
    if st.session_state.get(option.name, _NOTHING) != value or (can_be_empty(option) and value is not None):
        st.session_state[option.name] = value
    before = state.shown.get(option.name, _NOTHING)
    if before is not _NOTHING and before != value:
        state.stale.setdefault(option.name, []).append(before)
    state.shown[option.name] = value
    return value


def reset(*names: str) -> None:
    """Called by a button: these settings follow their defaults again."""
    for name in names:
        get().changes.pop(name, None)


def fill(config: RunConfig) -> None:
    """Called by a menu or a button: all settings become those of `config`, and no plan changes them."""
    state = get()
    state.mode = OFF
    values = {name: value for name, value in values_of(config).items() if name in options() and name != "recipe"}
    recipe = {"recipe": state.changes["recipe"]} if "recipe" in state.changes else {}
    changed = {name: value for name, value in values.items() if value != fields_by_name()[name].default}
    state.changes = changed | recipe
    state.plan = {}
    state.shown |= {name: st.session_state[name] for name in values if name in st.session_state}


def use_plan(mode: str, names: Collection[str]) -> None:
    """Called by a button: of these settings, ON, the plan's values, or OFF, the defaults, replace what was set."""
    state = get()
    state.mode = mode
    state.changes = {name: value for name, value in state.changes.items() if name not in names}


def write_address() -> None:
    """All that was set stands in the address, so that a link reproduces the form; defaults do not."""
    state = get()
    state.stale = {}
    named = {name: value for name, value in state.changes.items() if value is not None and paths.may_set(name, value)}
    texts = {name: _text(value) for name, value in named.items()}
    if texts.get("recipe", "none") != "none":
        del texts["recipe"]  # the path of a file on the server
    if state.mode:
        texts[PLAN] = state.mode
    for name in (PLAN, *options()):
        if name in texts:
            if st.query_params.get(name) != texts[name]:
                st.query_params[name] = texts[name]
        elif name in st.query_params:
            del st.query_params[name]
    state.written = texts


def encode(option: Field, value: Any) -> Any:
    """The value of the widget: an empty number where 0 stands for "Auto" or "Off"."""
    return None if can_be_empty(option) and not option.optional and not value else value


def _decode(option: Field, value: Any) -> Any:
    return option.kind(0) if can_be_empty(option) and not option.optional and value is None else value


def can_be_empty(option: Field) -> bool:
    """Whether it is a number that is left empty for "Auto", "Off" or "None"."""
    return bool(option.zero) and option.kind in (int, float)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(option: Field, text: str) -> Any:
    return text.lower() == "true" if option.kind is bool else option.kind(text)
