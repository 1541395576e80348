"""The dataset in numbers, and settings suggested for it, each with a reason; applied one by one or all at once."""

from collections.abc import Sequence

import streamlit as st

from pages.ui import widgets
from pages.ui.formatting import plain
from pages.ui.settings import applies, values_of
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import discovery, fingerprint
from unet_core.data.fingerprint import Fingerprint
from unet_core.data.recipe import recipes
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import UnetError
from unet_core.hardware import Machine
from unet_core.planning import planner

WIDTHS = [4, 3, 4]


@st.cache_data(max_entries=16, ttl=600, show_spinner="Analyzing images and masks…")
def fingerprint_of(data: DataConfig, num_classes: int, recipe: Recipe) -> Fingerprint:
    """The fingerprint of a folder with its repairs, which are part of what is cached. Raises DataError."""
    search = discovery.search_data(data)
    return fingerprint.measure_samples(search.samples, data, num_classes, search=search)


@st.cache_data(max_entries=4, ttl=60, show_spinner=False)
def machine(device: str) -> Machine:
    """This machine; cached, because asking a GPU takes a moment."""
    return Machine.here(device)


def show(config: RunConfig) -> None:
    """Tiles of the fingerprint and the table of suggestions."""
    st.subheader("Suggested settings for this dataset", anchor=False)
    try:
        data = fingerprint_of(config.data, config.model.num_classes, recipes.of(config.data))
    except UnetError as error:
        widgets.show_error(error)
        return
    widgets.tiles(tiles(data))
    advice = planner.propose(data, machine(config.train.device), config)
    settings = values_of(config) | {item.setting: item.value for item in advice}
    advice = [item for item in advice if applies(item.setting, settings)]
    changes = [item for item in advice if item.changes]
    if changes:
        st.button(
            "Apply the suggestion" if len(changes) == 1 else f"Apply all {len(changes)} suggestions",
            key="take_plan",
            type="primary",
            icon=":material/done_all:",
            on_click=use,
            args=(changes,),
            help="Sets them in the form, where you can still change them.",
        )
    else:
        st.success("Your settings already match the suggestions.", icon=":material/check:")
    with st.container(border=True, key="plan_table"):
        for column, title in zip(st.columns(WIDTHS), ("Setting", "Current", "Suggested"), strict=True):
            column.markdown(f"**{title}**")
        for item in [*changes, *(item for item in advice if not item.changes)]:
            show_row(item)
    if config.train.init:
        st.caption("The architecture is not listed: it is taken from the model that is fine-tuned.")


def show_row(item: planner.Advice) -> None:
    """One suggestion, with a button where it differs from the current value; the reason fits below on any screen."""
    name, current, suggested = st.columns(WIDTHS, vertical_alignment="center")
    label, value = plain(widgets.label_of(item.setting)), plain(str(item.value))
    name.markdown(label)
    current.markdown(f"`{item.current}`")
    if item.changes:
        suggested.button(
            f"Use {value}",
            key=f"take_{item.setting}",
            on_click=use,
            args=([item],),
            help=f"Sets {label} to {value} in the form.",
        )
    else:
        suggested.markdown(f":green[:material/check:] `{item.value}`")
    st.caption(plain(item.reason[0].upper() + item.reason[1:] + "."))


def use(advice: Sequence[planner.Advice]) -> None:
    """Called by the buttons, before the form is drawn again: sets its widgets."""
    for item in advice:
        st.session_state[item.setting] = item.value


def tiles(data: Fingerprint) -> dict[str, tuple[str, str]]:
    """The fingerprint, {label: (value, help)}."""
    channels = {1: "grayscale", 3: "RGB"}.get(data.channels, f"{data.channels} channels")
    numbers = {
        "Images": (f"{data.images}", "Images with a mask in the folder."),
        "Image size": (f"{data.width} x {data.height} px", "Median width and height."),
        "Type": (f"{channels}, {data.dtype}", "Channels and data type of most images."),
    }
    if data.object_diameter is not None:
        low, high = data.object_diameter_low or 0, data.object_diameter_high or 0
        numbers["Object diameter"] = (
            f"{data.object_diameter:.0f} px",
            f"Median diameter of a disk of the same area; 80% are between {low:.0f} and {high:.0f} px. An object is a "
            "connected region of one class other than 0; touching objects count as one.",
        )
        numbers["Objects per image"] = (f"{data.objects_per_image:.0f}", "Median number of objects in an image.")
    if data.object_gap is not None:
        numbers["Spacing"] = (f"{data.object_gap:.0f} px", "Median distance to the nearest object of the same class.")
    if len(data.class_shares) == 2:
        numbers["Foreground"] = (f"{100 * data.class_shares[1]:.2g}%", "Share of the pixels.")
    elif data.class_shares:
        shares = ", ".join(f"{label}: {100 * share:.2g}%" for label, share in enumerate(data.class_shares))
        numbers["Classes"] = (f"{len(data.class_shares)}", f"Share of the pixels by class: {shares}.")
    return numbers
