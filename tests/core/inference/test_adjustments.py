"""Pictures are changed as told, and what was found comes back in their own size."""

import numpy as np
import pytest

from unet_core.errors import ConfigError
from unet_core.inference.adjustments import Adjust

RAMP = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


def test_by_default_nothing_is_done():
    assert not Adjust()
    assert Adjust().words == ""
    np.testing.assert_array_equal(Adjust().apply(RAMP), RAMP)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.full((2, 2, 1), 10, np.uint8), 245),
        (np.full((2, 2, 1), 10, np.uint16), 65525),
        (np.full((2, 2, 1), 0.25, np.float32), 0.75),
    ],
)
def test_inverting_mirrors_the_range_of_the_dtype(image, expected):
    inverted = Adjust(invert=True).apply(image)
    assert inverted.dtype == image.dtype
    assert (inverted == expected).all()


def test_swapping_exchanges_the_first_and_the_last_channel():
    np.testing.assert_array_equal(Adjust(swap=True).apply(RAMP), RAMP[:, :, [2, 1, 0]])


def test_stretching_fills_the_range_and_leaves_a_flat_picture_alone():
    dark = np.arange(0, 4096, dtype=np.uint16).reshape(64, 64, 1)
    stretched = Adjust(stretch=True).apply(dark)
    assert stretched.dtype == np.uint16
    assert stretched.min() == 0
    assert stretched.max() == 65535
    assert (np.diff(stretched.ravel().astype(int)) >= 0).all()
    flat = np.full((8, 8, 3), 9, np.uint8)
    np.testing.assert_array_equal(Adjust(stretch=True).apply(flat), flat * 0)


def test_the_order_is_stretch_then_invert():
    dark = np.array([[[0], [10]]], np.uint8)
    assert Adjust(stretch=True, invert=True).apply(dark).ravel().tolist() == [255, 0]


@pytest.mark.parametrize(("scale", "shape"), [(0.5, (10, 20, 1)), (2.0, (40, 80, 1)), (0.05, (1, 2, 1))])
def test_scaling_keeps_channels_and_dtype(scale, shape):
    for dtype in (np.uint8, np.uint16, np.float32):
        scaled = Adjust(scale=scale).apply(np.ones((20, 40, 1), dtype))
        assert scaled.shape == shape
        assert scaled.dtype == dtype


def test_what_was_found_comes_back_in_the_size_of_the_picture():
    classes = np.array([[0, 7], [7, 0]], np.uint8)
    restored = Adjust(scale=0.1).restore(classes, 20, 20, classes=True)
    assert set(np.unique(restored)) == {0, 7}, "classes are never mixed"
    assert restored[3, 15] == 7
    smooth = Adjust(scale=0.1).restore(np.array([[0, 255], [0, 255]], np.uint8), 20, 20)
    assert len(np.unique(smooth)) > 5
    assert Adjust().restore(classes, 2, 2) is classes


def test_the_caption_names_what_is_done():
    assert Adjust(invert=True, scale=0.5).words == "inverted, scale 0.5"
    assert Adjust(swap=True, stretch=True).words == "channels swapped, contrast stretched"


@pytest.mark.parametrize("scale", [0.0, 0.01, 21.0, float("nan")])
def test_a_scale_out_of_range_is_refused(scale):
    with pytest.raises(ConfigError, match="scale"):
        Adjust(scale=scale)


@pytest.mark.parametrize("scale", [0.37, 0.5, 1.7])
@pytest.mark.parametrize("channels", [2, 4, 5, 8, 32])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_any_number_of_channels_is_adjusted_each_by_itself(dtype, channels, scale):
    image = (np.random.default_rng(0).random((41, 53, channels)) * np.geomspace(1, 200, channels)).astype(dtype)
    changed = Adjust(stretch=True, invert=True, scale=scale).apply(image)
    assert (changed.shape[2], changed.dtype) == (channels, image.dtype)
    for channel in range(channels):
        alone = Adjust(stretch=True, invert=True, scale=scale).apply(image[:, :, [channel]])
        step = 1 if dtype != np.float32 else 1e-3
        assert np.abs(alone[:, :, 0].astype(float) - changed[:, :, channel]).max() <= step


def test_red_and_blue_are_swapped_in_rgb_alone():
    image = np.arange(4, dtype=np.uint8)[None, None]
    assert Adjust(swap=True).apply(image).tolist() == [[[0, 1, 2, 3]]]
    assert Adjust(swap=True).apply(image[:, :, :3]).tolist() == [[[2, 1, 0]]]
