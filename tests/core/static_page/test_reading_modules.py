"""The page reads PNG and TIFF files as unet_core does, and refuses in words what it cannot read right."""

import io
import itertools
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.helpers import node
from unet_core.io import images

pytestmark = node.needs_node

RNG = np.random.default_rng(0)
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
FREE = "() => {}"


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(values: np.ndarray, depth: int, kind: int, interlaced: bool = False, more: bytes = b"") -> bytes:
    """(H, W, samples) as a PNG of any bit depth and color type."""
    height, width = values.shape[:2]
    lines = b""
    for x, y, across, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = values[y::down, x::across]
        for row in part if part.size else []:
            if depth == 16:
                packed = row.astype(">u2").tobytes()
            else:
                bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
                packed = np.packbits(bits.ravel()).tobytes()
            lines += b"\0" + packed
    palette = chunk(b"PLTE", RNG.integers(0, 256, 3 << depth, np.uint8).tobytes()) if kind == 3 else b""
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    body = chunk(b"IHDR", header) + more + palette + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def read(module: str, name: str, files: list[bytes]) -> list[Any]:
    """What the page's reader gives for each file: an image, or its message."""
    code = f"Promise.all(input.map((file) => {name}(file, {FREE}).catch((error) => error.message)))"
    return node.run(f"{{ {name} }} from {module}", code, files)


def read_png(*files: bytes) -> list[Any]:
    return read("reading/png.js", "readPng", list(files))


def read_tiff(*files: bytes) -> list[Any]:
    return read("reading/tiff.js", "readTiff", list(files))


def assert_equal(got: Any, data: bytes) -> None:
    expected = images.decode(data, "a")
    assert not isinstance(got, str), got
    assert got["data"].dtype == expected.dtype
    shape = got["height"], got["width"], got["channels"]
    # Gray with alpha of 16 bits is read by the core as three equal channels, which models get as the same numbers.
    assert expected.shape == shape or (expected == expected[:, :, :1]).all()
    assert np.array_equal(got["data"].reshape(shape), expected[:, :, : got["channels"]])


KINDS = [*itertools.product([1, 2, 4, 8, 16], [0]), *itertools.product([1, 2, 4, 8], [3]),
         *itertools.product([8, 16], [2, 4, 6])]  # fmt: skip


@pytest.mark.parametrize("interlaced", [False, True], ids=["", "interlaced"])
def test_every_kind_of_png_is_read_as_stored(interlaced: bool) -> None:
    files = [
        png(RNG.integers(0, 1 << depth, (13, 11, SAMPLES[kind])), depth, kind, interlaced) for depth, kind in KINDS
    ]
    for got, data in zip(read_png(*files), files, strict=True):
        assert_equal(got, data)


def test_filtered_png_files_of_other_programs_are_read_as_stored() -> None:
    ramp = np.add.outer(np.arange(70) * 3, np.arange(50) * 2).astype(np.uint8)
    files = []
    for pixels in (ramp, np.stack([ramp, ramp.T[:50].repeat(2, 0)[:70, :50], 255 - ramp], 2)):
        out = io.BytesIO()
        Image.fromarray(pixels).save(out, "PNG", optimize=True)
        files.append(out.getvalue())
    import cv2

    files.append(cv2.imencode(".png", (ramp.astype(np.uint16) * 257)[:, :, None])[1].tobytes())
    for strategy in range(5):  # zlib strategies and filters of libpng
        files.append(cv2.imencode(".png", files and ramp, [cv2.IMWRITE_PNG_STRATEGY, strategy])[1].tobytes())
    for got, data in zip(read_png(*files), files, strict=True):
        assert_equal(got, data)


def test_damaged_and_turned_png_files_are_refused_in_words() -> None:
    good = png(RNG.integers(0, 256, (30, 20, 1)), 8, 0)
    turned = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHH", 1, 0x112, 3, 1, 6, 0)
    animated = chunk(b"acTL", struct.pack(">II", 3, 0))
    files = {
        "pixels cannot be unpacked": good[:60] + b"\xff" * 20 + good[80:],
        "it has no header": good[:8],
        "it has no pixels": good[:33],
        "its header is not valid": good[:24] + b"\x07" + good[25:],
        "stored turned": png(RNG.integers(0, 256, (3, 2, 1)), 8, 0, more=chunk(b"eXIf", turned)),
        "an animation": png(RNG.integers(0, 256, (3, 2, 1)), 8, 0, more=animated),
    }
    for got, words in zip(read_png(*files.values()), files, strict=True):
        assert isinstance(got, str) and words in got


def test_too_large_images_are_refused_from_the_header() -> None:
    huge = png(RNG.integers(0, 256, (3, 2, 1)), 8, 0)
    huge = huge[:16] + struct.pack(">II", 30_000, 30_000) + huge[24:]
    code = "readPng(input, limit).catch((error) => error.message)"
    imports = "{ readPng } from reading/png.js\n{ limit } from reading/file.js"
    assert "30000 × 30000 pixels are over the limit" in node.run(imports, code, huge)


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def pillow_tiff(pixels: np.ndarray, compression: str, **tags: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "TIFF", compression=compression, **tags)
    return out.getvalue()


