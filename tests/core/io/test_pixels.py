"""What a screen shows of any number of channels."""

import numpy as np
import pytest

from unet_core.io.pixels import CHANNEL_COLORS, PAIR, composite, for_display, with_channels


def ramp(channels: int, dtype: type, most: float) -> np.ndarray:
    """Each channel a ramp of its own range."""
    line = np.linspace(0, 1, 50)[None, :, None] * np.linspace(1, 0.2, channels) * most
    return np.repeat(line, 40, 0).astype(dtype)


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 4000), (np.float32, 0.7)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 32])
def test_whatever_the_channels_a_screen_gets_gray_or_rgb(channels: int, dtype: type, most: float) -> None:
    image = ramp(channels, dtype, most)
    shown = for_display(image)
    assert shown.dtype == np.uint8
    assert shown.shape == (40, 50, channels if channels in (1, 3) else 3)
    assert shown.min() == 0
    assert shown.max() >= 240
    mixed = composite(image)
    assert (mixed.shape, mixed.dtype) == ((40, 50, 3), np.uint8)


def test_gray_and_rgb_of_8_bits_stay_as_they_are() -> None:
    for channels in (1, 3):
        image = ramp(channels, np.uint8, 90)
        assert for_display(image) is image


def test_two_channels_are_green_and_magenta_and_white_together() -> None:
    assert PAIR == ((0, 255, 0), (255, 0, 255))
    image = np.array([[[0, 0], [9, 0], [0, 7], [9, 7]]], np.float32)
    shown = composite(image, limits=(0, 100))
    assert shown[0].tolist() == [[0, 0, 0], [0, 255, 0], [255, 0, 255], [255, 255, 255]]


def test_channels_colors_and_limits_are_those_that_are_chosen() -> None:
    image = ramp(5, np.float32, 1)
    np.testing.assert_array_equal(composite(image), composite(image, (0, 1, 2), colors=CHANNEL_COLORS[:3]))
    only = composite(image, (4,))
    assert (only == only[:, :, :1]).all(), "one alone is gray"
    assert composite(image, (4,), colors=[(255, 128, 0)]).reshape(-1, 3).max(0).tolist() == [255, 128, 0]
    order = composite(image * [1, 0, 0, 1, 1], (3, 0))
    assert order[0, -1].tolist() == [255, 255, 255]
    narrow, wide = composite(image, (0,), (40, 60)), composite(image, (0,), (0, 100))
    assert np.isin(narrow, [0, 255]).mean() > 0.7 > np.isin(wide, [0, 255]).mean()


def test_a_large_image_is_put_together_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 4000, (37, 50, 4)).astype(np.uint16)
    at_once = composite(image)
    monkeypatch.setattr("unet_core.io.pixels.ROWS_OF", 120)
    np.testing.assert_array_equal(composite(image), at_once)


def test_a_flat_channel_is_black_and_not_an_error() -> None:
    assert composite(np.full((3, 3, 2), 7, np.uint16)).max() == 0


@pytest.mark.parametrize(("channels", "wanted"), [(2, 1), (2, 3), (4, 3), (3, 4), (1, 2)])
def test_no_channel_is_dropped_or_invented(channels: int, wanted: int) -> None:
    with pytest.raises(ValueError, match=f"{channels} channels cannot be one of {wanted}"):
        with_channels(np.zeros((2, 2, channels), np.uint8), wanted)
