"""Buttons that save a chart of the page as PNG or SVG, as it is seen: a Plotly figure, or the live curves."""

from typing import Literal

from pages.components import component, program_address, source

_mount = component(
    "chart_export",
    "chart_export/chart_export.js",
    "The export of the chart",
    css=source("chart_export/chart_export.css"),
)


def show_image_buttons(chart: str, name: str, kind: Literal["plotly", "live"] = "plotly") -> None:
    """The buttons for the chart whose key is `chart`; the files are called `name`.png and `name`.svg."""
    _mount(key=f"export-image-{chart}", data={"chart": chart, "name": name, "kind": kind, **program_address()})
