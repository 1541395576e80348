"""Mask files: the values as their writer meant them, with what is needed to give them a meaning."""

from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from unet_core.errors import ImageError
from unet_core.io import decoding
from unet_core.io.formats import pillow
from unet_core.io.formats.headers import Header, upright
from unet_core.io.pixels import Pixels

PHOTO_COLORS = 256  # more than that many are no classes: the mask of a cut-out photo is its alpha
MOST_LABEL = 2**32 - 1
INVERTING = "inverting LUT"


@dataclass(frozen=True)
class MaskPixels:
    """A mask as its file has it.

    `pixels` are (H, W) uint8, uint16 or uint32, or (H, W, 3) uint8 colors, upright. One bit a pixel gives 0 and 1.
    `palette` is (256, 3) uint8 where the file has one; pixels are then its indices. `lossy`: values near an edge may
    differ from what was saved, as in JPEG. `source` is "alpha" where the mask is in the alpha channel, because the
    colors say nothing: all are the same, or they are a photo; "inverting LUT" where a TIFF says that 0 is white and the
    stored values are given all the same, as ImageJ counts; else "". `invalid` is (H, W) True where the file's own tag
    says "no data" with another value than 0, None without; a negative such value and NaN are given as 0.
    """

    pixels: NDArray[Any]
    palette: NDArray[np.uint8] | None = None
    lossy: bool = False
    source: str = ""
    invalid: NDArray[np.bool_] | None = None


def read(file: BinaryIO, name: str, page: int | None, most_pixels: int) -> MaskPixels:
    """The mask in an open file. Raises ImageError."""
    header = decoding.read_header(file, name, page)
    decoding.check(header, page, most_pixels, name)
    # Fiji draws objects as 255 and turns the lookup table around, which TIFF calls "0 is white": the object stays 255
    # for ImageJ, tifffile and scikit-image. One bit is a convention of fax machines and is taken as it is seen, unless
    # tifffile wrote it, which stores True as 1 under "0 is white" (`stored` is None for the others).
    if header.stored is not None:
        values = upright(header.stored(), header.orientation)
        pixels, invalid = _labels(_one_or_colors(values, name), header, name)
        return MaskPixels(pixels, source=INVERTING, invalid=invalid)
    if header.image is None:
        pixels, invalid = _labels(_one_or_colors(decoding.load(header), name), header, name)
        return MaskPixels(pixels, invalid=invalid)
    samples = _samples(header, file, name)
    lossy = pillow.is_lossy(header.image, file)
    samples, source = _without_alpha(samples)
    palette = pillow.palette_of(header.image)
    if palette is not None:
        samples, palette, source = _of_palette(samples, palette, header)
    samples = _one_or_colors(samples if samples.ndim == 3 else samples[:, :, None], name)
    pixels, invalid = _labels(samples, header, name)
    return MaskPixels(pixels, palette, lossy, source, invalid)


def read_seen(file: BinaryIO, name: str, page: int | None, most_pixels: int, colors: bool) -> Pixels:
    """`images.read_mask`: values as they are seen, alpha dropped, a palette of black and white as 0 and 1."""
    header = decoding.read_header(file, name, page)
    decoding.check(header, page, most_pixels, name)
    image = header.image
    if image is None:
        pixels = _one_or_colors(decoding.load(header), name)
    elif image.mode == "P":
        orientation = pillow.load(image, name)
        pixels = np.asarray(image.convert("RGB") if colors else image, np.uint8)
        white = None if colors else pillow.white_indices(image, pixels)
        pixels = upright(pixels if white is None else white[pixels], orientation)
    else:
        pixels = _samples(header, file, name)
        pixels = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 2 else pixels
        pixels = pixels[:, :, :3] if pixels.ndim == 3 else pixels
    if pixels.dtype not in (np.uint8, np.uint16):
        if not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all() and 0 <= pixels.min() <= pixels.max()):
            raise ImageError(f"{name}: mask values must be whole numbers from 0; save the mask as 8-bit gray.")
        if pixels.max() > 65535:
            raise ImageError(f"{name}: the mask value {pixels.max():.10g} is over 65535; renumber the labels.")
        pixels = pixels.astype(np.uint16)
    if pixels.ndim == 3 and (pixels == pixels[:, :, :1]).all():
        pixels = pixels[:, :, 0]
    _refuse_deep_colors(pixels, name)
    return np.ascontiguousarray(pixels)


