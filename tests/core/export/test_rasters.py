"""Pictures to take home, read back with Pillow, tifffile and OpenCV."""

import io

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from tests.helpers.made import empty, result
from unet_core import overlay
from unet_core.errors import DataError
from unet_core.export import rasters
from unet_core.export.result import Result
from unet_core.io import images
from unet_core.postprocessing import objects


def png(data: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_masks() -> None:
    each = result()
    assert (png(rasters.mask_png(each)) == each.mask * 255).all()
    several = result(num_classes=4)
    assert (png(rasters.mask_png(several)) == several.mask).all()
    assert several.mask.max() == 3


def test_an_overlay_is_what_overlay_draws() -> None:
    each = result(opacity=0.3, outline=True)
    assert (png(rasters.overlay_png(each)) == overlay.draw(each.image, each.mask, 1, 0.3, True)).all()
    assert (png(rasters.overlay_png(each)) != png(rasters.overlay_png(result(opacity=0.3)))).any()


@pytest.mark.parametrize("shape", [(70, 90), (1, 70, 90)])
def test_probabilities_in_16_bits_and_as_float(shape: tuple[int, ...]) -> None:
    shares = np.random.default_rng(0).random(shape).astype(np.float32)
    each = result(probability=shares)
    stored = cv2.imdecode(np.frombuffer(rasters.probability_png(each), np.uint8), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert np.abs(stored / 65535 - shares.reshape(70, 90)).max() <= 0.51 / 65535
    assert (tifffile.imread(io.BytesIO(rasters.probability_tiff(each))) == shares.reshape(70, 90)).all()


def test_16_bit_probabilities_come_back_as_they_were() -> None:
    shares = np.arange(6300, dtype=np.uint16).reshape(70, 90) * 10
    stored = images.decode(rasters.probability_png(result(probability=shares)), "a")
    assert (stored[:, :, 0] == shares).all()


def test_probabilities_of_several_classes() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(4), (70, 90)).transpose(2, 0, 1).astype(np.float32)
    each = result(num_classes=4, probability=shares)
    pages = tifffile.imread(io.BytesIO(rasters.probability_tiff(each)))
    assert (pages == shares).all()
    stored = images.decode(rasters.probability_png(each), "a")
    assert (stored[:, :, 0] == np.rint(shares.max(0) * 65535)).all()


def test_probabilities_that_were_not_kept_are_told() -> None:
    for encode in (rasters.probability_png, rasters.probability_tiff):
        with pytest.raises(DataError, match=r"a\.png.*not stored"):
            encode(result())


@pytest.mark.parametrize("size", [None, 0.25])
def test_labels_with_the_pixel_size(size: float | None) -> None:
    each = result(pixel_size=size)
    with tifffile.TiffFile(io.BytesIO(rasters.labels_tiff(each))) as tiff:
        pixels, page = tiff.asarray(), tiff.pages[0].aspage()
        assert pixels.dtype == np.uint16
        assert (pixels == each.objects.labels).all()
        assert tiff.imagej_metadata is not None
        assert tiff.imagej_metadata["max"] == len(each.objects)  # else ImageJ shows them black
        assert tiff.imagej_metadata.get("unit") == (None if size is None else "um")
        if size is not None:
            up, down = page.tags["XResolution"].value
            assert up / down == pytest.approx(1 / size)
    assert (images.decode(rasters.labels_tiff(each), "a")[:, :, 0] == pixels).all()  # our own reader as well


def test_more_than_65535_objects_take_32_bits() -> None:
    mask = np.zeros((600, 600), np.uint8)
    mask[::2, ::2] = 1
    labels = np.zeros(mask.shape, np.int32)
    labels[::2, ::2] = np.arange(1, 90001).reshape(300, 300)
    found = objects.Objects(labels, {"id": np.arange(1, 90001)})
    each = Result("a", mask[:, :, None], mask, 1, pixel_size=0.5, precomputed=found)
    with tifffile.TiffFile(io.BytesIO(rasters.labels_tiff(each))) as tiff:
        page = tiff.pages[0].aspage()
        assert tiff.asarray().dtype == np.uint32
        assert (tiff.asarray() == labels).all()
        up, down = page.tags["XResolution"].value
        assert (up / down, page.tags["ResolutionUnit"].value) == (pytest.approx(20000), 3)  # pixels a centimeter


def test_empty_ones() -> None:
    each = empty(probability=np.zeros((20, 30), np.float32))
    for encode in (rasters.mask_png, rasters.probability_png, rasters.probability_tiff, rasters.labels_tiff):
        assert not images.decode(encode(each), "a").any()
