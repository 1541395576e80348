"""Reading images: always from bytes, never by a library that opens the file name itself.

An image is refused from its header, before a pixel is decoded, when it is larger than `MAX_PIXELS`, or is one of
several in a file and none of them was asked for. The pixel format alone decides what an array is, never the content:

| stored as | read as |
|---|---|
| 1 to 8 bits a channel without sign, palette, CMYK, Lab, bool | uint8, 0..255 |
| 16 bits a channel without sign | uint16, 0..65535, every bit kept |
| float, and integers with a sign or over 16 bits | float32 with the same values |
| complex | refused |

Channels are the last axis, 1 to 32 of them, wherever the file has them; alpha is dropped. Pages are the z slices, time
points and series of a file, never its channels, thumbnails or smaller copies. Pixels without data (NaN, the file's own
"no data" value, a marker such as -9999) are filled with the mean of their channel: `read_valid` says which.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io import decoding, mask_files, nodata
from unet_core.io.decoding import open_file, read_header
from unet_core.io.formats import headers
from unet_core.io.mask_files import MaskPixels
from unet_core.io.pixels import Pixels

MAX_PIXELS = headers.MAX_PIXELS
EXACT = 2**24  # whole numbers up to here are exact as 32-bit float


@dataclass(frozen=True)
class ImageInfo:
    """What the header of an image says: its size upright, channels as `read` gives them, `dtype` as stored.

    `pages` of the file; `axes` of the file, such as YX, YXC or ZCYX; `note`: what was guessed, in one sentence, or "".
    """

    height: int
    width: int
    channels: int
    dtype: str
    pages: int = 1
    channel_names: tuple[str, ...] = ()
    axes: str = ""
    note: str = ""


def read(path: Path, page: int | None = None) -> Pixels:
    """Read one image as (H, W, C) uint8, uint16 or float32, C = 1 to 32, upright; alpha is dropped.

    `page` (from 0) is one of a file of several, which is refused without it. Raises ImageError.
    """
    return read_valid(path, page)[0]


def decode(data: bytes, name: str, page: int | None = None) -> Pixels:
    """The same from the bytes of a file, for uploads; `name` is only used in messages. Raises ImageError."""
    return decode_valid(data, name, page)[0]


def read_valid(path: Path, page: int | None = None) -> tuple[Pixels, NDArray[np.bool_] | None]:
    """`read`, and (H, W) False where a pixel holds no data, None where all do.

    Such pixels have the mean of their channel's valid ones. Raises ImageError, also where no pixel is valid.
    """
    with open_file(path) as file:
        return _read(file, str(path), page)[:2]


def decode_valid(data: bytes, name: str, page: int | None = None) -> tuple[Pixels, NDArray[np.bool_] | None]:
    """`read_valid` from the bytes of a file. Raises ImageError."""
    return _read(io.BytesIO(data), name, page)[:2]


def read_with_remarks(path: Path, page: int | None = None) -> tuple[Pixels, NDArray[np.bool_] | None, tuple[str, ...]]:
    """`read_valid`, and a sentence for each thing that a user should know of the image: see `remarks`."""
    with open_file(path) as file:
        return _read(file, str(path), page)


def decode_with_remarks(
    data: bytes, name: str, page: int | None = None
) -> tuple[Pixels, NDArray[np.bool_] | None, tuple[str, ...]]:
    """`read_with_remarks` from the bytes of a file. Raises ImageError."""
    return _read(io.BytesIO(data), name, page)


def read_open(
    file: BinaryIO, name: str, page: int | None = None
) -> tuple[Pixels, NDArray[np.bool_] | None, tuple[str, ...]]:
    """`read_with_remarks` of an open file, which messages call `name`. Raises ImageError."""
    return _read(file, name, page)


def remarks(path: Path, page: int | None = None) -> tuple[str, ...]:
    """What a user should know of an image, in sentences: the note of `describe`, pixels without data, rounded values.

    It decodes the image, unlike `describe`. Raises ImageError.
    """
    return read_with_remarks(path, page)[2]


def describe(path: Path, page: int | None = None) -> ImageInfo:
    """What the header says of one page, the first unless asked for another. Raises ImageError."""
    with open_file(path) as file:
        return _describe(file, str(path), page)


def inspect(file: BinaryIO, name: str) -> ImageInfo:
    """`describe` of an open file, for uploads. Raises ImageError."""
    return _describe(file, name, None)


def read_mask(path: Path, page: int | None = None, colors: bool = False) -> Pixels:
    """Read one mask as its raw values: (H, W) uint8 or uint16, gray levels or palette indices; (H, W, 3) uint8 colors.

    Colors are given where the three channels differ, and of a palette where `colors` asks for them. One bit a pixel
    gives 0 and 1, and so does a palette of black and white, whatever its order. Raises ImageError.
    """
    with open_file(path) as file:
        return mask_files.read_seen(file, str(path), page, MAX_PIXELS, colors)


def read_mask_file(path: Path, page: int | None = None) -> MaskPixels:
    """Read one mask as its file has it, with what its values need to be understood; see `MaskPixels`.

    Raises ImageError, also for values that are negative or not whole.
    """
    with open_file(path) as file:
        return mask_files.read(file, str(path), page, MAX_PIXELS)


def size(path: Path, page: int | None = None) -> tuple[int, int]:
    """(height, width) from the header alone, upright as `read` and `read_mask` give them. Raises ImageError."""
    with open_file(path) as file:
        return decoding.turned(read_header(file, str(path), page))


def orientation(path: Path) -> int:
    """The EXIF orientation, 1 to 8, by which `read` turns an image; 1 is upright as stored. Raises ImageError."""
    with open_file(path) as file:
        return read_header(file, str(path)).orientation


def pages(path: Path) -> int:
    """How many images a TIFF or a volume holds, by its headers; 1 for any other file. Raises ImageError."""
    with open_file(path) as file:
        return count(file, str(path))


def count(file: BinaryIO, name: str) -> int:
    """The same of an open file, for uploads."""
    header = read_header(file, name)
    return header.pages if header.paged else 1


def page_names(stem: str, number: int) -> list[tuple[str, int | None]]:
    """What the pages of a file are called, and their page: `stem` and None of a single one; `stem_000`, 0 and so on."""
    digits = max(3, len(str(number - 1)))
    return [(f"{stem}_{page:0{digits}d}", page) for page in range(number)] if number > 1 else [(stem, None)]


def _describe(file: BinaryIO, name: str, page: int | None) -> ImageInfo:
    header = read_header(file, name, page)
    headers.refuse_channels(header.channels, name)
    height, width = decoding.turned(header)
    return ImageInfo(
        height=height,
        width=width,
        channels=header.channels,
        dtype=header.dtype.name,
        pages=header.pages if header.paged else 1,
        channel_names=header.channel_names,
        axes=header.axes,
        note=f"{name}: {header.note}." if header.note else "",
    )


def _read(file: BinaryIO, name: str, page: int | None) -> tuple[Pixels, NDArray[np.bool_] | None, tuple[str, ...]]:
    """(pixels, valid, remarks)"""
    header = read_header(file, name, page)
    decoding.check(header, page, MAX_PIXELS, name)
    stored = decoding.load(header)
    if stored.dtype == np.bool_:
        stored = stored.astype(np.uint8) * np.uint8(255)
    if stored.dtype.kind not in "uif":
        raise ImageError(f"{name}: the pixel type {stored.dtype} is not supported; convert the image to 32-bit float.")
    remarks = [f"{name}: {header.note}."] if header.note else []
    valid, reason = nodata.find_valid(stored, header.nodata)
    pixels = stored
    if stored.dtype not in (np.uint8, np.uint16, np.float32):
        with np.errstate(over="ignore"):
            pixels = stored.astype(np.float32)
        if rounded := _rounded(stored, pixels):
            remarks.append(
                f"{name}: {rounded:,} of {stored.size:,} values of {stored.dtype} are over {EXACT:,} and were rounded "
                "to the nearest 32-bit float."
            )
        if not np.isfinite(pixels).all() and valid is None:
            valid, reason = nodata.find_valid(pixels, None)
    if valid is None:
        return pixels, None, tuple(remarks)
    remarks.append(nodata.sentence(valid, reason, name))
    return nodata.fill(pixels, valid, name), valid, tuple(remarks)


def _rounded(stored: NDArray[np.generic], pixels: Pixels) -> int:
    """How many integers are not the same number as 32-bit float."""
    if stored.dtype.kind not in "ui" or stored.dtype.itemsize < 4 or not stored.size:
        return 0
    if int(stored.min()) >= -EXACT and int(stored.max()) <= EXACT:
        return 0
    return int((pixels.astype(np.float64) != stored.astype(np.float64)).sum())
