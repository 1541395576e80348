"""Mask files: one is read as it is, several are joined once with their values, objects and parts, and remembered."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unet_core.data.layouts import Sample
from unet_core.data.masks import files
from unet_core.data.masks.values import encode_value
from unet_core.errors import DataError, ImageError
from unet_core.io import images
from unet_core.io.files import cache_folder
from unet_core.io.pixels import encode_png

Array = NDArray[np.uint8]
ONE: Array = np.array([[0, 1, 0], [0, 1, 0]], np.uint8)
TWO: Array = np.array([[0, 0, 0], [255, 255, 0]], np.uint8)
JOINED: Array = np.array([[0, 1, 0], [255, 255, 0]], np.uint8)
OBJECTS = np.array([[0, 1, 0], [2, 2, 0]])
SHAPE = (2, 3, 1)


def codes(*values: int) -> frozenset[int]:
    return frozenset(encode_value((value,)) for value in values)


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
    read_files: list[Path] = []
    read = images.read_mask_file

    def read_mask_file(path: Path, page: int | None = None) -> images.MaskPixels:
        read_files.append(path)
        return read(path, page)

    monkeypatch.setattr(images, "read_mask_file", read_mask_file)
    return read_files


def assert_joined(mask: files.RawMask) -> None:
    np.testing.assert_array_equal(mask.values, JOINED)
    np.testing.assert_array_equal(mask.objects, OBJECTS)
    assert mask.parts == (codes(0, 1), codes(0, 255))


def test_one_file_is_read_as_it_is_and_not_cached(cache: Path, sample: Sample) -> None:
    mask = files.read(Sample("a", sample.image, sample.masks[:1]), SHAPE)
    np.testing.assert_array_equal(mask.values, ONE)
    assert mask.objects is None
    assert mask.parts == (codes(0, 1),)
    assert not cache.exists()


def test_several_files_are_joined_once_and_keep_their_values(cache: Path, sample: Sample, opened: list[Path]) -> None:
    assert_joined(files.read(sample, SHAPE))
    assert opened == list(sample.masks)
    (cached,) = cache.iterdir()
    assert cached.suffix == ".mask"
    assert_joined(files.read(sample, SHAPE))
    assert opened == list(sample.masks), "read a second time"


@pytest.mark.parametrize("change", ["written", "another", "one less"])
def test_a_change_of_the_files_is_noticed(cache: Path, sample: Sample, tmp_path: Path, change: str) -> None:
    files.read(sample, SHAPE)
    expected = JOINED.copy()
    if change == "written":
        sample.masks[0].write_bytes(encode_png(np.array([[7, 7, 0], [0, 0, 0]], np.uint8)))
        expected = np.array([[7, 7, 0], [255, 255, 0]], np.uint8)
    elif change == "another":
        (tmp_path / "3.png").write_bytes(encode_png(np.array([[0, 0, 9], [0, 0, 0]], np.uint8)))
        sample = Sample("a", sample.image, (*sample.masks, tmp_path / "3.png"))
        expected[0, 2] = 9
    else:
        (tmp_path / "3.png").write_bytes(encode_png(np.zeros((2, 3), np.uint8)))
        sample = Sample("a", sample.image, (sample.masks[0], tmp_path / "3.png"))
        expected = ONE
    np.testing.assert_array_equal(files.read(sample, SHAPE).values, expected)


def cut(data: bytes) -> bytes:
    return data[:-9]


@pytest.mark.parametrize(
    "damage", [cut, lambda data: b"", lambda data: b"no json\n", lambda data: data.partition(b"\n")[0]]
)
def test_a_damaged_cache_file_is_made_anew(cache: Path, sample: Sample, damage: Callable[[bytes], bytes]) -> None:
    files.read(sample, SHAPE)
    (cached,) = cache.iterdir()
    cached.write_bytes(damage(cached.read_bytes()))
    assert_joined(files.read(sample, SHAPE))
    assert_joined(files.read(sample, SHAPE))


def test_without_a_cache_folder_it_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Sample) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert_joined(files.read(sample, SHAPE))


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/unet-studio")
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("XDG_CACHE_HOME")
        else:
            monkeypatch.setenv("XDG_CACHE_HOME", unset)
        assert cache_folder() == Path.home() / ".cache" / "unet-studio"


@pytest.mark.parametrize("count", [1, 2])
def test_another_size_is_refused_with_both_and_never_cached(cache: Path, sample: Sample, count: int) -> None:
    sample = Sample("a", sample.image, sample.masks[:count])
    with pytest.raises(DataError) as refusal:
        files.read(sample, (4, 5, 3))
    assert str(refusal.value) == (
        f"{sample.masks[0]}: the mask is 3 x 2 pixels, its image a.png is 5 x 4; make both the same size."
    )
    assert not cache.exists()


def test_a_damaged_object_is_refused_by_name_and_nothing_is_cached(cache: Path, sample: Sample) -> None:
    sample.masks[1].write_bytes(b"")
    with pytest.raises(ImageError) as refusal:
        files.read(sample, SHAPE)
    assert str(refusal.value).startswith(f"{sample.masks[1]}: ")
    assert not cache.exists()


def test_colors_and_gray_are_joined_as_colors(cache: Path, sample: Sample) -> None:
    red = np.zeros((2, 3, 3), np.uint8)
    red[0, 0] = 200, 0, 0
    sample.masks[0].write_bytes(encode_png(red))
    for _ in range(2):  # made, then from the cache
        mask = files.read(sample, SHAPE)
        assert mask.values[0, 0].tolist() == [200, 0, 0]
        assert mask.values[1, 0].tolist() == [255, 255, 255]
        assert mask.objects is not None
        assert mask.objects.tolist() == [[1, 0, 0], [2, 2, 0]]


def test_16_bits_keep_their_values(cache: Path, sample: Sample) -> None:
    sample.masks[0].write_bytes(encode_png(ONE.astype(np.uint16) * 300))
    for _ in range(2):
        assert files.read(sample, SHAPE).values.tolist() == [[0, 300, 0], [255, 255, 0]]


@pytest.mark.parametrize("white", [0, 1])
def test_palettes_of_black_and_white_are_read_by_color(tmp_path: Path, white: int) -> None:
    image = Image.fromarray(ONE if white else 1 - ONE).convert("P")
    image.putpalette([0, 0, 0, 255, 255, 255] if white else [255, 255, 255, 0, 0, 0])
    image.save(tmp_path / "m.png")
    mask = files.read(Sample("a", tmp_path / "a.png", (tmp_path / "m.png",)), SHAPE)
    np.testing.assert_array_equal(mask.values, ONE * 255)
    assert mask.palette is None


def test_other_palettes_stay_beside_their_indices(tmp_path: Path) -> None:
    image = Image.fromarray(ONE * 2).convert("P")
    image.putpalette([0, 0, 0, 9, 9, 9, 200, 0, 0])
    image.save(tmp_path / "m.png")
    mask = files.read(Sample("a", tmp_path / "a.png", (tmp_path / "m.png",)), SHAPE)
    np.testing.assert_array_equal(mask.values, ONE * 2)
    assert mask.as_colors()[0, 1].tolist() == [200, 0, 0]


def test_foreground_of_gray_and_of_colors() -> None:
    gray: Array = np.array([[0, 1, 255]], np.uint8)
    colors: Array = np.array([[[0, 0, 0], [0, 0, 1], [255, 255, 255]]], np.uint8)
    for mask in (gray, gray.astype(np.uint16) * 257, colors):
        np.testing.assert_array_equal(files.foreground(mask), [[0, 1, 1]])
