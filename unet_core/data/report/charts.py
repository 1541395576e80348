"""Small charts as SVG text that needs nothing else: histograms and bars, in the colors of the page around them."""

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, FOOT = 320, 110, 16
COLORS = ("#c0392b", "#27ae60", "#2980b9", "#8e44ad", "#d68910", "#16a085")  # of channels, red first


def draw_lines(rows: Sequence[Sequence[float]], limits: tuple[float, float], title: str) -> str:
    """Histograms of several channels over the same range, as outlines; counts on a root scale."""
    top = max((math.sqrt(value) for row in rows for value in row), default=0.0) or 1.0
    lines = []
    for number, row in enumerate(rows):
        step = WIDTH / max(1, len(row))
        points = " ".join(
            f"{step * (index + 0.5):.1f},{HEIGHT - FOOT - (HEIGHT - FOOT - 4) * math.sqrt(value) / top:.1f}"
            for index, value in enumerate(row)
        )
        color = "currentColor" if len(rows) == 1 else COLORS[number % len(COLORS)]
        lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5"/>')
    return _frame("".join(lines), limits, title)


def draw_histogram(values: Sequence[float], title: str, bins: int = 40) -> str:
    """A histogram of numbers above 0 over a logarithmic axis; "" of none."""
    positive = [value for value in values if value > 0]
    if not positive:
        return ""
    low, high = min(positive), max(positive)
    span = max(math.log(high / low), 1e-9)
    counts = [0] * bins
    for value in positive:
        counts[min(bins - 1, int(bins * math.log(value / low) / span))] += 1
    top, step = max(counts), WIDTH / bins
    bars = "".join(
        f'<rect x="{step * index:.1f}" y="{HEIGHT - FOOT - height:.1f}" width="{step - 1:.1f}" height="{height:.1f}" '
        'fill="currentColor"/>'
        for index, count in enumerate(counts)
        if (height := (HEIGHT - FOOT - 4) * count / top) > 0
    )
    return _frame(bars, (low, high), title)


def draw_bar(share: float, color: str = "currentColor") -> str:
    """A share from 0 to 1 as a bar.

    >>> draw_bar(0.5).count("rect")
    2
    """
    width = 160 * min(1.0, max(0.0, share))
    return (
        '<svg width="160" height="12" role="img" aria-hidden="true"><rect width="160" height="12" rx="3" '
        f'fill="currentColor" opacity="0.12"/><rect width="{width:.1f}" height="12" rx="3" fill="{color}"/></svg>'
    )


def _frame(content: str, limits: tuple[float, float], title: str) -> str:
    low, high = (f"{value:.4g}" for value in limits)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><line x1="0" x2="{WIDTH}" y1="{HEIGHT - FOOT}" y2="{HEIGHT - FOOT}" '
        f'stroke="currentColor" opacity="0.4"/>{content}<text x="0" y="{HEIGHT - 3}">{low}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 3}" text-anchor="end">{high}</text></svg>'
    )
