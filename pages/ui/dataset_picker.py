"""The dataset of a session: chosen once, the same on Data, Train and Evaluate, and kept in the address.

The widget is not bound to the address as others are: the choice must outlive the pages without the menu and the back
button, a name that is no longer there must be said, and an address of an older release names a folder.
"""

import os
from pathlib import Path
from typing import NamedTuple

import streamlit as st

from pages.server import paths
from pages.ui import widgets
from unet_core.data.library import folders, library
from unet_core.data.library.library import Entry
from unet_core.errors import DataError, UnetError
from unet_core.io.filenames import readable

SAMPLE = library.SAMPLE
KEY = "dataset"  # of the widget, and the name in the address
CHOICE = "dataset_choice"  # in the session: the name that is chosen, "" after one that is gone
IN_ADDRESS = "dataset_in_address"  # in the session: what this module has put there
PROBLEM = "dataset_problem"  # in the session: why a dataset could not be chosen; shown until another is chosen


class Chosen(NamedTuple):
    """A dataset by its name, and its folder."""

    name: str
    root: Path


def choose(label: str = "Dataset") -> Chosen | None:
    """The menu of datasets; None where the chosen one is no longer there, which is said."""
    try:
        entries = {entry.name: entry for entry in paths.library().entries()}
    except DataError as error:
        widgets.show_error(error)
        entries = {}
    _settle([SAMPLE, *entries])
    name = st.selectbox(
        label,
        [SAMPLE, *entries],
        key=KEY,
        on_change=_take,
        placeholder="Choose a dataset",
        help="Add your own images on the Data page. The choice is the same on Data, Train and Evaluate.",
    )
    _write_address(name or "")
    if name is None:
        widgets.show_error(st.session_state.get(PROBLEM) or "No dataset is chosen. Choose one from the list.")
        return None
    return _open(name, entries)


def select(name: str) -> None:
    """Choose a dataset. For callbacks and before the menu is drawn."""
    st.session_state[CHOICE] = name
    st.session_state.pop(PROBLEM, None)


def select_path(text: str) -> None:
    """Choose the dataset of a folder, which is added to the list where it may be. For callbacks, as `select` is.

    What stands in the way is said where the menu is.
    """
    try:
        select(name_of(Path(text)) or paths.library().link(folders.parse_path(text, paths.data_root())).name)
    except UnetError as error:
        select("")
        st.session_state[PROBLEM] = str(error)


def refuse_path() -> None:
    """Choose no dataset: the address names a folder, which is not looked at for strangers."""
    select("")
    st.session_state[PROBLEM] = "Folders of the server cannot be chosen here. Upload the images instead."


def find_entry(name: str) -> Entry | None:
    """The dataset of the list; None for the built-in sample and where there is none. Raises DataError."""
    return next((entry for entry in paths.library().entries() if entry.name == name), None)


def names_by_root() -> dict[str, str]:
    """The names of the datasets in the list by their folders; {} where the list cannot be read."""
    try:
        return {os.path.realpath(entry.root): entry.name for entry in paths.library().entries()}
    except DataError:
        return {}


def name_of(root: Path) -> str:
    """The name of the dataset in a folder; "" where it is none of the list."""
    real = os.path.realpath(root)
    if real == os.path.realpath(paths.sample_data()):
        return SAMPLE
    return names_by_root().get(real, "")


def _settle(names: list[str]) -> None:
    """Before the menu: what the session, the address or the user has chosen, or that it is gone."""
    state = st.session_state
    asked = st.query_params.get(KEY, "")
    if asked and asked != state.get(IN_ADDRESS):  # a link, or the back button
        select(asked)
        state[IN_ADDRESS] = asked
    name = state.setdefault(CHOICE, SAMPLE)
    if name and name not in names:
        state[CHOICE] = ""
        state[PROBLEM] = f"There is no dataset {readable(name)!r} any more. Choose another or add it on the Data page."
    state[KEY] = state[CHOICE] or None


def _take() -> None:
    """Called by the menu: the user has chosen."""
    select(st.session_state[KEY] or "")


def _write_address(name: str) -> None:
    """The built-in sample stands in no address, as other defaults; of a dataset that is gone the address is kept."""
    if not name:
        return
    if name == SAMPLE:
        st.query_params.pop(KEY, None)
    elif st.query_params.get(KEY) != name:
        st.query_params[KEY] = name
    st.session_state[IN_ADDRESS] = "" if name == SAMPLE else name


def _open(name: str, entries: dict[str, Entry]) -> Chosen | None:
    if name == SAMPLE:
        try:
            with st.spinner("Creating the built-in sample…"):
                return Chosen(name, paths.sample_data())
        except UnetError as error:
            widgets.show_error(error)
            return None
    if problem := entries[name].problem:
        widgets.show_error(problem)
        return None
    return Chosen(name, entries[name].root)
