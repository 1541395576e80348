"""Pictures in every format and pixel format against arrays made by hand; bombs are refused from the header alone."""

import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageFile

from unet_core.errors import ImageError
from unet_core.io import images
from unet_core.io.filenames import is_image_name
from unet_core.io.pixels import encode_png, for_display, full_range, with_channels

Array = NDArray[np.uint8]
GRAY: Array = np.array([[0, 1, 127], [128, 254, 255]], np.uint8)
BITS: Array = np.array([[0, 255, 0], [255, 255, 0]], np.uint8)
ALPHA: Array = np.array([[0, 255, 128], [1, 254, 7]], np.uint8)
INDICES: Array = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
COLORS: Array = np.array([[0, 0, 0], [200, 10, 20], [30, 210, 40], [50, 60, 220]], np.uint8)
RGB: Array = np.array([[[0, 128, 255], [1, 2, 3], [255, 0, 0]], [[0, 255, 0], [0, 0, 255], [90, 80, 70]]], np.uint8)
INKS: Array = np.array([[[255, 0, 0, 0], [0, 255, 0, 0]], [[0, 0, 0, 255], [0, 0, 0, 0]]], np.uint8)
PRINTED: Array = np.array([[[0, 255, 255], [255, 0, 255]], [[0, 0, 0], [255, 255, 255]]], np.uint8)


def with_palette(indices: Array) -> Image.Image:
    picture = Image.fromarray(indices, "L").convert("P")
    picture.putdata(indices.ravel().tolist())
    picture.putpalette(COLORS.ravel().tolist())
    return picture


PICTURES: dict[str, tuple[Image.Image, Array]] = {  # Pillow's mode: (the picture, what reading it must give)
    "1": (Image.fromarray(BITS).convert("1"), BITS[:, :, None]),
    "L": (Image.fromarray(GRAY), GRAY[:, :, None]),
    "LA": (Image.fromarray(np.dstack([GRAY, ALPHA])), GRAY[:, :, None]),
    "P": (with_palette(INDICES), COLORS[INDICES]),
    "RGB": (Image.fromarray(RGB), RGB),
    "RGBA": (Image.fromarray(np.dstack([RGB, ALPHA])), RGB),
    "CMYK": (Image.fromarray(INKS, "CMYK"), PRINTED),
}


def saved(picture: Image.Image, kind: str, **how: Any) -> bytes:
    """The bytes of a file."""
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes, name: str = "picture.png") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize(
    ("mode", "kind", "how"),
    [
        *((mode, "PNG", {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")),
        *((mode, "TIFF", {}) for mode in PICTURES),
        *((mode, "TIFF", {"compression": "tiff_lzw"}) for mode in PICTURES),
        *((mode, "BMP", {}) for mode in ("1", "L", "P", "RGB")),
        *((mode, "GIF", {}) for mode in ("P",)),
        *((mode, "WEBP", {"lossless": True, "exact": True}) for mode in ("RGB", "RGBA")),
    ],
)
def test_lossless_formats_give_the_golden_array(
    file: Callable[[bytes], Path], mode: str, kind: str, how: dict[str, Any]
) -> None:
    picture, expected = PICTURES[mode]
    path = file(saved(picture, kind, **how))
    found = images.read(path)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8
    assert images.size(path) == expected.shape[:2]
    np.testing.assert_array_equal(images.decode(path.read_bytes(), "upload"), expected)


BLOCKS = np.kron(np.array([[0, 60, 120], [180, 220, 255]], np.uint8), np.ones((16, 16), np.uint8))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (Image.fromarray(BLOCKS), BLOCKS[:, :, None]),
        (Image.fromarray(np.dstack([BLOCKS, 255 - BLOCKS, BLOCKS])), np.dstack([BLOCKS, 255 - BLOCKS, BLOCKS])),
        (
            Image.fromarray(np.kron(INKS, np.ones((16, 16, 1), np.uint8)), "CMYK"),
            np.kron(PRINTED, np.ones((16, 16, 1))),
        ),
    ],
    ids=["gray", "RGB", "CMYK"],
)
def test_jpeg_is_right_to_a_rounding(file: Callable[[bytes], Path], picture: Image.Image, expected: Array) -> None:
    path = file(saved(picture, "JPEG", quality=100, subsampling=0))
    found = images.read(path)
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).max() <= 3
    assert images.size(path) == expected.shape[:2]


