"""What Pillow decodes: PNG, JPEG, BMP, WebP, GIF, PPM, HEIC by its plug-in, and the TIFF of up to 8 bits a channel.

Pillow cuts 16-bit colors to 8, so PNG with 16 bits goes to OpenCV, and PPM with 16 bits to numpy.
"""

import re
import warnings
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from unet_core.errors import ImageError
from unet_core.io.formats.headers import MAX_PIXELS, Header, upright
from unet_core.io.pixels import Pixels

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "PPM")
ALL_FORMATS = (*FORMATS, "NPY", "NIfTI", "DICOM", "HEIC")  # those that messages name
HEIC = re.compile(rb"....ftyp(heic|heix|hevc|hevx|heim|heis|mif1|msf1)", re.DOTALL)
GRAY_MODES = ("1", "L", "LA")
COLOR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB")
LOSSY_WEBP = re.compile(rb"RIFF....WEBP(VP8 |VP8X.{14}.{0,4000}?VP8 )", re.DOTALL)


def open_header(file: BinaryIO, name: str) -> Image.Image:
    """An image by its header alone; pixels are decoded by `load`. Raises ImageError."""
    file.seek(0)
    formats: tuple[str, ...] = FORMATS
    if HEIC.match(file.read(12)):
        try:
            import pillow_heif
        except ImportError as error:
            raise ImageError(
                f"{name}: HEIC files need pillow-heif; run pip install pillow-heif, or save the image as JPEG or PNG."
            ) from error
        pillow_heif.register_heif_opener()
        formats = ("HEIF",)
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(file, formats=formats)
    except Exception as error:
        raise reading_error(name, error) from error
    if image.format == "PPM":
        tile = image.tile[0]  # gone after `load`
        arguments = tile.args if isinstance(tile.args, tuple) else (None, 65535 if "16" in str(tile.args) else 255)
        image.info |= {"start": tile.offset, "plain": tile.codec_name == "ppm_plain", "maximum": arguments[1]}
    return image


def read_header(file: BinaryIO, page: int | None, name: str, tiff: Header | None = None) -> Header:
    """The header of an image that Pillow is to decode, at a page of a TIFF whose header tifffile has read as `tiff`.

    Raises ImageError.
    """
    image = open_header(file, name)
    try:
        frames = frames_of(image) if tiff is None else tiff.pages
        if page:
            image.seek(page)
    except Exception as error:
        raise reading_error(name, error) from error
    depth = depth_of(image)
    if tiff is not None:
        return replace(tiff, load=partial(load_image, image, file, depth, name), image=image)
    tagged = image.format != "PNG" or "exif" in image.info  # getexif() would decode a PNG without
    return Header(
        pages=frames,
        height=image.height,
        width=image.width,
        channels=1 if image.mode in (*GRAY_MODES, "I", "I;16", "F") else 3,
        dtype=depth,
        load=partial(load_image, image, file, depth, name),
        orientation=orientation_of(image) if tagged and image.format != "TIFF" else 1,  # Pillow turns TIFF itself
        channel_names=("red", "green", "blue") if image.mode in COLOR_MODES else (),
        axes="YX" if image.mode in (*GRAY_MODES, "I", "I;16", "F") else "YXC",
        paged=image.format == "TIFF",
        image=image,
    )


def load(image: Image.Image, name: str) -> int:
    """Decode the pixels and give the EXIF orientation by which they are still to be turned. Raises ImageError."""
    try:
        image.load()
    except Exception as error:
        raise reading_error(name, error) from error
    return orientation_of(image)


def frames_of(image: Image.Image) -> int:
    """How many images a file holds; a photo with its preview (MPO) or with variants (HEIC) is one."""
    return 1 if image.format in ("MPO", "HEIF") else int(getattr(image, "n_frames", 1))


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or its block is damaged."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - the image itself may well be good
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def depth_of(image: Image.Image) -> np.dtype[Any]:
    """The pixel type that an image is read as, by its header, before `load`."""
    if image.format == "PPM" and image.mode != "1":
        return np.dtype(np.float32 if image.mode == "F" else np.uint16 if image.info["maximum"] > 255 else np.uint8)
    words = [image.mode, *(str(tile.args) for tile in getattr(image, "tile", []))]
    return np.dtype(np.uint16 if any(";16" in word for word in words) else np.uint8)


def is_lossy(image: Image.Image, file: BinaryIO) -> bool:
    """Whether pixels near an edge may differ from what was saved: JPEG, also inside a TIFF, WebP in part, HEIC."""
    if image.format == "WEBP":
        file.seek(0)
        return bool(LOSSY_WEBP.match(file.read(8192)))
    return image.format in ("JPEG", "MPO", "HEIF") or str(image.info.get("compression", "")) in ("jpeg", "tiff_jpeg")


def load_image(image: Image.Image, file: BinaryIO, depth: np.dtype[Any], name: str) -> NDArray[Any]:
    """Decode an image to (H, W, C), upright. Raises ImageError."""
    orientation = load(image, name)
    pixels = image_pixels(image, file, depth, name)
    return upright(pixels[:, :, None] if pixels.ndim == 2 else pixels, orientation)


