"""The settings of the form: eight first, the rest in sections, only what applies, with a search and resets."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from pages.server.paths import is_public, runs_dir
from pages.ui import form_state, widgets
from pages.ui.formatting import plain
from pages.ui.settings import applies
from unet_core.config.fields import Field
from unet_core.runs import run as runs

FIRST = ("epochs", "image_size", "batch_size", "base_channels", "lr", "val_fraction", "loss", "augment")
TYPED = " Choose a run, or enter a checkpoint folder or a Hugging Face Hub ID such as `owner/name`."
OTHERS = ("recipe",)  # shown with the dataset
SECTIONS = {"model": "Model", "train": "Training", "data": "Data"}
MARK = "box-shadow: -0.5rem 0 0 -0.3rem var(--st-primary-color, #0b7285);"  # a bar to the left of what is changed


def choose_settings(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of the form by name. One that does not apply is hidden and keeps its value for later.

    Of `fixed`, the values in effect of the settings that the dataset's recipe fixes, those are shown that nobody has
    set to something else here.
    """
    options = {name: option for name, option in form_state.options().items() if name not in OTHERS}
    for option in options.values():
        form_state.prepare(option)  # also of what is not drawn
    values = {name: form_state.value_of(name) for name in options}
    values |= {name: options[name].default for name in fixed if name in options and not form_state.is_set(name)}
    shown = [name for name in options if applies(name, values)]
    locked = {name: value for name, value in fixed.items() if not form_state.is_set(name)}
    changed = [name for name in shown if form_state.is_changed(name) and name not in locked]
    words = _show_search(changed)

    def draw(place: str, names: Iterable[str]) -> None:
        _show_settings(place, [options[name] for name in names], locked, values)

    if words:
        matching = [name for name in shown if matches(options[name], words)]
        if not matching:
            st.info(f"No setting matches {plain(words)}.", icon=":material/search_off:")
        draw("found", matching)
    else:
        draw("first", [name for name in FIRST if name in shown])
        for section, title in SECTIONS.items():
            names = [name for name in shown if options[name].section == section and name not in FIRST]
            with st.expander(title, key=f"section_{section}"):
                draw(section, names)
            if section == "model" and values["init"]:
                st.caption("The architecture is taken from the model that is fine-tuned.")
    st.html(f"<style>{mark(changed)}</style>")
    return values


def mark(changed: Sequence[str]) -> str:
    """The style sheet that marks what is changed: a bar beside each, and how many there are in the head of a section.

    An expander whose label changes would be made anew, and closed; a setting whose place changes would lose the focus.
    """
    rules = [f".st-key-setting-{name} {{ {MARK} }}" for name in changed]
    for section in SECTIONS:
        number = sum(form_state.options()[name].section == section and name not in FIRST for name in changed)
        if number:
            rules.append(f'.st-key-section_{section} summary p::after {{ content: " · {number} changed"; }}')
    return "\n".join(rules)


def matches(option: Field, words: str) -> bool:
    """Whether each word is in what a setting is called, says or offers, in the page or on the command line."""
    choices = option.choices or {}
    offers = [text for name in choices for text in (name, option.words(name), choices[name])]
    text = " ".join([option.label, option.name, option.name.replace("_", " "), option.description, *offers]).casefold()
    return all(word in text for word in words.casefold().split())


def _show_search(changed: Sequence[str]) -> str:
    """The search box, and beside it the way back from all changes."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="find_row"):
        words = st.text_input(
            "Find a setting",
            key="find_setting",
            label_visibility="collapsed",
            placeholder="Find a setting",
            icon=":material/search:",
        )
        if changed:
            st.button(
                f"Reset all ({len(changed)})",
                key="reset_all",
                type="tertiary",
                icon=":material/undo:",
                on_click=form_state.reset,
                args=tuple(changed),
                help="Sets the changed settings back to their defaults.",
            )
    return (words or "").strip()


def _show_settings(place: str, options: Sequence[Field], locked: Mapping[str, Any], values: dict[str, Any]) -> None:
    """Two columns, row by row; see train.css."""
    with st.container(key=f"settings-{place}"):
        for option in options:
            with st.container(key=f"setting-{option.name}", gap=None):
                values[option.name] = _show_setting(option, locked, values[option.name])


def _show_setting(option: Field, locked: Mapping[str, Any], value: Any) -> Any:
    """One setting, the way back to its default below it where it is changed; returns its value in the run."""
    if option.name in locked:
        _show_fixed(option, locked[option.name])
        return value
    chosen = _choose_init(option) if option.name == "init" else widgets.option_widget(option)
    if form_state.is_changed(option.name):
        default = option.words(form_state.default_of(option.name)) or "empty"
        st.button(
            f"Reset to {plain(default)}",
            key=f"reset-{option.name}",
            type="tertiary",
            icon=":material/undo:",
            on_click=form_state.reset,
            args=(option.name,),
            help=f"{option.noun} is changed.",
        )
    return chosen


def _show_fixed(option: Field, value: Any) -> None:
    """A setting with the value that the dataset gives it."""
    key = f"fixed_{option.name}"
    st.session_state[key] = option.words(value)
    text = f"{option.description} Set for this dataset on the Data page."
    st.text_input(option.label, key=key, disabled=True, help=text)


def _choose_init(option: Field) -> str:
    """The model to fine-tune: a menu of the runs that have a checkpoint, or any name typed into it."""
    current = form_state.value_of(option.name)  # typed, or copied from a run whose origin has been deleted
    names = ["", *(run.id for run in runs.find(runs_dir()) if run.has_best)]
    names += [current] if current and current not in names else []
    chosen = st.selectbox(
        option.label,
        names,
        names.index(current),
        key=option.name,
        accept_new_options=not is_public(),
        format_func=lambda name: name or option.zero,
        help=option.description + TYPED * (not is_public()),
    )
    return chosen or ""
