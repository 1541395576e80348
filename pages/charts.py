"""Plotly figures, made from numbers; colours come from the theme and are told apart by colour-blind people."""

from collections.abc import Sequence

import plotly.graph_objects as go

from unet_core.history import History

MOST_POINTS = 400  # of the batch loss; a chart is 800 pixels wide
BLUE, ORANGE, GREEN, GREY = "#0072b2", "#e69f00", "#009e73", "#8a93a4"


def _figure(y_title: str, height: int, run_id: str) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="x unified",
        uirevision=run_id,  # keeps the zoom while points arrive
        yaxis={"title": y_title, "rangemode": "tozero"},
        xaxis={"title": "step", "rangemode": "tozero"},
    )
    return figure


def losses(history: History, run_id: str) -> go.Figure:
    """The loss of batches, and of each epoch on training and validation images, over steps."""
    figure = _figure("loss", 320, run_id)
    every = max(1, -(-len(history.steps) // MOST_POINTS))
    groups = [history.steps[start : start + every] for start in range(0, len(history.steps), every)]
    means = [sum(step.loss or 0 for step in group) / len(group) for group in groups]
    figure.add_scatter(
        x=[group[-1].step for group in groups], y=means, name="batch", mode="lines", line={"color": GREY, "width": 1}
    )
    _epoch_line(figure, history, "train_loss", "train", BLUE)
    _epoch_line(figure, history, "val_loss", "validation", ORANGE)
    return figure


def scores(history: History, run_id: str) -> go.Figure:
    """Dice and IoU on the validation images over steps, the best epoch marked."""
    figure = _figure("score", 320, run_id)
    _epoch_line(figure, history, "val_dice", "Dice", GREEN)
    _epoch_line(figure, history, "val_iou", "IoU", BLUE)
    best = history.best
    if best is not None and best.val_dice is not None:
        figure.add_scatter(
            x=[best.step],
            y=[best.val_dice],
            name=f"best: epoch {best.epoch}",
            mode="markers",
            marker={"symbol": "star", "size": 14, "color": ORANGE},
        )
    figure.update_yaxes(range=[0, 1])
    return figure


def learning_rate(history: History, run_id: str) -> go.Figure:
    """The learning rate over steps."""
    figure = _figure("learning rate", 200, run_id)
    every = max(1, -(-len(history.steps) // MOST_POINTS))
    steps = history.steps[::every]
    figure.add_scatter(x=[step.step for step in steps], y=[step.lr for step in steps], mode="lines", name="lr")
    figure.update_traces(line={"color": GREEN})
    figure.update_yaxes(exponentformat="e")
    return figure


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


def _epoch_line(figure: go.Figure, history: History, field: str, name: str, colour: str) -> None:
    figure.add_scatter(
        x=[epoch.step for epoch in history.epochs],
        y=[getattr(epoch, field) for epoch in history.epochs],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2},
    )
