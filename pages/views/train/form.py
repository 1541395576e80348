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


def fill_from_preset() -> None:
    """Called by the menu of presets."""
    if name := st.session_state["preset"]:
        st.session_state["preset_chosen"] = name
        fill(get_preset(name))


def choose_preset(planned: bool) -> None:
    """The menu of presets; where a plan is in use, none of them is."""
    st.session_state["preset"] = None if planned else st.session_state.get("preset_chosen", "default")
    descriptions = "\n".join(f"- **{name}**: {preset.description}" for name, preset in PRESETS.items())
    st.selectbox(
        "Preset",
        list(PRESETS),
        key="preset",
        on_change=fill_from_preset,
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
        if problem is not None:
            widgets.show_error(problem)
        start_bar.show(config, usable, advice)
    form_state.write_address()
    return config
