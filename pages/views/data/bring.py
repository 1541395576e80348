"""The ways in: an upload, a folder on this machine, a dataset of the Hugging Face Hub."""

from collections.abc import Callable

import streamlit as st

from pages.server import paths
from pages.ui import dataset_picker
from pages.ui.dataset_picker import Chosen
from pages.ui.formatting import plain
from pages.views.data.sources import folder, hub, upload
from pages.views.data.sources.added import Added

OPEN = "add_dataset"  # the key of the expander, whose state is whether it is open
ADDED = "dataset_added"  # in the session: the latest dataset that was added here
NEW = "dataset_is_new"  # in the session: whether that has not been said yet
UPLOAD, FOLDER, HUB = "Upload", "Folder on this machine", "Hugging Face Hub"
WAYS = {UPLOAD: upload.show, FOLDER: folder.show, HUB: hub.show}


def show(label: str = "Add a dataset", on_added: Callable[[], None] = lambda: None) -> None:
    """The ways in, folded while there is nothing to add; a new dataset becomes the chosen one.

    `on_added` is called then, before the page runs again.
    """
    st.session_state.setdefault(OPEN, not paths.library().entries())  # open for whoever has no dataset yet
    panel = st.expander(label, icon=":material/add:", key=OPEN, on_change="rerun")
    if not panel.open:
        return
    with panel:
        way = UPLOAD
        if paths.data_root() is not None:  # a server for everybody takes uploads alone
            way = st.segmented_control(
                "From", list(WAYS), default=UPLOAD, key="bring_way", required=True, persist_state="session"
            )
        added = WAYS[way]()
    if added is not None:
        dataset_picker.select(added.name)
        st.session_state.update({ADDED: added, NEW: True})
        on_added()
        st.rerun()


def show_added(chosen: Chosen | None) -> None:
    """Before the ways in: that a dataset was added and what was left out of it, once it is the chosen one."""
    added: Added | None = st.session_state.get(ADDED)
    if added is None or chosen is None or added.name != chosen.name:
        return
    if st.session_state.pop(NEW, False):
        st.session_state[OPEN] = False
        st.toast(f"{plain(added.name)} added.", icon=":material/check:")
    if added.notes:
        st.info("\n".join(f"- {plain(note)}" for note in added.notes), icon=":material/filter_alt:")