def _samples(header: Header, file: BinaryIO, name: str) -> NDArray[Any]:
    """All samples of a mask that Pillow decodes, with alpha, upright."""
    depth = pillow.depth_of(header.image)
    orientation = pillow.load(header.image, name)
    return upright(pillow.mask_samples(header.image, file, depth, name), orientation)


def _without_alpha(samples: NDArray[Any]) -> tuple[NDArray[Any], str]:
    """The channels that hold the mask, and "alpha" where that is alpha."""
    if samples.ndim == 2 or samples.shape[2] not in (2, 4):
        return samples, ""
    colors, alpha = samples[:, :, :-1], samples[:, :, -1]
    if (alpha == alpha[0, 0]).all():
        return colors, ""
    plain = (colors == colors[0, 0]).all()
    if plain or (colors.shape[2] == 3 and len(np.unique(colors.reshape(-1, 3), axis=0)) > PHOTO_COLORS):
        return alpha, "alpha"
    return colors, ""


def _of_palette(
    indices: NDArray[Any], palette: NDArray[np.uint8], header: Header
) -> tuple[NDArray[Any], NDArray[np.uint8] | None, str]:
    """The pixels, their palette and their source, where a palette is gray levels, or its transparency is the mask."""
    if "transparency" in header.image.info:
        rgba = upright(np.asarray(header.image.convert("RGBA"), np.uint8), pillow.orientation_of(header.image))
        mask, source = _without_alpha(rgba)
        if source and (rgba[:, :, :3] == rgba[0, 0, :3]).all():
            return mask, None, source
    levels = np.arange(256)[:, None]
    if (palette == levels).all():
        return indices, None, ""
    if (palette == 255 - levels).all():  # ImageJ's inverting table in a PNG
        return indices, None, INVERTING
    return indices, palette, ""


def _one_or_colors(pixels: NDArray[Any], name: str) -> NDArray[Any]:
    """(H, W), or (H, W, 3) where the three differ, of (H, W, C). Raises ImageError for any other C."""
    channels = pixels.shape[2]
    if channels == 1 or (channels == 3 and (pixels == pixels[:, :, :1]).all()):
        return np.ascontiguousarray(pixels[:, :, 0])
    if channels != 3:
        raise ImageError(
            f"{name}: the mask has {channels} channels, but one value a pixel is expected. If each is a class, save "
            "numpy.argmax(mask, axis) instead."
        )
    return pixels


def _labels(pixels: NDArray[Any], header: Header, name: str) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Whole numbers from 0 as uint8, uint16 or uint32, and where the file's tag says that there is no data."""
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8), None
    invalid = None
    if header.nodata and pixels.ndim == 2:  # of a mask, 0 is the background, whatever the tag calls it
        marked = np.isnan(pixels) if np.isnan(header.nodata) else pixels == header.nodata
        if marked.any():
            invalid = marked
            pixels = np.where(marked, 0, pixels) if not 0 < header.nodata <= MOST_LABEL else pixels
    _refuse_deep_colors(pixels, name)
    if pixels.dtype in (np.uint8, np.uint16, np.uint32):
        return pixels, invalid
    if pixels.dtype.kind not in "uif":
        raise ImageError(f"{name}: the mask's pixel type {pixels.dtype} is not supported; save it as 8-bit gray.")
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
        odd = pixels[~(np.isfinite(pixels) & (pixels == np.rint(pixels)))].flat[0]
        raise ImageError(
            f"{name}: mask values must be whole numbers, but {odd:.6g} is among them; save the mask as 8-bit gray."
        )
    low, high = int(pixels.min()), int(pixels.max())
    if low < 0 or high > MOST_LABEL:
        value = low if low < 0 else high
        raise ImageError(f"{name}: the mask value {value} is not in 0 to {MOST_LABEL}; renumber the labels.")
    small = np.uint8 if pixels.dtype == np.int8 else np.uint16 if high <= 65535 else np.uint32
    return pixels.astype(small), invalid


def _refuse_deep_colors(pixels: NDArray[Any], name: str) -> None:
    if pixels.ndim == 3 and pixels.dtype != np.uint8:
        raise ImageError(f"{name}: masks with 16-bit colors are not supported; save the mask with 8 bits per channel.")
