"""The settings of a run: the data, the options of the core, the button."""

from pathlib import Path

import streamlit as st

from pages.server.paths import runs_dir, sample_data
from pages.ui import widgets
from pages.ui.formatting import plain
from pages.views.train import before_start
from unet_core import overlay
from unet_core.config.choices import LAYOUTS
from unet_core.config.fields import Field
from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig, all_fields
from unet_core.data import discovery, masks
from unet_core.data.layouts import Sample
from unet_core.errors import UnetError
from unet_core.io import images
from unet_core.io.pixels import Array
from unet_core.models import architecture
from unet_core.runs import run as runs
from unet_core.training import finetune, launch

SHOWN_FIRST = ("epochs", "image_size", "batch_size", "base_channels", "loss", "lr")
ELSEWHERE = ("root", "threshold", "series")  # not asked for in the form
SAMPLE, FOLDER = "Built-in sample", "Folder on this machine"
PREVIEWS = 4
SECTIONS = {"model": "The net", "train": "Learning", "data": "The data"}


@st.cache_data(max_entries=16, ttl=10, show_spinner="Looking at the folder…")
def look(root: str, layout: str) -> tuple[list[Sample], list[str]]:
    """The samples of a folder and what their headers tell is wrong. Raises DataError."""
    found = discovery.find(Path(root), layout)
    return found, discovery.check(found)


@st.cache_data(max_entries=64, show_spinner=False)
def preview(sample: Sample) -> Array:
    """The middle of the image, a square, with its mask drawn as outlines."""
    image = images.read(sample.image, sample.page)
    mask = masks.foreground(masks.read(sample, image.shape))
    drawn = overlay.draw(image, mask, num_classes=1, opacity=1.0, outline=True)
    side = min(mask.shape)
    top, left = ((length - side) // 2 for length in mask.shape)
    return drawn[top : top + side, left : left + side]


def choose_data() -> tuple[str, bool]:
    """The folder to train on and whether it can be used as it is."""
    source = st.segmented_control(
        "Data", [SAMPLE, FOLDER], default=SAMPLE, key="source", bind="query-params", required=True
    )
    if source == SAMPLE:
        root = str(sample_data())
        st.caption("48 fluorescence-like pictures of nuclei with exact masks, drawn by a program.")
    else:
        root = st.text_input(
            "Folder",
            key="root",
            bind="query-params",
            placeholder="/home/me/cells",
            help="\n".join(["A folder in one of these layouts:", *(f"- **{k}**: `{v}`" for k, v in LAYOUTS.items())]),
        ).strip()
    if not root:
        st.info("Name the folder that holds your images and masks.", icon=":material/folder_open:")
        return "", False
    try:
        found, problems = look(root, st.session_state.get("layout", "auto"))
        st.caption(f"**{len(found)} images** with masks")
        readable = [sample for sample in found if not any(str(sample.image) in text for text in problems)]
        spread = readable[:: max(1, len(readable) // PREVIEWS)]
        for place, sample in zip(st.columns(PREVIEWS), spread, strict=False):
            place.image(preview(sample), width="stretch", alt=f"{sample.id} with its mask outlined")
    except UnetError as error:
        widgets.show_error(error)
        return root, False
    if problems:
        listed = "\n".join(f"- {plain(text)}" for text in problems[:20])
        st.warning(f"Wrong with this folder:\n{listed}", icon=":material/warning:")
    return root, True


def start(config: RunConfig) -> None:
    """Called by the button, before the page is drawn anew: the new run is then the chosen one."""
    try:
        st.session_state["run"] = launch.launch(config, runs_dir()).id
    except UnetError as error:
        st.session_state["start_error"] = str(error)


def take_preset() -> None:
    """Called by the menu of presets: sets every widget of the form to its value there."""
    chosen = get_preset(st.session_state["preset"])
    for option in all_fields():
        if option.name not in ELSEWHERE:
            st.session_state[option.name] = getattr(getattr(chosen, option.section), option.name)


def choose_init(option: Field) -> str:
    """The model to fine-tune: a menu of the runs that have a checkpoint, or any name typed into it."""
    names = ["", *(run.id for run in runs.find(runs_dir()) if run.has_best)]
    now = st.session_state.get(option.name)  # typed, or set by a copy of a run whose origin is gone
    names += [now] if now and now not in names else []
    chosen = st.selectbox(
        widgets.label_of(option.name),
        names,
        key=option.name,
        bind="query-params",
        accept_new_options=True,
        format_func=lambda name: name or "Nothing: it learns from the beginning",
        help=f"{option.description} Choose a run, or type the folder of a checkpoint or a Hub id such as `owner/name`.",
    )
    return chosen or ""


def show() -> RunConfig:
    """The form; every widget is made from the core's settings. Gives the settings as they stand."""
    root, usable = choose_data()
    by_name = {option.name: option for option in all_fields() if option.name not in ELSEWHERE}
    sentences = "\n".join(f"- **{name}**: {item.description}" for name, item in PRESETS.items())
    st.selectbox(
        "Preset", list(PRESETS), key="preset", on_change=take_preset, help=f"Sets the form below:\n{sentences}"
    )
    left, right = st.columns(2)
    values = {}
    for index, name in enumerate(SHOWN_FIRST):
        with (left, right)[index % 2]:
            values[name] = widgets.option_widget(by_name[name])
    for section, title in SECTIONS.items():
        with st.expander(title):
            for name, option in by_name.items():
                if option.section == section and name not in SHOWN_FIRST:
                    values[name] = choose_init(option) if name == "init" else widgets.option_widget(option)
    try:
        folder = str(Path(root).resolve()) if root else ""
        config = finetune.resolve_init(RunConfig().replace(root=folder, **values), runs_dir())
        architecture.check_size(config.model, config.model.image_size, config.model.image_size)
    except UnetError as error:
        widgets.show_error(error)
        config, usable = RunConfig(), False
    before_start.buttons(config, usable)
    other = runs.find_active(runs_dir())
    st.button(
        "Add to the queue" if other else "Start training",
        key="start",
        type="primary",
        icon=":material/playlist_add:" if other else ":material/play_arrow:",
        width="stretch",
        disabled=not usable,
        on_click=start,
        args=(config,),
        help=f"Run {plain(other.id)} has the device; this one begins when it is its turn." if other else None,
    )
    if message := st.session_state.pop("start_error", None):
        widgets.show_error(message)
    return config
