"""Tiles that cover a picture, overlap, are mirrored at its edges and add up to it again, strip by strip."""

import itertools
from typing import Any

import numpy as np
import pytest

from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.inference import sliding_window
from unet_core.models import architecture

SIZES = [(1, 1), (17, 300), (300, 17), (129, 131), (256, 256), (640, 333), (95, 1000)]
NETS: list[dict[str, Any]] = [
    {"depth": 1},
    {"depth": 3, "up": "bilinear"},
    {"depth": 2, "norm": "instance"},
    {"depth": 5},
    {"depth": 2, "padding": "valid", "norm": "none", "image_size": 60},
]


def config(**changes: Any) -> ModelConfig:
    return ModelConfig(**{"in_channels": 1, "num_classes": 1, "base_channels": 4, "image_size": 64} | changes)


@pytest.mark.parametrize("tile", [64, 150, 1024])
@pytest.mark.parametrize("changes", NETS, ids=str)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_weights_of_all_tiles_add_up_to_1_at_each_pixel(
    height: int, width: int, changes: dict[str, Any], tile: int
) -> None:
    net = config(**changes)
    grid = sliding_window.grid(net, height, width, tile)
    total = np.zeros((height, width))
    for top, left in grid.places():
        row, column = grid.rows.starts.index(top), grid.columns.starts.index(left)
        weight = np.outer(grid.rows.weights[row], grid.columns.weights[column])
        assert weight.shape == (grid.rows.out, grid.columns.out)
        assert weight.min() >= 0
        part = total[top : top + grid.rows.out, left : left + grid.columns.out]
        part += weight[: part.shape[0], : part.shape[1]]
    np.testing.assert_allclose(total, 1, atol=1e-5)
    assert grid.count == len(list(grid.places()))


