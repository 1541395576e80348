"""Pixel values to network inputs: mean and deviation of an image, and the tensor made with them."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unet_core.errors import ConfigError
from unet_core.io.pixels import Pixels, full_range

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of red, green, blue, scaled to 0..1
IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)


def statistics(image: Pixels, normalization: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(mean, std), (C,) each, in the image's own levels: what `normalize` subtracts and divides by.

    "zscore" takes both over gray or RGB together, so that the color of a stain stays to be seen; of other numbers of
    channels, which are unlike, each by itself, as "zscore_per_channel" does of any. "unit" divides by the range of the
    dtype: 255, 65535, or 1 for float. "imagenet" does so too and then takes the mean and deviation of ImageNet's red,
    green and blue, (0.485, 0.456, 0.406) and (0.229, 0.224, 0.225), as ResNets trained there expect (torchvision).
    Raises ConfigError where it has other channels.
    """
    channels, most = image.shape[2], full_range(image)
    if normalization == "unit":
        return np.zeros(channels, np.float32), np.full(channels, most, np.float32)
    if normalization == "imagenet":
        if channels != 3:
            raise ConfigError(f"normalization 'imagenet' is that of RGB images, got {channels} channels.")
        return IMAGENET_MEAN * np.float32(most), IMAGENET_STD * np.float32(most)
    if channels > 1 and (normalization == "zscore_per_channel" or channels != 3):
        # The floor is one level: a faint channel of 16 bits is to count as much as a bright one beside it.
        parts = [_mean_and_deviation(np.ascontiguousarray(image[:, :, [number]]), 1.0) for number in range(channels)]
        return np.array([mean for mean, _ in parts], np.float32), np.array([std for _, std in parts], np.float32)
    mean, deviation = _mean_and_deviation(image, most / 255)
    return np.full(channels, mean, np.float32), np.full(channels, deviation, np.float32)


def _mean_and_deviation(image: Pixels, floor: float) -> tuple[float, float]:
    """Over all values together; integers deviate by `floor` at least, so that a flat image stays flat."""
    means, deviations = cv2.meanStdDev(image.reshape(-1, 1))
    mean, deviation = float(means[0, 0]), float(deviations[0, 0])
    if full_range(image) > 1:
        return mean, max(deviation, floor)
    return mean, deviation if deviation > 1e-5 * abs(mean) else 1.0  # float has no smallest step to go by


def normalize(image: Pixels, mean: NDArray[np.float32], std: NDArray[np.float32]) -> Tensor:
    """(H, W, C) uint8, uint16 or float32 to (C, H, W) float32."""
    scaled = (image.astype(np.float32) - mean) / std
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))
