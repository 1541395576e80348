"""Small folders of images and annotation files that several test files share."""

import base64
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unet_core.data import annotations
from unet_core.data.annotations import Annotations
from unet_core.io.pixels import encode_png

HEIGHT, WIDTH = 12, 16
Array = NDArray[np.uint8]
TRIANGLE = [[2, 1], [8, 7], [2, 7]]  # corners that are pixels: row r from 1 to 7 holds columns 2 to r + 1


def grow(root: Path, tree: dict[str, Any]) -> Path:
    """Write files below a folder: images of WIDTH x HEIGHT, text, or what is to become JSON."""
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".png", ".jpg") and content is None:
            content = encode_png(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        path.write_bytes(
            content
            if isinstance(content, bytes)
            else (content if isinstance(content, str) else json.dumps(content)).encode()
        )
    return root


def read(root: Path, format: str | None = None) -> Annotations:
    """The annotations of a folder that has some."""
    result = annotations.read(root, format)
    assert result is not None
    return result


def draw(root: Path, image: str, format: str | None = None) -> Array:
    """The classes of one image."""
    return read(root, format).drawings[root / image].draw(HEIGHT, WIDTH)[0]


def triangle(label: int = 1) -> Array:
    """The mask of TRIANGLE as pixels."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for row in range(1, 8):
        mask[row, 2 : row + 2] = label
    return mask


def box(top: int, left: int, bottom: int, right: int, label: int = 1) -> Array:
    """A mask of one rectangle, `bottom` and `right` excluded."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top:bottom, left:right] = label
    return mask


def packed_png(mask: Array) -> str:
    """A mask as Supervisely packs its bitmaps: PNG with alpha, zlib, base64."""
    file = io.BytesIO()
    rgba = np.zeros((*mask.shape, 4), np.uint8)
    rgba[mask > 0] = 255
    Image.fromarray(rgba).save(file, "PNG")
    return base64.b64encode(zlib.compress(file.getvalue())).decode()


def brush(mask: Array) -> list[int]:
    """A mask as Label Studio's brush writes it, in runs of one value and, where a run is short, value by value."""
    values = np.repeat(mask.ravel() * 255, 4).astype(int).tolist()
    bits = f"{len(values):032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    at = 0
    while at < len(values):
        end = at
        while end < len(values) and values[end] == values[at]:
            end += 1
        if end - at <= 4:
            end = min(at + 4, len(values))
            bits += "0" + "00" + f"{end - at - 1:03b}" + "".join(f"{value:08b}" for value in values[at:end])
        else:
            bits += "1" + "11" + f"{end - at - 1:016b}" + f"{values[at]:08b}"
        at = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
