"""Masks: objects merged once and remembered, and raw gray values to class indices in every case."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.data import label_map, masks
from unet_core.data.masks.coding import IGNORE, LabelMap, map_gray_values
from unet_core.data.layouts import Sample
from unet_core.data.mask_values import ValueTable, parse_color_map
from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.pixels import encode_png

Array = NDArray[np.uint8]
ONE: Array = np.array([[0, 1, 0], [0, 9, 0]], np.uint8)
TWO: Array = np.array([[0, 0, 0], [255, 255, 0]], np.uint8)
BOTH: Array = np.array([[0, 1, 0], [1, 1, 0]], np.uint8)
SHAPE = (2, 3, 1)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of this test only."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "unet-studio"


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    paths = (tmp_path / "1.png", tmp_path / os.fsdecode(b"2 \xff\n.png"))
    for path, mask in zip(paths, (ONE, TWO), strict=True):
        path.write_bytes(encode_png(mask))
    return Sample("a", tmp_path / "a.png", paths)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read, in their order."""
    seen: list[Path] = []
    read = images.read_mask

    def read_mask(path: Path, page: int | None = None, colors: bool = False) -> Array:
        seen.append(path)
        return read(path, page, colors)

    monkeypatch.setattr(images, "read_mask", read_mask)
    return seen


def test_one_file_is_read_as_it_is_and_not_cached(cache: Path, sample: Sample) -> None:
    alone = Sample("a", sample.image, sample.masks[:1])
    np.testing.assert_array_equal(masks.read(alone, SHAPE), ONE)
    assert not cache.exists()


def test_several_files_are_merged_once(cache: Path, sample: Sample, opened: list[Path]) -> None:
    np.testing.assert_array_equal(masks.read(sample, SHAPE), BOTH)
    assert opened == list(sample.masks)
    (kept,) = cache.iterdir()
    assert kept.suffix == ".png"
    opened.clear()
    np.testing.assert_array_equal(masks.read(sample, SHAPE), BOTH)
    assert opened == [kept], "the mask files were opened again"


@pytest.mark.parametrize("change", ["rewritten", "touched", "added", "removed"])
def test_a_change_of_the_files_is_noticed(cache: Path, sample: Sample, tmp_path: Path, change: str) -> None:
    masks.read(sample, SHAPE)
    expected = BOTH.copy()
    status = sample.masks[0].stat()
    if change == "rewritten":  # larger, within the same tick of the clock
        sample.masks[0].write_bytes(encode_png(np.full((2, 3), 7, np.uint8)) + b" ")
        os.utime(sample.masks[0], ns=(status.st_atime_ns, status.st_mtime_ns))
        expected[:] = 1
    elif change == "touched":  # of the same size, later
        data = encode_png(np.array([[0, 0, 9], [0, 0, 9]], np.uint8))
        sample.masks[0].write_bytes(data)
        os.utime(sample.masks[0], ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
        expected[:] = [[0, 0, 1], [1, 1, 1]]
    elif change == "added":
        (tmp_path / "3.png").write_bytes(encode_png(np.array([[0, 0, 3], [0, 0, 0]], np.uint8)))
        sample = Sample("a", sample.image, (*sample.masks, tmp_path / "3.png"))
        expected[0, 2] = 1
    else:
        (tmp_path / "3.png").write_bytes(encode_png(np.zeros((2, 3), np.uint8)))
        sample = Sample("a", sample.image, (sample.masks[0], tmp_path / "3.png"))
        expected = (ONE > 0).astype(np.uint8)
    np.testing.assert_array_equal(masks.read(sample, SHAPE), expected)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: b"text",
        lambda data: encode_png(np.ones((3, 2), np.uint8)),
    ],
    ids=["empty", "torn", "text", "another size"],
)
def test_a_damaged_cache_file_is_made_anew(
    cache: Path, sample: Sample, opened: list[Path], damage: Callable[[bytes], bytes]
) -> None:
    masks.read(sample, SHAPE)
    (kept,) = cache.iterdir()
    good = kept.read_bytes()
    kept.write_bytes(damage(good))
    np.testing.assert_array_equal(masks.read(sample, SHAPE), BOTH)
    assert [path.read_bytes() for path in cache.iterdir()] == [good]
    opened.clear()
    masks.read(sample, SHAPE)
    assert opened == [kept]


