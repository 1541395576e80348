"""Whatever tifffile writes is read as it was: axes, numbers, byte order, planes, tiles, compression drawn by chance."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from unet_core.io import images

NUMBERS = ("u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8")  # OME knows no 16-bit float
KINDS = ("tifffile", "OME", "ImageJ", "plain")


def draw(rng: np.random.Generator, kind: str) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """(what to write, the images (N, H, W, C) that must come back, how to write it)"""
    dtype = str(rng.choice(("u1", "u2", "f4") if kind == "ImageJ" else NUMBERS))
    height, width, channels = (int(rng.integers(*bounds)) for bounds in ((33, 70), (33, 70), (1, 8)))
    outer = {axis: int(rng.integers(1, 4)) for axis in "TZ" if rng.random() < 0.4}
    order = "pages" if kind == "ImageJ" else str(rng.choice(("pages", "contig", "separate")))
    whole = rng.integers(0, 120, (*outer.values(), height, width, channels)).astype(dtype)
    axes, how = "".join(outer), dict[str, Any]()
    if channels == 1:
        stored, axes = whole[..., 0], axes + "YX"
    elif order == "contig":
        stored, axes, how["planarconfig"] = whole, axes + "YXS", order
    elif order == "separate":
        stored, axes, how["planarconfig"] = np.moveaxis(whole, -1, -3), axes + "SYX", order
    else:
        stored, axes = np.moveaxis(whole, -1, -3), axes + "CYX"
    expected = whole.reshape(-1, height, width, channels)
    if kind == "plain" and order == "pages":  # nothing says that they are channels
        expected = stored.reshape(-1, height, width, 1)
    how |= {"metadata": None if kind == "plain" else {"axes": axes}}
    if kind == "ImageJ":
        return np.ascontiguousarray(stored), expected, how | {"imagej": True}
    how |= {"photometric": "minisblack", "byteorder": str(rng.choice(("<", ">"))), "ome": kind == "OME"}
    if rng.random() < 0.4:
        how["tile"] = (16, 32)
    if rng.random() < 0.5:
        how |= {"compression": str(rng.choice(("zlib", "lzma"))), "predictor": dtype[0] != "f" and rng.random() < 0.5}
    return np.ascontiguousarray(stored), expected, how


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_comes_back(tmp_path: Path, kind: str, seed: int) -> None:
    rng, path = np.random.default_rng(seed), tmp_path / "image.tif"
    for _ in range(5):
        stored, expected, how = draw(rng, kind)
        tifffile.imwrite(path, stored, **how)
        assert images.pages(path) == len(expected), how
        for page, pixels in enumerate(expected):
            found = images.read(path, page if len(expected) > 1 else None)
            assert found.dtype == (stored.dtype if stored.dtype in (np.uint8, np.uint16) else np.float32)
            np.testing.assert_array_equal(found, pixels.astype(np.float32), err_msg=str(how))
