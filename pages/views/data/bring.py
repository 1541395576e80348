"""The ways in: an upload, a folder on this machine, a dataset of the Hugging Face Hub."""

import streamlit as st

from pages.server import paths
from pages.ui import dataset_picker
from pages.ui.formatting import plain
from pages.views.data import bring_folder, bring_hub, bring_upload

OPEN = "add_dataset"  # the key of the expander, whose state is whether it is open
ADDED = "dataset_added"  # in the session: the name of a dataset that has just been added
UPLOAD, FOLDER, HUB = "Upload", "Folder on this machine", "Hugging Face Hub"
WAYS = {UPLOAD: bring_upload.show, FOLDER: bring_folder.show, HUB: bring_hub.show}


def show() -> None:
    """The ways in, folded while there is nothing to add; a new dataset becomes the chosen one."""
    if name := st.session_state.pop(ADDED, None):
        st.session_state[OPEN] = False
        st.toast(f"{plain(name)} added.", icon=":material/check:")
    st.session_state.setdefault(OPEN, not paths.library().entries())  # open for whoever has no dataset yet
    panel = st.expander("Add a dataset", icon=":material/add:", key=OPEN, on_change="rerun")
    if not panel.open:
        return
    with panel:
        way = UPLOAD
        if paths.data_root() is not None:  # a server for everybody takes uploads alone
            way = st.segmented_control(
                "From", list(WAYS), default=UPLOAD, key="bring_way", required=True, persist_state="session"
            )
        if (name := WAYS[way]()) is not None:
            take(name)
            st.rerun()


def take(name: str) -> None:
    """Choose a dataset that was added, and fold the ways in. For callbacks, and before a rerun."""
    dataset_picker.select(name)
    st.session_state[ADDED] = name
