"""The views of the Compare page: each compares something else. A new one is a module and an entry of SHOW."""

from collections.abc import Callable, Sequence

import streamlit as st

from pages.ui import widgets
from pages.views.compare import duel, folds, more_labels, side_by_side
from unet_core.errors import UnetError
from unet_core.runs import run as runs

RUNS, DUEL, FOLDS, MORE_LABELS = "Runs", "Duel", "Folds", "More labels"
# Each is given every run that the visitor may see, the newest first; there may be none.
SHOW: dict[str, Callable[[Sequence[runs.Run]], None]] = {
    RUNS: side_by_side.show,
    DUEL: duel.show,
    FOLDS: folds.show,
    MORE_LABELS: more_labels.show,
}


def show(existing: Sequence[runs.Run]) -> None:
    """The menu of the views, and the chosen view."""
    view: str = st.segmented_control(
        "View",
        list(SHOW),
        default=RUNS,
        key="compare_view",
        bind="query-params",
        required=True,
        label_visibility="collapsed",
        wrap=True,
    )
    with st.container(key="compare_body"):
        try:
            SHOW[view](existing)
        except UnetError as error:
            widgets.show_error(error)
