"""How the folder was read: the layout with its reason, what was guessed, and other layouts one click away."""

import streamlit as st

from pages.ui.formatting import plain
from pages.views.data import state
from pages.views.data.state import Dataset
from unet_core.config.choices import LAYOUTS
from unet_core.io.filenames import readable


def show(dataset: Dataset) -> None:
    """The layout, its reason, and what the mask values mean."""
    scan = dataset.scan
    with st.container(border=True):
        st.markdown(f"**How the folder was read**: layout `{scan.layout}`")
        if reason := scan.reason or LAYOUTS.get(scan.layout, ""):
            st.caption(plain(readable(reason)))
        if scan.coding is not None:
            st.caption(f"Masks: {plain(scan.coding.describe())}")
        if scan.notes:
            st.caption("\n".join(f"- {plain(readable(note))}" for note in scan.notes))
        choose(dataset)


def choose(dataset: Dataset) -> None:
    """A button for each other layout that reads something in the folder."""
    scan, root = dataset.scan, dataset.root
    others = [name for name in scan.candidates if name != scan.layout]
    fixed = dataset.recipe.get("layout")
    if not others and fixed is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Other layouts that fit:" if others else "Set by hand:", width="content")
        for name in others:
            st.button(
                name,
                key=f"layout {name}",
                help=plain(LAYOUTS.get(name, "")) or None,
                on_click=state.set_setting,
                args=(root, "layout", name),
            )
        if fixed is not None:
            st.button(
                "Detect the layout",
                key="layout auto",
                icon=":material/undo:",
                on_click=state.set_setting,
                args=(root, "layout", None),
            )
