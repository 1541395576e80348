"""Reading images: always from bytes, never by a library that opens the file name itself.

An image is refused from its header, before a pixel is decoded, when it is larger than `MAX_PIXELS`, or is one of
several in a file and none of them was asked for. The pixel format alone decides what an array is, never the content:

| stored as | read as |
|---|---|
| 1 to 8 bits a channel, palette, CMYK | uint8, 0..255 |
| 16 bits a channel (PNG, TIFF) | uint16, 0..65535, every bit kept |
| 32-bit float (TIFF) | float32 as it is; NaN and infinity are refused |
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from unet_core.errors import ImageError
from unet_core.io import high_bit_depth
from unet_core.io.pixels import Pixels

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
MAX_PIXELS = 89_478_485  # Pillow's own bound: about 9,450 x 9,450
TURNS = {  # what makes an array upright, by its EXIF orientation: (transposed, rows reversed, columns reversed) after
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}


@dataclass(frozen=True)
class ImageInfo:
    """What a file says of its image."""

    height: int
    width: int
    channels: int
    dtype: str
    pages: int
    channel_names: tuple[str, ...]
    axes: str


def describe(path: Path) -> ImageInfo:
    """Size, channels and type of the image in a file, or of its first page. Raises ImageError."""
    with _open(path) as file:
        return inspect(file, str(path))


def inspect(file: BinaryIO, name: str) -> ImageInfo:
    """The same of an open file, for uploads."""
    number = count(file, name)
    file.seek(0)
    pixels = _read_image(file, name, 0 if number > 1 else None)
    height, width, channels = pixels.shape
    return ImageInfo(height, width, channels, str(pixels.dtype), number, (), "YXC")


def read(path: Path, page: int | None = None) -> Pixels:
    """Read one image as (H, W, C) uint8, uint16 or float32 with C = 1 (gray) or 3 (RGB), upright; alpha is dropped.

    `page` (from 0) is one of a multi-page TIFF; a file of several is refused without it. Raises ImageError.
    """
    with _open(path) as file:
        return _read_image(file, str(path), page)


def decode(data: bytes, name: str, page: int | None = None) -> Pixels:
    """The same from the bytes of a file, for uploads; `name` is only used in messages. Raises ImageError."""
    return _read_image(io.BytesIO(data), name, page)


def read_mask(path: Path, page: int | None = None, colors: bool = False) -> Pixels:
    """Read one mask as its raw values: (H, W) uint8 or uint16, gray levels or palette indices; (H, W, 3) uint8 colors.

    Colors are given where the three channels differ, and of a palette where `colors` asks for them. One bit a pixel
    gives 0 and 1, and so does a palette of black and white, whatever its order. Raises ImageError.
    """
    name = str(path)
    with _open(path) as file:
        pixels = _decode(file, name, page, "colors" if colors else "indices")
    if pixels.dtype not in (np.uint8, np.uint16):
        if not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all() and 0 <= pixels.min() <= pixels.max()):
            raise ImageError(f"{name}: mask values must be whole numbers from 0; save the mask as 8-bit gray.")
        if pixels.max() > 65535:
            raise ImageError(f"{name}: the mask value {pixels.max():.10g} is over 65535; renumber the labels.")
        pixels = pixels.astype(np.uint16)
    if pixels.ndim == 3 and (pixels == pixels[:, :, :1]).all():
        pixels = np.ascontiguousarray(pixels[:, :, 0])
    if pixels.ndim == 3 and pixels.dtype != np.uint8:
        raise ImageError(f"{name}: masks with 16-bit colors are not supported; save the mask with 8 bits per channel.")
    return pixels


def size(path: Path, page: int | None = None) -> tuple[int, int]:
    """(height, width) from the header alone, upright as `read` and `read_mask` give them. Raises ImageError."""
    with _open(path) as file:
        header = high_bit_depth.tiff_header(file, page or 0)
        if header is not None:
            turned = 5 <= header.orientation <= 8
            return (header.width, header.height) if turned else (header.height, header.width)
        file.seek(0)
        with _open_header(file, str(path)) as image:
            tagged = image.format != "PNG" or "exif" in image.info  # getexif() would decode a PNG without
            turned = tagged and image.format != "TIFF" and _orientation(image) >= 5  # Pillow turns TIFF itself
            return (image.width, image.height) if turned else (image.height, image.width)


def pages(path: Path) -> int:
    """How many images a TIFF holds, by its headers; 1 for any other file. Raises ImageError."""
    with _open(path) as file:
        return count(file, str(path))


def count(file: BinaryIO, name: str) -> int:
    """The same of an open file, for uploads."""
    header = high_bit_depth.tiff_header(file)
    if header is not None:
        return header.pages
    file.seek(0)
    with _open_header(file, name) as image:
        return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1


def page_names(stem: str, number: int) -> list[tuple[str, int | None]]:
    """What the pages of a file are called, and their page: `stem` and None of a single one; `stem_000`, 0 and so on."""
    digits = max(3, len(str(number - 1)))
    return [(f"{stem}_{page:0{digits}d}", page) for page in range(number)] if number > 1 else [(stem, None)]


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _read_image(file: BinaryIO, name: str, page: int | None) -> Pixels:
    pixels = _decode(file, name, page, "image")
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise ImageError(
            f"{name}: the pixel type {pixels.dtype} is not supported; convert the image to unsigned 8 or 16 bits or to "
            "32-bit float."
        )
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        bad = int((~np.isfinite(pixels)).sum())
        raise ImageError(
            f"{name}: {bad} of {pixels.size} values are NaN or infinite; replace them with finite numbers."
        )
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _decode(file: BinaryIO, name: str, page: int | None, purpose: str) -> Pixels:
    """(H, W) or (H, W, 3), upright, of the file's own type; `purpose` is image, or of a mask colors or indices."""
    header = high_bit_depth.tiff_header(file, page or 0)
    if header is not None:
        _refuse_count(header.pages, page, name)
        _refuse_size(header.width, header.height, name)
        if header.deep:
            return _upright(high_bit_depth.read_tiff(file, page or 0, name), header.orientation)
    file.seek(0)
    with _open_header(file, name) as image:
        try:
            frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))  # MPO: photo and preview
            if header is not None and header.pages > frames:
                raise ImageError(f"{name}: {header.pages} pages share one header; save it as a plain multi-page TIFF.")
            _refuse_count(frames, page if image.format == "TIFF" else None, name)
            if page:
                image.seek(page)
            _refuse_size(image.width, image.height, name)
            tiles = [image.mode, *(str(tile.args) for tile in getattr(image, "tile", []))]
            gray, deep_png = image.mode in ("LA", "L", "I", "I;16"), any(";16" in words for words in tiles)
            image.load()
            orientation = _orientation(image)
        except ImageError:
            raise
        except Exception as error:
            raise _reading_error(name, error) from error
        if deep_png and image.format == "PNG":
            file.seek(0)
            return _upright(high_bit_depth.read_png(file.read(), gray, name), orientation)
        if deep_png:
            raise ImageError(f"{name}: 16-bit pixels in a TIFF with a damaged header; save the image again.")
        pixels = _image_pixels(image, name) if purpose == "image" else _mask_pixels(image, name, purpose == "colors")
        return _upright(pixels, orientation)


