"""Sliding window: an image in overlapping tiles and back, mirrored at the edges and blended where tiles overlap.

Tiles of one image have one size, so that several make a batch. They start at multiples of 2**depth, where every
pooling falls on the same pixels as in the whole image. A pixel that sees beyond its tile has no weight there, if the
overlap is large enough for that; so the blended result equals that of one large forward pass (`is_exact`).
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
from unet_core.models.layers import NORMS, UPS

LARGEST = 1280  # pixels: the side of a tile where nobody chose one and the memory allows it
SMALLEST = 32
MOST = 8192
WORKING_BYTES = 1000 * 2**20  # what the forward pass of one batch may take
LEAST_WEIGHT = 1e-4  # before what lies in the halo is taken out

Floats = NDArray[np.float32]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Axis:
    """The tiles along one side of an image of `length` pixels.

    A tile takes `side` pixels in and gives `out`; what it gives begins at its start, what it takes `margin` before.
    `weights` (out,) of all tiles add up to 1 at each pixel of the image.
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
    """The tiles of an image, processed strip by strip along its longer side, which keeps the strips short."""

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
        """(H, W, C) to what a tile takes, (rows.side, columns.side, C), mirrored where it is outside the image."""
        top, left = (_inside(start, axis) for start, axis in zip(place, (self.rows, self.columns), strict=True))
        return np.asarray(image[top][:, left])


def grid(config: ModelConfig, height: int, width: int, tile: int | None = None) -> Grid:
    """The tiles of an image (height, width): of tile x tile pixels at most, a single one if the image is no larger.

    A small image, and one whose side is no multiple of 2**depth, is mirrored. Raises ConfigError for a `tile` that is
    out of range.
    """
    side = chosen_tile(config, tile)
    if config.padding == "valid":
        return Grid(_side_by_side(config, height, side), _side_by_side(config, width, side))
    axes = [(length, architecture.padded_side(config, length)) for length in (height, width)]
    if axes[0][1] * axes[1][1] <= side * side:
        return Grid(*(_single(length, padded) for length, padded in axes))
    return Grid(*(_overlapping(config, length, padded, side) for length, padded in axes))


def chosen_tile(config: ModelConfig, tile: int | None = None) -> int:
    """The side of a tile: as asked for, in whole cells of the deepest level; else the largest that fits the memory."""
    cell = 1 << config.depth
    if tile is None:
        fitting = int(math.sqrt(WORKING_BYTES / bytes_per_pixel(config))) // cell * cell
        return max(2 * cell, min(LARGEST, fitting))
    if not SMALLEST <= tile <= MOST:
        raise ConfigError(f"tile {tile} is out of range. Choose {SMALLEST} to {MOST} pixels.")
    return max(2 * cell, _up(tile, cell))


