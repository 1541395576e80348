"""Figures of the views "Errors" and "Robustness"."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures.charts import COLORS, DASHES, GRAY, MARGIN, SYMBOLS
from unet_core.evaluation.analysis.corruptions import CORRUPTIONS, SEVERITIES, format_level
from unet_core.evaluation.analysis.robustness import CLEAN, Point


def draw_losses(shares: Mapping[str, float], labels: Mapping[str, str]) -> go.Figure:
    """One bar: the mean Dice that each cause costs, in the order of `labels`, each in its color."""
    total = sum(shares.values())
    bars = [
        go.Bar(
            x=[shares[name]],
            y=["Missing Dice"],
            orientation="h",
            name=label,
            marker={"color": COLORS[number % len(COLORS)], "line": {"color": "white", "width": 1}},
            text=[f"{shares[name]:.3f}"] if shares[name] >= 0.06 * total else None,
            textposition="inside",
            insidetextanchor="middle",
            hovertemplate=f"{label}: %{{x:.4f}}<extra></extra>",
        )
        for number, (name, label) in enumerate(labels.items())
        if shares[name] > 0
    ]
    figure = go.Figure(bars)
    figure.update_layout(
        barmode="stack",
        height=170,
        margin=MARGIN,
        xaxis={"title": "mean Dice lost", "range": [0, total], "tickformat": ".3f"},
        yaxis={"visible": False},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        showlegend=True,
    )
    return figure


def draw_robustness(points: Sequence[Point], has_intervals: bool) -> go.Figure:
    """A line for each corruption: the mean Dice against the severity, from the image as it is (0) to 5."""
    clean = [point for point in points if point.corruption == CLEAN]
    figure = go.Figure()
    for number, name in enumerate(dict.fromkeys(point.corruption for point in points if point.corruption != CLEAN)):
        line = [*clean, *(point for point in points if point.corruption == name)]
        bounds = [point.interval for point in line] if has_intervals and not line[0].interval.too_few else []
        figure.add_scatter(
            name=CORRUPTIONS[name].label,
            mode="lines+markers",
            x=[point.severity for point in line],
            y=[None if np.isnan(point.mean) else point.mean for point in line],
            line={"color": COLORS[number % len(COLORS)], "width": 2, "dash": DASHES[number // len(COLORS)]},
            marker={"size": 7, "symbol": SYMBOLS[number % len(SYMBOLS)]},
            customdata=[
                [format_level(name, point.severity), f", {bounds[at].low:.3f}–{bounds[at].high:.3f}" if bounds else ""]
                for at, point in enumerate(line)
            ],
            hovertemplate="%{customdata[0]}: Dice %{y:.3f}%{customdata[1]}",
        )
    if clean:
        figure.add_hline(y=clean[0].mean, line={"color": GRAY, "width": 1, "dash": "dot"})
    figure.update_layout(
        height=360,
        margin=MARGIN,
        xaxis={"title": "severity", "dtick": 1, "range": [-0.1, SEVERITIES + 0.1]},
        yaxis={"title": "mean Dice", "range": [0, 1.02]},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        uirevision="robustness",
    )
    return figure
