"""Deep pictures, every bit: 16-bit and float files of independent writers against the arrays they were given."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from unet_core.errors import ImageError
from unet_core.io import images
from unet_core.io.formats import tiff_pixels

Array = NDArray[Any]
RNG = np.random.default_rng(0)
GRAY: Array = RNG.integers(0, 65536, (9, 11), np.uint16)
GRAY[0, :4] = 0, 255, 256, 65535
RGB: Array = RNG.integers(0, 65536, (9, 11, 3), np.uint16)
RGBA: Array = RNG.integers(0, 65536, (9, 11, 4), np.uint16)
FLOAT: Array = (RNG.standard_normal((9, 11)) * 1e4).astype(np.float32)
FLOAT_RGB: Array = RNG.standard_normal((9, 11, 3)).astype(np.float32)
TILED: Array = RNG.integers(0, 65536, (70, 40), np.uint16)


def tiff(pixels: Array, **how: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


def by_cv2(pixels: Array, ending: str) -> bytes:
    done, data = cv2.imencode(ending, pixels if pixels.ndim == 2 else pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]])
    assert done
    return bytes(data.tobytes())


def by_pillow(pixels: Array, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **how)
    return file.getvalue()


GOLDEN: dict[str, tuple[bytes, Array]] = {
    "tifffile gray": (tiff(GRAY), GRAY),
    "tifffile gray big-endian": (tiff(GRAY, byteorder=">"), GRAY),
    "tifffile gray BigTIFF": (tiff(GRAY, bigtiff=True), GRAY),
    "tifffile gray deflated": (tiff(GRAY, compression="zlib"), GRAY),
    "tifffile gray deflated, differences": (tiff(GRAY, compression="zlib", predictor=True), GRAY),
    "tifffile gray 0 is white": (tiff(GRAY, photometric="miniswhite"), 65535 - GRAY),
    "tifffile gray 0 is white, deflated": (tiff(GRAY, photometric="miniswhite", compression="zlib"), 65535 - GRAY),
    "tifffile gray tiles": (tiff(TILED, tile=(32, 16)), TILED),
    "tifffile gray tiles deflated": (tiff(TILED, tile=(32, 16), compression="zlib"), TILED),
    "tifffile gray and alpha": (
        tiff(
            np.dstack([GRAY, GRAY[::-1]]), photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"]
        ),
        GRAY,
    ),
    "tifffile RGB": (tiff(RGB, photometric="rgb"), RGB),
    "tifffile RGB deflated": (tiff(RGB, photometric="rgb", compression="zlib"), RGB),
    "tifffile RGB planes": (tiff(RGB.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate"), RGB),
    "tifffile RGBA": (tiff(RGBA, photometric="rgb", extrasamples=["unassalpha"]), RGBA[:, :, :3]),
    "tifffile RGBA deflated": (
        tiff(RGBA, photometric="rgb", extrasamples=["unassalpha"], compression="zlib"),
        RGBA[:, :, :3],
    ),
    "tifffile float": (tiff(FLOAT), FLOAT),
    "tifffile float deflated": (tiff(FLOAT, compression="zlib"), FLOAT),
    "tifffile float RGB": (tiff(FLOAT_RGB, photometric="rgb"), FLOAT_RGB),
    "Pillow gray TIFF": (by_pillow(GRAY, "TIFF"), GRAY),
    "Pillow gray TIFF LZW": (by_pillow(GRAY, "TIFF", compression="tiff_lzw"), GRAY),
    "Pillow gray PNG": (by_pillow(GRAY, "PNG"), GRAY),
    "Pillow float TIFF": (by_pillow(FLOAT, "TIFF"), FLOAT),
    "OpenCV gray PNG": (by_cv2(GRAY, ".png"), GRAY),
    "OpenCV RGB PNG": (by_cv2(RGB, ".png"), RGB),
    "OpenCV RGBA PNG": (by_cv2(RGBA, ".png"), RGBA[:, :, :3]),
    "OpenCV gray TIFF": (by_cv2(GRAY, ".tiff"), GRAY),
    "OpenCV RGB TIFF": (by_cv2(RGB, ".tiff"), RGB),
    "OpenCV float TIFF": (by_cv2(FLOAT, ".tiff"), FLOAT),
    "OpenCV float RGB TIFF": (by_cv2(FLOAT_RGB, ".tiff"), FLOAT_RGB),
}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "picture.png"
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("kind", GOLDEN)
def test_not_a_bit_is_lost(file: Callable[[bytes], Path], kind: str) -> None:
    data, expected = GOLDEN[kind]
    path = file(data)
    found = images.read(path)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected if expected.ndim == 3 else expected[:, :, None])
    assert images.size(path) == expected.shape[:2]
    assert images.pages(path) == 1
    np.testing.assert_array_equal(images.decode(data, "upload"), found)


SIGNED: Array = RNG.integers(-30_000, 30_000, (9, 11), np.int16)
NUMBERS: dict[str, tuple[Array, Array]] = {  # stored, and what reading it must give
    "int8": (SIGNED.astype(np.int8), SIGNED.astype(np.int8).astype(np.float32)),
    "int16": (SIGNED, SIGNED.astype(np.float32)),
    "int32": (SIGNED.astype(np.int32) * 500, (SIGNED.astype(np.int32) * 500).astype(np.float32)),
    "uint32": (GRAY.astype(np.uint32) * 200, (GRAY.astype(np.uint32) * 200).astype(np.float32)),
    "float16": (FLOAT_RGB[:, :, 0].astype(np.float16), FLOAT_RGB[:, :, 0].astype(np.float16).astype(np.float32)),
    "float64": (FLOAT.astype(np.float64) / 3, (FLOAT.astype(np.float64) / 3).astype(np.float32)),
    "bool": (GRAY > 30_000, np.where(GRAY > 30_000, 0, 255).astype(np.uint8)),  # tifffile writes "0 is white"
}


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}, {"compression": "lzma"}], ids=["plain", "zip", "lzma"])
@pytest.mark.parametrize("kind", NUMBERS)
def test_every_kind_of_number_keeps_its_sign_and_value(
    file: Callable[[bytes], Path], kind: str, how: dict[str, Any], byteorder: str
) -> None:
    stored, expected = NUMBERS[kind]
    path = file(tiff(stored, byteorder=byteorder, **how))
    found = images.read(path)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found[:, :, 0], expected)
    assert images.describe(path).dtype == kind
    assert images.remarks(path) == ()


def test_a_whole_number_that_a_float_cannot_hold_is_told(file: Callable[[bytes], Path]) -> None:
    stored = np.array([[2**24, 2**24 + 1, 2**24 + 2], [0, 2**31 + 1, 5]], np.uint32)
    path = file(tiff(stored))
    np.testing.assert_array_equal(images.read(path)[:, :, 0], stored.astype(np.float32))
    assert images.remarks(path) == (
        f"{path}: 2 of 6 values of uint32 are over 16,777,216 and were rounded to the nearest 32-bit float.",
    )
    assert images.remarks(file(tiff(stored - stored % 2))) == ()


@pytest.mark.parametrize("predictor", [1, 2, 3])
@pytest.mark.parametrize("compression", [5, 8, 32946, 32773])  # LZW, deflate, its older number, PackBits
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_compressed_floats_of_libtiff(
    file: Callable[[bytes], Path], compression: int, predictor: int, channels: int
) -> None:
    pixels = RNG.standard_normal((70, 40, channels)).astype(np.float32)
    how = [cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor]
    done, data = cv2.imencode(".tiff", pixels[:, :, [2, 1, 0, 3][:channels] if channels > 1 else [0]], how)
    assert done
    found = images.read(file(data.tobytes()))
    np.testing.assert_array_equal(found, pixels[:, :, : found.shape[2]])


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
@pytest.mark.parametrize("how", [{"tile": (16, 32)}, {"rowsperstrip": 7}], ids=["tiles", "strips"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_compressed_bands_of_every_kind(
    file: Callable[[bytes], Path], dtype: type, how: dict[str, Any], planar: str, byteorder: str, predictor: bool
) -> None:
    limits = np.iinfo(dtype)
    pixels = RNG.integers(max(limits.min, -(2**24)), min(limits.max, 2**24), (50, 45, 5), endpoint=True).astype(dtype)
    stored = pixels if planar == "contig" else np.ascontiguousarray(pixels.transpose(2, 0, 1))
    options = {"photometric": "minisblack", "planarconfig": planar, "compression": "zlib", "predictor": predictor}
    found = images.read(file(tiff(stored, byteorder=byteorder, **options, **how)))
    np.testing.assert_array_equal(found, pixels)


def lzw(pixels: Array, samples: int) -> bytes:
    """A TIFF with one LZW strip of interleaved samples, which tifffile cannot write: libtiff's under a new header."""
    height, width = pixels.shape[:2]
    inner = io.BytesIO()
    flat = np.frombuffer(np.ascontiguousarray(pixels).tobytes(), np.uint8).reshape(height, -1)
    Image.fromarray(flat).save(inner, "TIFF", compression="tiff_lzw", tiffinfo={278: height})
    inner.seek(0)
    with tifffile.TiffFile(inner) as opened:
        page = opened.pages[0].aspage()
        (offset,), (count,) = page.dataoffsets, page.databytecounts
    strip = inner.getvalue()[offset : offset + count]
    bits = 8 * pixels.dtype.itemsize
    tags = [(256, width), (257, height), (258, bits), (259, 5), (262, 1), (273, 8), (277, samples), (278, height)]
    tags += [(279, count), (339, 1)]
    tags = [(tag, value) for tag, value in tags if tag != 258]
    after = 8 + count + count % 2
    listed = struct.pack(f"<{samples}H", *[bits] * samples)
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags]
    entries.insert(2, struct.pack("<HHII", 258, 3, samples, after))
    directory = after + len(listed)
    header = struct.pack("<2sHI", b"II", 42, directory) + strip + b"\0" * (count % 2) + listed
    return header + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)