def test_tiff_files_of_8_and_16_bits_are_read_as_stored() -> None:
    files = []
    for dtype in (np.uint8, np.uint16):
        gray = RNG.integers(0, np.iinfo(dtype).max, (67, 51), dtype)
        smooth = np.add.outer(np.arange(67), np.arange(51)).astype(dtype)
        color = RNG.integers(0, np.iinfo(dtype).max, (67, 51, 3), dtype)
        alpha = RNG.integers(0, np.iinfo(dtype).max, (67, 51, 4), dtype)
        for order in "<>":
            files += [tiff(gray, byteorder=order), tiff(color, byteorder=order, photometric="rgb")]
        files += [
            tiff(gray, rowsperstrip=7, compression="zlib"),
            tiff(gray, tile=(32, 16)),
            tiff(color, photometric="rgb", tile=(32, 32), compression="zlib"),
            tiff(color.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
            tiff(alpha, photometric="rgb", extrasamples=["unassalpha"]),
            tiff(smooth, imagej=True),
            pillow_tiff(gray, "tiff_lzw"),
            pillow_tiff(smooth, "tiff_lzw"),
            pillow_tiff(smooth, "tiff_adobe_deflate", tiffinfo={317: 2}),
            pillow_tiff(smooth, "packbits"),
        ]
    long = np.tile(np.arange(256, dtype=np.uint8), (300, 3))  # the table of LZW fills up and is cleared
    files += [pillow_tiff(long, "tiff_lzw"), pillow_tiff(RNG.integers(0, 256, (500, 400), np.uint8), "tiff_lzw")]
    for number, (got, data) in enumerate(zip(read_tiff(*files), files, strict=True)):
        assert not isinstance(got, str), (number, got)
        assert_equal(got, data)


def test_other_tiff_files_are_refused_in_words() -> None:
    gray = RNG.integers(0, 256, (20, 30), np.uint8)
    files = {
        "not whole or have a sign": tiff(gray.astype(np.float32)),
        "holds several pages": tiff(np.stack([gray, gray]), photometric="minisblack"),
        "neither gray": tiff(gray, photometric="miniswhite"),
        "is a BigTIFF": tiff(gray, bigtiff=True),
        "has 32 bits": tiff(gray.astype(np.uint32)),
        "has further channels": tiff(np.stack([gray] * 2, 2), planarconfig="contig", photometric="minisblack",
                                     extrasamples=["unspecified"]),
        "without data": tiff(gray, extratags=[(42113, "s", 0, "0", True)]),
        "stored turned": tiff(gray, extratags=[(274, "H", 1, 6, True)]),
        "header ends early": tiff(gray)[:60],
        "pixels are missing": tiff(gray)[:-100],
    }  # fmt: skip
    for got, words in zip(read_tiff(*files.values()), files, strict=True):
        assert isinstance(got, str) and words in got, (words, got)


def test_the_headers_of_jpeg_and_webp_say_size_and_channels() -> None:
    pixels = RNG.integers(0, 256, (40, 30, 3), np.uint8)
    files: list[tuple[bytes, dict[str, int]]] = []
    for image, channels, options in (
        (Image.fromarray(pixels), 3, {"format": "JPEG"}),
        (Image.fromarray(pixels), 3, {"format": "JPEG", "progressive": True, "comment": "x" * 300}),
        (Image.fromarray(pixels[:, :, 0]), 1, {"format": "JPEG"}),
        (Image.fromarray(pixels), 3, {"format": "WEBP"}),
        (Image.fromarray(pixels), 3, {"format": "WEBP", "lossless": True}),
        (Image.fromarray(pixels), 3, {"format": "WEBP", "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}),
    ):
        out = io.BytesIO()
        image.save(out, **options)
        files.append((out.getvalue(), {"width": 30, "height": 40, "channels": channels}))
    code = "input.map((file) => kindOfJpeg(file) ?? kindOfWebp(file))"
    imports = "{ kindOfJpeg, kindOfWebp } from reading/headers.js"
    assert node.run(imports, code, [data for data, _ in files]) == [expected for _, expected in files]
    cmyk, frames = io.BytesIO(), io.BytesIO()
    Image.fromarray(RNG.integers(0, 256, (8, 9, 4), np.uint8), "CMYK").save(cmyk, "JPEG")
    first, second = (Image.fromarray(RNG.integers(0, 256, (8, 9, 3), np.uint8)) for _ in range(2))
    first.save(frames, "WEBP", save_all=True, append_images=[second])
    got = node.run(imports, code, [cmyk.getvalue(), frames.getvalue(), b"GIF89a" + b"\0" * 40])
    assert "CMYK" in got[0]["problem"] and "animation" in got[1]["problem"] and got[2] is None
