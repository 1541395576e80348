"""Plotly figures, in colors that color-blind people can tell apart. The live curves are in `components/live_chart`."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from unet_core.io import colors
from unet_core.io.colors import to_hex
from unet_core.planning.report import LrRange
from unet_core.runs.events import EpochFinished
from unet_core.runs.leaderboard import Row, besides_seed

BLUE, ORANGE, GREEN, GRAY = map(to_hex, (colors.BLUE, colors.ORANGE, colors.GREEN, colors.GRAY))
COLORS = tuple(map(to_hex, colors.LINE_COLORS))
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down")
MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}
FEW = 8  # counts up to which each whole number is marked; above, Plotly's marks are whole by themselves
MEASURES = {"Dice": "val_dice", "IoU": "val_iou", "Loss": "val_loss"}  # of the validation images


def count_axis(title: str, most: int) -> dict[str, Any]:
    """An axis of counts up to `most`: from 0, marked with whole numbers alone.

    >>> count_axis("images", 3)["dtick"], "dtick" in count_axis("images", 300)
    (1, False)
    """
    axis: dict[str, Any] = {"title": title, "tickformat": ",d", "rangemode": "tozero"}
    return axis | {"dtick": 1} if most <= FEW else axis


def draw_epoch_curves(curves: Sequence[tuple[Row, Sequence[EpochFinished]]], measure: str, name: str) -> go.Figure:
    """One line per run, over the epochs; runs that differ only in their seed share a color.

    `measure` is a key of `MEASURES`. The zoom survives new points as long as `name` and `measure` stay the same.
    """
    rows = [row for row, _ in curves]
    numbers: dict[str, int] = {}  # of the groups, in the order in which they appear
    for row, _ in curves:
        numbers.setdefault(_group(row, rows), len(numbers))
    over_seeds = len(numbers) < len(curves)
    members = dict.fromkeys(numbers, 0)
    traces = []
    for row, epochs in curves:
        group = _group(row, rows)
        number, member = numbers[group], members[group]
        members[group] += 1
        color = COLORS[number % len(COLORS)]
        dash = DASHES[(member if over_seeds else number // len(COLORS)) % len(DASHES)]
        traces.append(
            {
                "type": "scatter",
                "name": row.name,
                "mode": "lines+markers",
                "x": [epoch.epoch for epoch in epochs],
                "y": [getattr(epoch, MEASURES[measure]) for epoch in epochs],
                "line": {"color": color, "width": 2, "dash": dash},
                "marker": {"size": 6, "symbol": SYMBOLS[number % len(SYMBOLS)], "color": color},
            }
        )
    layout = {
        "height": 420,
        "margin": MARGIN,
        "hovermode": "closest",
        "uirevision": f"{name} {measure}",
        "xaxis": count_axis("epoch", max((epoch.epoch for _, epochs in curves for epoch in epochs), default=0)),
        "yaxis": {"title": {"text": f"validation {measure}"}, "rangemode": "tozero"},
        "showlegend": True,
    }
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False)


def _group(row: Row, rows: Sequence[Row]) -> str:
    """The same for runs that differ only in their seed."""
    return repr(besides_seed(row.settings, rows)) if row.settings else row.name


def draw_lr_finder(result: LrRange, lr: float) -> go.Figure:
    """The smoothed loss over the learning rate, with vertical lines at the suggestion and at `lr`, the current one."""
    figure = go.Figure()
    figure.add_scatter(x=result.rates, y=result.losses, mode="lines", line={"color": BLUE, "width": 2}, name="loss")
    # The axis ends a little above the losses of the first third: where training diverges they would flatten the rest.
    top = max(result.losses[: max(1, len(result.losses) // 3)]) * 1.25 if result.losses else 1.0
    low = min(result.losses, default=0.0)
    marks = [("current", lr, ORANGE, "dot", 0.0)]
    if result.suggestion is not None:
        marks.insert(0, ("suggested", result.suggestion, GREEN, "dash", 1.0))
    for name, rate, color, dash, height in marks:
        figure.add_vline(x=rate, line={"color": color, "dash": dash, "width": 2})
        figure.add_annotation(
            x=math.log10(rate),  # annotations on a logarithmic axis take the exponent, lines the value
            y=height,
            yref="paper",
            xanchor="left" if rate < 0.1 else "right",
            text=f"{name} {rate:g}",
            font={"color": color},
            showarrow=False,
        )
    figure.update_layout(
        height=320,
        margin=MARGIN | {"t": 30},
        showlegend=False,
        hovermode="x unified",
        xaxis={"type": "log", "title": "learning rate", "exponentformat": "e", "dtick": 1},
        yaxis={"title": "smoothed loss", "range": [low - 0.05 * (top - low), max(top, low + 1e-6)]},
    )
    return figure