@pytest.mark.parametrize("samples", [3, 5, 12])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_bands_under_lzw(file: Callable[[bytes], Path], samples: int, dtype: type) -> None:
    """What GDAL writes; tifffile alone cannot read it, OpenCV reads 1, 3 or 4 bands."""
    pixels = RNG.integers(0, 9, (21, 17, samples)).astype(dtype)
    np.testing.assert_array_equal(images.read(file(lzw(pixels, samples))), pixels)


def test_a_strip_that_expands_to_more_than_the_header_says_is_cut(file: Callable[[bytes], Path]) -> None:
    bomb = bytearray(
        tiff(
            np.zeros((4000, 500, 2), np.uint16),
            photometric="minisblack",
            planarconfig="contig",
            compression="zlib",
            rowsperstrip=4000,
        )
    )
    for tag in (257, 278):  # the height, and the rows of the strip
        at = next(bomb.index(start) for kind in (3, 4) if (start := struct.pack("<HH", tag, kind)) in bomb)
        bomb[at + 8 : at + 12] = (4).to_bytes(4, "little")
    assert images.read(file(bytes(bomb))).shape == (4, 500, 2)


@pytest.mark.parametrize("kind", [kind for kind in GOLDEN if "16" in str(GOLDEN[kind][1].dtype)])
def test_what_the_naive_readers_do(kind: str) -> None:
    """Why this module is there: Pillow's 8 bits of the same file are not its 16 bits shifted, or it cannot read it."""
    data, expected = GOLDEN[kind]
    try:
        naive = np.asarray(Image.open(io.BytesIO(data)).convert("RGB" if expected.ndim == 3 else "L"), np.int64)
    except OSError:
        return
    assert naive.max() <= 255 < expected.max()


