"""What a mask measures: its objects in a table, linked with the viewer, and a histogram; of a scene its classes."""

import plotly.graph_objects as go
import streamlit as st

from pages.ui.figures import chart_view, charts
from unet_core.export.result import Result
from unet_core.postprocessing import class_areas
from unet_core.postprocessing.objects import Objects

NOT_CHARTED = ("id", "class", "touches_border")


def show(result: Result, selected: int | None, scope: tuple[object, ...]) -> None:
    """The objects, where the regions of the mask are such; else the area of each class."""
    if result.num_classes > 1:
        show_classes(result)
    if not class_areas.are_objects(result.mask, result.num_classes):
        st.caption(
            "No objects are counted: most borders in this mask lie between two classes, as in a street or a landscape, "
            "where a connected region is not an object."
        )
        if not st.toggle("Measure connected regions", key="measure_regions", persist_state="session"):
            return
    show_objects(result.objects, selected, scope)


def show_classes(result: Result) -> None:
    """The area of each class that the mask has."""
    areas = class_areas.measure(result.mask, result.num_classes, result.pixel_size)
    names = {"class": [result.class_name(int(index)) for index in areas["class"]]}
    st.dataframe(
        areas | names,
        key="class_areas",
        hide_index=True,
        column_config={"share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)},
        alt=f"Areas of {len(areas['class'])} classes",
    )


def show_objects(objects: Objects, selected: int | None, scope: tuple[object, ...]) -> None:
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
        yaxis={"title": "objects", "tickformat": ",d", "rangemode": "tozero"},
    )
    chart_view.show_chart(figure, "object_histogram", f"objects-{column}", f"Histogram of {column}")