def test_without_a_cache_folder_it_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Sample) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        np.testing.assert_array_equal(masks.read(sample, SHAPE), BOTH)
    assert (tmp_path / "file").read_bytes() == b""


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert masks.cache_folder() == Path("/somewhere/unet-studio")
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("XDG_CACHE_HOME")
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert masks.cache_folder() == Path.home() / ".cache" / "unet-studio"


@pytest.mark.parametrize("count", [1, 2])
def test_another_size_is_refused_with_both_and_never_cached(cache: Path, sample: Sample, count: int) -> None:
    sample = Sample("a", sample.image, sample.masks[:count])
    with pytest.raises(DataError) as refusal:
        masks.read(sample, (4, 5, 3))
    assert str(refusal.value) == (
        f"{sample.masks[0]}: the mask is 3 x 2 pixels, its image a.png is 5 x 4; make both the same size."
    )
    assert not cache.exists()


def test_a_damaged_object_is_refused_by_name_and_nothing_is_cached(cache: Path, sample: Sample) -> None:
    sample.masks[1].write_bytes(b"")
    with pytest.raises(ImageError) as refusal:
        masks.read(sample, SHAPE)
    assert str(refusal.value).startswith(f"{sample.masks[1]}: ")
    assert not cache.exists()


def table_of(found: dict[int, int]) -> list[int]:
    """A table by hand: the class of each raw value that is named, IGNORE for all others."""
    return [found.get(value, IGNORE) for value in range(256)]


HALVED = {value: int(value > 127) for value in range(256)}


@pytest.mark.parametrize(
    ("values", "num_classes", "ignore_index", "expected", "classes"),
    [
        ({0, 1}, 0, None, {0: 0, 1: 1}, 1),
        ({0, 255}, 0, None, {0: 0, 255: 1}, 1),
        ({0, 7}, 0, None, {0: 0, 7: 1}, 1),
        ({0, 255}, 1, None, {0: 0, 255: 1}, 1),
        ({0}, 0, None, {0: 0}, 1),
        ({255}, 0, None, {255: 1}, 1),
        (set(), 0, None, {}, 1),
        ({0, 1, 255}, 0, 255, {0: 0, 1: 1}, 1),
        ({0, 255}, 0, 0, {255: 1}, 1),
        ({0, 128, 255}, 0, 128, {0: 0, 255: 1}, 1),
        ({0, 1, 2}, 0, None, {0: 0, 1: 1, 2: 2}, 3),
        ({0, 1, 2, 63}, 0, None, {value: value for value in range(64)}, 64),
        ({1, 2}, 0, None, {0: 0, 1: 1, 2: 2}, 3),
        ({0, 1, 2, 255}, 0, 255, {0: 0, 1: 1, 2: 2}, 3),
        ({0, 1, 2, 3}, 0, 1, {0: 0, 2: 2, 3: 3}, 4),
        ({0, 1}, 2, None, {0: 0, 1: 1}, 2),
        ({0, 255}, 2, None, {0: 0, 255: 1}, 2),
        ({0, 7, 255}, 2, 255, {0: 0, 7: 1}, 2),
        ({0, 3}, 5, None, {value: value for value in range(5)}, 5),
        (set(), 3, None, {0: 0, 1: 1, 2: 2}, 3),
        ({0, 200}, 254, None, {value: value for value in range(254)}, 254),
        ({0, 1, 11}, 11, 11, {value: value for value in range(11)}, 11),
        ({0, 3, 128, 252, 255}, 1, None, HALVED, 1),
        ({0, 3, 128, 252, 255}, 1, 128, HALVED | {128: IGNORE}, 1),
        ({0, 200, 255}, 1, 255, {0: 0, 200: 1}, 1),
    ],
)
def test_class_tables(
    values: set[int], num_classes: int, ignore_index: int | None, expected: dict[int, int], classes: int
) -> None:
    found = map_gray_values(dict.fromkeys(values, 1), num_classes, ignore_index)
    assert found.num_classes == classes
    assert found.table.dtype == np.uint8
    assert found.table.tolist() == table_of(expected)
    assert bool(found.warnings) == ((128 in values and ignore_index is None) or values == {0, 3, 128, 252, 255})