def test_a_16_bit_png_with_gray_and_alpha(file: Callable[[bytes], Path]) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + np.dstack([row, row[::-1]]).astype(">u2").tobytes() for row in GRAY)
    header = struct.pack(">IIBBBBB", 11, 9, 16, 4, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(images.read(file(b"\x89PNG\r\n\x1a\n" + parts))[:, :, 0], GRAY)


UPRIGHT: Array = np.arange(6, dtype=np.uint16).reshape(2, 3) * 10_000
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: UPRIGHT[:, ::-1].T,
    7: UPRIGHT[::-1, ::-1].T,
    8: UPRIGHT[::-1].T,
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_every_orientation_is_read_upright(file: Callable[[bytes], Path], orientation: int, kind: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation])
    if kind == "TIFF":
        data = tiff(stored, extratags=[(274, 3, 1, orientation, True)])
    else:
        exif = Image.Exif()
        exif[0x112] = orientation
        data = by_pillow(stored, "PNG", exif=exif)
    path = file(data)
    np.testing.assert_array_equal(images.read(path)[:, :, 0], UPRIGHT)
    np.testing.assert_array_equal(images.read_mask(path), UPRIGHT)
    assert images.size(path) == (2, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_holds_no_data(file: Callable[[bytes], Path], bad: float) -> None:
    """Raster tools write NaN where nothing was measured: such pixels are told and filled, no longer refused."""
    pixels = FLOAT.copy()
    pixels[3, 4] = pixels[0, 0] = bad
    path = file(tiff(pixels))
    found, valid = images.read_valid(path)
    assert valid is not None
    np.testing.assert_array_equal(valid, np.isfinite(pixels))
    np.testing.assert_array_equal(found[valid][:, 0], pixels[valid])
    assert found[~valid].tolist() == [[pixels[valid].mean(dtype=np.float64).astype(np.float32)]] * 2
    assert images.remarks(path) == (
        f"{path}: 2 of 99 pixels (2.0%) hold no data (NaN or infinite). They are filled with the mean of the others.",
    )


STACK: Array = RNG.integers(0, 65536, (3, 9, 11), np.uint16)
STACKS = {
    "16 bits": STACK,
    "8 bits": (STACK >> 8).astype(np.uint8),
    "float": STACK.astype(np.float32) / 7,
}


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}], ids=["plain", "deflated"])
@pytest.mark.parametrize("kind", STACKS)
def test_pages_of_a_stack(file: Callable[[bytes], Path], kind: str, how: dict[str, Any]) -> None:
    pages = STACKS[kind]
    data = tiff(pages, photometric="minisblack", **how)
    path = file(data)
    assert images.pages(path) == images.count(io.BytesIO(data), "upload") == 3
    for page in range(3):
        np.testing.assert_array_equal(images.read(path, page)[:, :, 0], pages[page])
        np.testing.assert_array_equal(images.decode(data, "upload", page)[:, :, 0], pages[page])
        if kind != "float":
            np.testing.assert_array_equal(images.read_mask(path, page), pages[page])
        assert images.size(path, page) == (9, 11)
    with pytest.raises(ImageError, match=r"contains 3 images, but one is expected; save each as its own file"):
        images.read(path)
    for page in (3, -1):
        with pytest.raises(ImageError, match=rf"contains 3 images, there is no page {page} \(the first is 0\)"):
            images.read(path, page)


