"""The histogram and the box plot of a measure; a click on a bar lists its images."""

import csv
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.server.evaluation.score_tables import Prepared
from pages.server.scoring_job import ScoringJob
from pages.ui.figures import chart_view, evaluation_charts
from pages.views.evaluate.listing import filters
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unet_core.evaluation.tables.columns import Column
    from unet_core.evaluation.tables.distribution import Distribution

CHART, DRAWN = "histogram", "histogram_drawn"  # in the session: how often the chart was made anew

CHART_PICKED = "histogram_picked"  # in the session: whether images were picked when the chart was last drawn


def show(scoring: ScoringJob, prepared: Prepared, columns: "dict[str, Column]", name: str) -> None:
    """The menu of measures and the charts of the chosen one; `name` is that of the model, for files."""
    from unet_core.evaluation.tables.distribution import describe_values

    table = prepared.table
    names = [name for name in columns if name in table.values]
    measure = st.selectbox(
        "Distribution of",
        names,
        format_func=lambda name: columns[name].label,
        key="distribution_of",
        persist_state="session",
        width=240,
    )
    column = columns[measure]
    spread = describe_values(measure, table.values[measure], column.is_share)
    picked = filters.find_picked(scoring)
    if picked is None and st.session_state.get(CHART_PICKED):
        st.session_state[DRAWN] = st.session_state.get(DRAWN, 0) + 1  # a chart in which nothing is selected
    st.session_state[CHART_PICKED] = picked is not None
    st.caption(describe(spread))
    figure = evaluation_charts.draw_distribution(spread, column.label, None if picked is None else picked.within)
    drawn = st.session_state.get(DRAWN, 0)
    key = f"{CHART}-{drawn}" if drawn else CHART
    chart_view.show_chart(
        figure,
        key,
        f"{name}-{measure}",
        f"Histogram and box plot of {column.label}",
        has_toolbar=False,
        tables={"": lambda: write_values(table.ids, table.values[measure], column.label)},
        on_select=lambda: pick_bar(scoring, spread, column.label, key),
    )


def pick_bar(scoring: ScoringJob, spread: "Distribution", label: str, key: str) -> None:
    """Called by a click on a bar: its images are listed alone; a second click lists all again."""
    points = st.session_state[key]["selection"]["points"]
    bars = [point["point_index"] for point in points if point.get("curve_number") == evaluation_charts.BARS]
    if not bars:
        filters.drop_picked()
        return
    within = spread.range_of(bars[0])
    filters.pick(scoring, f"{label} {within.low:.4g} to {within.high:.4g}", within=within)


def write_values(ids: Sequence[str], values: "NDArray[np.float64]", label: str) -> str:
    r"""The value of each image as CSV; undefined ones are empty cells.

    >>> write_values(["a", "b"], [0.5, float("nan")], "Dice")
    'image,Dice\na,0.5\nb,\n'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["image", label])
    cells = ("" if math.isnan(value) else f"{value:.6g}" for value in values)
    writer.writerows([readable(name), cell] for name, cell in zip(ids, cells, strict=True))
    return out.getvalue()


def describe(spread: "Distribution") -> str:
    """What the charts show and what they do not."""
    sentences = ["Click a bar to list its images. The box holds the middle half of the images, its line is the median."]
    if spread.beyond > len(spread.outliers):
        sentences.append(f"Of {spread.beyond:,} outliers the {len(spread.outliers)} farthest are drawn.")
    if spread.undefined:
        many = spread.undefined > 1
        sentences.append(f"{spread.undefined:,} image{'s' * many} without a value {'are' if many else 'is'} left out.")
    return " ".join(sentences)
