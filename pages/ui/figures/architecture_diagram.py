"""The architecture drawn from its settings: blocks with channels and sizes, arrows for down, up and skip paths."""

import math
from collections.abc import Callable

import plotly.graph_objects as go

from unet_core.config.schema import ModelConfig
from unet_core.io.colors import GRAY, GREEN, ORANGE, PURPLE, SKY, to_hex
from unet_core.models import architecture

Block = tuple[float, float, float, float]  # x and y of the center, half width, half height
COLORS = {"encoder": to_hex(SKY), "bottleneck": to_hex(PURPLE), "decoder": to_hex(GREEN), "head": to_hex(ORANGE)}
LINE = to_hex(GRAY)


def draw(config: ModelConfig, size: int) -> go.Figure:
    """A U of blocks, one row per level. On log scales, a block's height is its image size and its width its channels.

    `size` is the side of the input in pixels.
    """
    blocks = [(part, side) for part, side in architecture.rows(config, size) if part.kind in COLORS]
    depth = config.depth
    columns: dict[str, Callable[[int], int]] = {
        "encoder": lambda level: level,
        "bottleneck": lambda level: depth,
        "decoder": lambda level: 2 * depth - level,
        "head": lambda level: 2 * depth + 1,
    }
    widest = max(part.out_channels for part, _ in blocks)
    largest = max(side for _, side in blocks)
    figure = go.Figure()
    centers: dict[tuple[str, int], Block] = {}
    for part, side in blocks:
        x, y = columns[part.kind](part.level), -part.level
        half_width = 0.12 + 0.2 * math.log2(1 + part.out_channels) / math.log2(1 + widest)
        half_height = 0.12 + 0.26 * math.log2(1 + side) / math.log2(1 + largest)
        centers[part.kind, part.level] = x, y, half_width, half_height
        figure.add_shape(
            type="rect",
            layer="below",
            x0=x - half_width,
            x1=x + half_width,
            y0=y - half_height,
            y1=y + half_height,
            fillcolor=COLORS[part.kind],
            line={"width": 0},
            opacity=0.9,
        )
        convolutions = len(part.convolutions)
        kernels = "/".join(sorted({f"{layer.kernel}x{layer.kernel}" for layer in part.convolutions}))
        weights = sum(layer.parameters for layer in part.convolutions)
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="text",
            text=f"<b>{part.out_channels}</b><br>{side}²",
            textfont={"color": "#10161d", "size": 12},
            hovertext=f"{part.kind}, level {part.level}<br>{part.in_channels} to {part.out_channels} channels<br>"
            f"{convolutions} convolution{'s' * (convolutions != 1)} {kernels}<br>{weights:,} parameters<br>"
            f"{side} x {side} px",
            hoverinfo="text",
            showlegend=False,
        )
    for level in range(depth):
        if ("encoder", level) not in centers:  # of a ResNet: its first level has no block
            _arrow(figure, centers["decoder", level + 1], centers["decoder", level])
            continue
        below = ("encoder", level + 1) if level + 1 < depth else ("bottleneck", depth)
        after = ("decoder", level + 1) if level + 1 < depth else ("bottleneck", depth)
        _arrow(figure, centers["encoder", level], centers[below])
        _arrow(figure, centers[after], centers["decoder", level])
        _arrow(figure, centers["encoder", level], centers["decoder", level], dash=True)
    _arrow(figure, centers["decoder", 0], centers["head", 0])
    figure.update_layout(
        height=130 + 90 * (depth + 1), margin={"l": 0, "r": 0, "t": 10, "b": 0}, dragmode=False, hovermode="closest"
    )
    figure.update_xaxes(visible=False, range=[-0.6, 2 * depth + 1.6])
    figure.update_yaxes(visible=False, range=[-depth - 0.6, 0.6])
    return figure


def _arrow(figure: go.Figure, start: Block, end: Block, dash: bool = False) -> None:
    """From the edge of one block, (x, y, half width, half height), to another: along a level, or down or up."""
    sideways = start[1] == end[1]
    x0 = start[0] + start[2] if sideways else start[0]
    y0 = start[1] if sideways else start[1] + (start[3] if end[1] > start[1] else -start[3])
    figure.add_annotation(
        x=end[0] - end[2], y=end[1], ax=x0, ay=y0, xref="x", yref="y", axref="x", ayref="y", text="",
        showarrow=True, arrowhead=2, arrowsize=1, arrowwidth=1 if dash else 1.6, arrowcolor=LINE,
        opacity=0.55 if dash else 1.0,
    )  # fmt: skip
