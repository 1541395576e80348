"""Exported images: masks, probabilities and overlays as PNG, labels and probabilities as TIFF."""

import io
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from unet_core import overlay
from unet_core.errors import DataError
from unet_core.export.result import Result
from unet_core.io.pixels import encode_png, full_range


def mask_png(result: Result) -> bytes:
    """0 and 255 for a binary mask, class indices for several classes."""
    return encode_png(np.where(result.mask == 1, 255, 0).astype(np.uint8) if result.num_classes == 1 else result.mask)


def probability_png(result: Result) -> bytes:
    """16 bits: 65535 stands for 1. Of the foreground, of several classes of each pixel's most probable one."""
    shares = _shares(result)
    flat = shares.max(0) if shares.ndim == 3 else shares
    done, data = cv2.imencode(".png", np.rint(flat * 65535).astype(np.uint16))
    if not done:
        raise DataError(f"{result.name}: probabilities of shape {flat.shape} cannot be written as PNG.")
    return data.tobytes()


def probability_tiff(result: Result) -> bytes:
    """32-bit float in 0..1, one page per class whose probability was stored."""
    return _tiff(_shares(result).astype(np.float32), result.pixel_size, most=1)


def overlay_png(result: Result) -> bytes:
    """The mask over the image, drawn as `overlay.draw` does."""
    drawn = overlay.draw(result.image, result.mask, result.num_classes, result.opacity, result.outline)
    return encode_png(drawn)


def labels_tiff(result: Result) -> bytes:
    """Each object's number, 0 elsewhere; 16 bits, or 32 where there are more than 65,535 objects."""
    number = len(result.objects)
    labels = result.objects.labels.astype(np.uint16 if number < 2**16 else np.uint32)
    return _tiff(labels, result.pixel_size, most=number)


def _shares(result: Result) -> NDArray[Any]:
    """(H, W) or (K, H, W), K > 1, in 0..1."""
    probability = result.probability
    if probability is None:
        raise DataError(f"{result.name}: its probabilities were not stored and cannot be written. Predict it again.")
    flat = probability[0] if probability.ndim == 3 and len(probability) == 1 else probability
    return flat / np.float32(full_range(flat)) if np.issubdtype(flat.dtype, np.integer) else flat


def _tiff(pixels: NDArray[Any], pixel_size: float | None, most: float) -> bytes:
    """A compressed TIFF that ImageJ shows from 0 to `most`; 32-bit integers, which it does not know, as a plain one."""
    file = io.BytesIO()
    if pixels.dtype == np.uint32:
        size: dict[str, Any] = {"metadata": None}
        if pixel_size:
            size |= {"resolution": (1e4 / pixel_size, 1e4 / pixel_size), "resolutionunit": "CENTIMETER"}
    else:
        shown = {"axes": "YX" if pixels.ndim == 2 else "CYX", "min": 0.0, "max": float(max(most, 1))}
        size = {"imagej": True, "metadata": shown}
        if pixel_size:
            size = {"imagej": True, "metadata": shown | {"unit": "um"}, "resolution": (1 / pixel_size, 1 / pixel_size)}
    tifffile.imwrite(file, pixels, compression="zlib", **size)
    return file.getvalue()
