"""Small datasets of images with several channels, as TIFF."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from unet_core.io.pixels import encode_png


def make_stack(channels: int, seed: int, side: int = 48, dtype: type = np.uint16) -> tuple[NDArray, NDArray[np.uint8]]:
    """(H, W, C), (H, W) 0 or 255: disks that only the last channel shows; the others are noise of other levels."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    row, column = rng.integers(14, side - 14, 2)
    mask = np.hypot(y - row, x - column) < rng.integers(8, 13)
    image = rng.random((side, side, channels)) * 0.2
    image[:, :, -1] += mask * 0.7
    most = {np.uint8: 255, np.uint16: 4000, np.float32: 1.0}[dtype]
    return (image * most * np.linspace(1, 0.3, channels)).astype(dtype), mask.astype(np.uint8) * 255


def make_folder(root: Path, channels: int, number: int = 6, dtype: type = np.uint16, planes: bool = False) -> Path:
    """images/ and masks/ below `root`; `planes`: a channel after the other (CYX, ImageJ), else side by side (YXC)."""
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for index in range(number):
        image, mask = make_stack(channels, index, dtype=dtype)
        path = root / "images" / f"cell_{index}.tif"
        if planes:
            tifffile.imwrite(path, image.transpose(2, 0, 1), imagej=True, metadata={"axes": "CYX", "mode": "composite"})
        else:
            tifffile.imwrite(path, image, photometric="minisblack", planarconfig="contig")
        (root / "masks" / f"cell_{index}.png").write_bytes(encode_png(mask))
    return root