def image_pixels(image: Image.Image, file: BinaryIO, depth: np.dtype[Any], name: str) -> Pixels:
    """A loaded image, (H, W) or (H, W, 3) of the type `depth`, as stored; alpha is dropped. Raises ImageError."""
    if depth != np.uint8:
        deep = _deep(image, file, name)
        return deep[:, :, 0] if deep.shape[2] <= 2 else deep[:, :, :3]
    if image.mode not in (*GRAY_MODES, *COLOR_MODES):
        raise ImageError(f"{name}: pixel format {image.mode!r} is not supported; convert the image to gray or RGB.")
    return np.asarray(image.convert("L" if image.mode in GRAY_MODES else "RGB"), dtype=np.uint8)


def mask_samples(image: Image.Image, file: BinaryIO, depth: np.dtype[Any], name: str) -> NDArray[Any]:
    """A loaded mask as stored: (H, W) of gray or palette indices, (H, W, 2) with alpha, (H, W, 3 or 4) of colors.

    One bit a pixel gives 0 and 1 as it is seen. Raises ImageError.
    """
    if depth != np.uint8 or image.info.get("maximum", 255) not in (0, 255):  # Pillow stretches 0..15 to 0..255
        samples = _deep(image, file, name)
        return samples[:, :, 0] if samples.shape[2] == 1 else samples
    if image.mode not in ("1", "L", "P", "LA", "RGB", "RGBA"):
        raise ImageError(f"{name}: pixel format {image.mode!r} is not supported for masks; save it as 8-bit gray.")
    return np.asarray(image, dtype=np.uint8)


def palette_of(image: Image.Image) -> NDArray[np.uint8] | None:
    """The colors (256, 3) of palette indices, black where the file has fewer; None of an image without palette."""
    if image.mode not in ("P", "PA"):
        return None
    table = np.zeros((256, 3), np.uint8)
    entries = np.asarray(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)[:256]
    table[: len(entries)] = entries
    return table


def reading_error(name: str, error: Exception) -> ImageError:
    """What to tell of a file that Pillow refused."""
    if isinstance(error, Image.DecompressionBombError):
        return ImageError(f"{name}: more than {MAX_PIXELS:,} pixels; split the image into tiles.")
    unknown = isinstance(error, UnidentifiedImageError)
    what = "not a supported image file, or its header is damaged" if unknown else f"the image is damaged ({error})"
    return ImageError(f"{name}: {what}. Supported formats: {', '.join(ALL_FORMATS)}.")


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


def _deep(image: Image.Image, file: BinaryIO, name: str) -> NDArray[Any]:
    """(H, W, C) with its alpha of what Pillow cuts or stretches: PNG with 16 bits, PPM."""
    if image.format == "PPM":
        return np.asarray(image, np.float32)[:, :, None] if image.mode == "F" else _of_ppm(image, file, name)
    if image.format != "PNG":
        raise ImageError(f"{name}: 16-bit pixels in a TIFF with a damaged header; save the image again.")
    file.seek(0)
    try:
        decoded = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise ImageError(f"{name}: the image is damaged ({error}).") from error
    if decoded is None or decoded.dtype != np.uint16:
        raise ImageError(
            f"{name}: the image is damaged, or its kind of 16-bit PNG is not supported; save it as 16-bit TIFF."
        )
    pixels = np.asarray(decoded, np.uint16)
    if pixels.ndim == 2:
        return pixels[:, :, None]
    # Blue, green, red(, alpha) by OpenCV, which expands gray with alpha to colors; the three channels are equal then.
    if image.mode in ("L", "LA", "I", "I;16"):
        return np.ascontiguousarray(pixels[:, :, [0, 3] if pixels.shape[2] == 4 else [0]])
    return np.ascontiguousarray(pixels[:, :, [2, 1, 0, 3][: pixels.shape[2]]])


def _of_ppm(image: Image.Image, file: BinaryIO, name: str) -> NDArray[Any]:
    """(H, W, C) of a PGM or PPM as stored."""
    samples = 3 if image.mode == "RGB" else 1
    count, dtype = image.width * image.height * samples, np.dtype(">u2" if image.info["maximum"] > 255 else "u1")
    file.seek(image.info["start"])
    try:
        if image.info["plain"]:  # numbers as text, of at most 5 digits and a blank, and perhaps comments
            text = re.sub(rb"#[^\r\n]*", b"", file.read(16 * count + 4096))
            values = np.array(text.split()[:count], np.int64).astype(dtype)
        else:
            values = np.frombuffer(file.read(count * dtype.itemsize), dtype)
        pixels = values.reshape(image.height, image.width, samples)
    except (ValueError, OverflowError) as error:
        raise reading_error(name, error) from error
    return np.ascontiguousarray(pixels.astype(dtype.newbyteorder("=")))
