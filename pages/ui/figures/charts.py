"""Plotly figures, in colors that color-blind people can tell apart. The live curves are in `components/live_chart`."""

import math
from collections.abc import Callable, Sequence
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

AXES: dict[str, Callable[[EpochFinished], float]] = {  # over which curves are drawn
    "Epoch": lambda epoch: epoch.epoch,
    "Step": lambda epoch: epoch.step,
    "Minute": lambda epoch: epoch.seconds / 60,
}


def dice_scatter(
    ids: Sequence[str], first: Sequence[float], second: Sequence[float], shown: str | None = None
) -> go.Figure:
    """Dice of each image by model A (x) and B (y), with the diagonal on which both are equal; `shown` has a ring.

    The points carry the ids of their images as custom data.
    """
    kinds = {"B is better": (BLUE, "circle"), "A is better": (ORANGE, "square"), "equal": (GRAY, "diamond")}
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GRAY, "dash": "dot"}, hoverinfo="skip")
    figure.data[0].update(showlegend=False, name="")
    points = list(zip(ids, first, second, strict=True))
    for words, (color, symbol) in kinds.items():
        chosen = [point for point in points if compare_scores(point[1], point[2]) == words]
        if chosen:
            names, xs, ys = zip(*chosen, strict=True)
            figure.add_scatter(
                x=xs,
                y=ys,
                mode="markers",
                name=words,
                customdata=names,
                text=[name.replace("<", "‹").replace(">", "›") for name in names],  # tags are markup to Plotly
                hovertemplate="%{text}<br>A %{x:.3f}, B %{y:.3f}<extra></extra>",
                marker={"color": color, "symbol": symbol, "size": 9, "opacity": 0.8},
            )
    if shown is not None and shown in ids:
        at = list(ids).index(shown)
        ring = {"size": 18, "symbol": "circle-open", "color": GRAY, "line": {"width": 3}}
        figure.add_scatter(x=[first[at]], y=[second[at]], mode="markers", marker=ring, hoverinfo="skip", name="")
        figure.data[-1].update(showlegend=False)
    low = math.floor(10 * min([*first, *second, 0.9])) / 10 - 0.03  # where all is good, the corner alone is shown
    axis = {"range": [low, 1.03], "dtick": 0.2 if low < 0.5 else 0.1, "constrain": "domain"}
    figure.update_layout(
        height=400,
        margin=MARGIN,
        clickmode="event+select",
        dragmode="zoom",
        xaxis=axis | {"title": "Dice of A"},
        yaxis=axis | {"title": "Dice of B", "scaleanchor": "x"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
    return figure


def compare_scores(first: float, second: float) -> str:
    """Who is better, in words.

    >>> compare_scores(0.5, 0.75), compare_scores(0.5, 0.5)
    ('B is better', 'equal')
    """
    return "equal" if first == second else "B is better" if second > first else "A is better"


def count_axis(title: str, most: int) -> dict[str, Any]:
    """An axis of counts up to `most`: from 0, marked with whole numbers alone.

    >>> count_axis("images", 3)["dtick"], "dtick" in count_axis("images", 300)
    (1, False)
    """
    axis: dict[str, Any] = {"title": title, "tickformat": ",d", "rangemode": "tozero"}
    return axis | {"dtick": 1} if most <= FEW else axis


def draw_epoch_curves(
    curves: Sequence[tuple[Row, Sequence[EpochFinished]]], measure: str, name: str, over: str = "Epoch"
) -> go.Figure:
    """One line per run, a point for each epoch; runs that differ only in their seed share a color.

    `measure` is a key of `MEASURES`, `over` one of `AXES`: training time is in minutes. The zoom survives new points as
    long as these and `name` stay the same.
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
                "x": [AXES[over](epoch) for epoch in epochs],
                "y": [getattr(epoch, MEASURES[measure]) for epoch in epochs],
                "line": {"color": color, "width": 2, "dash": dash},
                "marker": {"size": 6, "symbol": SYMBOLS[number % len(SYMBOLS)], "color": color},
            }
        )
    axis: dict[str, Any] = {"title": "training time (minutes)", "rangemode": "tozero"}
    if over != "Minute":
        axis = count_axis(
            over.lower(), max((int(AXES[over](epoch)) for _, part in curves for epoch in part), default=0)
        )
    layout = {
        "height": 420,
        "margin": MARGIN,
        "hovermode": "closest",
        "uirevision": f"{name} {measure} {over}",
        "xaxis": axis,
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
