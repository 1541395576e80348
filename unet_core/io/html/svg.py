"""Charts as SVG text that needs nothing else, in the colors of the page around them: histograms, bars, curves."""

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


def draw_counts(values: Sequence[float], title: str, bins: int = 20) -> str:
    """A histogram of numbers from 0 to 1, with its largest count; 1 is in the last bar.

    >>> draw_counts([0.1, 0.11, 1.0], "Dice").count("<rect")
    2
    """
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, max(0, int(value * bins)))] += 1
    top, step = max(counts, default=0) or 1, WIDTH / bins
    bars = "".join(
        f'<rect x="{step * index + 0.5:.1f}" y="{HEIGHT - FOOT - height:.1f}" width="{step - 1:.1f}" '
        f'height="{height:.1f}" fill="currentColor"/>'
        for index, count in enumerate(counts)
        if (height := (HEIGHT - FOOT - 14) * count / top) > 0
    )
    return _frame(f'{bars}<text x="0" y="9">{top}</text>', (0, 1), title)


Curve = tuple[str, str, Sequence[tuple[float, float]]]  # name, color, points


def draw_curves(curves: Sequence[Curve], title: str, limits: tuple[float, float] | None = None) -> str:
    """Curves over the same axis, with ticks, and their names with their last values; "" where none has a point.

    `limits` are those of the values, by default from 0 to the largest.
    """
    drawn = [curve for curve in curves if curve[2]]
    if not drawn:
        return ""
    width, height, left, top = 460, 240, 44, 12 + 18 * len(drawn)
    places = [x for _, _, points in drawn for x, _ in points]
    values = [y for _, _, points in drawn for _, y in points]
    first, last = min(places), max(max(places), min(places) + 1)
    low, high = limits or (min(0.0, *values), max(0.0, *values) or 1.0)
    right, bottom = width - 12, height - 22

    def at(x: float, y: float) -> str:
        column, row = left + (right - left) * (x - first) / (last - first), (y - low) / (high - low)
        return f"{column:.1f},{bottom - (bottom - top) * row:.1f}"

    parts = []
    for value in ticks(low, high):
        row = at(first, value).split(",")[1]
        parts.append(f'<line x1="{left}" x2="{right}" y1="{row}" y2="{row}" stroke="currentColor" opacity="0.15"/>')
        parts.append(f'<text x="{left - 6}" y="{float(row) + 4:.1f}" text-anchor="end">{value:g}</text>')
    for place in (value for value in ticks(first, last) if value.is_integer()):
        column = at(place, low).split(",")[0]
        parts.append(f'<text x="{column}" y="{height - 6}" text-anchor="middle">{place:g}</text>')
    for number, (name, color, points) in enumerate(drawn):
        if len(points) > 1:
            line = " ".join(at(*point) for point in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        else:
            column, row = at(*points[0]).split(",")
            parts.append(f'<circle cx="{column}" cy="{row}" r="3" fill="{color}"/>')
        level = 12 + 18 * number
        parts.append(
            f'<line x1="{left}" x2="{left + 24}" y1="{level}" y2="{level}" stroke="{color}" stroke-width="3"/>'
        )
        parts.append(f'<text x="{left + 32}" y="{level + 4}">{escape(name)} {points[-1][1]:.4f}</text>')
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from `low` to `high`, at most `most` and one.

    >>> ticks(0.0, 1.0), ticks(1, 15)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [5.0, 10.0, 15.0])
    """
    raw = (high - low) / most or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    lowest, highest = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(lowest, highest + 1)]


def _frame(content: str, limits: tuple[float, float], title: str) -> str:
    low, high = (f"{value:.4g}" for value in limits)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{escape(title)}"><line x1="0" x2="{WIDTH}" y1="{HEIGHT - FOOT}" y2="{HEIGHT - FOOT}" '
        f'stroke="currentColor" opacity="0.4"/>{content}<text x="0" y="{HEIGHT - 3}">{low}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 3}" text-anchor="end">{high}</text></svg>'
    )
