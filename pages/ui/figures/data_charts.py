"""Figures of a dataset: classes, objects, intensities, foreground, sizes, the parts of a split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pages.ui.figures.charts import BLUE, COLORS, GRAY, GREEN, MARGIN, ORANGE
from unet_core.data.summary.totals import Intensities
from unet_core.io import colors
from unet_core.io.colors import to_hex

HEIGHT = 280
MOST_BARS = 24
RGB = tuple(map(to_hex, (colors.RED, colors.GREEN, colors.BLUE)))
PART_COLORS = {"train": BLUE, "val": ORANGE, "test": GREEN}


def _layout(figure: go.Figure, x: str, y: str, height: int = HEIGHT, **more: Any) -> go.Figure:
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    for name, changes in more.items():
        axes[name] = axes.get(name, {}) | changes if name in axes else changes
    figure.update_layout(height=height, margin=MARGIN, bargap=0.04, **axes)
    return figure


def draw_class_shares(
    names: Sequence[str], shares: Sequence[float], class_colors: Sequence[str], images: Sequence[int]
) -> go.Figure:
    """A bar for each class, in its color; shares 0..1 become percent. The first class is at the top.

    `images` says how many show the class.
    """
    percent = [100 * share for share in shares]
    figure = go.Figure(
        go.Bar(
            x=percent,
            y=[f"{index} {name}" for index, name in enumerate(names)],
            orientation="h",
            marker={"color": list(class_colors), "line": {"color": GRAY, "width": 1}},
            text=[percent_text(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            customdata=list(images),
            hovertemplate="%{y}: %{text} of the pixels, in %{customdata} images<extra></extra>",
        )
    )
    top = max(percent, default=1) * 1.18 or 1
    height = max(140, 60 + 26 * len(names))
    return _layout(
        figure,
        "share of pixels (%)",
        "",
        height,
        xaxis={"range": [0, top]},
        yaxis={"autorange": "reversed", "automargin": True},
    )


def draw_counts(values: Sequence[float], x: str, color: str = BLUE) -> go.Figure:
    """How many images have which value, from 0 on; bins have a round width, those of integers a whole one."""
    step = round_step(max(values, default=0.0) / MOST_BARS)
    is_whole = all(isinstance(value, int) for value in values)
    step = max(1.0, step) if is_whole else step
    counts = np.bincount((np.asarray(values, np.float64) / step).astype(np.int64))
    last = step - 1 if is_whole else step  # 0 to 4, 5 to 9, but 0 to 0.5, 0.5 to 1
    bounds = [(f"{number * step:g}", f"{number * step + last:g}") for number in range(len(counts))]
    figure = go.Figure(
        go.Bar(
            x=(np.arange(len(counts)) * step + last / 2).tolist(),
            y=counts.tolist(),
            width=step,
            marker={"color": color},
            customdata=[low if low == high else f"{low} to {high}" for low, high in bounds],
            hovertemplate="%{customdata}: %{y} images<extra></extra>",
        )
    )
    return _layout(figure, x, "images", yaxis={"rangemode": "tozero"}, xaxis={"rangemode": "tozero"})


def round_step(least: float) -> float:
    """The smallest of 0.1, 0.2, 0.5, 1, 2, 5, 10 ... that is not below `least`.

    >>> round_step(0.0), round_step(0.13), round_step(34)
    (0.1, 0.2, 50.0)
    """
    steps = (factor * 10.0**power for power in range(-1, 12) for factor in (1, 2, 5))
    return next((step for step in steps if step >= least), 1e12)


def draw_diameters(edges: NDArray[np.float64], counts: NDArray[np.int64]) -> go.Figure:
    """How many objects have which diameter: bars of equal width on a logarithmic axis."""
    centers = np.sqrt(edges[:-1] * edges[1:])
    labels = [f"{low:.3g} to {high:.3g} px" for low, high in pairwise(edges.tolist())]
    figure = go.Figure(
        go.Bar(
            x=centers.tolist(),
            y=counts.tolist(),
            width=np.diff(edges).tolist(),
            marker={"color": GREEN},
            customdata=labels,
            hovertemplate="%{customdata}: %{y} objects<extra></extra>",
        )
    )
    low, high = float(edges[0]), float(edges[-1])
    ticks = [value for power in range(7) for value in (10**power, 2 * 10**power, 5 * 10**power)]
    shown = [tick for tick in ticks if low <= tick <= high] or [round(float(np.sqrt(low * high)), 1)]
    return _layout(
        figure,
        "object diameter (px)",
        "objects",
        xaxis={"type": "log", "tickvals": shown, "ticktext": [f"{tick:g}" for tick in shown]},
    )


def draw_intensities(intensities: Intensities, names: Sequence[str]) -> go.Figure:
    """A line for each channel: the share of its pixels over the intensity as stored."""
    centers = (intensities.edges[:-1] + intensities.edges[1:]) / 2
    palette = RGB if len(intensities.shares) == 3 else COLORS
    figure = go.Figure()
    for number, shares in enumerate(intensities.shares):
        color = palette[number % len(palette)]
        figure.add_scatter(
            x=centers.tolist(),
            y=(100 * shares).tolist(),
            name=names[number] if number < len(names) else f"channel {number}",
            mode="lines",
            line={"color": color, "width": 2, "shape": "hvh"},
            fill="tozeroy" if len(intensities.shares) == 1 else None,
            hovertemplate="%{x:.4g}: %{y:.2f} %<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(
        showlegend=len(intensities.shares) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    unit = f"intensity ({intensities.dtype})" if intensities.dtype else "intensity"
    return _layout(figure, unit, "share of pixels (%)", yaxis={"rangemode": "tozero"})


def draw_sizes(sizes: Counter[tuple[int, int]]) -> go.Figure:
    """Width and height of the images, a point for each size, larger where more images have it."""
    points = sorted(sizes.items(), key=lambda item: -item[1])
    most = points[0][1] if points else 1
    figure = go.Figure(
        go.Scatter(
            x=[width for (width, _), _ in points],
            y=[height for (_, height), _ in points],
            mode="markers",
            marker={
                "color": BLUE,
                "opacity": 0.7,
                "size": [8 + 22 * ((number - 1) / max(1, most - 1)) ** 0.5 for _, number in points],
            },
            customdata=[number for _, number in points],
            hovertemplate="%{x} x %{y} px: %{customdata} images<extra></extra>",
        )
    )
    return _layout(figure, "width (px)", "height (px)", xaxis={"rangemode": "tozero"}, yaxis={"rangemode": "tozero"})


def draw_split(shares: Mapping[str, Sequence[float]], names: Sequence[str], labels: Mapping[str, str]) -> go.Figure:
    """The share of each class in each part of a split, side by side; classes of few pixels stay visible."""
    figure = go.Figure()
    for part, values in shares.items():
        figure.add_bar(
            x=list(names),
            y=[100 * value for value in values],
            name=labels[part],
            marker={"color": PART_COLORS[part]},
            hovertemplate="%{x}: %{y:.3g} %<extra>%{fullData.name}</extra>",
        )
    figure.update_layout(barmode="group", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
    return _layout(figure, "class", "share of pixels (%)", xaxis={"type": "category"})


def percent_text(share: float) -> str:
    """A share 0..1 in percent, with as many digits as it takes to be more than 0.

    >>> percent_text(0.1234), percent_text(0.000012), percent_text(0.0)
    ('12.3 %', '0.0012 %', '0 %')
    """
    if share <= 0:
        return "0 %"
    return f"{100 * share:.1f} %" if share >= 0.001 else f"{100 * share:.2g} %"
