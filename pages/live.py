"""The history of a run as the server knows it: read once, then only what is new, shared by all tabs and visitors."""

import threading

import streamlit as st

from pages.places import runs_dir
from unet_core import runs
from unet_core.eventlog import read_events
from unet_core.history import History


class Live:
    """A History that follows the events file of its run."""

    def __init__(self, run: runs.Run) -> None:
        self._run, self._history, self._offset = run, History(), 0
        self._lock = threading.Lock()

    def update(self) -> History:
        with self._lock:
            events, self._offset = read_events(self._run.events, self._offset)
            for event, time in events:
                self._history.add(event, time)
            return self._history


@st.cache_resource(max_entries=32, show_spinner=False)
def _live(folder: str, run_id: str) -> Live:
    return Live(runs.get(runs_dir(), run_id))


def history(run: runs.Run) -> History:
    """The history up to now; cheap to ask every second."""
    return _live(str(run.folder.parent), run.id).update()