def halved(config: ModelConfig, tile: int) -> int | None:
    """About half a tile, for when a full one does not fit into memory; None where that makes no sense any more."""
    cell = 1 << config.depth
    half = max(2 * cell, tile // 2 // cell * cell)
    return half if SMALLEST <= half < tile else None


def overlap(config: ModelConfig, tile: int) -> int:
    """Pixels that neighboring tiles share: twice the reach of a pixel and a cell to blend in; at most half a tile."""
    cell = 1 << config.depth
    return min(_up(2 * reach(config) + cell, cell), tile // 2 // cell * cell)


def reach(config: ModelConfig) -> int:
    """How far to one side a pixel of the logits can see: half the receptive field, and half a cell for its position."""
    return (architecture.receptive_field(config) + (1 << config.depth)) // 2


def is_exact(config: ModelConfig, tile: int) -> bool:
    """Whether tiles of this side give what one large forward pass gives, up to rounding.

    Not so where the overlap does not hold the receptive field, for norms that take statistics from the tile, and for
    up-sampling with aligned corners, which depends on its size.
    """
    local = NORMS[config.norm].is_local and UPS[config.up].is_local
    return local and (config.padding == "valid" or overlap(config, tile) >= 2 * reach(config) + (1 << config.depth))


def bytes_per_pixel(config: ModelConfig) -> int:
    """Memory of a forward pass per pixel in fp32, at its peak: the last decoder block, the logits and the image."""
    return 4 * (9 * config.base_channels + 5 * max(1, config.num_classes) + 3 * max(1, config.in_channels))


def blend(grid: Grid, pieces: Iterable[Floats]) -> Iterator[tuple[Window, Floats]]:
    """Join what the tiles gave, (C, out, out) each in the order of `places`; a piece may be changed.

    Yields windows of the image with their finished values (C, h, w), as soon as no other tile adds to them: no more
    than one strip of tiles is in memory.
    """
    # Both directions share one code: strips run along `inner`, one after the other along `outer`; where the strips are
    # columns the pieces are transposed on their way in and the windows on their way out (views, no copies).
    outer, inner = (grid.rows, grid.columns) if grid.upright else (grid.columns, grid.rows)
    source = iter(pieces)
    if grid.count == 1:
        window = slice(0, grid.rows.length), slice(0, grid.columns.length)
        yield window, next(source)[:, *window]
        return
    left_over: Floats | None = None
    for number, start in enumerate(outer.starts):
        depth = min(outer.out, outer.length - start)  # the last tile may reach beyond the image, whose rest is padding
        strip: Floats | None = None
        for left, weight in zip(inner.starts, inner.weights, strict=True):
            piece = next(source)
            piece = piece if grid.upright else piece.swapaxes(1, 2)
            width = min(inner.out, inner.length - left)
            piece = piece[:, :depth, :width]
            if strip is None:  # only now the number of channels is known: of logits K, of several views K + 1
                strip = np.zeros((len(piece), depth, inner.length), np.float32)
                if left_over is not None:
                    strip[:, : left_over.shape[1]] = left_over
            # The weights of all tiles add up to 1 at each pixel, so the sum needs no division in the end; being a
            # product of two vectors they need no array of the size of the image.
            piece *= outer.weights[number][:depth, None] * weight[:width]
            strip[:, :, left : left + width] += piece
        if strip is None:
            raise ValueError("a grid without tiles")
        # What the next strip overlaps is not finished: it is carried over (a copy, so that this strip can be freed).
        end = outer.starts[number + 1] if number + 1 < len(outer.starts) else outer.length
        done, left_over = strip[:, : end - start], strip[:, end - start :].copy()
        if grid.upright:
            yield (slice(start, end), slice(0, inner.length)), done
        else:
            yield (slice(0, inner.length), slice(start, end)), done.swapaxes(1, 2)


def _single(length: int, padded: int) -> Axis:
    return Axis(length, padded, 0, (0,), (np.ones(padded, np.float32),))


def _overlapping(config: ModelConfig, length: int, padded: int, tile: int) -> Axis:
    """As few tiles as cover `padded` pixels, no larger than that needs, spread evenly."""
    if padded <= tile:
        return _single(length, padded)
    cell, shared = 1 << config.depth, overlap(config, tile)
    count = -(-(padded - shared) // (tile - shared))
    # With the number settled the tiles shrink until they just cover the padded side: less is computed twice.
    side = _up(-(-(padded + (count - 1) * shared) // count), cell)
    # Rounding starts down to whole cells keeps every pooling on the grid of the whole image.
    starts = tuple(index * (padded - side) // (count - 1) // cell * cell for index in range(count))
    # Within `reach` of its edge a tile sees padding where the image has pixels: weight 0 there makes the result exact.
    # Where the overlap is too small for that, a quarter of it still takes the worst seam away.
    halo = reach(config) if is_exact(config, tile) else shared // 4
    return Axis(length, side, 0, starts, _weights(starts, side, padded, halo, shared - 2 * halo))


def _weights(starts: tuple[int, ...], side: int, padded: int, halo: int, ramp: int) -> tuple[Floats, ...]:
    """1 in the middle of a tile, falling as a Gaussian of deviation 1/8 side, and over `ramp` to 0 at its halo.

    Halo and ramp are at the edges where another tile continues. The sum at each pixel is made 1.
    """
    pixel = np.arange(side)
    # Not below LEAST_WEIGHT: at the image's own edge a single tile has all the weight, and it is divided by it.
    gauss = np.maximum(np.exp(-0.5 * ((pixel - (side - 1) / 2) / (side / 8)) ** 2), LEAST_WEIGHT)
    rise = np.clip((pixel + 1 - halo) / ramp, 0, 1)
    weights = []
    for number in range(len(starts)):
        weights.append(gauss * (rise if number else 1) * (rise[::-1] if number + 1 < len(starts) else 1))
    total = np.zeros(padded)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + side] += weight
    return tuple(
        (weight / total[start : start + side]).astype(np.float32) for start, weight in zip(starts, weights, strict=True)
    )


def _side_by_side(config: ModelConfig, length: int, tile: int) -> Axis:
    """Unpadded convolutions, as in the paper of 2015: tiles of the mirrored image whose outputs are side by side."""
    margin, cell = architecture.margin(config), 1 << config.depth
    side = architecture.fitting_size(config, min(length, tile) + 2 * margin)
    out = side - 2 * margin
    stride = length if out >= length else out // cell * cell
    starts = tuple(range(0, length, stride))
    weights = [np.ones(out, np.float32) for _ in starts]
    for weight in weights[1:]:
        weight[: out - stride] = 0  # the tile before has given these pixels, and sees as much around them
    return Axis(length, side, margin, starts, tuple(weights))


def _inside(start: int, axis: Axis) -> slice | NDArray[np.int64]:
    """The pixels that a tile takes; what is outside the image is mirrored at its last pixel, as often as needed."""
    first, last = start - axis.margin, start - axis.margin + axis.side
    if first >= 0 and last <= axis.length:
        return slice(first, last)
    # Mirrored over and over the pixels repeat with this period: forth and back, both ends once (numpy's "reflect").
    period = max(1, 2 * (axis.length - 1))
    pixel = np.arange(first, last) % period
    return np.minimum(pixel, period - pixel) if axis.length > 1 else pixel * 0


def _up(length: int, cell: int) -> int:
    return -(-length // cell) * cell