@pytest.mark.parametrize(
    ("values", "num_classes", "ignore_index", "message"),
    [
        ({0, 1, 255}, 0, None, "The masks hold 3 gray values (0, 1, 255), which are neither"),
        ({0, 1, 64}, 0, None, "The masks hold 3 gray values (0, 1, 64), which are neither"),
        (set(range(256)), 0, None, "The masks hold 256 gray values (0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 246 more)"),
        ({0, 1, 2}, 1, None, "The masks hold 3 gray values (0, 1, 2)"),
        ({0, 1, 5, 7}, 3, None, "The masks hold the values 5, 7, but with 3 classes they must be 0 to 2."),
        ({0, 1, 5, 255}, 3, 255, "The masks hold the values 5, but with 3 classes they must be 0 to 2."),
        (
            {0, 1, 2},
            2,
            None,
            "The masks hold the values 2, but with 2 classes they must be 0 to 1. Raise num_classes to 3",
        ),
    ],
)
def test_values_that_fit_nothing_are_asked_about(
    values: set[int], num_classes: int, ignore_index: int | None, message: str
) -> None:
    with pytest.raises(DataError) as refusal:
        map_gray_values(dict.fromkeys(values, 1), num_classes, ignore_index)
    assert str(refusal.value).startswith(message)
    assert "num_classes" in str(refusal.value)


def test_the_callers_counts_are_left_alone() -> None:
    counts = {0: 5, 1: 5, 255: 5}
    map_gray_values(counts, 0, 255)
    assert counts == {0: 5, 1: 5, 255: 5}


SOFT = {0: 6000, 3: 500, 80: 100, 128: 100, 200: 100, 250: 200, 255: 3000}


@pytest.mark.parametrize("num_classes", [0, 1, 2])
def test_soft_edges_are_cut_at_half_and_told(num_classes: int) -> None:
    found = map_gray_values(SOFT, num_classes, None)
    assert found.num_classes == max(1, num_classes)
    assert found.table.tolist() == table_of(HALVED)
    assert found.warnings == (
        "The masks hold 7 gray levels, 10.0% of the pixels between 0 and 255 (blurred or compressed edges). They were "
        "thresholded: above 127 is foreground.",
    )


@pytest.mark.parametrize(
    "counts",
    [
        {**SOFT, 128: 1000},  # more than a twentieth between
        {0: 900, 1: 50, 2: 40, 255: 10},  # three classes, the unlabeled not named
        {0: 9000, 20: 500, 33: 100, 255: 400},  # the same with more classes
        {0: 9000, 70: 100, 149: 100, 150: 1, 151: 1},  # many classes, nothing near 255
        {0: 9000, 128: 100, 255: 3000},  # a map of three levels
    ],
    ids=["too soft", "classes and 255", "more classes", "no white", "three levels"],
)
def test_what_may_be_classes_is_asked_about(counts: dict[int, int]) -> None:
    with pytest.raises(DataError, match="neither 0/1, 0/255 nor class indices"):
        map_gray_values(counts, 0, None)


def meaning(
    *pictures: Array, num_classes: int = 0, ignore: int | None = None, given: str = ""
) -> tuple[LabelMap, list]:
    """The classes of a dataset of these masks, and each mask as class indices."""
    codes, counts = ValueTable(), Counter[int]()
    raw = [codes.encode(picture) for picture in pictures]
    for mask in raw:
        counts.update(mask.ravel().tolist())
    found = label_map.make_label_map(
        codes, counts, num_classes, ignore, parse_color_map(given, Path()) if given else None
    )
    return found, [found.table[mask].tolist() for mask in raw]


BLACK, RED, BLUE, WHITE = (0, 0, 0), (255, 0, 0), (0, 0, 255), (255, 255, 255)


def colored(*pixels: tuple[int, int, int]) -> Array:
    return np.array([pixels], np.uint8)


