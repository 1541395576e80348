"""What can be done with the chosen dataset as a whole: train on it, rename it, remove it."""

import os
from functools import partial
from pathlib import Path

import streamlit as st

from pages.server import paths
from pages.ui import dataset_picker, undo, widgets
from pages.ui.dataset_picker import SAMPLE, Chosen
from pages.ui.formatting import plain
from unet_core.data.library.library import FOLDER, HUB, UPLOADED, Entry
from unet_core.errors import UnetError
from unet_core.io import owners
from unet_core.io.filenames import readable
from unet_core.runs import run as runs

ERROR = "dataset_error"  # in the session: what went wrong with the latest button; shown once
MEBI = 2**20
OF_SERVER = "A dataset of this server: look at it and predict with its models. Upload your own to repair it and train."


def show(chosen: Chosen) -> None:
    """The buttons, beside the menu."""
    entry = dataset_picker.find_entry(chosen.name)
    with st.container(horizontal=True, vertical_alignment="center", key="dataset_actions", width="content"):
        query = {dataset_picker.KEY: chosen.name}
        st.page_link("train.py", label=name_training(chosen.name), icon=":material/model_training:", query_params=query)
        if entry is not None and owners.is_own(entry.root.parent):
            _show_rename(entry)
            _show_remove(entry)


def name_training(name: str) -> str:
    """The label of the link to Train. It names the dataset: while an upload still runs, the one before it is chosen."""
    return f"Train on {'the built-in sample' if name == SAMPLE else plain(readable(name))}"


def show_origin(chosen: Chosen | None) -> None:
    """A line that says where the dataset lies, and what went wrong with the latest button."""
    if message := st.session_state.pop(ERROR, None):
        widgets.show_error(message)
    if chosen is None:
        return
    if chosen.name == SAMPLE:
        st.caption("48 synthetic images of fluorescent nuclei with exact masks, to try everything out.")
    elif (entry := dataset_picker.find_entry(chosen.name)) is not None:
        folder = f"Folder {plain(readable(str(chosen.root)))}" if paths.data_root() else "A folder of this server"
        origin = {UPLOADED: "Uploaded", HUB: "From the Hugging Face Hub"}.get(entry.kind, folder)
        st.caption(origin if owners.is_own(entry.root.parent) else OF_SERVER)


def _show_rename(entry: Entry) -> None:
    with st.popover("Rename…", icon=":material/edit:", key="rename"), st.form("rename_form", border=False):
        name = st.text_input("New name", entry.name, key=f"new_name:{entry.name}", max_chars=80)
        if st.form_submit_button("Rename", key="rename_sure", type="primary"):
            try:
                dataset_picker.select(paths.library().rename(entry.name, name).name)
            except UnetError as error:
                widgets.show_error(error)
            else:
                st.rerun()


def _show_remove(entry: Entry) -> None:
    """The button opens a question; the button in it removes."""
    popover = st.popover("Remove…", icon=":material/delete:", key="remove", on_change="rerun")
    with popover:
        if not popover.open:
            return
        if (run := find_user(entry.root)) is not None:
            st.markdown(f"Run {plain(run.id)} is training on this dataset or waits for it. Stop that run first.")
            return
        st.markdown(explain_removal(entry))
        label = "Remove from the list" if entry.kind == FOLDER else "Delete"
        st.button(label, key="remove_sure", type="primary", on_click=remove, args=(entry,))


def explain_removal(entry: Entry) -> str:
    """What is deleted and what stays."""
    name, runs_stay = plain(entry.name), "Runs that were trained on it stay, but cannot resume or be evaluated on it."
    if entry.kind == FOLDER:
        folder = plain(readable(str(entry.root)))
        return (
            f"Remove **{name}** from the list? The folder {folder} with its images, masks and repairs stays as it is; "
            "you can add it again."
        )
    files, size = measure(entry.root)
    return (
        f"Delete **{name}** with its {files:,} files ({size / MEBI:,.1f} MiB) and its repairs? It can be restored for "
        f"24 hours. {runs_stay}"
    )


def measure(root: Path) -> tuple[int, int]:
    """(number of files below a folder, their bytes)."""
    files = size = 0
    for folder, _, names in os.walk(root):
        for name in names:
            files += 1
            size += os.lstat(Path(folder) / name).st_size
    return files, size


def find_user(root: Path) -> runs.Run | None:
    """An active run that reads the files of a dataset."""
    for run in runs.find(paths.runs_dir()):
        try:
            if run.state().active and Path(run.config.data.root).is_relative_to(root.resolve()):
                return run
        except UnetError:
            continue  # not a run of this app, or a damaged one
    return None


def remove(entry: Entry) -> None:
    """Called by the button in the question."""
    try:
        removed = paths.library().remove(entry.name)
    except UnetError as error:
        st.session_state[ERROR] = str(error)
        return
    dataset_picker.select(SAMPLE)
    undo.remember("dataset", f"Dataset {readable(entry.name)} removed", partial(restore, removed.key))


def restore(key: str) -> None:
    """For callbacks: bring a removed dataset back and choose it. Raises DataError."""
    dataset_picker.select(paths.library().restore(key).name)


def show_removed() -> None:
    """What was removed in this session, and the trash."""
    library = paths.library()
    with st.container():  # it has its place also where it is empty
        undo.show("dataset")
        undo.show_trash("dataset", library.removed(), library.removed_size, restore, partial(library.empty_trash, 0))
