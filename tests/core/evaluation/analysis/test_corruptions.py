"""Corruptions are exactly what they say, alike for all bit depths, and the same for the same seed."""

import numpy as np
import pytest

from unet_core.errors import ConfigError
from unet_core.evaluation.analysis.corruptions import (
    CORRUPTIONS,
    SEVERITIES,
    check_names,
    corrupt,
    find_limits,
    format_level,
)


def flat(value, dtype=np.uint8):
    return np.full((6, 5, 1), value, dtype)


@pytest.fixture
def image():
    """(64, 48, 3) from 20 to 220."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(20, 221, (64, 48, 3)).astype(np.uint8)
    pixels[0, 0], pixels[0, 1] = 20, 220
    return pixels


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("brighter", [126, 151, 176, 202, 228]),  # 100 + 25.5, 51, 76.5, 102, 127.5, halves to even
        ("darker", [74, 49, 24, 0, 0]),  # and not below 0
        ("contrast", [100] * 5),
        ("blur", [100] * 5),
        ("jpeg", [100, 100, 100, 102, 100]),  # the mean of a block, -28 from 128, in steps of 16 q / 800
        ("scale", [100] * 5),
    ],
)
def test_a_flat_image(name, expected):
    for severity, value in enumerate(expected, 1):
        result = corrupt(flat(100), name, severity)
        assert result.dtype == np.uint8 and set(result.ravel().tolist()) == {value}, severity


def test_flat_images_of_other_types():
    assert corrupt(flat(25700, np.uint16), "brighter", 2).max() == 25700 + round(0.2 * 65535)
    assert corrupt(flat(0.5, np.float32), "darker", 1).max() == pytest.approx(0.4)


def test_brightness_is_a_share_of_the_range_and_saturates_at_the_brightest_value(image):
    low, high, extent = find_limits(image)
    assert (low, high) == (20, 220)
    assert extent == np.diff(np.percentile(image, (0.1, 99.9)))
    expected = np.clip(np.rint(image + np.float32(0.3 * extent)), 20, 220)
    np.testing.assert_array_equal(corrupt(image, "brighter", 3), expected)
    expected = np.clip(np.rint(image - np.float32(0.3 * extent)), 20, 220)
    np.testing.assert_array_equal(corrupt(image, "darker", 3), expected)


def test_a_hot_pixel_does_not_set_the_range():
    image = np.random.default_rng(0).integers(1000, 2000, (100, 100, 1)).astype(np.uint16)
    image[50, 50] = 65535
    assert 990 < find_limits(image)[2] < 1001


def test_contrast_lowers_the_distance_to_the_mean_of_each_channel(image):
    means = image.reshape(-1, 3).mean(0)
    for factor, severity in ((0.75, 1), (0.1, 5)):
        expected = np.rint((image - means) * factor + means)
        np.testing.assert_allclose(corrupt(image, "contrast", severity), expected, atol=1)


def test_blur_of_a_point_has_its_sigma():
    image = np.zeros((61, 61, 1), np.float32)
    image[30, 30] = 1
    for severity, sigma in ((2, 1), (4, 3), (5, 4)):
        spread = corrupt(image, "blur", severity)[:, :, 0].astype(np.float64)
        rows = np.arange(61) - 30
        assert spread.sum() == pytest.approx(1, abs=1e-3)
        assert np.sqrt((spread.sum(1) * rows**2).sum()) == pytest.approx(sigma, rel=0.03)


def test_noise_has_its_sigma_and_depends_on_seed_and_name_alone():
    image = np.full((300, 300, 1), 0.5, np.float32)
    image[0, :150], image[0, 150:] = 0, 1  # limits far away: nothing is clipped
    for sigma, severity in ((0.02, 1), (0.1, 3)):
        noise = (corrupt(image, "noise", severity, "a") - image)[1:]
        assert noise.std() == pytest.approx(sigma, rel=0.02)
        assert noise.mean() == pytest.approx(0, abs=1e-3)
    same = corrupt(image, "noise", 2, "a")
    np.testing.assert_array_equal(same, corrupt(image, "noise", 2, "a"))
    assert (same != corrupt(image, "noise", 2, "b")).any()
    assert (same != corrupt(image, "noise", 2, "a", seed=1)).any()


def test_jpeg_is_that_of_opencv(image):
    import cv2

    scaled = np.rint((image - 20.0) * 255 / 200).astype(np.uint8)
    data = cv2.imencode(".jpg", scaled[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 15])[1]
    expected = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)[:, :, ::-1] * (200 / 255) + 20
    np.testing.assert_allclose(corrupt(image, "jpeg", 4), expected, atol=0.51)


def test_scale_gives_another_size(image):
    sizes = [corrupt(image, "scale", severity).shape for severity in range(1, 6)]
    assert sizes == [(51, 38, 3), (42, 31, 3), (32, 24, 3), (22, 17, 3), (16, 12, 3)]
    assert corrupt(image, "scale", 3).mean() == pytest.approx(image.mean(), abs=0.5)
    assert corrupt(flat(7)[:1, :1], "scale", 5).shape == (1, 1, 1)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_8_and_16_bits_and_floats_behave_alike(name, channels):
    low = np.random.default_rng(1).integers(10, 200, (40, 30, channels)).astype(np.uint8)
    for severity in range(1, SEVERITIES + 1):
        narrow = corrupt(low, name, severity)
        wide = corrupt(low.astype(np.uint16) * 16, name, severity)  # 12 bits in 16
        share = corrupt(low.astype(np.float32) / 255, name, severity)
        assert (narrow.dtype, wide.dtype, share.dtype) == (np.uint8, np.uint16, np.float32)
        assert narrow.shape == wide.shape == share.shape
        np.testing.assert_allclose(wide / 16, narrow, atol=1)
        np.testing.assert_allclose(share * 255, narrow, atol=1)


def test_severity_0_is_the_image_itself_and_each_is_worse_than_the_one_before(image):
    for name, entry in CORRUPTIONS.items():
        assert corrupt(image, name, 0) is image
        assert len(entry.levels) == SEVERITIES
        if not entry.resizes:
            errors = [np.abs(corrupt(image, name, n).astype(float) - image).mean() for n in range(1, 6)]
            assert errors == sorted(errors) and errors[0] > 0, name


def test_names_and_severities_are_checked(image):
    with pytest.raises(ConfigError, match=r"Unknown corruption 'fog'\. Use some of blur, noise, "):
        check_names(["blur", "fog"])
    assert check_names([]) == list(CORRUPTIONS)
    with pytest.raises(ValueError, match="severity is 6"):
        corrupt(image, "blur", 6)


def test_levels_have_units():
    assert [format_level(name, 5) for name in CORRUPTIONS] == [
        "sigma 4 px",
        "sigma 30% of the range",
        "+50% of the range",
        "-50% of the range",
        "to 10%",
        "quality 7",
        "to 25% of the size",
    ]
    assert format_level("", 0) == ""
