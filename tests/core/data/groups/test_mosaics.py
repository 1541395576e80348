"""Tiles of one image find one another by their borders; whatever else comes along finds nothing."""

import cv2
import numpy as np
import pytest

from unet_core.data.groups import mosaics
from unet_core.io.pixels import Array, Pixels


def photo(seed: int, height: int = 512, width: int = 512, channels: int = 3, grain: float = 0.7) -> Array:
    """Blobs with soft edges and the grain of a camera."""
    rng = np.random.default_rng(seed)
    coarse = cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 5) * 5
    pixels = 90 + 60 * np.tanh(3 * coarse)[:, :, None] * rng.uniform(0.6, 1, channels)
    return np.clip(pixels + rng.normal(0, grain, (height, width, channels)), 0, 255).astype(np.uint8)


def neighbors(tiles: dict[str, Pixels]) -> list[tuple[str, str]]:
    return mosaics.find_neighbors({name: mosaics.measure_borders(tile) for name, tile in tiles.items()})


def cut(image: Pixels, side: int, gap: int = 0, name: str = "") -> dict[str, Pixels]:
    rows, columns = ((length + gap) // (side + gap) for length in image.shape[:2])
    step = side + gap
    return {
        f"{name}{row}{column}": image[row * step : row * step + side, column * step : column * step + side]
        for row in range(rows)
        for column in range(columns)
    }


def test_the_borders_are_the_outermost_lines() -> None:
    image = np.arange(24, dtype=np.uint16).reshape(3, 4, 2)
    borders = mosaics.measure_borders(image)
    gray = image.mean(2)
    assert (borders.top == gray[:2]).all() and (borders.bottom == gray[[2, 1]]).all()
    assert (borders.left == gray[:, :2].T).all() and (borders.right == gray[:, [3, 2]].T).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [128, 256])
def test_all_tiles_of_an_image_are_found_and_in_their_order(side: int, channels: int) -> None:
    found = neighbors(cut(photo(1, channels=channels), side))
    number = 512 // side
    beside = {(f"{row}{col}", f"{row}{col + 1}") for row in range(number) for col in range(number - 1)}
    below = {(f"{row}{col}", f"{row + 1}{col}") for row in range(number - 1) for col in range(number)}
    assert set(found) == beside | below


@pytest.mark.parametrize("scale", [np.uint16(200), np.float32(1 / 255)], ids=["uint16", "float"])
def test_the_depth_does_not_matter(scale: np.generic) -> None:
    image = photo(2).astype(np.asarray(scale).dtype) * scale
    assert len(neighbors(cut(image, 256))) == 4


def test_tiles_of_several_images_stay_apart() -> None:
    tiles = {key: tile for seed in range(6) for key, tile in cut(photo(seed), 128, name=f"{seed}-").items()}
    pairs = neighbors(tiles)
    assert len(pairs) == 6 * 24
    assert all(first[0] == second[0] for first, second in pairs)
    assert [len(group) for group in mosaics.components(tiles, pairs)] == [16] * 6


@pytest.mark.parametrize("gap", [4, 16])
def test_tiles_with_a_gap_are_none(gap: int) -> None:
    tiles = {key: tile for seed in range(8) for key, tile in cut(photo(seed), 120, gap, f"{seed}-").items()}
    assert neighbors(tiles) == []


def flat(seed: int) -> Pixels:
    return np.full((128, 128, 1), seed, np.uint8)


def noisy(seed: int) -> Pixels:
    return np.random.default_rng(seed).normal(30, 3, (128, 128, 1)).astype(np.uint8)


def shaded(seed: int) -> Pixels:
    """The same vignette in every image, and grain."""
    y, x = np.mgrid[-1:1:128j, -1:1:128j]
    return (200 - 80 * (x**2 + y**2) + np.random.default_rng(seed).normal(0, 2, (128, 128)))[:, :, None].astype(
        np.uint8
    )


def framed(seed: int) -> Pixels:
    """The same ruler above and below in every image."""
    image = photo(seed, 128, 128, 1)
    image[[0, 1, -2, -1]] = (np.arange(128) % 8 < 4)[None, :, None] * np.uint8(200)
    image[:, [0, 1, -2, -1]] = 0
    return image


@pytest.mark.parametrize("kind", [flat, noisy, shaded, framed])
def test_what_all_images_have_in_common_is_no_sign(kind) -> None:
    assert neighbors({f"{seed:02d}": kind(seed) for seed in range(40)}) == []


def test_frames_of_a_still_camera_are_none() -> None:
    scene = photo(3, 128, 180)
    frames = {f"{number}": scene[:, number : 160 + number] for number in range(20)}
    assert neighbors(frames) == []


def test_short_borders_say_too_little() -> None:
    assert neighbors(cut(photo(4), 32)) == []


def test_other_lengths_do_not_meet() -> None:
    image = photo(5)
    assert neighbors({"a": image[:256, :256], "b": image[256:, :200]}) == []
    assert neighbors({"a": image[:256, :256], "b": image[256:400, :256]}) == [("a", "b")]


def test_hundreds_of_tiles_are_compared_at_once() -> None:
    tiles = {f"{seed:03d}": photo(seed, 128, 128, 1) for seed in range(mosaics.BLOCK + 90)}
    tiles |= cut(photo(9999, 256, 256, 1), 128, name="z")
    assert neighbors(tiles) == [("z00", "z01"), ("z00", "z10"), ("z01", "z11"), ("z10", "z11")]
