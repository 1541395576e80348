"""From an open file of any format to its header, by its first bytes, and from a checked header to its pixels."""

from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io.formats import arrays, medical, pillow, tiff_pixels
from unet_core.io.formats.headers import Header, refuse_channels, upright

MOST_BYTES = 2**32  # of one page with all its channels, decoded


def open_file(path: Path) -> BinaryIO:
    """A file opened to be read. Raises ImageError."""
    try:
        return path.open("rb")
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error}).") from error


def read_header(file: BinaryIO, name: str, page: int | None = None) -> Header:
    """The header of one page, the first unless asked for another; of the last where there is no such page.

    Raises ImageError.
    """
    if not file.read(1):
        raise ImageError(f"{name}: empty (0 bytes). Copy or export the file again.")
    file.seek(0)
    tiff = tiff_pixels.read_header(file, page or 0, name)
    if tiff is not None and tiff[1] is None:
        return tiff[0]
    if tiff is not None:
        return pillow.read_header(file, tiff[1], name, tiff[0])
    return (
        arrays.read_header(file, name)
        or medical.read_header(file, page or 0, name)
        or pillow.read_header(file, page, name)
    )


def check(header: Header, page: int | None, most_pixels: int, name: str) -> None:
    """Refuse what is too large, or one of several and not asked for. Raises ImageError."""
    page = page if header.paged else None
    if page is None and header.pages > 1:
        raise ImageError(f"{name}: contains {header.pages} images, but one is expected; save each as its own file.")
    if page is not None and not 0 <= page < header.pages:
        raise ImageError(f"{name}: contains {header.pages} images, there is no page {page} (the first is 0).")
    height, width = header.height, header.width
    if width * height > most_pixels:
        raise ImageError(
            f"{name}: {width} x {height} pixels exceed the limit of {most_pixels:,}; split the image into tiles."
        )
    refuse_channels(header.channels, name)
    if (size := height * width * header.channels * header.dtype.itemsize) > MOST_BYTES:
        raise ImageError(f"{name}: {size:,} bytes of pixels exceed the limit of {MOST_BYTES:,}; split it into tiles.")


def load(header: Header) -> NDArray[Any]:
    """The pixels (H, W, C) of a checked header, upright. Raises ImageError."""
    pixels = header.load()
    return pixels if header.image is not None else upright(pixels, header.orientation)


def turned(header: Header) -> tuple[int, int]:
    """(height, width) upright."""
    return (header.width, header.height) if header.orientation >= 5 else (header.height, header.width)
