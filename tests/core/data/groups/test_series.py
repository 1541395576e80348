"""Frames and slices by their names; numbers alone only where the images say so."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from unet_core.data.groups import series
from unet_core.data.layouts import Sample
from unet_core.io.pixels import Array


def some(*names: str) -> list[Sample]:
    return [Sample(name, Path(name), ()) for name in names]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("patient001_frame01", "patient001"),
        ("case 7 slice 12", "case 7"),
        ("mouse1_t003_z12", "mouse1"),
        ("mouse1.T3", "mouse1"),
        ("a/b-z-04", "a/b"),
        ("0006R0_f00930", "0006R0"),
        ("01/t000", "01"),
        ("train/t000", None),
        ("well_f1", None),  # a field of view, not a frame
        ("benign (12)", None),
        ("cells_0003", None),
        ("human_liver_07", None),
        ("t003", None),
        ("blitz12", None),
    ],
)
def test_words_that_mark_a_number(name: str, found: str | None) -> None:
    assert series.find_marked(some(name)) == ({} if found is None else {name: found})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Slide 1 [x=128,y=0,w=64,h=64]", "Slide 1"),
        ("Slide 1 [d=2,x=128,y=0,w=64,h=64]", "Slide 1"),
        ("a/b_x1024_y2048", "a/b"),
        ("scan-row03-col12", "scan"),
        ("scan_r3c12", "scan"),
        ("cell_x12", None),
        ("max1y2", None),
        ("car_12", None),
    ],
)
def test_coordinates_of_tiles(name: str, found: str | None) -> None:
    assert series.find_placed(some(name)) == ({} if found is None else {name: found})


def test_of_a_stack_the_name_of_the_file_counts() -> None:
    pages = [Sample(f"embryo_t{time}/{page:03d}", Path("x"), (), page=page) for time in (1, 2) for page in (0, 1)]
    assert set(series.find_marked(pages).values()) == {"embryo"}


def test_numbered_names_in_the_order_of_their_numbers() -> None:
    names = ("a_2", "a_10", "a_1", "b (3)", "b (11)", "no number", "7")
    assert series.find_numbered(some(*names)) == {"a": ["a_1", "a_2", "a_10"], "b": ["b (3)", "b (11)"], "": ["7"]}


def drifting(count: int, seed: int) -> list[Array]:
    """Frames of a camera that moves on over a wide scene."""
    scene = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(64, 64 + 12 * count)), (0, 0), 8)
    scene = (128 + 600 * scene).clip(0, 255).astype(np.uint8)[:, :, None]
    return [scene[:, 12 * number : 12 * number + 64] for number in range(count)]


def test_neighbors_of_a_video_are_alike_and_those_of_a_shuffled_one_are_not() -> None:
    frames = {f"{video}_{number}": image for video in "abc" for number, image in enumerate(drifting(15, ord(video)))}
    names = {video: [f"{video}_{number}" for number in range(15)] for video in "abc"}
    thumbnails = {name: series.make_thumbnail(image) for name, image in frames.items()}
    likeness, pairs = series.likeness_of_neighbors(names, thumbnails)
    assert pairs == 42 and likeness > 0.95 > series.needed_likeness(pairs)
    rng = np.random.default_rng(0)
    chances = []
    for _ in range(30):
        shuffled = {video: [ids[index] for index in rng.permutation(15)] for video, ids in names.items()}
        chances.append(series.likeness_of_neighbors(shuffled, thumbnails)[0])
    assert abs(np.mean(chances) - 0.5) < 0.05
    assert max(chances) < series.needed_likeness(pairs)


def test_few_images_or_none_say_nothing() -> None:
    assert series.likeness_of_neighbors({}, {}) == (0.5, 0)
    assert series.likeness_of_neighbors({"a": ["a1", "a2", "a3"]}, {}) == (0.5, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_a_thumbnail_knows_no_brightness(dtype: type) -> None:
    image = drifting(1, 5)[0].astype(dtype)
    small = series.make_thumbnail(image)
    assert (
        small.shape == (256,) and abs(float(small.sum())) < 1e-3 and float(small @ small) == pytest.approx(1, abs=1e-4)
    )
    assert np.allclose(series.make_thumbnail(image // 2 if dtype != np.float32 else image / 2), small, atol=0.01)
    assert not series.make_thumbnail(np.full((20, 20, 5), 9, dtype)).any()
