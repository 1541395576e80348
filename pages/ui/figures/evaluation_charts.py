"""Plotly figures of scored images. They hold what is drawn, never a number for each of 10,000 images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from pages.ui.figures.charts import BLUE, GRAY, GREEN, MARGIN, ORANGE, count_axis
from unet_core.io.filenames import readable

if TYPE_CHECKING:
    from unet_core.evaluation.slices import Slice
    from unet_core.evaluation.tables.distribution import Distribution
    from unet_core.evaluation.tables.rows import Range

BARS, BOX = 0, 1  # traces of the figure of a distribution
MOST_CELL_TEXTS = 12  # classes up to which the cells of a confusion matrix have their share written in them


def draw_distribution(spread: "Distribution", label: str, picked: "Range | None") -> go.Figure:
    """How many images have which value, with a box plot above; the bar that is `picked` is marked."""
    ranges = [spread.range_of(bar) for bar in range(len(spread.counts))]
    centers = [(bar.low + bar.high) / 2 for bar in ranges]
    figure = go.Figure(
        go.Bar(
            x=centers,
            y=spread.counts.tolist(),
            width=[0.95 * (bar.high - bar.low) for bar in ranges],
            marker={"color": [ORANGE if bar == picked else GREEN for bar in ranges]},
            customdata=[[bar.low, bar.high] for bar in ranges],
            hovertemplate=f"{label} %{{customdata[0]:.4g}} to %{{customdata[1]:.4g}}: %{{y}} images<extra></extra>",
            selected={"marker": {"opacity": 1}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    if spread.counts.sum():
        low, middle, high = spread.quartiles
        figure.add_box(
            q1=[low],
            median=[middle],
            q3=[high],
            lowerfence=[spread.whiskers[0]],
            upperfence=[spread.whiskers[1]],
            mean=[spread.mean],
            y=[""],
            yaxis="y2",
            orientation="h",
            name="",
            line={"color": BLUE, "width": 1.5},
            boxpoints=False,
        )
        figure.add_scatter(
            x=spread.outliers.tolist(),
            y=[""] * len(spread.outliers),
            yaxis="y2",
            mode="markers",
            marker={"color": BLUE, "size": 5, "symbol": "circle-open"},
            hovertemplate=f"{label} %{{x:.4g}}<extra></extra>",
        )
    figure.update_layout(
        height=290,
        margin=MARGIN,
        bargap=0.05,
        showlegend=False,
        xaxis={"title": label, "range": [float(spread.edges[0]), float(spread.edges[-1])]},
        yaxis=count_axis("images", int(spread.counts.max(initial=0))) | {"domain": [0, 0.78]},
        yaxis2={"domain": [0.82, 1], "showticklabels": False, "showgrid": False, "fixedrange": True},
    )
    return figure


def draw_confusion(
    table: Sequence[Sequence[int]], shares: Sequence[Sequence[float]], names: Sequence[str]
) -> go.Figure:
    """A confusion matrix as shares of each true class: rows are the ground truth, columns the prediction.

    Each cell has a marker that is not seen, to be clicked: Plotly reports clicks on points alone.
    """
    numbers = range(len(names))
    labels = [readable(name) for name in names]
    texts = [["" if share != share else f"{100 * share:.1f} %" for share in row] for row in shares]
    has_texts = len(names) <= MOST_CELL_TEXTS
    hover = "ground truth %{y}<br>prediction %{x}<br>%{text}<extra></extra>"
    height = max(320, min(760, 130 + 34 * len(names)))
    figure = go.Figure(
        go.Heatmap(
            x=labels,
            y=labels,
            z=[[None if share != share else share for share in row] for row in shares],
            text=texts if has_texts else None,
            texttemplate="%{text}" if has_texts else None,
            zmin=0,
            zmax=1,
            colorscale=[[0, "#f4f8fb"], [0.02, "#d6e6f2"], [0.5, "#5b9bc8"], [1, "#08306b"]],
            colorbar={"title": "share", "tickformat": ".0%", "thickness": 12},
            xgap=1,
            ygap=1,
            hoverinfo="skip",
        )
    )
    figure.add_scatter(
        x=[labels[pred] for _ in numbers for pred in numbers],
        y=[labels[true] for true in numbers for _ in numbers],
        text=[f"{table[true][pred]:,} pixels<br>{texts[true][pred]}" for true in numbers for pred in numbers],
        customdata=[[true, pred] for true in numbers for pred in numbers],
        mode="markers",
        marker={"symbol": "square", "size": max(4, int(0.5 * (height - 130) / len(names))), "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=hover,
        showlegend=False,
    )
    figure.update_layout(
        height=height,
        margin=MARGIN,
        hovermode="closest",
        hoverdistance=-1,  # the nearest marker is that of the cell under the pointer
        xaxis={"title": "prediction", "type": "category", "side": "bottom", "constrain": "domain"},
        yaxis={"title": "ground truth", "type": "category", "autorange": "reversed"},
    )
    return figure


def draw_slices(slices: "Sequence[Slice]", names: Sequence[str], mean: float) -> go.Figure:
    """The mean Dice of each slice with its interval, the worst at the top; a dotted line is the mean of all images."""
    figure = go.Figure()
    error: dict[str, Any] = {
        "type": "data",
        "symmetric": False,
        "array": [_reach(part.interval.high, part.mean) for part in slices],
        "arrayminus": [_reach(part.mean, part.interval.low) for part in slices],
        "color": BLUE,
        "thickness": 1.5,
    }
    figure.add_scatter(
        x=[None if part.mean != part.mean else part.mean for part in slices],
        y=[readable(name) for name in names[: len(slices)]],
        error_x=error,
        mode="markers",
        marker={"color": BLUE, "size": 9},
        hovertemplate="%{y}: mean Dice %{x:.3f}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )
    if mean == mean:
        figure.add_vline(x=mean, line={"color": GRAY, "dash": "dot", "width": 2})
    figure.update_layout(
        height=90 + 34 * len(slices),
        margin=MARGIN,
        showlegend=False,
        xaxis={"title": "mean Dice", "range": [0, 1]},
        yaxis={"type": "category", "autorange": "reversed"},
    )
    return figure


def _reach(high: float, low: float) -> float:
    """Of an error bar; 0 where there is none."""
    return 0.0 if high != high or low != low else high - low
