"""Figures of experiments of several runs: Dice of each fold, Dice against the number of training images."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.ui.figures.charts import BLUE, GRAY, MARGIN, ORANGE
from unet_core.experiments.cross_validation import CrossValidation
from unet_core.experiments.learning_curve import LearningCurve

HEIGHT = 300


def draw_folds(table: CrossValidation) -> go.Figure:
    """A box and the points of each fold: the Dice of its images, on an axis that ends at 1."""
    figure, lowest = go.Figure(), 1.0
    for fold in table.folds:
        if fold.summary is not None:
            lowest = min(lowest, float(np.nanmin(fold.summary.dice, initial=1.0)))
            figure.add_box(
                y=fold.summary.dice,
                name=f"fold {fold.number}",
                boxpoints="all",
                jitter=0.4,
                pointpos=0,
                boxmean=True,
                marker={"color": ORANGE, "size": 5, "opacity": 0.8},
                line={"width": 1.5, "color": BLUE},
            )
    return figure.update_layout(
        height=HEIGHT,
        margin=MARGIN,
        showlegend=False,
        yaxis={"title": "Dice of each image", "range": [max(-0.02, lowest - 0.05), 1.01]},
    )


def draw_learning_curve(curve: LearningCurve) -> go.Figure:
    """The mean Dice of each run with its interval, and the fitted curve up to twice as many images."""
    points = [(point.images or 0, point.summary) for point in curve.scored if point.summary is not None]
    dice = [summary.mean["dice"] for _, summary in points]
    bounds = [(0.0, 0.0) if summary.bound.too_few else (summary.bound.low, summary.bound.high) for _, summary in points]
    has_bounds = any(high for _, high in bounds)
    figure = go.Figure()
    if (fitted := curve.extrapolation) is not None:
        images = np.linspace(min(images for images, _ in points), 2 * fitted.largest, 100)
        figure.add_scatter(
            x=images,
            y=[fitted.dice(number) for number in images],
            name="power law, not to be trusted" if fitted.distrust else "power law",
            mode="lines",
            line={"color": GRAY if fitted.distrust else ORANGE, "dash": "dash"},
        )
    figure.add_scatter(
        x=[images for images, _ in points],
        y=dice,
        name="mean Dice, 95 % interval" if has_bounds else "mean Dice",
        mode="markers",
        marker={"color": BLUE, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, high - mean) for (_, high), mean in zip(bounds, dice, strict=True)],
            "arrayminus": [max(0.0, mean - low) for (low, _), mean in zip(bounds, dice, strict=True)],
        }
        if has_bounds
        else None,
    )
    return figure.update_layout(
        height=HEIGHT,
        margin=MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": "Training images", "rangemode": "tozero"},
        yaxis={"title": "Dice of the validation images", "range": _range(dice, bounds if has_bounds else [])},
    )


def _range(dice: Sequence[float], bounds: Sequence[tuple[float, float]]) -> list[float]:
    """What the axis shows: all points with their intervals, and a tenth of Dice at least, lest chance look large."""
    low, high = min([*dice, *(low for low, _ in bounds)]), max([*dice, *(high for _, high in bounds)])
    margin = max(0.02, (0.1 - (high - low)) / 2)
    return [low - margin, high + margin]
