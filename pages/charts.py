"""Plotly figures, made from numbers; colours are told apart by colour-blind people. Live curves: `live_chart`."""

from collections.abc import Sequence

import plotly.graph_objects as go

BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#8a93a4"


def dice_histogram(values: Sequence[float]) -> go.Figure:
    """How many images have which Dice."""
    figure = go.Figure(go.Histogram(x=values, xbins={"start": 0, "end": 1.0001, "size": 0.05}, marker={"color": GREEN}))
    figure.update_layout(
        height=260,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        bargap=0.05,
        xaxis={"title": "Dice", "range": [0, 1]},
        yaxis={"title": "images"},
    )
    return figure
