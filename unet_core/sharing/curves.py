"""The curves of a run as a picture: losses on the left, validation scores on the right, on a light card of their own.

It is drawn by Pillow, which is there for reading images; a plotting library would be larger than all else of the app.
"""

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from unet_core.io.html.svg import ticks
from unet_core.runs.history import History

if TYPE_CHECKING:
    from PIL import ImageDraw

WIDTH, HEIGHT, SMOOTH = 1200, 400, 3  # pixels of the picture; it is drawn larger and reduced, for smooth lines
TRAIN, VALIDATION, DICE, IOU = "#7f8c9b", "#1f6feb", "#1a7f37", "#bf6a02"  # 3:1 and more on white
INK, FAINT, GRID, PAPER = "#1f2328", "#59636e", "#e4e8ec", "#ffffff"
Curve = tuple[str, str, list[tuple[int, float]]]  # name, color, (epoch, value)


def draw(history: History) -> bytes | None:
    """A PNG of 1200 x 400 pixels; None where no epoch has ended.

    >>> draw(History()) is None
    True
    """
    if not history.epochs:
        return None
    from PIL import Image, ImageDraw

    size = (WIDTH * SMOOTH, HEIGHT * SMOOTH)
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    drawing = ImageDraw.Draw(image)
    edge = SMOOTH // 2
    box = (edge, edge, size[0] - 1 - edge, size[1] - 1 - edge)
    drawing.rounded_rectangle(box, 12 * SMOOTH, fill=PAPER, outline=GRID, width=SMOOTH)
    losses = [_curve(history, "train_loss", "Training", TRAIN), _curve(history, "val_loss", "Validation", VALIDATION)]
    scores = [_curve(history, "val_dice", "Dice", DICE), _curve(history, "val_iou", "IoU", IOU)]
    best = history.best.epoch if history.best else None
    half = WIDTH // 2
    _Panel(drawing, (70, half - 24), history.epochs[-1].epoch, best).show("Loss", losses)
    _Panel(drawing, (half + 60, WIDTH - 34), history.epochs[-1].epoch, best).show(
        "Validation score", scores, (0.0, 1.0)
    )
    out = io.BytesIO()
    image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).quantize(128).save(out, "PNG", optimize=True)
    return out.getvalue()


def _curve(history: History, field: str, name: str, color: str) -> Curve:
    values = [(epoch.epoch, getattr(epoch, field)) for epoch in history.epochs]
    return name, color, [(epoch, value) for epoch, value in values if value is not None and math.isfinite(value)]


class _Panel:
    """One chart between two columns of pixels; its curves share the epochs."""

    def __init__(self, drawing: "ImageDraw.ImageDraw", columns: tuple[int, int], epochs: int, best: int | None) -> None:
        self.drawing, self.best = drawing, best
        self.left, self.right = columns
        self.top, self.bottom = 62, HEIGHT - 58
        self.first, self.last = (1, epochs) if epochs > 1 else (0, 2)

    def show(self, title: str, curves: Sequence[Curve], limits: tuple[float, float] | None = None) -> None:
        values = [value for *_, points in curves for _, value in points]
        low, high = limits or (min([0.0, *values]), max([0.0, *values]) or 1.0)
        self.low, self.high = low, low + (high - low) * (1.0 if limits else 1.05)
        self._text((self.left, 20), title, 18, INK)
        for value in ticks(self.low, self.high):
            self._line([(self.left, self._y(value)), (self.right, self._y(value))], GRID, 1)
            self._text((self.left - 8, self._y(value)), f"{value:g}", 13, FAINT, "rm")
        for epoch in ticks(self.first, self.last):
            if float(epoch).is_integer():
                self._text((self._x(epoch), self.bottom + 8), f"{epoch:g}", 13, FAINT, "mt")
        self._text(((self.left + self.right) / 2, self.bottom + 28), "Epoch", 13, FAINT, "mt")
        if self.best is not None:
            column = self._x(self.best)
            for row in range(self.top, self.bottom, 8):
                self._line([(column, row), (column, min(row + 4, self.bottom))], FAINT, 1)
            anchor = "ra" if column > (self.left + self.right) / 2 else "la"
            shift = -5 if anchor == "ra" else 5
            row = self.bottom - 20 if limits else self.top + 4  # where the curves are not
            self._text((column + shift, row), f"best: epoch {self.best}", 12, FAINT, anchor)
        edge = self.right
        for _, color, points in curves:
            places = [(self._x(epoch), self._y(value)) for epoch, value in points]
            if len(places) > 1:
                self._line(places, color, 2.5)
            elif places:
                self._dot(places[0], color)
        for name, color, points in reversed([curve for curve in curves if curve[2]]):
            label = f"{name} {points[-1][1]:.3f}"
            self._text((edge, 23), label, 14, INK, "rt")
            edge -= int(self._width(label, 14)) + 10
            self._line([(edge - 18, 31), (edge, 31)], color, 3)
            edge -= 36

    def _x(self, epoch: float) -> float:
        return self.left + (self.right - self.left) * (epoch - self.first) / (self.last - self.first)

    def _y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low)

    def _line(self, points: Sequence[tuple[float, float]], color: str, width: float) -> None:
        scaled = [(x * SMOOTH, y * SMOOTH) for x, y in points]
        self.drawing.line(scaled, color, round(width * SMOOTH), joint="curve")

    def _dot(self, point: tuple[float, float], color: str) -> None:
        x, y = (value * SMOOTH for value in point)
        self.drawing.ellipse((x - 4 * SMOOTH, y - 4 * SMOOTH, x + 4 * SMOOTH, y + 4 * SMOOTH), color)

    def _font(self, size: int) -> "object":
        from PIL import ImageFont

        return ImageFont.load_default(size * SMOOTH)

    def _width(self, text: str, size: int) -> float:
        return float(self.drawing.textlength(text, self._font(size))) / SMOOTH  # type: ignore[arg-type]

    def _text(self, at: tuple[float, float], text: str, size: int, color: str, anchor: str = "lt") -> None:
        place = (at[0] * SMOOTH, at[1] * SMOOTH)
        self.drawing.text(place, text, color, self._font(size), anchor)  # type: ignore[arg-type]
