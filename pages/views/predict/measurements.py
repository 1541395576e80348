"""The objects of a mask: their table, linked with the viewer, and a histogram of one column."""

import plotly.graph_objects as go
import streamlit as st

from pages.ui import charts
from unet_core.postprocessing.objects import Objects

NOT_CHARTED = ("id", "class", "touches_border")


def show(objects: Objects, selected: int | None, scope: tuple[object, ...]) -> None:
    """The table: a row marks its object in the image, an object in the image its row.

    `scope` says which mask the object `selected` belongs to: another image or threshold has no selection.
    """
    if not len(objects):
        st.info("No objects: the mask is empty at this threshold and minimum size.", icon=":material/search_off:")
        return

    def select() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        st.session_state.update(picked=int(rows[0]) + 1 if rows else None, picked_in=scope)

    key = f"objects-{selected}-{hash(scope)}"
    st.dataframe(
        objects.table,
        key=key,
        hide_index=True,
        height=320,
        on_select=select,
        selection_mode="single-row",
        selection_default={"selection": {"rows": [selected - 1]}} if selected else None,
        column_config={
            column: st.column_config.NumberColumn(format="%.4g")
            for column, values in objects.table.items()
            if values.dtype.kind == "f"
        },
        alt=f"Table of {len(objects)} objects",
    )
    show_histogram(objects)


def show_histogram(objects: Objects) -> None:
    """How the objects spread over one measurement."""
    columns = [column for column in objects.table if column not in NOT_CHARTED]
    column = st.selectbox("Histogram of", columns, key="histogram_of", persist_state="session")
    figure = go.Figure(go.Histogram(x=objects.table[column], marker={"color": charts.BLUE}))
    figure.update_layout(
        height=220,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        bargap=0.05,
        xaxis={"title": column.replace("_", " ")},
        yaxis={"title": "objects"},
    )
    st.plotly_chart(figure, key="object_histogram", config={"displaylogo": False}, alt=f"Histogram of {column}")