@pytest.mark.parametrize("changes", NETS, ids=str)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_tiles_fit_the_net_and_what_was_asked_for(height: int, width: int, changes: dict[str, Any]) -> None:
    net = config(**changes)
    cell = 1 << net.depth
    grid = sliding_window.grid(net, height, width, 128)
    wanted = sliding_window.chosen_tile(net, 128)
    for axis in (grid.rows, grid.columns):
        assert all(start % cell == 0 for start in axis.starts)
        assert architecture.output_size(net, axis.side) == axis.out
        if net.padding == "same":
            assert axis.side % cell == 0
            assert axis.starts[-1] + axis.side - axis.length in range(cell) or axis.side <= 2 * cell
            assert all(
                b - a <= axis.side - sliding_window.overlap(net, wanted) for a, b in itertools.pairwise(axis.starts)
            )
    if net.padding == "same":
        assert grid.rows.side * grid.columns.side <= wanted**2
        one_piece = -(-height // cell) * -(-width // cell) * cell**2 <= wanted**2
        assert (grid.count == 1) == one_piece


def test_no_more_tiles_and_no_larger_ones_than_it_takes() -> None:
    """1388 x 1040, a microscope's frame: two by two tiles that are smaller than what is allowed."""
    net = config(depth=4)
    grid = sliding_window.grid(net, 1040, 1388, 1024)
    assert grid.count == 4
    shared = sliding_window.overlap(net, 1024)
    assert (grid.rows.side, grid.columns.side) == (-(-(1040 + shared) // 32) * 16, -(-(1392 + shared) // 32) * 16)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("changes", NETS, ids=str)
def test_what_is_cut_and_blended_is_the_picture_again(height: int, width: int, changes: dict[str, Any]) -> None:
    net = config(**changes)
    image = np.random.default_rng(0).integers(0, 256, (height, width, 2), np.uint8)
    grid = sliding_window.grid(net, height, width, 64)
    margin = grid.rows.margin

    def pieces():
        for place in grid.places():
            cut = grid.cut(image, place)
            assert cut.shape == (grid.rows.side, grid.columns.side, 2)
            inner = cut[margin : cut.shape[0] - margin, margin : cut.shape[1] - margin]
            yield np.ascontiguousarray(inner.transpose(2, 0, 1), np.float32)

    whole = np.full((2, height, width), np.nan, np.float32)
    largest = 0
    for window, part in sliding_window.blend(grid, pieces()):
        assert np.isnan(whole[:, *window]).all()  # each pixel is given once
        whole[:, *window] = part
        largest = max(largest, part.size)
    np.testing.assert_allclose(whole, image.transpose(2, 0, 1), atol=1e-3)
    if grid.count > 1 and net.padding == "same":
        assert largest <= 2 * max(grid.rows.out, grid.columns.out) * min(height, width)  # one strip, across


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_a_tile_beyond_a_small_picture_is_mirrored_as_often_as_needed(length: int) -> None:
    net = config(padding="valid", norm="none", depth=1, image_size=44)
    image = np.arange(length, dtype=np.uint8)[:, None, None] + 10
    grid = sliding_window.grid(net, length, 1, 64)
    cut = grid.cut(image, (0, 0))[:, 0, 0]
    before, after = grid.rows.margin, grid.rows.side - grid.rows.margin - length
    assert cut.tolist() == np.pad(image[:, 0, 0], (before, after), "reflect" if length > 1 else "edge").tolist()


def test_a_pixel_that_sees_beyond_its_tile_has_no_weight_there() -> None:
    net = config(depth=4)
    grid = sliding_window.grid(net, 1500, 2000, 700)
    assert sliding_window.is_exact(net, 700)
    halo = sliding_window.reach(net)
    for axis in (grid.rows, grid.columns):
        assert len(axis.starts) > 2
        for number, weight in enumerate(axis.weights):
            assert (weight[:halo].max() == 0) == (number > 0)
            assert (weight[-halo:].max() == 0) == (number + 1 < len(axis.weights))
            assert (np.abs(np.diff(weight)) < 0.1).all()  # no step at which a seam could show


@pytest.mark.parametrize(
    ("changes", "tile", "exact"),
    [
        ({"depth": 1}, 64, True),
        ({"depth": 4}, 256, False),
        ({"depth": 4}, 512, True),
        ({"depth": 1, "norm": "group"}, 512, False),
        ({"depth": 1, "norm": "instance"}, 512, False),
        ({"depth": 1, "up": "bilinear_aligned"}, 512, False),
        ({"depth": 2, "padding": "valid", "norm": "none", "image_size": 60}, 64, True),
    ],
)
def test_which_nets_tiles_give_the_same_as_one_pass(changes: dict[str, Any], tile: int, exact: bool) -> None:
    assert sliding_window.is_exact(config(**changes), tile) is exact


def test_a_wide_net_gets_smaller_tiles() -> None:
    sides = [sliding_window.chosen_tile(config(base_channels=base, num_classes=12)) for base in (8, 32, 64, 256)]
    assert sides[0] == sliding_window.LARGEST
    assert sides == sorted(sides, reverse=True) and sides[-1] < sides[0]
    for side, base in zip(sides, (8, 32, 64, 256), strict=True):
        assert side % 16 == 0
        assert (
            side**2 * sliding_window.bytes_per_pixel(config(base_channels=base, num_classes=12))
            <= sliding_window.WORKING_BYTES
        )


@pytest.mark.parametrize("tile", [-5, 0, 31, 8193])
def test_a_tile_out_of_range_is_refused(tile: int) -> None:
    with pytest.raises(ConfigError, match=f"tile {tile} is out of range"):
        sliding_window.chosen_tile(config(), tile)


def test_a_tile_is_made_of_whole_cells() -> None:
    assert [sliding_window.chosen_tile(config(depth=4), tile) for tile in (32, 33, 100, 512)] == [32, 48, 112, 512]
    assert sliding_window.chosen_tile(config(depth=7, image_size=256), 100) == 256


def test_tiles_are_halved_until_that_makes_no_sense() -> None:
    sides = [1024]
    while (side := sliding_window.halved(config(depth=4), sides[-1])) is not None:
        sides.append(side)
    assert sides == [1024, 512, 256, 128, 64, 32]
    assert sliding_window.halved(config(depth=5), 64) is None
