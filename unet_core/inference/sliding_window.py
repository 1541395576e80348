"""A picture in overlapping tiles and back: where they lie, how they are mirrored at the edges, how they are blended.

Tiles of one picture are of one size, so that several make a batch. They start at multiples of 2**depth, where every
pooling falls on the same pixels as in the whole picture. A pixel that sees beyond its tile has no weight there, where
the overlap is large enough for that; so the blended result equals that of one large forward pass (`is_exact`).
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.io.pixels import Pixels
from unet_core.models import architecture

LARGEST = 1280  # pixels: the side of a tile where nobody chose one and the memory allows it
SMALLEST = 32
MOST = 8192
WORKING_BYTES = 1000 * 2**20  # what the forward pass of one batch may take
LEAST_WEIGHT = 1e-4  # before what lies in the halo is taken out

Floats = NDArray[np.float32]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Axis:
    """The tiles along one side of a picture of `length` pixels.

    A tile takes `side` pixels in and gives `out`; what it gives begins at its start, what it takes `margin` before.
    `weights` (out,) of all tiles add up to 1 at each pixel of the picture.
    """

    length: int
    side: int
    margin: int
    starts: tuple[int, ...]
    weights: tuple[Floats, ...]

    @property
    def out(self) -> int:
        return self.side - 2 * self.margin


@dataclass(frozen=True)
class Grid:
    """The tiles of a picture, worked off strip by strip along its longer side, which keeps the strips short."""

    rows: Axis
    columns: Axis

    @property
    def upright(self) -> bool:
        """Whether the strips are rows of tiles; else columns."""
        return self.rows.length >= self.columns.length

    @property
    def count(self) -> int:
        return len(self.rows.starts) * len(self.columns.starts)

    def places(self) -> Iterator[tuple[int, int]]:
        """(top, left) of what each tile gives, strip by strip."""
        if self.upright:
            yield from ((top, left) for top in self.rows.starts for left in self.columns.starts)
        else:
            yield from ((top, left) for left in self.columns.starts for top in self.rows.starts)

    def cut(self, image: Pixels, place: tuple[int, int]) -> Pixels:
        """(H, W, C) to what a tile takes, (rows.side, columns.side, C), mirrored where it lies outside the picture."""
        top, left = (_inside(start, axis) for start, axis in zip(place, (self.rows, self.columns), strict=True))
        return np.asarray(image[top][:, left])


def grid(config: ModelConfig, height: int, width: int, tile: int | None = None) -> Grid:
    """The tiles of a picture (height, width): of tile x tile pixels at most, one alone where it is no larger.

    A small picture, and one whose side is no multiple of 2**depth, is mirrored. Raises ConfigError for an odd `tile`.
    """
    side = chosen_tile(config, tile)
    if config.padding == "valid":
        return Grid(_side_by_side(config, height, side), _side_by_side(config, width, side))
    cell = 1 << config.depth
    least = 2 * cell if config.norm == "instance" else cell  # it takes its statistics from several pixels
    full = [max(least, _up(length, cell)) for length in (height, width)]
    if full[0] * full[1] <= side * side:
        return Grid(*(_single(length, whole) for length, whole in zip((height, width), full, strict=True)))
    return Grid(
        *(_overlapping(config, length, whole, side) for length, whole in zip((height, width), full, strict=True))
    )


def chosen_tile(config: ModelConfig, tile: int | None = None) -> int:
    """The side of a tile: as asked for, in whole cells of the deepest level; else the largest that fits the memory."""
    cell = 1 << config.depth
    if tile is None:
        fitting = int(math.sqrt(WORKING_BYTES / bytes_per_pixel(config))) // cell * cell
        return max(2 * cell, min(LARGEST, fitting))
    if not SMALLEST <= tile <= MOST:
        raise ConfigError(f"tile {tile} is out of range; choose {SMALLEST} to {MOST} pixels.")
    return max(2 * cell, _up(tile, cell))


def halved(config: ModelConfig, tile: int) -> int | None:
    """About half a tile, for a memory that does not hold a whole one; None where that makes no sense any more."""
    cell = 1 << config.depth
    half = max(2 * cell, tile // 2 // cell * cell)
    return half if SMALLEST <= half < tile else None


def overlap(config: ModelConfig, tile: int) -> int:
    """Pixels that neighboring tiles share: twice what a pixel sees and a cell to blend in; at most half a tile."""
    cell = 1 << config.depth
    return min(_up(2 * reach(config) + cell, cell), tile // 2 // cell * cell)


def reach(config: ModelConfig) -> int:
    """How far to one side a pixel of the logits can see: half the receptive field, and half a cell for its place."""
    return (architecture.receptive_field(config) + (1 << config.depth)) // 2


def is_exact(config: ModelConfig, tile: int) -> bool:
    """Whether tiles of this side give what one large forward pass gives, up to rounding.

    Not so where the overlap does not hold the receptive field, for norms that take statistics from the tile, and for
    up-sampling with aligned corners, which depends on its size.
    """
    local = config.norm not in ("group", "instance") and config.up != "bilinear_aligned"
    return local and (config.padding == "valid" or overlap(config, tile) >= 2 * reach(config) + (1 << config.depth))


def bytes_per_pixel(config: ModelConfig) -> int:
    """What a forward pass needs for each pixel in fp32, by its widest place, the last decoder block, and the logits."""
    return 4 * (9 * config.base_channels + 5 * max(1, config.num_classes) + 3 * max(1, config.in_channels))


def blend(grid: Grid, pieces: Iterable[Floats]) -> Iterator[tuple[Window, Floats]]:
    """Join what the tiles gave, (C, out, out) each in the order of `places`; a piece may be changed.

    Yields windows of the picture with their finished values (C, h, w), as soon as no other tile adds to them: no more
    than one strip of tiles is in memory.
    """
    outer, inner = (grid.rows, grid.columns) if grid.upright else (grid.columns, grid.rows)
    source = iter(pieces)
    if grid.count == 1:
        whole = slice(0, grid.rows.length), slice(0, grid.columns.length)
        yield whole, next(source)[:, *whole]
        return
    left_over: Floats | None = None
    for number, start in enumerate(outer.starts):
        depth = min(outer.out, outer.length - start)
        strip: Floats | None = None
        for left, weight in zip(inner.starts, inner.weights, strict=True):
            piece = next(source)
            piece = piece if grid.upright else piece.swapaxes(1, 2)
            width = min(inner.out, inner.length - left)
            piece = piece[:, :depth, :width]
            if strip is None:
                strip = np.zeros((len(piece), depth, inner.length), np.float32)
                if left_over is not None:
                    strip[:, : left_over.shape[1]] = left_over
            piece *= outer.weights[number][:depth, None] * weight[:width]
            strip[:, :, left : left + width] += piece
        assert strip is not None
        end = outer.starts[number + 1] if number + 1 < len(outer.starts) else outer.length
        done, left_over = strip[:, : end - start], strip[:, end - start :].copy()
        if grid.upright:
            yield (slice(start, end), slice(0, inner.length)), done
        else:
            yield (slice(0, inner.length), slice(start, end)), done.swapaxes(1, 2)


def _single(length: int, whole: int) -> Axis:
    return Axis(length, whole, 0, (0,), (np.ones(whole, np.float32),))


def _overlapping(config: ModelConfig, length: int, whole: int, tile: int) -> Axis:
    """As few tiles as cover `whole` pixels, no larger than that needs, spread evenly."""
    if whole <= tile:
        return _single(length, whole)
    cell, shared = 1 << config.depth, overlap(config, tile)
    count = -(-(whole - shared) // (tile - shared))
    side = _up(-(-(whole + (count - 1) * shared) // count), cell)
    starts = tuple(index * (whole - side) // (count - 1) // cell * cell for index in range(count))
    halo = reach(config) if is_exact(config, tile) else shared // 4
    return Axis(length, side, 0, starts, _weights(starts, side, whole, halo, shared - 2 * halo))


def _weights(starts: tuple[int, ...], side: int, whole: int, halo: int, ramp: int) -> tuple[Floats, ...]:
    """1 in the middle of a tile, falling as a Gaussian of deviation 1/8 side, and over `ramp` to 0 at its halo.

    Halo and ramp are at the edges where another tile goes on. The sum at each pixel is made 1.
    """
    place = np.arange(side)
    gauss = np.maximum(np.exp(-0.5 * ((place - (side - 1) / 2) / (side / 8)) ** 2), LEAST_WEIGHT)
    rise = np.clip((place + 1 - halo) / ramp, 0, 1)
    each = []
    for number in range(len(starts)):
        each.append(gauss * (rise if number else 1) * (rise[::-1] if number + 1 < len(starts) else 1))
    total = np.zeros(whole)
    for start, weight in zip(starts, each, strict=True):
        total[start : start + side] += weight
    return tuple((w / total[start : start + side]).astype(np.float32) for start, w in zip(starts, each, strict=True))


def _side_by_side(config: ModelConfig, length: int, tile: int) -> Axis:
    """Unpadded convolutions, as in the paper of 2015: tiles of the mirrored picture whose outputs lie side by side."""
    margin, cell = architecture.margin(config), 1 << config.depth
    side = architecture.fitting_size(config, min(length, tile) + 2 * margin)
    out = side - 2 * margin
    stride = length if out >= length else out // cell * cell
    starts = tuple(range(0, length, stride))
    weights = [np.ones(out, np.float32) for _ in starts]
    for weight in weights[1:]:
        weight[: out - stride] = 0  # the tile before gave them
    return Axis(length, side, margin, starts, tuple(weights))


def _inside(start: int, axis: Axis) -> slice | NDArray[np.int64]:
    """The pixels that a tile takes; what lies outside the picture is mirrored at its last pixel, as often as needed."""
    first, last = start - axis.margin, start - axis.margin + axis.side
    if first >= 0 and last <= axis.length:
        return slice(first, last)
    period = max(1, 2 * (axis.length - 1))
    place = np.arange(first, last) % period
    return np.minimum(place, period - place) if axis.length > 1 else place * 0


def _up(length: int, cell: int) -> int:
    return -(-length // cell) * cell
