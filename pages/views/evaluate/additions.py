"""What can be added right on the Evaluate page, as on Predict and Data: a model, images with masks."""

import streamlit as st

from pages.ui.dataset_picker import Chosen
from pages.views.data import bring
from pages.views.evaluate import images
from pages.views.predict import hub_model, import_model

OPEN = "evaluate_add"  # in the session: whether the ways in are shown


def show_button() -> None:
    """Opens and closes the ways in; they stay open while a model of the Hub is looked at or downloaded."""
    st.button(
        "Add…",
        key="evaluate_add_button",
        icon=":material/expand_less:" if is_open() else ":material/add:",
        help="Add a model from a file or the Hugging Face Hub, or upload images with their masks.",
        on_click=_toggle,
    )


def is_open() -> bool:
    """Whether the ways in are shown."""
    return bool(st.session_state.get(OPEN)) or hub_model.is_busy()


def _toggle() -> None:
    is_shown = not st.session_state.get(OPEN)
    st.session_state.update({OPEN: is_shown, bring.OPEN: True})


def show() -> None:
    """The ways in where they are open, else what is to be said of the latest addition."""
    if not is_open():
        import_model.show_added()
        return
    left, right = st.columns(2, gap="medium")
    with left:
        import_model.show(expanded=True)
    with right:
        bring.show("Add images with masks", on_added=_choose_added)


def show_notes(chosen: images.Images) -> None:
    """What was left out of the dataset that was just added, where it is the chosen one."""
    if chosen.root is not None:
        bring.show_added(Chosen(chosen.dataset, chosen.root))


def _choose_added() -> None:
    """The new dataset is evaluated at once, also where the run's own images were chosen."""
    st.session_state.update({OPEN: False, images.ADDED: True})
