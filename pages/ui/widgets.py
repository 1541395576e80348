"""Widgets that several pages share; those of settings take their bounds and help texts from the core."""

from collections.abc import Sequence
from typing import Any, Literal

import streamlit as st

from pages.ui.formatting import plain
from unet_core.config.fields import Field
from unet_core.runs import manage
from unet_core.runs import run as runs

LABELS = {
    "root": "Dataset folder",
    "layout": "Folder layout",
    "unlabeled": "Images without a mask",
    "val_fraction": "Validation fraction",
    "test_fraction": "Test fraction",
    "split_seed": "Split seed",
    "group_by": "Group images by",
    "ignore_index": "Ignored mask value",
    "color_map": "Mask colors",
    "labels": "Labels (mask values)",
    "separate_touching": "Separate touching objects",
    "recipe": "Repairs",
    "cache_mb": "Image cache (MiB)",
    "in_channels": "Input channels (0 = auto)",
    "channels": "Channels (empty = all)",
    "num_classes": "Number of classes (0 = auto)",
    "base_channels": "Base channels",
    "depth": "Depth (levels)",
    "convs_per_block": "Convolutions per block",
    "bottleneck_convs": "Bottleneck convolutions (0 = as per block)",
    "norm": "Normalization layer",
    "order": "Layer order",
    "activation": "Activation",
    "down": "Downsampling",
    "up": "Upsampling",
    "padding": "Padding",
    "head_kernel": "Output kernel size (px)",
    "dropout": "Dropout rate",
    "deep_supervision": "Deep supervision",
    "image_size": "Crop size (px)",
    "normalization": "Intensity normalization",
    "class_names": "Class names",
    "threshold": "Threshold",
    "epochs": "Epochs",
    "batch_size": "Batch size",
    "crops_per_image": "Crops per image (0 = auto)",
    "lr": "Learning rate",
    "weight_decay": "Weight decay",
    "encoder": "Encoder",
    "optimizer": "Optimizer",
    "schedule": "Learning rate schedule",
    "plateau_patience": "Plateau patience (epochs)",
    "loss": "Loss",
    "focal_gamma": "Focal gamma",
    "focal_alpha": "Focal alpha",
    "tversky_alpha": "Tversky alpha",
    "tversky_beta": "Tversky beta",
    "class_weights": "Class weights",
    "clip_norm": "Max gradient norm (0 = off)",
    "ema_decay": "EMA decay (0 = off)",
    "patience": "Early stopping patience (epochs, 0 = off)",
    "augment": "Augmentation",
    "seed": "Random seed",
    "device": "Device",
    "precision": "Precision",
    "init": "Fine-tune from",
    "tensorboard": "TensorBoard logs",
    "series": "Sweep",
    "threads": "CPU threads (0 = auto)",
}


def label_of(name: str) -> str:
    """The name of a setting in running text and tables: its label without the unit."""
    return LABELS[name].partition(" (")[0]


def set_option(name: str, value: Any) -> None:
    """Called by a button, before the form is drawn again: sets a setting's widget."""
    st.session_state[name] = value


def option_widget(option: Field) -> Any:
    """One setting as a widget; its value is kept in the page's address, so that a link reproduces the form."""
    label = LABELS[option.name]
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
                f"{missing} is a model of the Hugging Face Hub; this page evaluates runs of this machine. Evaluate it "
                f"with: unet-studio evaluate {missing} DATA"
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
    """A problem that the user can fix; the messages are those of the core."""
    st.error(plain(str(message)), icon=":material/error:")


def show_warning(message: object) -> None:
    """A problem that does not stop the work."""
    st.warning(plain(str(message)), icon=":material/warning:")
