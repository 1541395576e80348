"""Pictures of more than 8 bits a channel, not a bit lost: TIFF by tifffile or OpenCV, PNG by OpenCV.

Pillow cuts 16-bit colors to 8 and knows no float colors, so it is asked for neither. tifffile reads every TIFF header
and what is not compressed; compressed pixels go to OpenCV, whose decoder cannot be made to inflate without bound.
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

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it finds wrong is told by ImageError


@dataclass(frozen=True)
class TiffHeader:
    """What the header of a TIFF tells of one page: its size as stored, EXIF orientation, whether it is `deep`."""

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
        if first.is_imagej:  # may keep all images behind one header
            pages = max(pages, int((tiff.imagej_metadata or {}).get("images", 1)))
        elif first.is_shaped:
            pages = max(pages, sum(series.size for series in tiff.series) // first.size)
        wanted = tiff.pages[min(page, len(tiff.pages) - 1)].aspage()
        bits = wanted.bitspersample if isinstance(wanted.bitspersample, int) else max(wanted.bitspersample)
        tag = wanted.tags.get("Orientation")
        orientation = int(tag.value) if tag is not None else 1
        return TiffHeader(pages, int(wanted.imagelength), int(wanted.imagewidth), orientation, bits > 8)
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
                    f"{name}: its {len(tiff.pages)} headers stand for more pages; save it as a plain multi-page TIFF."
                )
            header = tiff.pages[page].aspage()
            _check(header, name)
            if header.compression == tifffile.COMPRESSION.NONE:
                pixels = np.asarray(header.asarray())
            else:
                pixels = _inflated(file, page, header, name)
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(f"{name}: the picture is damaged ({error}).") from error
    shape = int(header.imagelength), int(header.imagewidth)
    if header.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3 and pixels.shape[1:] == shape:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.shape[:2] != shape or pixels.ndim > 3 or pixels.dtype != header.dtype:
        raise ImageError(f"{name}: the picture is damaged (its pixels are not what its header says).")
    if header.photometric == tifffile.PHOTOMETRIC.MINISWHITE and np.issubdtype(pixels.dtype, np.unsignedinteger):
        pixels = np.iinfo(pixels.dtype).max - pixels
    if pixels.ndim == 3:
        pixels = pixels[:, :, 0] if header.photometric in GRAY else pixels[:, :, :3]
    return np.ascontiguousarray(pixels)


def _check(header: tifffile.TiffPage, name: str) -> None:
    """Refuse what would be read wrongly, or whose header asks for more memory than its size tells."""
    samples, allowed = int(header.samplesperpixel), (1, 2) if header.photometric in GRAY else (3, 4)
    if header.photometric not in (*GRAY, *COLORED) or samples not in allowed or header.imagedepth != 1:
        raise ImageError(
            f"{name}: a deep TIFF of kind {getattr(header.photometric, 'name', header.photometric)} with {samples} "
            "channels cannot be read; convert the image to gray or RGB."
        )
    tiled = int(header.tilelength or 0) * int(header.tilewidth or 0)
    if header.is_tiled and tiled > max(2**20, 4 * header.imagelength * header.imagewidth):
        raise ImageError(f"{name}: the picture is damaged (its tiles are larger than itself).")
    end = header.parent.filehandle.size
    places = zip(header.dataoffsets, header.databytecounts, strict=True)
    if not header.dataoffsets or any(offset + count > end for offset, count in places):
        raise ImageError(f"{name}: the picture is damaged (it ends before its pixels do).")


def _inflated(file: BinaryIO, page: int, header: tifffile.TiffPage, name: str) -> NDArray[Any]:
    if header.samplesperpixel == 2 or header.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        raise ImageError(
            f"{name}: a compressed deep TIFF with its channels apart or with gray and alpha cannot be read; "
            "save it without compression."
        )
    file.seek(0)
    data = np.frombuffer(file.read(), np.uint8)
    done, pages = cv2.imdecodemulti(data, cv2.IMREAD_UNCHANGED, range=(page, page + 1))
    if not done or len(pages) != 1:
        kind = getattr(header.compression, "name", header.compression)
        raise ImageError(f"{name}: the picture is damaged, or its compression {kind} is unknown; save it without.")
    return _rgb(np.asarray(pages[0]))


def read_png(data: bytes, gray: bool, name: str) -> NDArray[np.uint16]:
    """The pixels of a 16-bit PNG that is known to be whole, (H, W) or (H, W, 3), without alpha. Raises ImageError."""
    try:
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"{name}: the picture is damaged ({error}).") from error
    if found is None or found.dtype != np.uint16:
        raise ImageError(f"{name}: the picture is damaged, or its 16 bits cannot be read; save it as 16-bit TIFF.")
    pixels = _rgb(np.asarray(found, np.uint16))
    return np.ascontiguousarray(pixels[:, :, 0] if gray and pixels.ndim == 3 else pixels)


def _rgb(pixels: NDArray[Any]) -> NDArray[Any]:
    """OpenCV's blue, green, red(, alpha) the other way round."""
    return pixels[:, :, 2::-1] if pixels.ndim == 3 and pixels.shape[2] >= 3 else pixels