def test_pages_of_several_sizes(file: Callable[[bytes], Path]) -> None:
    out = io.BytesIO()
    with tifffile.TiffWriter(out) as writer:
        for pixels in (GRAY, TILED):
            writer.write(pixels)
    path = file(out.getvalue())
    assert [images.size(path, page) for page in range(2)] == [GRAY.shape, TILED.shape]
    np.testing.assert_array_equal(images.read(path, 1)[:, :, 0], TILED)


@pytest.mark.parametrize(
    "how",
    [{"imagej": True, "truncate": True, "metadata": {"axes": "ZYX"}}, {"truncate": True}],
    ids=["ImageJ", "tifffile"],
)
@pytest.mark.parametrize("kind", ["16 bits", "8 bits"])
def test_every_page_behind_one_header_is_read(file: Callable[[bytes], Path], kind: str, how: dict[str, Any]) -> None:
    """ImageJ writes stacks of over 4 GB that way; other readers take them for their first page."""
    path = file(tiff(STACKS[kind], photometric="minisblack", **how))
    assert images.pages(path) == 3
    with pytest.raises(ImageError, match="contains 3 images"):
        images.read(path)
    for page in range(3):
        np.testing.assert_array_equal(images.read(path, page)[:, :, 0], STACKS[kind][page])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", GOLDEN)
