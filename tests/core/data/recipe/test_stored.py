"""What repairs do to masks as they are stored: exact pixels, on values, objects, palettes and ignored pixels alike."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from unet_core.data.masks.raw import RawMask
from unet_core.data.masks.values import count_values
from unet_core.data.recipe import stored
from unet_core.data.recipe.kinds import CLASSES, REPAIRS, STORED
from unet_core.data.recipe.recipe import Repair, make_repair

RNG = np.random.default_rng(3)


def raw_of(values: Any, **more: Any) -> RawMask:
    array = np.asarray(values)
    array = array if array.dtype in (np.uint8, np.uint16, np.uint32) else array.astype(np.uint8)
    return RawMask(array, parts=(frozenset(count_values(array)),), **more)


def repaired(raw: RawMask, *repairs: Repair, shape: tuple[int, int] | None = None) -> RawMask:
    height, width = raw.values.shape[:2]
    return stored.repair(raw, repairs, shape or (height, width))


def is_ignored(raw: RawMask) -> list[list[int]]:
    return np.zeros(raw.values.shape[:2], int).tolist() if raw.ignored is None else raw.ignored.astype(int).tolist()


def test_every_stored_kind_has_its_function() -> None:
    assert set(stored.CHANGES) == {name for name, kind in REPAIRS.items() if kind.stage == STORED}


def test_what_needs_classes_is_kept_for_them_in_order() -> None:
    specks, invert = make_repair("remove_specks", area=3), make_repair("invert")
    raw = repaired(raw_of([[1, 2]]), specks, make_repair("scale_intensity", factor=2.0), make_repair("snap"), invert)
    assert raw.repairs == (specks, invert)
    assert all(REPAIRS[one.kind].stage == CLASSES for one in raw.repairs)


SQUARE = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_a_shift_moves_pixels_and_ignores_where_none_came_from() -> None:
    ignored = np.zeros((3, 3), bool)
    ignored[0, 0] = True
    raw = raw_of(SQUARE, objects=np.array(SQUARE, np.int32) * 10, ignored=ignored)
    moved = repaired(raw, make_repair("shift", down=1, right=-1))
    assert moved.values.tolist() == [[2, 3, 3], [2, 3, 3], [5, 6, 6]]
    assert moved.objects is not None
    assert moved.objects.tolist() == [[20, 30, 30], [20, 30, 30], [50, 60, 60]]
    assert is_ignored(moved) == [[1, 1, 1], [0, 0, 1], [0, 0, 1]]
    assert is_ignored(repaired(raw, make_repair("shift", right=1))) == [[1, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert raw.values.tolist() == SQUARE


def test_a_shift_out_of_the_image_leaves_nothing_that_counts() -> None:
    moved = repaired(raw_of(SQUARE), make_repair("shift", down=-7))
    assert is_ignored(moved) == [[1, 1, 1]] * 3
    assert set(np.unique(moved.values)) <= {7, 8, 9}


def test_a_shift_and_back_gives_what_stayed_inside() -> None:
    raw = raw_of(RNG.integers(0, 5, (20, 30), np.uint8))
    back = repaired(raw, make_repair("shift", down=3, right=-4), make_repair("shift", down=-3, right=4))
    inside = ~np.array(is_ignored(back), bool)
    assert (back.values == raw.values)[inside].all()
    assert inside.sum() == 17 * 26


@pytest.mark.parametrize(
    ("at", "rows", "columns"), [("center", slice(2, 7), slice(1, 6)), ("top_left", slice(0, 5), slice(0, 5))]
)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_larger_mask_is_cropped(at: str, rows: slice, columns: slice, channels: tuple[int, ...]) -> None:
    raw = raw_of(RNG.integers(0, 5, (10, 8, *channels), np.uint8))
    cropped = repaired(raw, make_repair("fit", how="crop", at=at), shape=(5, 5))
    # 5 of 10 rows and 3 of 8 columns are too many; of an odd number one more is cut below and on the right
    assert np.array_equal(cropped.values, raw.values[rows, columns])
    assert cropped.ignored is None


@pytest.mark.parametrize(("at", "top", "left"), [("center", 1, 2), ("top_left", 0, 0)])
def test_a_smaller_mask_is_padded_with_pixels_that_do_not_count(at: str, top: int, left: int) -> None:
    raw = raw_of(RNG.integers(1, 5, (3, 4), np.uint8))
    padded = repaired(raw, make_repair("fit", how="pad", at=at), shape=(5, 7))
    expected = np.ones((5, 7), bool)
    expected[top : top + 3, left : left + 4] = False
    assert is_ignored(padded) == expected.astype(int).tolist()
    assert np.array_equal(padded.values[top : top + 3, left : left + 4], raw.values)
    assert set(np.unique(padded.values)) <= set(np.unique(raw.values)), "no value that was not there"


def test_a_mask_that_is_wider_and_lower_is_cropped_and_padded() -> None:
    raw = raw_of(RNG.integers(1, 5, (3, 6), np.uint8))
    for how in ("crop", "pad"):
        fitted = repaired(raw, make_repair("fit", how=how, at="top_left"), shape=(4, 5))
        assert np.array_equal(fitted.values[:3], raw.values[:, :5])
        assert is_ignored(fitted) == [[0] * 5] * 3 + [[1] * 5]


@pytest.mark.parametrize(("how", "shape"), [("crop", (9, 9)), ("pad", (2, 2))])
def test_what_cannot_be_fitted_so_stays_for_whoever_compares_sizes(how: str, shape: tuple[int, int]) -> None:
    one = make_repair("fit", how=how)
    assert repaired(raw_of(SQUARE), one, shape=shape).values.tolist() == SQUARE
    assert stored.size_after((3, 3), [one], shape) == (3, 3)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_scaling_down_gives_the_middle_pixel_and_up_repeats(factor: int) -> None:
    small = RNG.integers(0, 9, (6, 7), np.uint8)
    large = np.kron(small, np.ones((factor, factor), np.uint8))
    scale = make_repair("fit", how="scale")
    assert np.array_equal(repaired(raw_of(small), scale, shape=(6 * factor, 7 * factor)).values, large)
    assert np.array_equal(repaired(raw_of(large), scale, shape=(6, 7)).values, small)


def test_scaling_is_that_of_pillow() -> None:
    values = RNG.integers(0, 255, (37, 53), np.uint8)
    expected = np.asarray(Image.fromarray(values).resize((91, 20), Image.Resampling.NEAREST))
    assert np.array_equal(repaired(raw_of(values), make_repair("fit", how="scale"), shape=(20, 91)).values, expected)


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_turn_is_what_viewers_do_by_exif(orientation: int, channels: tuple[int, ...]) -> None:
    values = RNG.integers(0, 255, (4, 6, *channels), np.uint8)
    image = Image.fromarray(values)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    one = make_repair("turn", orientation=orientation)
    turned = repaired(raw_of(values, ignored=values.reshape(4, 6, -1)[:, :, 0] > 99), one)
    assert np.array_equal(turned.values, expected)
    assert turned.ignored is not None
    assert np.array_equal(turned.ignored, expected.reshape(*expected.shape[:2], -1)[:, :, 0] > 99)
    assert stored.size_after((4, 6), [one], (9, 9)) == expected.shape[:2]


def test_sizes_after_several_repairs() -> None:
    turn, scale = make_repair("turn", orientation=6), make_repair("fit", how="scale")
    shift = make_repair("shift", down=1)
    assert stored.size_after((3, 4), [shift, turn], (4, 3)) == (4, 3)
    assert stored.size_after((3, 4), [scale, turn], (4, 3)) == (3, 4), "it fitted before it was turned"
    assert stored.size_after((30, 40), [turn, scale], (4, 3)) == (4, 3)


def test_values_are_recoded_all_at_once() -> None:
    raw = repaired(raw_of([[0, 1], [2, 255]]), make_repair("recode", values=["1:2", "2:1", "255:300"]))
    assert raw.values.tolist() == [[0, 2], [1, 300]]
    assert raw.values.dtype == np.uint16
    assert raw.parts == (frozenset(count_values(raw.values)),)
    assert repaired(raw_of([[300, 7]]), make_repair("recode", values=["1:2"])).values.tolist() == [[44, 7]]
    wide = repaired(raw_of(np.array([[70000, 7]], np.uint32)), make_repair("recode", values=["70000:1"]))
    assert (wide.values.tolist(), wide.values.dtype) == ([[1, 7]], np.uint8)


def test_colors_are_recoded_also_those_of_palettes() -> None:
    red_to_white = make_repair("recode", values=["255,0,0:255,255,255"])
    raw = repaired(raw_of([[[255, 0, 0], [0, 0, 9]]]), red_to_white)
    assert raw.values.tolist() == [[[255, 255, 255], [0, 0, 9]]]
    palette = np.zeros((256, 3), np.uint8)
    palette[7] = 255, 0, 0
    raw = repaired(raw_of([[7, 1]], palette=palette), red_to_white)
    assert (raw.values.tolist(), raw.palette) == ([[255, 0]], None)
    raw = repaired(raw_of([[7, 1]], palette=palette), make_repair("recode", values=["7:2"]))
    assert (raw.values.tolist(), raw.palette) == ([[2, 1]], None)


def test_a_threshold_cuts_gray_color_and_palette() -> None:
    cut = make_repair("threshold", level=127)
    assert repaired(raw_of([[0, 127, 128, 255]], lossy=True), cut).values.tolist() == [[0, 0, 255, 255]]
    assert repaired(raw_of([[0, 128]], lossy=True), cut).lossy is False
    assert repaired(
        raw_of(np.array([[300, 70000]], np.uint32)), make_repair("threshold", level=300.5)
    ).values.tolist() == [[0, 255]]
    assert repaired(raw_of([[[0, 0, 200], [90, 90, 90]]]), cut).values.tolist() == [[255, 0]]
    palette = np.repeat(255 - np.arange(256, dtype=np.uint8)[:, None], 3, 1)
    assert repaired(raw_of([[0, 255]], palette=palette), cut).values.tolist() == [[255, 0]]


def test_smeared_values_snap_to_the_frequent_ones() -> None:
    true = np.zeros((100, 100), np.uint8)
    true[20:60, 20:60] = 100
    true[60:80, 60:80] = 200
    smeared = true.copy()
    smeared[20, 20:60:2], smeared[60, 60:80:2], smeared[0, :5] = 70, 151, 149
    expected = true.copy()
    expected[60, 60:80:2], expected[0, :5] = 200, 100
    raw = repaired(raw_of(smeared, lossy=True), make_repair("snap"))
    assert np.array_equal(raw.values, expected)
    assert not raw.lossy
    assert repaired(raw, make_repair("snap")).values.tolist() == raw.values.tolist()


def test_a_real_jpeg_snaps_to_within_its_edges() -> None:
    true = np.zeros((64, 64), np.uint8)
    true[16:48, 16:48] = 255  # along the blocks of JPEG, whose edges it keeps
    true[30:34, 30:34] = 0
    data = cv2.imencode(".jpg", true, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    smeared = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    assert len(np.unique(smeared)) > 2
    assert np.array_equal(repaired(raw_of(smeared), make_repair("snap")).values, true)


def test_palettes_snap_by_their_colors() -> None:
    palette = np.zeros((256, 3), np.uint8)
    palette[1], palette[2], palette[3] = (255, 0, 0), (0, 0, 255), (10, 0, 240)
    values = np.repeat([[0, 1, 2]], 100, 1).astype(np.uint8)
    values[0, 0] = 3
    raw = repaired(raw_of(np.repeat(values, 10, 0), palette=palette), make_repair("snap"))
    assert raw.values[0, 0] == 2
    assert raw.palette is palette


def test_colors_snap_and_a_tie_takes_the_lower() -> None:
    values = np.zeros((10, 100, 3), np.uint8)
    values[:, 50:] = 100, 0, 0
    values[0, 0] = 50, 0, 0
    values[0, 1] = 51, 0, 0
    raw = repaired(raw_of(values), make_repair("snap"))
    assert raw.values[0, :2].tolist() == [[0, 0, 0], [100, 0, 0]]


def test_nothing_frequent_leaves_everything() -> None:
    values: NDArray[Any] = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(repaired(raw_of(values), make_repair("snap")).values, values)


def test_repairs_act_in_their_order() -> None:
    swap, cut = make_repair("recode", values=["9:0", "0:9"]), make_repair("threshold", level=5)
    assert repaired(raw_of([[0, 9]]), swap, cut).values.tolist() == [[255, 0]]
    assert repaired(raw_of([[0, 9]]), cut, swap).values.tolist() == [[9, 255]]
