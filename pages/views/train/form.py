"""The settings of a run: the dataset, the fields of the core, the button that starts it."""

import contextlib
from pathlib import Path
from typing import Any

import streamlit as st

from pages.server.paths import runs_dir, sample_data
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.ui.settings import applies, values_of
from pages.views.train import before_start, dataset
from unet_core.config.choices import LAYOUTS
from unet_core.config.fields import Field
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import DataConfig, RunConfig, all_fields
from unet_core.data.masks.coding import MaskCoding
from unet_core.data.recipe import recipes
from unet_core.errors import ConfigError, UnetError
from unet_core.models import architecture
from unet_core.runs import run as runs
from unet_core.training import finetune, launch

SHOWN_FIRST = ("epochs", "image_size", "batch_size", "base_channels", "loss", "lr")
ELSEWHERE = ("root", "threshold", "series")  # settings without a widget of their own in the form
SAMPLE, FOLDER = "Built-in sample", "Local folder"
PREVIEWS = 4
SECTIONS = {"model": "Model", "train": "Training", "data": "Data"}
NO_FOLDER = "Enter the folder that contains your images and masks."


def choose_data() -> tuple[str, bool]:
    """The folder to train on, and whether training on it can start."""
    source = st.segmented_control(
        "Dataset", [SAMPLE, FOLDER], default=SAMPLE, key="source", bind="query-params", required=True
    )
    if source == SAMPLE:
        root = str(sample_data())
        st.caption("48 synthetic images of fluorescent nuclei with exact masks.")
    else:
        root = st.text_input(
            "Folder",
            key="root",
            bind="query-params",
            placeholder="/home/me/cells",
            help="\n".join(["A folder with one of these layouts:", *(f"- **{k}**: `{v}`" for k, v in LAYOUTS.items())]),
        ).strip()
    if not root:
        st.info(NO_FOLDER, icon=":material/folder_open:")
        return "", False
    try:
        layout, unlabeled, recipe = (
            st.session_state.get(name, value)
            for name, value in (("layout", "auto"), ("unlabeled", "ask"), ("recipe", "auto"))
        )
        search, problems = dataset.find_samples(root, layout, unlabeled, recipe)
        st.caption(f"**{len(search.samples)} images** with masks · {plain(search.reason or search.layout)}")
        coding, guesses = show_coding(root, layout, unlabeled)
        if remarks := [*search.notes, *guesses]:
            st.info("\n".join(f"- {plain(text)}" for text in remarks), icon=":material/info:")
        readable = [sample for sample in search.samples if not any(str(sample.image) in text for text in problems)]
        spread = readable[:: max(1, len(readable) // PREVIEWS)]
        for column, sample in zip(st.columns(PREVIEWS), spread, strict=False):
            column.image(dataset.preview(sample, coding), width="stretch", alt=f"{sample.id} with its mask outlined")
    except UnetError as error:
        widgets.show_error(error)
        return root, False
    if problems:
        listed = "\n".join(f"- {plain(text)}" for text in problems[:20])
        st.warning(f"Problems in this folder:\n{listed}", icon=":material/warning:")
    return root, True


def show_coding(root: str, layout: str, unlabeled: str) -> tuple[MaskCoding, list[str]]:
    """Say what mask values mean by the settings of the form; gives it with what was guessed. Raises DataError."""
    state = st.session_state
    data = DataConfig(
        root=root,
        layout=layout,
        unlabeled=unlabeled,
        labels=state.get("labels", "auto"),
        ignore_index=state.get("ignore_index"),
        color_map=state.get("color_map", ""),
        recipe=state.get("recipe", "auto"),
    )
    coding, guesses, masks = dataset.read_coding(root, data, st.session_state.get("num_classes", 0))
    st.caption(f"Masks: {plain(coding.describe())} (by {masks} of them)")
    return coding, guesses


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


def hidden_value(option: Field) -> Any:
    """The value of a setting that is not shown: what an address, a preset or a copied run set, else the default.

    It is kept for when the setting applies again; Streamlit itself reads the address only for widgets that are shown.
    """
    if option.name not in st.session_state and option.name in st.query_params:
        text = st.query_params[option.name]
        with contextlib.suppress(ValueError, ConfigError):  # ignored like an invalid value of a widget that is shown
            value = text.lower() == "true" if option.kind is bool else option.kind(text)
            st.session_state[option.name] = option.checked(value)
    return st.session_state.get(option.name, option.default)


def choose_settings() -> dict[str, Any]:
    """Every setting of the form by name. Those that others depend on come first; one that does not apply is hidden."""
    options = {option.name: option for option in all_fields() if option.name not in ELSEWHERE}
    values = {"init": choose_init(options["init"])}

    def choose(name: str) -> None:
        shown = applies(name, values)
        values[name] = widgets.option_widget(options[name]) if shown else hidden_value(options[name])

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


def show() -> RunConfig:
    """The form; the settings as they are now, or the defaults where they contradict each other."""
    root, usable = choose_data()
    descriptions = "\n".join(f"- **{name}**: {preset.description}" for name, preset in PRESETS.items())
    st.selectbox(
        "Preset",
        list(PRESETS),
        key="preset",
        on_change=fill_from_preset,
        help=f"Sets all settings below:\n{descriptions}",
    )
    values = choose_settings()
    try:
        folder = str(Path(root).resolve()) if root else ""
        config = finetune.resolve_init(RunConfig().replace(root=folder, **values), runs_dir())
        if usable:
            config = recipes.configure(config, recipes.of(config.data))
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
