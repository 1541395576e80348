"""Plotly figures, made from numbers; colors are told apart by color-blind people. Live curves: `live_chart`."""

from collections.abc import Sequence

import plotly.graph_objects as go

from unet_core.io import colors
from unet_core.io.colors import to_hex
from unet_core.runs.events import EpochFinished
from unet_core.runs.leaderboard import Row

BLUE, ORANGE, GREEN, GRAY = map(to_hex, (colors.BLUE, colors.ORANGE, colors.GREEN, colors.GRAY))


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


MEASURES = {"Dice": "val_dice", "IoU": "val_iou", "Loss": "val_loss"}  # of the validation images
COLORS = tuple(map(to_hex, colors.LINE_COLORS))
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down")


def curves(found: Sequence[tuple[Row, Sequence[EpochFinished]]], measure: str, name: str) -> go.Figure:
    """One line a run, by epoch; runs that differ in their seed alone share a color. The zoom survives new points."""
    groups = {_group(row): None for row, _ in found}
    places = {group: number for number, group in enumerate(groups)}
    counts: dict[str, int] = {}
    traces = []
    for row, epochs in found:
        group = _group(row)
        place, within = places[group], counts.get(group, 0)
        counts[group] = within + 1
        several = len(groups) < len(found)
        color = COLORS[place % len(COLORS)]
        traces.append(
            {
                "type": "scatter",
                "name": row.name,
                "mode": "lines+markers",
                "x": [epoch.epoch for epoch in epochs],
                "y": [getattr(epoch, MEASURES[measure]) for epoch in epochs],
                "line": {
                    "color": color,
                    "width": 2,
                    "dash": DASHES[(within if several else place // len(COLORS)) % 4],
                },
                "marker": {"size": 6, "symbol": SYMBOLS[place % len(SYMBOLS)], "color": color},
            }
        )
    layout = {
        "height": 420,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
        "hovermode": "closest",
        "uirevision": f"{name} {measure}",
        "xaxis": {"title": {"text": "epoch"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": f"validation {measure}"}, "rangemode": "tozero"},
        "showlegend": True,
    }
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False)


def _group(row: Row) -> str:
    """What sets a run apart but for its seed."""
    return repr({key: value for key, value in row.settings.items() if key != "seed"}) if row.settings else row.name
