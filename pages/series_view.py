"""Variants of the net on the same data, trained one after another and compared in one table."""

import dataclasses

import streamlit as st

from pages import widgets
from pages.places import runs_dir
from unet_core import runs, series
from unet_core.config import RunConfig
from unet_core.errors import UnetError
from unet_core.presets import FOUR, PRESETS

COLUMNS = ("name", "val_dice", "val_iou", "val_loss", "best_epoch", "seconds", "parameters", "state", "run")


def start(presets: list[str], config: RunConfig) -> None:
    """Called by the button, before the page is drawn anew."""
    try:
        series.start(presets, config, runs_dir())
    except UnetError as error:
        st.session_state["series_error"] = str(error)


def show(config: RunConfig) -> None:
    """The choice of variants, the button, and the table of each series so far."""
    chosen = st.multiselect(
        "Variants",
        [name for name in PRESETS if name != "default"],
        default=list(FOUR),
        key="variants",
        help="\n".join(f"- **{name}**: {preset.sentence}" for name, preset in PRESETS.items()),
    )
    other = runs.busy(runs_dir())
    st.button(
        f"Train {len(chosen)} variants",
        key="start_series",
        icon=":material/compare:",
        disabled=not chosen or other is not None or not config.data.root,
        on_click=start,
        args=(chosen, config),
        help=f"One after another on the chosen data, each {config.train.epochs} epochs with seed {config.train.seed}.",
    )
    if message := st.session_state.pop("series_error", None):
        widgets.show_error(message)
    st.fragment(tables, run_every=2.0)(other is not None)


def tables(was_busy: bool) -> None:
    """A table for each series, the newest first; looks again every two seconds, since a series has pauses."""
    if was_busy != (runs.busy(runs_dir()) is not None):
        st.rerun()  # the whole page: its buttons may be used again, or no more
    names = series.names(runs_dir())
    if not names:
        st.info("No comparison yet: the button trains the chosen variants one after another and keeps every run.")
    score = st.column_config.ProgressColumn(format="%.3f", min_value=0, max_value=1)
    for name in names[:3]:
        st.subheader(name, anchor=False)
        st.dataframe(
            [dataclasses.asdict(row) | {"run": f"/train?run={row.run}"} for row in series.rows(runs_dir(), name)],
            hide_index=True,
            key=f"table_{name}",
            column_order=COLUMNS,
            column_config={
                "name": st.column_config.TextColumn(width="medium"),
                "val_dice": score,
                "val_iou": score,
                "val_loss": st.column_config.NumberColumn(format="%.4f"),
                "seconds": st.column_config.NumberColumn(format="%.0f"),
                "parameters": st.column_config.NumberColumn(format="localized"),
                "run": st.column_config.LinkColumn(display_text=r"run=(.*)"),
            },
        )
