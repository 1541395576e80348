"""The newest runs, each with its validation Dice as a small curve and links to what comes next."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import streamlit as st

from pages.server import run_feed
from pages.server.hub import run_mirror
from pages.server.paths import runs_dir
from pages.ui import dataset_picker, widgets
from pages.ui.formatting import duration_text
from pages.views.home.active_run import thin
from pages.views.train.live_run import TRAINING_TIME
from unet_core.errors import UnetError
from unet_core.runs import manage
from unet_core.runs import run as runs

RECENT = 8


def show() -> None:
    """The table, or where to begin."""
    st.header("Recent runs", anchor=False)
    text, is_problem = run_mirror.describe()
    if is_problem:
        widgets.show_warning(text)
    elif text:
        st.caption(text)
    names = dataset_picker.names_by_root()
    rows = [row for run in runs.find(runs_dir())[:RECENT] if (row := make_row(run, names))]
    if not rows:
        st.info(
            "No runs yet. [Train](/train) your first model on the built-in sample; it takes about two minutes.",
            icon=":material/rocket_launch:",
        )
        return
    st.dataframe(
        rows,
        hide_index=True,
        key="recent",
        placeholder="–",
        column_config={
            "Run": st.column_config.LinkColumn(display_text=r"run=(.*)", width="medium"),
            "Best Dice": st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1),
            "IoU at best": st.column_config.NumberColumn(format="%.3f"),
            "Dice": st.column_config.LineChartColumn("Validation Dice", y_min=0, y_max=1, help="Over the epochs."),
            "Training time": st.column_config.TextColumn(help=TRAINING_TIME),
            "Predict": st.column_config.LinkColumn("", display_text="Predict", width="small"),
            "Evaluate": st.column_config.LinkColumn("", display_text="Evaluate", width="small"),
        },
        alt=f"Table of the {len(rows)} newest runs",
    )


def make_row(run: runs.Run, names: Mapping[str, str]) -> dict[str, Any] | None:
    """One run, where datasets have `names` by their folders; None for a damaged run, or one of another app."""
    try:
        config = run.config
    except UnetError:
        return None
    history, notes = run_feed.history(run), manage.notes(run)
    best = history.best
    return {
        "Run": f"/train?run={run.id}",
        "State": run.state().value,
        "Name": notes.name or None,
        "Dataset": names.get(config.data.root) or Path(config.data.root).name,
        "Best Dice": best.val_dice if best else None,
        "IoU at best": best.val_iou if best else None,
        "Dice": thin([epoch.val_dice for epoch in history.epochs if epoch.val_dice is not None]),
        "Predict": f"/predict?model={run.id}" if run.has_best else None,
        "Evaluate": f"/evaluate?model={run.id}" if run.has_best else None,
        "Training time": duration_text(history.training_seconds),
        "Started": datetime.fromtimestamp(history.started_at) if history.started_at else None,
    }