def test_one_pixel(file: Callable[[bytes], Path]) -> None:
    np.testing.assert_array_equal(images.read(file(saved(Image.new("L", (1, 1), 77), "PNG"))), [[[77]]])


def test_gray_written_as_colors_stays_in_colors(file: Callable[[bytes], Path]) -> None:
    """The pixel format decides, never the content: else the channels of a dataset would depend on its images."""
    assert images.read(file(saved(Image.fromarray(np.dstack([GRAY] * 3)), "PNG"))).shape == (2, 3, 3)


UPRIGHT = np.kron(np.array([[0, 50, 100], [150, 200, 250]], np.uint8), np.ones((16, 16), np.uint8))
STORED = {  # how a picture lies in its file, by the EXIF standard: where its first row and column belong
    1: UPRIGHT,  # top, left
    2: UPRIGHT[:, ::-1],  # top, right
    3: UPRIGHT[::-1, ::-1],  # bottom, right
    4: UPRIGHT[::-1],  # bottom, left
    5: UPRIGHT.T,  # left, top
    6: UPRIGHT[:, ::-1].T,  # right, top
    7: UPRIGHT[::-1, ::-1].T,  # right, bottom
    8: UPRIGHT[::-1].T,  # left, bottom
    0: UPRIGHT,  # no such orientation
    9: UPRIGHT,
    255: UPRIGHT,
}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_is_read_upright(file: Callable[[bytes], Path], orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    how = {"quality": 100} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    path = file(saved(Image.fromarray(np.ascontiguousarray(STORED[orientation])), kind, exif=exif, **how))
    found = images.read(path)
    assert found.shape[:2] == images.size(path) == UPRIGHT.shape
    assert images.orientation(path) == (orientation if 1 <= orientation <= 8 else 1)
    assert np.abs(found[:, :, 0].astype(int) - UPRIGHT).max() <= 2
    if kind != "WEBP":  # WebP has no gray
        assert np.abs(images.read_mask(path).astype(int) - UPRIGHT).max() <= 2


def test_a_damaged_exif_block_does_not_cost_the_picture(file: Callable[[bytes], Path]) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    data = saved(Image.fromarray(UPRIGHT), "JPEG", quality=100, exif=exif)
    path = file(data.replace(b"Exif\0\0MM\0*", b"Exif\0\0MM\xff*"))
    assert path.read_bytes() != data
    assert np.abs(images.read(path)[:, :, 0].astype(int) - UPRIGHT).max() <= 2, "taken as it lies in the file"
    assert images.size(path) == UPRIGHT.shape


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes, color: int = 0, depth: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff(pixels: NDArray[Any], **how: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, **how)
    return file.getvalue()


REFUSED = {  # deep, and not to be read without a loss or a guess
    "TIFF CMYK 16": tiff(np.zeros((4, 5, 4), np.uint16), photometric="separated"),
    "TIFF complex": tiff(np.zeros((4, 5), np.complex64)),
    "TIFF palette 16": tiff(
        np.zeros((4, 5), np.uint16), photometric="palette", colormap=np.zeros((3, 65536), np.uint16)
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_pixel_types_without_a_meaning_are_refused_with_the_remedy(file: Callable[[bytes], Path], kind: str) -> None:
    path = file(REFUSED[kind])
    with pytest.raises(ImageError, match="is not supported; convert the image to") as refusal:
        images.read(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert images.size(path) == (4, 5)


NO_PICTURE = "not a supported image file, or its header is damaged"
NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Dear diary\n", NO_PICTURE),
        (saved(Image.fromarray(NOISE), "ICO"), NO_PICTURE),  # a format that Pillow knows and we do not want
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", NO_PICTURE),
        (saved(Image.fromarray(NOISE), "PNG")[:20], "the image is damaged"),
        (saved(Image.fromarray(NOISE), "PNG")[:2000], "the image is damaged"),
        (saved(Image.fromarray(NOISE), "JPEG")[:1500], "the image is damaged"),
        (saved(Image.fromarray(NOISE), "BMP")[:2000], "the image is damaged"),
        (saved(Image.fromarray(NOISE), "TIFF", compression="tiff_lzw")[:2000], ""),
        (saved(Image.fromarray(NOISE).convert("P"), "GIF")[:1200], "the image is damaged"),
        (saved(Image.fromarray(NOISE), "WEBP", lossless=True)[:2000], ""),
    ],
    ids=["text", "ICO", "EPS", "PNG head", "PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP"],
)
def test_what_is_no_whole_picture_is_refused_by_name(file: Callable[[bytes], Path], data: bytes, message: str) -> None:
    path = file(data)
    for read in (images.read, images.read_mask):
        with pytest.raises(ImageError) as refusal:
            read(path)
        assert str(refusal.value).startswith(f"{path}: {message}")
        assert str(refusal.value).endswith(
            "Supported formats: PNG, JPEG, TIFF, BMP, WEBP, GIF, PPM, NPY, NIfTI, DICOM, HEIC."
        )


def test_an_empty_file_is_called_empty(file: Callable[[bytes], Path]) -> None:
    path = file(b"")
    for read in (images.read, images.read_mask, images.describe, images.size, images.pages):
        with pytest.raises(ImageError, match=r"picture\.png: empty \(0 bytes\)\. Copy or export the file again\.$"):
            read(path)


@pytest.mark.parametrize("kind", ["text", "missing", "folder"])
def test_size_refuses_by_name_too(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "picture.png"
    if kind == "text":
        path.write_text("Dear diary\n")
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(ImageError, match=r"picture\.png: "):
        images.size(path)


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as refusal:
        images.read(tmp_path / "gone.png")
    assert str(refusal.value) == f"{tmp_path / 'gone.png'}: cannot be read (No such file or directory)."
    with pytest.raises(ImageError, match="cannot be read"):
        images.read_mask(tmp_path)


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "WEBP", "PNG"])
def test_several_pictures_in_a_file_are_refused_with_their_count(file: Callable[[bytes], Path], kind: str) -> None:
    frames = [Image.fromarray(np.roll(NOISE, 9 * number, 0)) for number in range(3)]
    path = file(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    for read in (images.read, images.read_mask):
        with pytest.raises(ImageError) as refusal:
            read(path)
        assert str(refusal.value) == f"{path}: contains 3 images, but one is expected; save each as its own file."


def test_mutated_files_are_read_or_refused_and_nothing_else(file: Callable[[bytes], Path]) -> None:
    """A thousand damaged files: no other exception escapes, and `size` never contradicts `read`."""
    exif = Image.Exif()
    exif[0x112] = 6
    picture = Image.fromarray(NOISE[:9, :11])
    seeds = [saved(picture, kind, exif=exif) for kind in ("PNG", "JPEG", "TIFF", "WEBP")]
    seeds += [saved(picture, "BMP"), saved(picture.convert("P"), "GIF")]
    seeds += [saved(picture, kind, save_all=True, append_images=[picture]) for kind in ("TIFF", "GIF")]
    rng = np.random.default_rng(3)
    read = refused = 0
    for number in range(1000):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(int(rng.integers(1, 4))):
            data[rng.integers(min(len(data), int(rng.choice([60, 300, 5000]))))] = rng.choice([0, 1, 255, 128, 77])
        path = file(bytes(data[: None if rng.random() < 0.8 else int(rng.integers(len(data)))]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                shape = images.read(path).shape
                assert images.size(path) == shape[:2]
                read += 1
            except ImageError:
                refused += 1
    assert read > 100
    assert refused > 300


def bmp(width: int, height: int) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    return b"\xff\xd8\xff\xc0" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\xff\xd9"


def gif(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame


def webp(width: int, height: int) -> bytes:
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14)
    body = b"WEBPVP8L" + struct.pack("<I", 13) + b"\x2f" + bits + bytes(9)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff_header(width: int, height: int) -> bytes:
    tags = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, height), (279, 10)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


BOMBS = {
    "PNG": png(30_000, 30_000, bytes(100)),
    "PNG just over": png(9_460, 9_460, bytes(100)),
    "JPEG": jpeg(65_000, 65_000),
    "JPEG just over": jpeg(9_460, 9_460),
    "BMP": bmp(30_000, 30_000),
    "GIF": gif(65_000, 65_000),
    "WEBP": webp(16_383, 16_383),
    "TIFF": tiff_header(30_000, 30_000),
    "TIFF just over": tiff_header(9_460, 9_460),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_from_its_header(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    decoded: list[tuple[int, int]] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size))
    path = file(BOMBS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for read in (images.read, images.read_mask):
            with pytest.raises(ImageError) as refusal:
                read(path)
            assert str(refusal.value).startswith(f"{path}: ")
            assert "89,478,485" in str(refusal.value)
            assert "split the image into tiles" in str(refusal.value)
    assert not decoded


def test_the_most_pixels_are_allowed_and_one_more_is_not(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(encode_png(GRAY))
    monkeypatch.setattr(images, "MAX_PIXELS", GRAY.size)
    assert images.read(path).shape == (2, 3, 1)
    monkeypatch.setattr(images, "MAX_PIXELS", GRAY.size - 1)
    with pytest.raises(ImageError) as refusal:
        images.read(path)
    assert str(refusal.value) == f"{path}: 3 x 2 pixels exceed the limit of 5; split the image into tiles."


def test_size_asks_the_header_only_and_warns_of_nothing(
    file: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[int, int]] = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: decoded.append(self.size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert images.size(file(png(9_460, 9_461, bytes(100)))) == (9_461, 9_460)
        with pytest.raises(ImageError, match="more than 89,478,485 pixels"):
            images.size(file(BOMBS["PNG"]))
    assert not decoded


@pytest.mark.parametrize("name", ["é細胞 .png".encode(), b"two\nlines.png", b"\xff\xfe.png", b" .png", b"-rf.png"])
def test_a_file_name_of_any_bytes(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(encode_png(GRAY))
    np.testing.assert_array_equal(images.read(path)[:, :, 0], GRAY)
    np.testing.assert_array_equal(images.read_mask(path), GRAY)
    assert images.size(path) == (2, 3)
    path.write_bytes(b"")
    for read in (images.read, images.read_mask, images.size):
        with pytest.raises(ImageError) as refusal:
            read(path)
        assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", True),
        ("a.PNG", True),
        ("a.b.JPeG", True),
        ("a.tiff", True),
        (".png", False),
        (".hidden.png", False),
        ("._a.tif", False),
        ("a.txt", False),
        ("png", False),
        ("a.png.part", False),
    ],
)
def test_names_of_pictures(name: str, expected: bool) -> None:
    assert is_image_name(Path("somewhere.png", name)) is expected


@pytest.mark.parametrize(
    ("picture", "kind", "expected"),
    [
        (PICTURES["L"][0], "PNG", GRAY),
        (PICTURES["1"][0], "PNG", BITS // 255),
        (PICTURES["1"][0], "TIFF", BITS // 255),
        (PICTURES["P"][0], "PNG", INDICES),
        (PICTURES["P"][0], "TIFF", INDICES),
        (PICTURES["P"][0], "BMP", INDICES),
        (PICTURES["P"][0], "GIF", INDICES),
        (PICTURES["LA"][0], "PNG", GRAY),
        (Image.fromarray(np.dstack([GRAY] * 3)), "PNG", GRAY),
        (Image.fromarray(np.dstack([GRAY] * 3)), "BMP", GRAY),
        (Image.fromarray(np.dstack([GRAY] * 3 + [ALPHA])), "PNG", GRAY),
    ],
)
def test_a_mask_keeps_its_raw_values(
    file: Callable[[bytes], Path], picture: Image.Image, kind: str, expected: Array
) -> None:
    found = images.read_mask(file(saved(picture, kind)))
    np.testing.assert_array_equal(found, expected)
    assert (found.dtype, found.ndim) == (np.uint8, 2)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_mask_in_colors_keeps_them(file: Callable[[bytes], Path], mode: str) -> None:
    np.testing.assert_array_equal(images.read_mask(file(saved(PICTURES[mode][0], "PNG"))), RGB)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_a_palette_is_read_through_its_colors_where_asked(file: Callable[[bytes], Path], kind: str) -> None:
    np.testing.assert_array_equal(images.read_mask(file(saved(PICTURES["P"][0], kind)), colors=True), COLORS[INDICES])


def two_colors(indices: Array, first: int, second: int, pad: int = 0) -> Image.Image:
    picture = Image.fromarray(indices, "L").convert("P")
    picture.putdata(indices.ravel().tolist())
    picture.putpalette([first] * 3 + [second] * 3 + [0] * 3 * pad)
    return picture


ONE_BIT: Array = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)


@pytest.mark.parametrize("kind", ["GIF", "PNG"])
@pytest.mark.parametrize("pad", [0, 2, 254])
def test_a_palette_of_black_and_white_gives_0_and_1_in_either_order(
    file: Callable[[bytes], Path], kind: str, pad: int
) -> None:
    """The trap: writers that put the commoner color first make 1 of black, in some files of a set."""
    for picture in (two_colors(ONE_BIT, 0, 255, pad), two_colors(1 - ONE_BIT, 255, 0, pad)):
        np.testing.assert_array_equal(images.read_mask(file(saved(picture, kind))), ONE_BIT)


def test_class_indices_under_a_palette_with_black_and_white_in_it_stay(file: Callable[[bytes], Path]) -> None:
    palette = [0, 0, 0, 255, 255, 255, 255, 0, 0]
    for indices in (ONE_BIT, ONE_BIT * np.uint8(2)):
        picture = Image.fromarray(indices, "L").convert("P")
        picture.putdata(indices.ravel().tolist())
        picture.putpalette(palette)
        np.testing.assert_array_equal(images.read_mask(file(saved(picture, "PNG"))), indices)
    picture.putpalette([0] * 9)  # no colors at all
    np.testing.assert_array_equal(images.read_mask(file(saved(picture, "PNG"))), ONE_BIT * 2)


def test_a_mask_in_printing_inks_is_refused(file: Callable[[bytes], Path]) -> None:
    with pytest.raises(ImageError, match="pixel format 'CMYK' is not supported for masks; save it as 8-bit gray"):
        images.read_mask(file(saved(PICTURES["CMYK"][0], "TIFF")))


@pytest.mark.parametrize("pixels", [GRAY, RGB, COLORS[INDICES]], ids=["gray", "RGB", "palette"])
def test_png_as_other_readers_see_it(pixels: Array) -> None:
    data = encode_png(pixels)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)
    raw = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(raw if raw.ndim == 2 else raw[:, :, ::-1], pixels)


def test_channels() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [100, 100, 100]]], np.uint8)
    luminance = [[[76], [150], [29], [100]]]  # 0.299 R + 0.587 G + 0.114 B, rounded
    np.testing.assert_array_equal(with_channels(image, 1), luminance)
    assert with_channels(image, 3) is image
    gray = GRAY[:, :, None]
    assert with_channels(gray, 1) is gray
    np.testing.assert_array_equal(with_channels(gray, 3), np.dstack([GRAY, GRAY, GRAY]))


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_channels_keep_the_type(dtype: type) -> None:
    image = (np.array([[[255, 0, 0], [100, 100, 100]]]) * (257 if dtype is np.uint16 else 1 / 255)).astype(dtype)
    gray = with_channels(image, 1)
    assert (gray.dtype, gray.shape) == (dtype, (1, 2, 1))
    np.testing.assert_allclose(gray[0, :, 0] / full_range(image), [0.299, 100 / 255], atol=1e-4)
    assert with_channels(gray, 3).dtype == dtype


def test_for_display() -> None:
    assert for_display(RGB) is RGB
    ramp = np.arange(1001, dtype=np.uint16).reshape(7, 143, 1)  # percentiles 5 and 995
    shown = for_display(ramp)
    assert shown.dtype == np.uint8
    expected = np.clip(np.rint((np.arange(1001) - 5) * 255 / 990), 0, 255)
    assert np.abs(shown.ravel().astype(int) - expected).max() <= 1, "a half may go either way"
    np.testing.assert_array_equal(for_display(ramp.astype(np.float32) * 4 - 100), shown)
    assert for_display(np.full((3, 3, 1), 7.5, np.float32)).max() == 0
    hot = np.zeros((100, 100, 1), np.float32)
    hot[0, 0], hot[50:] = 1e9, 1
    assert set(for_display(hot)[1:, :, 0].ravel().tolist()) == {0, 255}, "one hot pixel does not darken the rest"


def test_a_photo_with_a_preview_is_one_picture(file: Callable[[bytes], Path]) -> None:
    """Phones write JPEG with a second, smaller picture (MPO)."""
    first, second = Image.fromarray(BLOCKS), Image.fromarray(BLOCKS[::2, ::2])
    path = file(saved(first, "MPO", save_all=True, append_images=[second], quality=100), "photo.jpg")
    assert np.abs(images.read(path)[:, :, 0].astype(int) - BLOCKS).max() <= 3
    assert (images.size(path), images.pages(path)) == (BLOCKS.shape, 1)
