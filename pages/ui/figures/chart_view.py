"""Charts on the page, each with a menu that saves it: PNG and SVG as it is seen, its data as CSV."""

import csv
import io
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from pages.components.chart_export import show_image_buttons
from unet_core.io.filenames import safe_name

CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["toImage"]}  # its PNG lacks the name; see the menu
PLAIN = {"displayModeBar": False}


def show_chart(
    figure: go.Figure,
    key: str,
    name: str,
    alt: str,
    *,
    has_toolbar: bool = True,
    has_data: bool = True,
    tables: dict[str, Callable[[], str]] | None = None,
    on_select: Callable[[], None] | None = None,
) -> None:
    """A figure with its menu; `name` is that of the files, without suffix. `has_data`: whether it has a CSV.

    The CSV has the points that are drawn, or there are `tables`, see `show_export`.
    `on_select` is called when a point or bar is clicked, which the session then has under the key.
    """
    config = CONFIG if has_toolbar else PLAIN
    if on_select is None:
        st.plotly_chart(figure, key=key, config=config, alt=alt)
    else:
        st.plotly_chart(figure, key=key, config=config, alt=alt, on_select=on_select, selection_mode="points")
    if tables is None:
        tables = {"": lambda: to_csv(figure)} if has_data else {}
    show_export(key, name, tables)


def show_export(key: str, name: str, tables: dict[str, Callable[[], str]], *, is_live: bool = False) -> None:
    """The menu of the chart with this key. `tables` are made when they are asked for: {what they hold: CSV}."""
    file = safe_name(name).replace("/", "_")
    with st.popover("Export", icon=":material/download:", type="tertiary", key=f"export-{key}"):
        show_image_buttons(key, file, "live" if is_live else "plotly")
        for what, make in tables.items():
            st.download_button(
                f"CSV: {what}" if what else "CSV",
                make,
                f"{file}-{what}.csv" if what else f"{file}.csv",
                "text/csv",
                key=f"export-csv-{key}-{what}",
                on_click="ignore",
                width="stretch",
            )


def to_csv(figure: go.Figure) -> str:
    r"""The points of all traces, a line each: the series, then x and y under the titles of the axes.

    >>> figure = go.Figure(go.Scatter(x=[1, 2], y=[0.5, None], name="a, b"))
    >>> to_csv(figure.update_layout(xaxis_title="epoch", yaxis_title="Dice"))
    'series,epoch,Dice\n"a, b",1,0.5\n"a, b",2,\n'
    >>> to_csv(go.Figure(go.Histogram(x=[0.25, 1])).update_layout(xaxis_title="Dice", yaxis_title="images"))
    'Dice\n0.25\n1\n'
    """
    layout = figure.layout
    titles = [layout.xaxis.title.text or "x", layout.yaxis.title.text or "y"]
    columns = [(trace.name or "", _values(trace.x), _values(trace.y)) for trace in figure.data]
    has_names = any(name for name, _, _ in columns)
    has = [any(values for _, values, _ in columns), any(values for _, _, values in columns)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["series"] * has_names + [title for title, is_there in zip(titles, has, strict=True) if is_there])
    for name, xs, ys in columns:
        for index in range(max(len(xs), len(ys))):
            point = [values[index] if index < len(values) else None for values in (xs, ys)]
            cells = ["" if value is None else value for value, is_there in zip(point, has, strict=True) if is_there]
            writer.writerow([name] * has_names + cells)
    return out.getvalue()


def _values(values: Any) -> list[Any]:
    return [] if values is None else list(values)