def test_colors_are_found_sorted_behind_black() -> None:
    found, classes = meaning(colored(RED, BLACK), colored(WHITE, BLUE), np.array([[0, 255]], np.uint8))
    assert found.num_classes == 4
    assert classes == [[[2, 0]], [[3, 1]], [[0, 3]]], "gray masks among them are colors too"
    assert found.color_map == "0;0,0,255;255,0,0;255"
    assert found.warnings == (
        "The masks are in color; 4 colors were found and used as classes: 0 = (0), 1 = (0,0,255), 2 = (255,0,0), "
        '3 = (255). To set the order yourself, set color_map, for example to "0;0,0,255;255,0,0;255".',
    )
    given, again = meaning(colored(RED, BLACK), colored(BLUE, BLUE), given=found.color_map)
    assert (again, given.num_classes, given.warnings) == ([[[2, 0]], [[1, 1]]], 4, ()), "what was found can be given"


def test_without_black_the_commonest_color_is_the_background() -> None:
    found, classes = meaning(colored(RED, RED, BLUE))
    assert (found.num_classes, classes) == (1, [[[0, 0, 1]]])


def test_a_color_map_says_the_order_and_what_is_ignored() -> None:
    given = "255,0,0;0,0,255;255,255,255;9,9,9"
    found, classes = meaning(colored(RED, BLUE, WHITE), given=given)
    assert (found.num_classes, classes, found.warnings) == (4, [[[0, 1, 2]]], ())
    found, classes = meaning(colored(RED, BLUE, WHITE, (9, 9, 9)), given=given, ignore=3)
    assert (found.num_classes, classes) == (3, [[[0, 1, 2, IGNORE]]])
    assert meaning(colored(RED, BLUE), given="255,0,0;0,0,255")[0].num_classes == 1
    assert meaning(colored(RED, BLUE), given="255,0,0;0,0,255", num_classes=2)[0].num_classes == 2


def test_a_map_of_gray_levels() -> None:
    found, classes = meaning(np.array([[0, 128, 255]], np.uint8), given="128;0;255")
    assert (found.num_classes, classes) == (3, [[[1, 0, 2]]])


def test_a_color_that_the_map_does_not_name_is_refused() -> None:
    with pytest.raises(DataError, match=r"hold 2 values that color_map does not list: 0,0,255 \(1 pixels\), 255 \(2"):
        meaning(colored(RED, BLUE), np.array([[255, 255]], np.uint8), given="1,0,0;255,0,0")


@pytest.mark.parametrize("num_classes", [1, 2, 3, 5])
def test_found_colors_that_are_not_as_many_as_the_model_has_classes(num_classes: int) -> None:
    """A part of a dataset may lack a color, and all behind it would move by one."""
    with pytest.raises(DataError, match=rf"hold 4 colors, but the model has {num_classes} classes. List all classes"):
        meaning(colored(RED, BLACK, BLUE, WHITE), num_classes=num_classes)


def test_too_many_colors() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    with pytest.raises(DataError, match=r"more than 256 values or colors\. Colored masks that were compressed"):
        meaning(noise)
    with pytest.raises(DataError, match=r"hold \d+ colors, more than 64; they may be compressed"):
        meaning(noise[:2])


@pytest.mark.parametrize("white", [65535, 1000])
def test_labels_of_16_bits(white: int) -> None:
    found, classes = meaning(np.array([[0, white]], np.uint16), np.array([[white, white]], np.uint16))
    assert (found.num_classes, classes) == (1, [[[0, 1]], [[1, 1]]])
    assert meaning(np.array([[0, 1, 2]], np.uint16))[1] == [[[0, 1, 2]]]
    with pytest.raises(DataError, match=r"hold 3 labels \(0, 500, 1000\), some over 255.*color_map \"0;500;1000\"\."):
        meaning(np.array([[0, 500, 1000]], np.uint16))
    assert meaning(np.array([[0, 500, 1000]], np.uint16), given="0;500;1000")[1] == [[[0, 1, 2]]]


def test_foreground_of_gray_and_of_colors() -> None:
    assert masks.foreground(np.array([[0, 3]], np.uint8)).tolist() == [[0, 1]]
    assert masks.foreground(colored(BLACK, BLUE)).tolist() == [[0, 1]]
