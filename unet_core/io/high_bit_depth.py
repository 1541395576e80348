"""Images of more than 8 bits a channel, not a bit lost: TIFF by tifffile or OpenCV, PNG by OpenCV.

Pillow cuts 16-bit colors to 8 and knows no float colors, so it is used for neither. tifffile reads every TIFF header
and what is not compressed. Compressed pixels go to OpenCV: its decoder stops at the size that the header names, while
tifffile would inflate whatever a strip expands to, so that a few kilobytes could fill the memory.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from unet_core.errors import ImageError

TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
GRAY, COLORED = (tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK), (tifffile.PHOTOMETRIC.RGB,)

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it logs is raised as ImageError here


@dataclass(frozen=True)
class TiffHeader:
    """One page by the header of a TIFF: size in pixels as stored, EXIF orientation, `deep` for over 8 bits a channel.

    `pages` is how many images the file holds.
    """

    pages: int
    height: int
    width: int
    orientation: int
    deep: bool


def tiff_header(file: BinaryIO, page: int = 0) -> TiffHeader | None:
    """The header of one page; None where this is no TIFF, or one that tifffile cannot make out."""
    file.seek(0)
    if not file.read(4).startswith(TIFF_SIGNATURES):
        return None
    file.seek(0)
    with suppress(Exception), tifffile.TiffFile(file) as tiff:
        first = tiff.pages[0].aspage()
        pages = len(tiff.pages)
        # ImageJ (over 4 GB) and tifffile itself may store many images behind one header, which the chain of headers
        # does not show: such a stack must not be taken for its first image.
        if first.is_imagej:
            pages = max(pages, int((tiff.imagej_metadata or {}).get("images", 1)))
        elif first.is_shaped:
            pages = max(pages, sum(series.size for series in tiff.series) // first.size)
        header = tiff.pages[min(page, len(tiff.pages) - 1)].aspage()
        bits = header.bitspersample if isinstance(header.bitspersample, int) else max(header.bitspersample)
        tag = header.tags.get("Orientation")
        orientation = int(tag.value) if tag is not None else 1
        return TiffHeader(pages, int(header.imagelength), int(header.imagewidth), orientation, bits > 8)
    return None


def read_tiff(file: BinaryIO, page: int, name: str) -> NDArray[Any]:
    """The pixels of one deep page whose size was checked, as stored: (H, W) or (H, W, 3); alpha is dropped.

    Raises ImageError.
    """
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as tiff:
            if page >= len(tiff.pages):
                raise ImageError(
                    f"{name}: page {page} has no header of its own ({len(tiff.pages)} have); save it as a plain "
                    "multi-page TIFF."
                )
            header = tiff.pages[page].aspage()
            _check(header, name)
            if header.compression == tifffile.COMPRESSION.NONE:
                pixels = np.asarray(header.asarray())
            else:
                pixels = _decompress(file, page, header, name)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name}: the image is damaged ({error}).") from error
    # The header was checked before; what the decoders made of it is checked again, as they disagree on odd files.
    shape = int(header.imagelength), int(header.imagewidth)
    if header.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3 and pixels.shape[1:] == shape:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.shape[:2] != shape or pixels.ndim > 3 or pixels.dtype != header.dtype:
        raise ImageError(f"{name}: the image is damaged (its pixels do not match its header).")
    if header.photometric == tifffile.PHOTOMETRIC.MINISWHITE and np.issubdtype(pixels.dtype, np.unsignedinteger):
        pixels = np.iinfo(pixels.dtype).max - pixels
    if pixels.ndim == 3:
        pixels = pixels[:, :, 0] if header.photometric in GRAY else pixels[:, :, :3]
    return np.ascontiguousarray(pixels)


def _check(header: tifffile.TiffPage, name: str) -> None:
    """Refuse what would be read wrongly, or whose header asks for more memory than its size in pixels suggests."""
    samples, allowed = int(header.samplesperpixel), (1, 2) if header.photometric in GRAY else (3, 4)
    if header.photometric not in (*GRAY, *COLORED) or samples not in allowed or header.imagedepth != 1:
        color_space = getattr(header.photometric, "name", header.photometric)
        raise ImageError(
            f"{name}: a TIFF with over 8 bits, {samples} channels and color space {color_space} is not supported; "
            "convert the image to gray or RGB."
        )
    # A tile is allocated whole: one of 100,000 x 100,000 pixels in a tiny image would need 20 GB. Edge tiles reach over
    # the image, so some excess is normal.
    tiled = int(header.tilelength or 0) * int(header.tilewidth or 0)
    if header.is_tiled and tiled > max(2**20, 4 * header.imagelength * header.imagewidth):
        raise ImageError(f"{name}: the image is damaged (its tiles are larger than the image).")
    end = header.parent.filehandle.size
    strips = zip(header.dataoffsets, header.databytecounts, strict=True)
    if not header.dataoffsets or any(offset + count > end for offset, count in strips):
        raise ImageError(f"{name}: the image is damaged (the file ends before its pixels do).")


def _decompress(file: BinaryIO, page: int, header: tifffile.TiffPage, name: str) -> NDArray[Any]:
    if header.samplesperpixel == 2 or header.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        raise ImageError(
            f"{name}: a compressed TIFF with over 8 bits and planar channels, or gray with alpha, is not supported; "
            "save it without compression."
        )
    file.seek(0)
    data = np.frombuffer(file.read(), np.uint8)
    success, pages = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
    if not success or len(pages) != 1:
        kind = getattr(header.compression, "name", header.compression)
        raise ImageError(
            f"{name}: the image is damaged, or its compression {kind} is not supported; save it without compression."
        )
    return _to_rgb(np.asarray(pages[0]))


def read_png(data: bytes, gray: bool, name: str) -> NDArray[np.uint16]:
    """The pixels of a complete 16-bit PNG, (H, W) or (H, W, 3), without alpha. Raises ImageError."""
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"{name}: the image is damaged ({error}).") from error
    if decoded is None or decoded.dtype != np.uint16:
        raise ImageError(
            f"{name}: the image is damaged, or its kind of 16-bit PNG is not supported; save it as 16-bit TIFF."
        )
    pixels = _to_rgb(np.asarray(decoded, np.uint16))
    # OpenCV expands gray with alpha to colors; the three channels are equal then.
    return np.ascontiguousarray(pixels[:, :, 0] if gray and pixels.ndim == 3 else pixels)


def _to_rgb(pixels: NDArray[Any]) -> NDArray[Any]:
    """OpenCV's blue, green, red(, alpha) as red, green, blue; gray stays."""
    return pixels[:, :, 2::-1] if pixels.ndim == 3 and pixels.shape[2] >= 3 else pixels
