"""What the data are like in numbers, and the settings they ask for: now, proposed, why; taken one by one or all."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.ui import widgets
from pages.ui.formatting import plain
from unet_core.config.schema import DataConfig, RunConfig
from unet_core.data import discovery, fingerprint
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import UnetError
from unet_core.hardware import Machine
from unet_core.planning import planner

WIDTHS = [3, 2, 3, 9]


@st.cache_data(max_entries=16, ttl=600, show_spinner="Looking at images and masks…")
def fingerprint_of(data: DataConfig, num_classes: int) -> Fingerprint:
    """The fingerprint of a folder. Raises DataError."""
    return fingerprint.measure_samples(discovery.find(Path(data.root), data.layout), data, num_classes)


@st.cache_data(max_entries=4, ttl=60, show_spinner=False)
def machine(device: str) -> Machine:
    """The machine; asking a GPU takes a moment."""
    return Machine.here(device)


def show(config: RunConfig) -> None:
    """Tiles of the fingerprint and the table of proposals."""
    st.subheader("A plan for these data", anchor=False)
    try:
        data = fingerprint_of(config.data, config.model.num_classes)
    except UnetError as error:
        widgets.show_error(error)
        return
    widgets.tiles(tiles(data))
    advice = planner.propose(data, machine(config.train.device), config)
    changes = [item for item in advice if item.changes]
    if changes:
        st.button(
            "Take the proposal" if len(changes) == 1 else f"Take all {len(changes)} proposals",
            key="take_plan",
            type="primary",
            icon=":material/done_all:",
            on_click=take,
            args=(changes,),
            help="Sets them in the form, where everything stays editable.",
        )
    else:
        st.success("The settings are as these data ask for; nothing to change.", icon=":material/check:")
    with st.container(border=True, key="plan_table"):
        for place, title in zip(st.columns(WIDTHS), ("Setting", "Now", "Proposed", "Why"), strict=True):
            place.markdown(f"**{title}**")
        for item in [*changes, *(item for item in advice if not item.changes)]:
            row(item)
    if config.train.init:
        st.caption("The net is that of the model it starts from, whatever depth and channels are set.")


def row(item: planner.Advice) -> None:
    """One line: a button where there is something to take."""
    name, now, proposed, why = st.columns(WIDTHS, vertical_alignment="center")
    name.markdown(plain(widgets.label_of(item.setting)))
    now.markdown(f"`{item.current}`")
    why.caption(plain(item.reason[0].upper() + item.reason[1:] + "."))
    if item.changes:
        proposed.button(
            f"Take {plain(str(item.value))}",
            key=f"take_{item.setting}",
            on_click=take,
            args=([item],),
            help=f"Sets {plain(widgets.label_of(item.setting))} to {plain(str(item.value))} in the form.",
        )
    else:
        proposed.markdown(f":green[:material/check:] `{item.value}`")


def take(advice: Sequence[planner.Advice]) -> None:
    """Called by the buttons, before the form is drawn anew: sets its widgets."""
    for item in advice:
        st.session_state[item.setting] = item.value


def tiles(data: Fingerprint) -> dict[str, tuple[str, str]]:
    """The fingerprint in words."""
    kind = {1: "gray", 3: "RGB"}.get(data.channels, f"{data.channels} channels")
    found = {
        "Images": (f"{data.images}", "In the folder, with masks."),
        "Size": (f"{data.width} x {data.height}", "Median width and height in pixels."),
        "Kind": (f"{kind}, {data.dtype}", "Channels and number format of most images."),
    }
    if data.object_diameter is not None:
        low, high = data.object_diameter_low or 0, data.object_diameter_high or 0
        found["Objects"] = (
            f"{data.object_diameter:.0f} px",
            f"Median width (of a disk of the same area); eight of ten are {low:.0f} to {high:.0f} px. An object is a "
            "connected area of one class other than 0; those that touch count as one.",
        )
        found["An image"] = (f"{data.objects_per_image:.0f} objects", "Median number of objects in an image.")
    if data.object_gap is not None:
        found["Apart"] = (f"{data.object_gap:.0f} px", "Median distance to the nearest other object of the class.")
    if len(data.class_shares) == 2:
        found["Foreground"] = (f"{100 * data.class_shares[1]:.2g} %", "Share of the pixels.")
    elif data.class_shares:
        shares = ", ".join(f"{label}: {100 * share:.2g} %" for label, share in enumerate(data.class_shares))
        found["Classes"] = (f"{len(data.class_shares)}", f"Shares of the pixels: {shares}.")
    return found
