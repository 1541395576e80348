"""All that the Data page shows of the chosen dataset: the headline, the menu of the views, and the chosen view."""

from pathlib import Path

import streamlit as st

from pages.ui import widgets
from pages.ui.formatting import key_text, plain
from pages.views import data as names
from pages.views.data import augmentation, gallery, overview, pairs, scanning, split, state
from pages.views.data.repair import doctor, repairs
from pages.views.data.state import Dataset
from unet_core.config.choices import LAYOUTS
from unet_core.data.checks.finding import ERROR, WARNING
from unet_core.data.recipe.recipe import Recipe
from unet_core.errors import UnetError
from unet_core.io.filenames import readable

SHOW = {
    names.OVERVIEW: overview.show,
    names.GALLERY: gallery.show,
    names.PAIRS: pairs.show,
    names.SPLIT: split.show,
    names.AUGMENTATION: augmentation.show,
    names.DOCTOR: doctor.show,
}


def show(chosen_root: Path) -> None:
    """Everything below the picker, for the dataset in a folder."""
    root = chosen_root.resolve()
    if message := st.session_state.pop(state.ERROR, None):
        widgets.show_error(message)
    try:
        recipe = state.load_recipe(root)
    except UnetError as error:
        show_damaged(root, error)
        return
    try:
        dataset = scanning.find_dataset(root, recipe)
    except UnetError as error:
        show_refused(root, recipe, error)
        return
    headline = st.container()
    view = st.segmented_control(
        "View",
        names.VIEWS,
        default=names.OVERVIEW,
        key="data_view",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
        wrap=True,
    )
    with headline:
        show_headline(dataset, tells_why=view != names.DOCTOR)
    try:
        SHOW[view or names.OVERVIEW](dataset)
    except UnetError as error:
        widgets.show_error(error)


def show_headline(dataset: Dataset, tells_why: bool) -> None:
    """How many findings of which severity, in one line; `tells_why` training is not possible, where it is not."""
    scan = dataset.scan
    if not dataset.is_measured:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        errors, warnings = (sum(item.severity == severity for item in scan.findings) for severity in (ERROR, WARNING))
        if errors:
            st.badge(f"{errors} error{'s' * (errors != 1)}", icon=":material/error:", color="red")
        if warnings:
            st.badge(f"{warnings} warning{'s' * (warnings != 1)}", icon=":material/warning:", color="orange")
        if not errors and not warnings:
            st.badge("No problems found", icon=":material/check:", color="green")
        applied = len(dataset.recipe.repairs)
        if applied:
            st.badge(f"{applied} repair{'s' * (applied != 1)} applied", icon=":material/healing:", color="blue")
        st.caption(scanning.describe(scan), width="content")
    if scan.refused and tells_why:
        widgets.show_error(readable(scan.refused))


def show_refused(root: Path, recipe: Recipe, error: UnetError) -> None:
    """Why the folder is no dataset; what may help: another layout, or fewer repairs."""
    widgets.show_error(readable(str(error)))
    with st.container(border=True):
        st.markdown("**Choose how the folder is read**")
        options = ["auto", *(name for name in LAYOUTS if name != "auto")]
        now = str(recipe.get("layout", "auto"))
        st.selectbox(
            "Folder layout",
            options,
            index=options.index(now) if now in options else 0,
            format_func=lambda name: "Detect" if name == "auto" else name,
            key=f"refused layout {key_text(str(root))} {now}",
            on_change=take_layout,
            args=(root, f"refused layout {key_text(str(root))} {now}"),
            help="\n".join(f"- **{name}**: {text}" for name, text in LAYOUTS.items()),
        )
        if now != "auto":
            st.caption(plain(LAYOUTS.get(now, "")))
    if not recipe.is_empty:
        with st.container(border=True):
            repairs.show_applied(root, recipe)


def take_layout(root: Path, key: str) -> None:
    """Called by the menu: read the folder by the chosen layout from now on."""
    chosen = st.session_state[key]
    state.set_setting(root, "layout", None if chosen == "auto" else chosen)


def show_damaged(root: Path, error: UnetError) -> None:
    """A recipe that cannot be read, and the way out."""
    widgets.show_error(readable(str(error)))
    st.button(
        "Start with an empty recipe",
        key="replace_recipe",
        icon=":material/restart_alt:",
        on_click=state.replace_damaged,
        args=(root,),
        help="Replaces the damaged file. Images and masks stay as they are.",
    )
