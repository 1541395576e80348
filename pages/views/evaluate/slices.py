"""Where the model is weak: the mean Dice of slices of the images with its interval; a click lists their images."""

import math
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.server.evaluation import score_tables
from pages.server.scoring_job import ScoringJob
from pages.ui.figures import chart_view, evaluation_charts
from pages.ui.formatting import score_text
from pages.views.evaluate.listing import filters
from pages.views.evaluate.state import Evaluation
from unet_core.evaluation.intervals import ENOUGH
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unet_core.evaluation.slices import Property, Slice

ALL = "All"
MOST_DRAWN = 24  # slices in the chart
ROWS = 12


def show(evaluation: Evaluation) -> None:
    """The chart and the table of all slices, sorted from lowest."""
    from unet_core.evaluation.slices import PROPERTIES

    scoring = evaluation.scoring
    with st.spinner("Computing the intervals of the slices…", show_time=False):
        prepared = score_tables.prepare(scoring)
        slices = prepared.slices
    if not slices:
        st.info("These images are all alike: there are no slices to compare.", icon=":material/info:")
        return
    labels = {name: PROPERTIES[name].label for name in PROPERTIES if any(part.of == name for part in slices)}
    chosen = st.segmented_control(
        "Slices by",
        [ALL, *labels],
        default=ALL,
        format_func=lambda name: labels.get(name, name),
        key="slices_by",
        persist_state="session",
        required=True,
        label_visibility="collapsed",
        wrap=True,
    )
    shown = [part for part in slices if chosen in (ALL, part.of)]
    mean = prepared.summary.mean["dice"]
    if chosen in labels:
        st.caption(f"{labels[chosen]}: {PROPERTIES[chosen].description}.")
    st.caption(
        f"The mean Dice of all images is {score_text(mean)}. Each interval has 95 % confidence by itself: among many "
        f"slices some are low by chance. Slices of fewer than {ENOUGH} images have no interval. Click a slice to list "
        "its images."
    )
    left, right = st.columns([6, 5], gap="medium")
    with left:
        show_table(scoring, shown, labels, PROPERTIES)
    with right:
        names = [f"{labels[part.of]} " * (chosen == ALL) + f"{part.name} ({len(part.ids)})" for part in shown]
        figure = evaluation_charts.draw_slices(shown[:MOST_DRAWN], names, mean)
        chart_view.show_chart(
            figure,
            "slices_chart",
            f"{evaluation.model.name}-slices",
            "Mean Dice of the slices with its interval",
            has_toolbar=False,
            has_data=False,
        )
        if len(shown) > MOST_DRAWN:
            st.caption(f"The {MOST_DRAWN} worst of {len(shown)} slices are drawn.")


def show_table(
    scoring: ScoringJob, slices: "list[Slice]", labels: dict[str, str], properties: "Mapping[str, Property]"
) -> None:
    """A row for each slice."""
    times = st.session_state.get("slices_opened", 0)
    key = f"slices_table-{hash(tuple((part.of, part.name) for part in slices))}-{times}"
    score: dict[str, Any] = {"format": "%.3f"}
    what = "\n\n".join(f"{label}: {properties[name].description}." for name, label in labels.items())
    st.dataframe(
        [
            {
                "by": labels[part.of],
                "slice": readable(part.name),
                "dice": None if math.isnan(part.mean) else part.mean,
                "low": None if part.interval.too_few else part.interval.low,
                "high": None if part.interval.too_few else part.interval.high,
                "images": len(part.ids),
                "undefined": part.undefined,
            }
            for part in slices
        ],
        key=key,
        hide_index=True,
        height=35 * (min(len(slices), ROWS) + 1) + 3,
        placeholder="–",
        on_select=lambda: open_slice(scoring, slices, labels, key),
        selection_mode="single-row",
        column_config={
            "by": st.column_config.TextColumn("By", width=105, help=what),
            "slice": st.column_config.TextColumn("Slice", width=145),
            "dice": st.column_config.ProgressColumn("Mean Dice", min_value=0, max_value=1, width=105, **score),
            "low": st.column_config.NumberColumn(
                "From", width=62, help="95 % interval of the mean Dice (Gaffke)", **score
            ),
            "high": st.column_config.NumberColumn(
                "To", width=62, help="95 % interval of the mean Dice (Gaffke)", **score
            ),
            "images": st.column_config.NumberColumn("Images", width=65),
            "undefined": st.column_config.NumberColumn(
                "Undefined", width=85, help="Images without a Dice: left out of the mean"
            ),
        },
        alt=f"Mean Dice of {len(slices)} slices, sorted from lowest",
    )


def open_slice(scoring: ScoringJob, slices: "list[Slice]", labels: dict[str, str], key: str) -> None:
    """Called by a click on a row: the view Images with the images of this slice alone."""
    rows = st.session_state[key]["selection"]["rows"]
    if rows and rows[0] < len(slices):
        part = slices[rows[0]]
        filters.open_list(scoring, f"{labels[part.of]}: {readable(part.name)}", part.ids)
        st.session_state["slices_opened"] = st.session_state.get("slices_opened", 0) + 1  # a table with no selection
