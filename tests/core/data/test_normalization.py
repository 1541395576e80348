"""Mean and deviation of gray, of RGB together, and of each of unlike channels."""

import cv2
import numpy as np
import pytest

from unet_core.data.normalization import normalize, statistics

UNLIKE = (2, 4, 5, 8, 32)


def stack(channels: int, dtype: type = np.uint16) -> np.ndarray:
    """Each channel with a mean and a contrast of its own."""
    noise = np.random.default_rng(0).random((40, 50, channels))
    return (1000 * np.arange(1, channels + 1) + noise * np.arange(1, channels + 1) * 500).astype(dtype)


@pytest.mark.parametrize("channels", [1, 3])
def test_gray_and_rgb_are_normalized_together_as_ever(channels: int) -> None:
    image = stack(channels) * 8
    mean, std = cv2.meanStdDev(image.reshape(-1, 1))
    found = statistics(image, "zscore")
    assert found[0].tolist() == [np.float32(mean[0, 0])] * channels
    assert found[1].tolist() == [np.float32(std[0, 0])] * channels


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize(("channels", "name"), [*((c, "zscore") for c in UNLIKE), (3, "zscore_per_channel")])
def test_unlike_channels_are_normalized_each_by_itself(channels: int, name: str, dtype: type) -> None:
    image = stack(channels, dtype)
    tensor = normalize(image, *statistics(image, name))
    assert tensor.shape == (channels, 40, 50)
    np.testing.assert_allclose(tensor.mean((1, 2)), 0, atol=2e-3)
    np.testing.assert_allclose(tensor.std((1, 2), correction=0), 1, atol=2e-3)
    for channel in range(channels):  # a channel does not depend on the others
        alone = statistics(np.ascontiguousarray(image[:, :, [channel]]), "zscore")
        assert alone[0][0] == statistics(image, name)[0][channel]


def test_a_flat_channel_stays_flat_beside_others() -> None:
    image = stack(2, np.float32)
    image[:, :, 0] = 7
    tensor = normalize(image, *statistics(image, "zscore_per_channel"))
    assert tensor[0].abs().max() == 0
    assert tensor[1].std() > 0.9


def test_unit_divides_any_number_of_channels_by_the_range() -> None:
    mean, std = statistics(stack(5), "unit")
    assert (mean.tolist(), std.tolist()) == ([0] * 5, [65535] * 5)


@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_imagenet_is_the_usual_mean_and_deviation_of_rgb_in_any_depth(dtype: type, most: int) -> None:
    image = np.zeros((4, 5, 3), dtype)
    image[..., 0], image[..., 1] = most, most // 5 if most > 1 else 0.2
    tensor = normalize(image, *statistics(image, "imagenet"))
    expected = [(1 - 0.485) / 0.229, (0.2 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    assert tensor[:, 0, 0].tolist() == pytest.approx(expected, rel=1e-5)