def test_what_is_cut_off_is_refused(file: Callable[[bytes], Path], kind: str) -> None:
    data, _ = GOLDEN[kind]
    for part in (0.3, 0.6, 0.9):
        path = file(data[: int(part * len(data))])
        with pytest.raises(ImageError) as refusal:
            images.read(path)
        assert str(refusal.value).startswith(f"{path}: ")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mutated_files_of_many_bands_are_read_or_refused(file: Callable[[bytes], Path]) -> None:
    rng = np.random.default_rng(7)
    bands = RNG.integers(0, 65536, (5, 20, 24), np.uint16)
    how = {"photometric": "minisblack"}
    seeds = [
        tiff(bands, imagej=True, metadata={"axes": "CYX"}),
        tiff(bands, ome=True, metadata={"axes": "ZYX"}, **how),
        tiff(bands, metadata={"axes": "CYX"}, **how),
        tiff(bands.transpose(1, 2, 0).copy(), planarconfig="contig", compression="zlib", predictor=True, **how),
        tiff(bands, planarconfig="separate", compression="zlib", tile=(16, 16), **how),
        tiff(bands.transpose(1, 2, 0).copy(), **how),
    ]
    read = refused = 0
    for number in range(600):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(int(rng.integers(1, 4))):
            data[rng.integers(min(len(data), int(rng.choice([60, 300, 5000]))))] = rng.choice([0, 1, 255, 128, 77])
        path = file(bytes(data))
        try:
            page = 0 if images.pages(path) > 1 else None
            shape = images.read(path, page).shape
            info = images.describe(path, page)
            assert (info.height, info.width, info.channels) == shape
            assert images.size(path, page) == shape[:2]
            read += 1
        except ImageError:
            refused += 1
    assert read > 100
    assert refused > 30


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_mutated_deep_files_are_read_or_refused_and_nothing_else(file: Callable[[bytes], Path]) -> None:
    rng = np.random.default_rng(5)
    seeds = [data for data, _ in GOLDEN.values()] + [tiff(STACK, photometric="minisblack")]
    read = refused = 0
    for number in range(600):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(int(rng.integers(1, 4))):
            data[rng.integers(min(len(data), int(rng.choice([60, 300, 5000]))))] = rng.choice([0, 1, 255, 128, 77])
        path = file(bytes(data))
        try:
            shape = images.read(path).shape
            assert images.size(path) == shape[:2]
            read += 1
        except ImageError:
            refused += 1
    assert read > 60
    assert refused > 60


def test_a_deep_bomb_is_refused_from_its_header(file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(tiff(GRAY))
    wide = bytes(data).replace((11).to_bytes(2, "little") + b"\0\0", (60_000).to_bytes(2, "little") + b"\0\0", 1)
    assert wide != data
    monkeypatch.setattr(tiff_pixels, "_raw", lambda *_: pytest.fail("pixels were asked for"))
    monkeypatch.setattr(images, "MAX_PIXELS", 60_000 * 8)
    with pytest.raises(ImageError, match="60000 x 9 pixels exceed the limit of 480,000; split the image into tiles"):
        images.read(file(wide))


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[0, 1, 2]], np.int32), np.array([[0, 1, 2]])),
        (np.array([[0, 65535]], np.uint32), np.array([[0, 65535]])),
        (np.array([[0.0, 1.0, 255.0]], np.float32), np.array([[0, 1, 255]])),
        (np.array([[0, 1000, 65535]], np.uint16), np.array([[0, 1000, 65535]])),
    ],
)
def test_labels_of_any_whole_type(file: Callable[[bytes], Path], pixels: Array, expected: Array) -> None:
    found = images.read_mask(file(tiff(pixels)))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.array([[0, 0.5]], np.float32), "whole numbers from 0; save the mask as 8-bit gray"),
        (np.array([[0, np.nan]], np.float32), "whole numbers from 0"),
        (np.array([[-1, 2]], np.int32), "whole numbers from 0"),
        (np.array([[0, 70_000]], np.int32), "mask value 70000 is over 65535; renumber the labels"),
        (np.array([[[0, 1, 2]]], np.uint16), "masks with 16-bit colors are not supported; save the mask with 8 bits"),
    ],
)
def test_labels_that_are_none(file: Callable[[bytes], Path], pixels: Array, message: str) -> None:
    how = {"photometric": "rgb"} if pixels.ndim == 3 else {}
    with pytest.raises(ImageError, match=message):
        images.read_mask(file(tiff(pixels, **how)))
