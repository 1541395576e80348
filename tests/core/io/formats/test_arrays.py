"""Arrays of numpy as images: which axis is the channels, damaged files, and what is not an image."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io import images

Array = NDArray[Any]
RNG = np.random.default_rng(0)
YX: Array = RNG.integers(0, 256, (40, 50), np.uint8)
YXC: Array = RNG.integers(0, 256, (40, 50, 5), np.uint8)


def saved(array: Array, zipped: bool = False, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    if zipped:
        np.savez_compressed(file, array)
    else:
        np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "array.npy"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("zipped", [False, True], ids=["npy", "npz"])
@pytest.mark.parametrize(
    ("array", "expected", "axes"),
    [
        (YX, YX[:, :, None], "YX"),
        (np.asfortranarray(YX), YX[:, :, None], "YX"),
        (YX.astype(">u2"), YX[:, :, None].astype(np.uint16), "YX"),
        (YX > 99, (YX > 99)[:, :, None] * np.uint8(255), "YX"),
        (YX.astype(np.int64) - 99, (YX[:, :, None].astype(np.float32) - 99), "YX"),
        (YX.astype(np.float64) / 7, (YX[:, :, None].astype(np.float64) / 7).astype(np.float32), "YX"),
        (YX.astype(np.float16), YX[:, :, None].astype(np.float32), "YX"),
        (YX[:, :, None], YX[:, :, None], "YXC"),
        (YX[None], YX[:, :, None], "CYX"),
        (YXC, YXC, "YXC"),
        (np.asfortranarray(YXC), YXC, "YXC"),
        (YXC[:, :, :3], YXC[:, :, :3], "YXC"),
        (YXC.transpose(2, 0, 1), YXC, "CYX"),
        (YXC.transpose(2, 0, 1)[:2].astype(np.float32), YXC[:, :, :2].astype(np.float32), "CYX"),
        (np.zeros((33, 34, 32), np.uint8), np.zeros((33, 34, 32), np.uint8), "YXC"),
    ],
)
def test_an_array_is_an_image(
    file: Callable[[bytes], Path], array: Array, expected: Array, axes: str, zipped: bool
) -> None:
    path = file(saved(array, zipped))
    found = images.read(path)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(images.decode(path.read_bytes(), "upload"), expected)
    info = images.describe(path)
    assert (info.height, info.width, info.channels) == expected.shape
    assert (info.axes, info.pages, images.pages(path)) == (axes, 1, 1)
    assert images.size(path) == expected.shape[:2]
    assert ("is taken for" in info.note) == (info.channels > 1), "which axis the channels are is a guess"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((40, 50, 60)), r"of the shape \(40, 50, 60\) no axis is clearly the channels"),
        (np.zeros((5, 50, 5)), r"of the shape \(5, 50, 5\) no axis is clearly the channels"),
        (np.zeros(40), r"an array of shape \(40,\) is not an image"),
        (np.zeros((2, 3, 40, 50)), r"an array of shape \(2, 3, 40, 50\) is not an image"),
        (np.zeros((0, 50)), r"an array of shape \(0, 50\) is not an image"),
        (np.zeros((4, 5), np.complex64), "an array of complex64 is not an image; save numbers"),
        (np.full((4, 5), "a"), "an array of <U1 is not an image; save numbers"),
        (np.zeros((4, 5), [("a", "u1")]), r"an array of .* is not an image; save numbers"),
    ],
)
def test_an_array_that_is_no_image(file: Callable[[bytes], Path], array: Array, message: str) -> None:
    path = file(saved(array))
    for read in (images.read, images.read_mask_file, images.size, images.describe):
        with pytest.raises(ImageError, match=rf"array\.npy: {message}"):
            read(path)


def test_a_pickle_is_never_opened(file: Callable[[bytes], Path]) -> None:
    path = file(saved(np.array({"masks": 1}, dtype=object), allow_pickle=True))
    with pytest.raises(ImageError, match="an array of object is not an image; save numbers"):
        images.read(path)


def test_several_arrays_are_refused_by_name(file: Callable[[bytes], Path]) -> None:
    data = io.BytesIO()
    np.savez(data, image=YX, mask=YX)
    with pytest.raises(ImageError, match=r"contains 2 arrays \(image, mask\), but one is expected"):
        images.read(file(data.getvalue()))
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("notes.txt", "Dear diary")
    with pytest.raises(ImageError, match="not a supported image file"):
        images.read(file(data.getvalue()))


def header(shape: tuple[int, ...]) -> bytes:
    data = io.BytesIO()
    npy.write_array_header_1_0(data, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return data.getvalue()


def test_sizes_are_taken_from_the_header(file: Callable[[bytes], Path]) -> None:
    with pytest.raises(ImageError, match="30000 x 40000 pixels exceed the limit of 89,478,485"):
        images.read(file(header((40_000, 30_000))))
    path = file(header((400, 300)) + bytes(99))
    assert images.size(path) == (400, 300)
    with pytest.raises(ImageError, match=r"is damaged \(the file ends before its pixels do"):
        images.read(path)


def test_a_zip_that_unpacks_to_more_than_its_array_is_cut(file: Callable[[bytes], Path]) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arr_0.npy", header((4, 5)) + bytes(10_000_000))
    assert images.read(file(data.getvalue())).shape == (4, 5, 1)


def test_mutated_arrays_are_read_or_refused_and_nothing_else(file: Callable[[bytes], Path]) -> None:
    rng = np.random.default_rng(3)
    seeds = [saved(YXC), saved(YX.astype(np.float32)), saved(YXC, zipped=True)]
    read = refused = 0
    for number in range(400):
        data = bytearray(seeds[number % 3])
        for _ in range(int(rng.integers(1, 4))):
            data[rng.integers(min(len(data), int(rng.choice([20, 130, 5000]))))] = rng.choice([0, 1, 255, 40, 77])
        try:
            images.read(file(bytes(data[: None if rng.random() < 0.8 else int(rng.integers(len(data)))])))
            read += 1
        except ImageError:
            refused += 1
    assert read > 50
    assert refused > 50