def _image_pixels(image: Image.Image, name: str) -> Pixels:
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
        raise ImageError(f"{name}: pixel format {image.mode!r} is not supported; convert the image to gray or RGB.")
    return np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB"), dtype=np.uint8)


def _mask_pixels(image: Image.Image, name: str, colors: bool) -> Pixels:
    if image.mode == "P" and colors:
        image = image.convert("RGB")
    pixels = np.asarray(image, dtype=np.uint8)
    if image.mode in ("L", "1"):
        return pixels
    if image.mode == "P":
        white = white_indices(image, pixels)
        return pixels if white is None else white[pixels]
    if image.mode in ("RGB", "RGBA", "LA"):
        return pixels[:, :, 0] if image.mode == "LA" else np.ascontiguousarray(pixels[:, :, :3])
    raise ImageError(f"{name}: pixel format {image.mode!r} is not supported for masks; save it as 8-bit gray.")


def _open_header(file: BinaryIO, name: str) -> Image.Image:
    """The image by its header alone; pixels are decoded by `load`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(file, formats=FORMATS)
    except Exception as error:
        raise _reading_error(name, error) from error


def _refuse_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name}: {width} x {height} pixels exceed the limit of {MAX_PIXELS:,}; split the image into tiles."
        )


def _refuse_count(pages_: int, page: int | None, name: str) -> None:
    if page is None and pages_ > 1:
        raise ImageError(f"{name}: contains {pages_} images, but one is expected; save each as its own file.")
    if page is not None and not 0 <= page < pages_:
        raise ImageError(f"{name}: contains {pages_} images, there is no page {page} (the first is 0).")


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    if orientation not in TURNS:
        return pixels
    transposed, rows, columns = TURNS[orientation]
    turned = pixels.swapaxes(0, 1) if transposed else pixels
    return np.ascontiguousarray(turned[::rows, ::columns])


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or its block is damaged."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - the image itself may well be good
        return 1
    return value if value in TURNS else 1


def _reading_error(name: str, error: Exception) -> ImageError:
    if isinstance(error, Image.DecompressionBombError):
        return ImageError(f"{name}: more than {MAX_PIXELS:,} pixels; split the image into tiles.")
    unknown = isinstance(error, UnidentifiedImageError)
    what = "not a supported image file, or its header is damaged" if unknown else f"the image is damaged ({error})"
    return ImageError(f"{name}: {what}. Supported formats: {', '.join(FORMATS)}.")


def white_indices(image: Image.Image, indices: NDArray[Any]) -> NDArray[np.uint8] | None:
    """(256,) 1 where a palette is white, if it is one of black and white alone; else None: the indices are classes.

    Also where only black and white are used and black is not index 0: writers that count colors order them anyhow.
    """
    entries = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    table = np.zeros((256, 3), np.uint8)
    table[: len(entries)] = entries
    bright = table.max(1)
    plain = (bright == table.min(1)) & ((bright == 0) | (bright == 255))
    used = np.unique(indices)
    if not plain[used].all() or used[-1] >= len(entries):
        return None
    both = plain[: len(entries)].all() and {0, 255} <= set(bright[: len(entries)].tolist())
    odd = bright[0] == 255 or (255 in bright[used] and (bright[used] == 0)[used > 0].any())
    return (bright > 0).astype(np.uint8) if both or odd else None
