"""Plotly figures of the Threshold view: scores against the threshold, precision against recall, reliability."""

from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures.charts import BLUE, COLORS, GRAY, GREEN, MARGIN, ORANGE

if TYPE_CHECKING:
    from unet_core.evaluation.calibration import Reliability
    from unet_core.evaluation.threshold import PrecisionRecall, ThresholdCurve

LINES = {"dice": "Dice", "iou": "IoU", "precision": "Precision", "recall": "Recall"}
MOST_POINTS = 400  # of a curve of 65,536 levels
UNIT: dict[str, Any] = {"range": [0, 1], "dtick": 0.2}


def draw_curve(
    curve: "ThresholdCurve",
    pooled: bool,
    regions: "tuple[tuple[float, ...], Any] | None",
    marks: list[tuple[str, float]],
) -> go.Figure:
    """Every score against the threshold; `regions` are thresholds and V-Rand; `marks` vertical lines with a name."""
    values = curve.pooled if pooled else curve.mean
    figure = go.Figure()
    for (name, label), color in zip(LINES.items(), COLORS, strict=False):
        figure.add_scatter(
            x=curve.thresholds[1:],
            y=values[name][1:],
            name=label,
            mode="lines",
            line={"color": color, "width": 3 if name == "dice" else 1.5, "dash": "solid" if name == "dice" else "dot"},
            hovertemplate="%{y:.4f}",
        )
    if regions is not None:
        figure.add_scatter(
            x=regions[0],
            y=regions[1],
            name="V-Rand",
            mode="lines+markers",
            line={"color": COLORS[len(LINES) % len(COLORS)], "width": 2},
            hovertemplate="%{y:.4f}",
        )
    for index, (name, threshold) in enumerate(marks):
        figure.add_vline(x=threshold, line={"color": (GRAY, ORANGE)[index % 2], "dash": "dash", "width": 2})
        figure.add_annotation(
            x=threshold,
            y=(0.02, 0.1)[index % 2],
            yref="paper",
            xanchor="left" if threshold < 0.8 else "right",
            text=f"{name} {threshold:g}",
            showarrow=False,
        )
    figure.update_layout(
        height=340,
        margin=MARGIN,
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.12, "x": 0},
        xaxis={"title": "threshold"} | UNIT | {"dtick": 0.1},
        yaxis={"title": "pooled score" if pooled else "mean score", "range": [_lowest(values, regions), 1.01]},
        uirevision="threshold",
    )
    return figure


def _lowest(values: Any, regions: Any) -> float:
    """Where the axis begins: below the scores of most thresholds, so that the curve is not a flat line at the top."""
    middle = [values[name][len(values[name]) // 10 : -len(values[name]) // 10] for name in LINES]
    lowest = [float(np.nanmin(line)) for line in middle if not np.isnan(line).all()]
    return max(0.0, min(lowest, default=0.0) - 0.1) if regions is None else 0.0


def draw_precision_recall(curve: "PrecisionRecall", selected: tuple[float, float]) -> go.Figure:
    """Precision against recall of all pixels; `selected` is (recall, precision) at the chosen threshold."""
    step = max(1, len(curve.recall) // MOST_POINTS)
    chosen = sorted({*range(0, len(curve.recall), step), len(curve.recall) - 1})
    figure = go.Figure()
    figure.add_scatter(
        x=curve.recall[chosen],
        y=curve.precision[chosen],
        customdata=curve.threshold[chosen],
        name="validation images",
        mode="lines",
        line={"color": BLUE, "width": 2},
        hovertemplate="recall %{x:.3f}, precision %{y:.3f}<br>threshold %{customdata:.3f}",
    )
    figure.add_scatter(
        x=[selected[0]],
        y=[selected[1]],
        name="this threshold",
        mode="markers",
        marker={"color": ORANGE, "size": 11, "symbol": "diamond"},
    )
    figure.update_layout(
        height=320,
        margin=MARGIN,
        legend={"orientation": "h", "y": 1.14, "x": 0},
        xaxis={"title": "recall"} | UNIT | {"range": [0, 1.02]},
        yaxis={"title": "precision"} | UNIT | {"range": [0, 1.02]},
    )
    return figure


def draw_reliability(reliability: "Reliability", scaled: "Reliability | None", of: str) -> go.Figure:
    """How often what has a probability is true; `of` says what the probability is of."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], name="calibrated", mode="lines", line={"color": GRAY, "dash": "dash", "width": 1.5}
    )
    shown = [("model", reliability, BLUE, "circle")]
    if scaled is not None:
        shown.append(("with temperature", scaled, GREEN, "square"))
    for name, diagram, color, symbol in shown:
        filled = diagram.pixels > 0
        figure.add_scatter(
            x=diagram.confidence[filled],
            y=diagram.frequency[filled],
            customdata=diagram.pixels[filled],
            name=name,
            mode="lines+markers",
            line={"color": color, "width": 2},
            marker={"size": 7, "symbol": symbol},
            hovertemplate="probability %{x:.3f}, true %{y:.3f}<br>%{customdata:,} pixels",
        )
    figure.update_layout(
        height=320,
        margin=MARGIN,
        legend={"orientation": "h", "y": 1.14, "x": 0},
        xaxis={"title": of} | UNIT | {"range": [0, 1.02]},
        yaxis={"title": "share that is true"} | UNIT | {"range": [0, 1.02]},
    )
    return figure
