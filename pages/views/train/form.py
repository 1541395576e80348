"""The settings of a run: the dataset, the fields of the core, the button that starts it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.ui.settings import applies, current_value, hidden_value, values_of
from pages.views.train import before_start, dataset
from unet_core.config.fields import Field
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.data.recipe import recipes
from unet_core.errors import UnetError
from unet_core.models import architecture
from unet_core.runs import run as runs
from unet_core.training import finetune, launch

SHOWN_FIRST = ("epochs", "image_size", "batch_size", "base_channels", "loss", "lr")
# Settings without a widget of their own in the form; an encoder comes with the weights that are fine-tuned.
ELSEWHERE = ("root", "recipe", "threshold", "series", "encoder")
SECTIONS = {"model": "Model", "train": "Training", "data": "Data"}


def start(config: RunConfig) -> None:
    """Called by the button, before the page is drawn again: the new run is then the chosen one."""
    try:
        st.session_state["run"] = launch.launch(config, runs_dir()).id
    except UnetError as error:
        st.session_state["start_error"] = str(error)


def fill(config: RunConfig) -> None:
    """Set every setting of the form, also those that are not shown. For callbacks: the widgets must not exist yet."""
    for name, value in values_of(config).items():
        if name not in ELSEWHERE:
            st.session_state[name] = value


def fill_from_preset() -> None:
    """Called by the menu of presets."""
    fill(get_preset(st.session_state["preset"]))


def choose_init(option: Field) -> str:
    """The model to fine-tune: a menu of the runs that have a checkpoint, or any name typed into it."""
    names = ["", *(run.id for run in runs.find(runs_dir()) if run.has_best)]
    current = st.session_state.get(option.name)  # typed, or copied from a run whose origin has been deleted
    names += [current] if current and current not in names else []
    chosen = st.selectbox(
        widgets.LABELS[option.name],
        names,
        key=option.name,
        bind="query-params",
        accept_new_options=True,
        format_func=lambda name: name or "None (train from scratch)",
        help=f"{option.description} Choose a run, or enter a checkpoint folder or a Hugging Face Hub ID "
        "such as `owner/name`.",
    )
    return chosen or ""


def choose_settings(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of the form by name. Those that others depend on come first; one that does not apply is hidden.

    Of `fixed`, the values in effect of the settings that the dataset's recipe fixes, those are shown that the user has
    not set to something else here.
    """
    options = {option.name: option for option in all_fields() if option.name not in ELSEWHERE}
    values = {"init": choose_init(options["init"])}

    def choose(name: str) -> None:
        option = options[name]
        if not applies(name, values):
            values[name] = hidden_value(option)
        elif name in fixed and current_value(option) == option.default:
            show_fixed(option, fixed[name])
            values[name] = hidden_value(option)
        else:
            values[name] = widgets.option_widget(option)

    columns = st.columns(2)
    for index, name in enumerate(name for name in SHOWN_FIRST if applies(name, values)):
        with columns[index % 2]:
            choose(name)
    for section, title in SECTIONS.items():
        with st.expander(title):
            if section == "model" and values["init"]:
                st.caption("The architecture is taken from the model that is fine-tuned.")
            for name, option in options.items():
                if option.section == section and name not in values:
                    choose(name)
    return values


def show_fixed(option: Field, value: Any) -> None:
    """A setting with the value that the dataset gives it."""
    key = f"fixed_{option.name}"
    st.session_state[key] = str(value)
    st.text_input(
        widgets.LABELS[option.name],
        key=key,
        disabled=True,
        help=f"{option.description} Set for this dataset on the Data page.",
    )


def show() -> RunConfig:
    """The form; the settings as they are now, or the defaults where they contradict each other."""
    chosen = dataset.show()
    usable = chosen.usable
    descriptions = "\n".join(f"- **{name}**: {preset.description}" for name, preset in PRESETS.items())
    st.selectbox(
        "Preset",
        list(PRESETS),
        key="preset",
        on_change=fill_from_preset,
        help=f"Sets all settings below:\n{descriptions}",
    )
    values = choose_settings(chosen.fixed)
    try:
        config = RunConfig().replace(root=chosen.root, recipe=chosen.source, **values)
        config = recipes.configure(config, chosen.recipe)
        config = finetune.resolve_init(config, runs_dir())
        architecture.check_size(config.model, config.model.image_size, config.model.image_size)
    except UnetError as error:
        widgets.show_error(error)
        config, usable = RunConfig(), False
    before_start.buttons(config, usable)
    active = runs.find_active(runs_dir())
    st.button(
        "Add to the queue" if active else "Start training",
        key="start",
        type="primary",
        icon=":material/playlist_add:" if active else ":material/play_arrow:",
        width="stretch",
        disabled=not usable,
        on_click=start,
        args=(config,),
        help=f"Run {plain(active.id)} is using the device. This run starts when its turn comes." if active else None,
    )
    if message := st.session_state.pop("start_error", None):
        widgets.show_error(message)
    return config
