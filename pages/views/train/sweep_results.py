"""The results of a sweep: the table of its runs, the means over seeds, and the curves of all runs in one chart."""

import functools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.copy_link import show_copy_link
from pages.server import run_feed
from pages.server.paths import runs_dir
from pages.ui import widgets
from pages.ui.figures import chart_view, charts
from pages.ui.formatting import plain, score_text
from pages.views.train.live_run import TRAINING_TIME
from unet_core.config.labels import fields_by_name
from unet_core.runs import leaderboard
from unet_core.runs import run as runs
from unet_core.runs.history import History

POLL_SECONDS = 2.0
VAL_SET = "Runs with the same number were validated on the same images: their scores can be compared."
QUIET_SECONDS = 10.0  # an events file that has not grown for so long is read once and cached


def show() -> None:
    """The menu of sweeps and the results of the chosen one."""
    names = leaderboard.names(runs_dir())
    if not names:
        st.info("No sweeps yet. The buttons above add runs to the queue; their table and curves appear here.")
        return
    if st.session_state.get("sweep") not in names:
        st.session_state.pop("sweep", None)
    left, right = st.columns([5, 1], gap="small", vertical_alignment="bottom")
    name = left.selectbox("Sweep", names, key="sweep", bind="query-params", help="Newest first.")
    with right:
        show_copy_link({"sweep": name})
    active = any(run.queued or run.alive() for run in leaderboard.members(runs_dir(), name))
    st.fragment(show_sweep, run_every=POLL_SECONDS if active else None)(name, active)


def read_history(run: runs.Run) -> History:
    """The history of a run: from the live feed while its events grow, else read once and cached."""
    try:
        stat = run.events.stat()
    except OSError:
        return History()
    if time.time() - stat.st_mtime < QUIET_SECONDS:
        return run_feed.history(run)
    return _read_finished(str(run.folder), stat.st_size, stat.st_mtime_ns)


@st.cache_resource(max_entries=256, show_spinner=False)
def _read_finished(folder: str, size: int, changed: int) -> History:
    return leaderboard.read(runs.Run(Path(folder)))


def show_sweep(name: str, was_active: bool) -> None:
    """The table, the means over seeds and the curves; updated every two seconds while a run waits or trains."""
    members = leaderboard.members(runs_dir(), name)
    histories = {run.id: read_history(run) for run in members}
    table = leaderboard.rows(members, lambda run: histories[run.id])
    active = [row for row in table if runs.RunState(row.state).active]
    if was_active and not active:
        st.rerun()  # the whole page: there is nothing left to wait for
    done = sum(row.state in ("finished", "stopped") for row in table)
    best = max((row for row in table if row.val_dice is not None), key=lambda row: row.val_dice or 0, default=None)
    best_text = f" · best so far: **{plain(best.name)}**, Dice {best.val_dice:.3f}" if best else ""
    st.markdown(f"**{done} of {len(table)}** runs done{best_text}")
    show_table(table, "sweep", "The runs of the sweep with their settings and scores")
    _show_means(table)
    show_curves(table, histories, "sweep", name)


def show_curves(table: list[leaderboard.Row], histories: Mapping[str, History], key: str, name: str) -> None:
    """The curves of all runs in one chart, of the chosen measure; `key` tells the widgets of two views apart."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        measure = st.segmented_control(
            "Curves", list(charts.MEASURES), default="Dice", key=f"{key}_measure", bind="query-params", required=True
        )
        over = st.segmented_control(
            "By", list(charts.AXES), default="Epoch", key=f"{key}_over", bind="query-params", required=True
        )
    curves = [(row, histories[row.run].epochs) for row in table]
    if any(epochs for _, epochs in curves):
        figure = charts.draw_epoch_curves(curves, measure, name, over)
        words = f"{measure} of each run by {over.lower()}"
        chart_view.show_chart(figure, f"{key}_curves", f"{key}-{name}-{measure}", words)
    else:
        st.caption("Curves appear after the first epoch of the first run.")


def make_columns() -> dict[str, Any]:
    """How the columns of a table of runs are shown."""
    score = functools.partial(st.column_config.ProgressColumn, format="%.3f", min_value=0, max_value=1)
    return {
        "name": st.column_config.TextColumn("Name"),
        "best Dice": score("Best Dice"),
        "IoU at best": score("IoU at best"),
        "loss at best": st.column_config.NumberColumn("Loss at best", format="%.4f"),
        "best epoch": st.column_config.NumberColumn("Best epoch"),
        "epochs done": st.column_config.NumberColumn("Epochs done"),
        "minutes": st.column_config.NumberColumn("Minutes", format="%.1f", help=TRAINING_TIME),
        "parameters": st.column_config.NumberColumn("Parameters", format="localized"),
        "model size": st.column_config.NumberColumn("Model size", format="%.1f MiB"),
        "validation images": st.column_config.TextColumn("Validation images", help=VAL_SET),
        "state": st.column_config.TextColumn("State"),
        "run": st.column_config.LinkColumn("Run", display_text="open"),
    }


def show_table(
    table: list[leaderboard.Row], key: str, alt: str, extra: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """A row for each run: the settings that set it apart, and its scores; `extra` has further columns by run."""
    has_names = any(row.name != leaderboard.name_of(row.settings) for row in table)
    settings = {key: st.column_config.Column(widgets.label_of(key)) for row in table for key in row.settings}
    st.dataframe(
        [
            ({"name": row.name} if has_names else {})
            | {key: fields_by_name()[key].words(value) for key, value in row.settings.items()}
            | {"best Dice": row.val_dice, "IoU at best": row.val_iou, "loss at best": row.val_loss}
            | {"best epoch": row.best_epoch, "epochs done": row.epochs, "minutes": row.seconds and row.seconds / 60}
            | {"parameters": row.parameters, **(extra or {}).get(row.run, {})}
            | {"state": row.state, "run": f"/train?view=Live&run={row.run}"}
            for row in table
        ],
        hide_index=True,
        key=f"{key}_table",
        placeholder="–",
        alt=alt,
        column_config=settings | make_columns(),
    )


def _show_means(table: list[leaderboard.Row]) -> None:
    """Over seeds, where they vary: differences smaller than the spread are due to chance."""
    means = leaderboard.over_seeds(table)
    if not any(mean.runs > 1 for mean in means):
        return
    st.markdown("**Mean ± standard deviation over seeds** (runs that are done)")
    images = " and ".join(sorted({mean.images for mean in means}))
    st.caption(f"Runs that differ in their seed alone are scored on {images}.")
    st.dataframe(
        [
            {
                "settings": mean.name,
                "seeds": mean.runs,
                "Dice": _spread_text(mean.dice, mean.dice_sd),
                "IoU": _spread_text(mean.iou, mean.iou_sd),
            }
            for mean in means
        ],
        hide_index=True,
        key="sweep_means",
        alt="Mean and standard deviation over seeds",
        column_config={
            "settings": st.column_config.TextColumn("Settings"),
            "seeds": st.column_config.NumberColumn("Seeds"),
        },
    )


def _spread_text(mean: float | None, deviation: float | None) -> str:
    return score_text(mean) + ("" if deviation is None else f" ± {deviation:.3f}")
