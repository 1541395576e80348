"""Reading and writing pictures: one way in, one way out, both from bytes and never by a library's own file name.

A picture is refused from its header, before a pixel is decoded, when it is larger than `MAX_PIXELS`, holds several
frames, or has a pixel format whose meaning would be lost in 8 bits. The pixel format decides, never the content.
"""

import io
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from unet_core.errors import ImageError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")
MAX_PIXELS = 89_478_485  # Pillow's own bound: about 9,450 x 9,450
TURNS = {  # what makes a picture upright, by its EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Array = NDArray[np.uint8]


def is_image_name(path: Path) -> bool:
    """Whether a file name ends like a picture; hidden files do not count."""
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


def read(path: Path) -> Array:
    """Read one image as (H, W, C) uint8 with C = 1 (grey) or 3 (RGB), upright; alpha is dropped. Raises ImageError."""
    return decode(_bytes(path), str(path))


def decode(data: bytes, name: str) -> Array:
    """The same from the bytes of a file, for uploads; `name` is only used in messages. Raises ImageError."""
    picture = _open(data, name)
    if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"):
        raise ImageError(
            f"{name}: pixel format {picture.mode!r} (more than 8 bits a channel) cannot be read; "
            "convert the image to 8-bit grey or RGB."
        )
    grey = picture.mode in ("1", "L", "LA")
    pixels = np.asarray(picture.convert("L" if grey else "RGB"), dtype=np.uint8)
    return pixels[:, :, None] if grey else pixels


def read_mask(path: Path) -> Array:
    """Read one mask as its raw values, (H, W) uint8: grey levels, or the indices of a palette. Raises ImageError.

    An RGB mask is read where its three channels are equal. A 1-bit mask gives 0 and 1.
    """
    name = str(path)
    picture = _open(_bytes(path), name)
    if picture.mode in ("L", "P", "1"):
        return np.asarray(picture, dtype=np.uint8)
    if picture.mode in ("RGB", "RGBA", "LA"):
        pixels = np.asarray(picture, dtype=np.uint8)
        colours = pixels[:, :, :1] if picture.mode == "LA" else pixels[:, :, :3]
        if (colours == colours[:, :, :1]).all():
            return np.ascontiguousarray(colours[:, :, 0])
        raise ImageError(f"{name}: a mask in colours; a mask is grey or has a palette, one value a class. Convert it.")
    raise ImageError(f"{name}: pixel format {picture.mode!r} cannot be a mask; save it as 8-bit grey.")


def size(path: Path) -> tuple[int, int]:
    """(height, width) from the header alone, upright as `read` and `read_mask` give them. Raises ImageError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                tagged = picture.format != "PNG" or "exif" in picture.info  # getexif() would decode a PNG without
                turned = tagged and picture.format != "TIFF" and _orientation(picture) >= 5  # Pillow turns TIFF itself
                return (picture.width, picture.height) if turned else (picture.height, picture.width)
    except Exception as error:
        raise _unreadable(str(path), error) from error


def encode_png(pixels: Array) -> bytes:
    """A PNG of (H, W) or (H, W, 3) RGB uint8."""
    done, data = cv2.imencode(".png", pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    if not done:
        raise ImageError(f"A picture of shape {pixels.shape} cannot be written as PNG.")
    return data.tobytes()


def with_channels(image: Array, channels: int) -> Array:
    """An image (H, W, 1 or 3) with the wanted number of channels: grey is repeated, colour becomes luminance."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None].astype(np.uint8)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error}).") from error


def _open(data: bytes, name: str) -> Image.Image:
    """Check the header, then decode. Raises ImageError with what was found."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:
        raise _unreadable(name, error) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(
            f"{name}: {picture.width} x {picture.height} pixels are more than {MAX_PIXELS:,} and were not read; "
            "cut the picture into parts."
        )
    if picture.mode in ("RGB", "RGBA", "CMYK") and any(";16" in str(tile.args) for tile in picture.tile):
        raise ImageError(f"{name}: 16 bits a channel cannot be read; convert the image to 8-bit grey or RGB.")
    try:
        frames = getattr(picture, "n_frames", 1)
        if frames == 1:
            picture.load()
    except Exception as error:
        raise _unreadable(name, error) from error
    if frames > 1:
        raise ImageError(f"{name}: holds {frames} pictures where one is meant; save each as a file of its own.")
    turn = TURNS.get(_orientation(picture))
    return picture if turn is None else picture.transpose(turn)


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) where there is none or its block is damaged."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - the picture itself may well be good
        return 1
    return value if value in TURNS else 1


def _unreadable(name: str, error: Exception) -> ImageError:
    if isinstance(error, UnidentifiedImageError):
        what = "this is no picture in a known format, or its header is damaged"
    elif isinstance(error, Image.DecompressionBombError):
        what = f"it has more than {MAX_PIXELS:,} pixels and was not read; cut the picture into parts"
    else:
        what = f"the picture is damaged ({error})"
    return ImageError(f"{name}: {what}. Readable are {', '.join(FORMATS)}.")
