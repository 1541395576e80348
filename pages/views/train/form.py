"""The form of Train: the dataset, the plan for it, the bar with Start, and the settings."""

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import form_state, widgets
from pages.views.train import dataset, plan
from pages.views.train.settings import sections, start_bar
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig
from unet_core.data.recipe import recipes
from unet_core.errors import UnetError
from unet_core.models import architecture
from unet_core.training import finetune

ELSEWHERE = (*form_state.ELSEWHERE, "recipe")  # settings without a widget of their own among those of the form
fill = form_state.fill


def fill_from_preset(key: str) -> None:
    """Called by the menu of presets."""
    name, before = st.session_state[key], st.session_state.get("preset_chosen", "default")
    is_stale = key != st.session_state.get("preset_drawn") and name == before
    if name and not is_stale:
        st.session_state["preset_chosen"] = name
        fill(get_preset(name))


def choose_preset(planned: bool) -> None:
    """The menu of presets; where a plan is in use, none of them is, and the menu is another widget.

    A browser that has not got an empty menu yet sends the preset of before with whatever is clicked: taken for a
    choice, that would drop the plan and all that was set.
    """
    key = st.session_state["preset_drawn"] = "preset_or_plan" if planned else "preset"
    st.session_state[key] = None if planned else st.session_state.get("preset_chosen", "default")
    descriptions = "\n".join(f"- **{name}**: {preset.description}" for name, preset in PRESETS.items())
    st.selectbox(
        "Preset",
        list(PRESETS),
        key=key,
        on_change=fill_from_preset,
        args=(key,),
        placeholder="Suggested for this dataset",
        help=f"Sets all settings below:\n{descriptions}",
    )


def show() -> RunConfig:
    """The form; the settings as they are now, or the defaults where they contradict each other."""
    form_state.read()
    chosen = dataset.show()
    with st.container():
        advice = plan.make(chosen)
    usable = chosen.usable and not advice.pending
    bar = st.container(key="start_bar")
    with st.container(key="settings"):
        values = sections.choose_settings(chosen.fixed)
        choose_preset(advice.in_use)
    problem: UnetError | None = None
    try:
        config = RunConfig().replace(root=chosen.root, recipe=chosen.source, **values)
        config = recipes.configure(config, chosen.recipe)
        config = finetune.resolve_init(config, runs_dir())
        architecture.check_size(config.model, config.model.image_size, config.model.image_size)
    except UnetError as error:
        problem, config, usable = error, RunConfig(), False
    with bar:
        with st.container():  # empty or not: Start below must not move in the tree, or there are two of it for a while
            for name, value in form_state.take_refused().items():
                widgets.show_error(widgets.explain_refusal(name, value))
            if problem is not None:
                widgets.show_error(problem)
        start_bar.show(config, usable, advice)
    form_state.write_address()
    return config
