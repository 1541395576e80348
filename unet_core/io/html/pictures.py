"""Small pictures inside a document, as `data:` addresses."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unet_core.io.pixels import Pixels

QUALITY = 88  # of JPEG: a report of many pictures stays small

Picture = NDArray[np.uint8]


def as_color(picture: Pixels) -> Picture:
    """(H, W, 3) of (H, W) or (H, W, 1 or 3) uint8."""
    gray = picture if picture.ndim == 3 else picture[:, :, None]
    return np.ascontiguousarray(np.broadcast_to(gray, (*gray.shape[:2], 3)), np.uint8)


def shrink(picture: Picture, side: int) -> Picture:
    """(h, w, 3) the same with a longer side of so many pixels; a smaller one is enlarged without smoothing."""
    import cv2

    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    shrunk: NDArray[Any] = cv2.resize(picture, size, interpolation=method)
    return np.asarray(shrunk, np.uint8)


def encode_jpeg(picture: Picture, quality: int = QUALITY) -> str:
    """The `data:` address of a picture (H, W, 3) RGB."""
    import cv2

    coded = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return "data:image/jpeg;base64," + base64.b64encode(coded.tobytes()).decode()
