"""Pixel values to network inputs: mean and deviation of an image, and the tensor made with them."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unet_core.io.pixels import Pixels, full_range


def statistics(image: Pixels, normalization: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(mean, std), (C,) each, in the image's own levels: what `normalize` subtracts and divides by.

    "zscore" takes both over gray or RGB together, so that the color of a stain stays to be seen; of other numbers of
    channels, which are unlike, each by itself, as "zscore_per_channel" does of any. "unit" divides by the range of the
    dtype: 255, 65535, or 1 for float.
    """
    channels, most = image.shape[2], full_range(image)
    if normalization == "unit":
        return np.zeros(channels, np.float32), np.full(channels, most, np.float32)
    if channels > 1 and (normalization == "zscore_per_channel" or channels != 3):
        parts = [statistics(np.ascontiguousarray(image[:, :, [number]]), "zscore") for number in range(channels)]
        return np.concatenate([mean for mean, _ in parts]), np.concatenate([std for _, std in parts])
    mean, std = cv2.meanStdDev(image.reshape(-1, 1))
    deviation = float(std[0, 0])
    if most > 1:
        deviation = max(deviation, most / 255)  # a flat image stays flat
    elif deviation <= 1e-5 * abs(float(mean[0, 0])):
        deviation = 1.0  # float has no smallest step to go by
    return np.full(channels, mean[0, 0], np.float32), np.full(channels, deviation, np.float32)


def normalize(image: Pixels, mean: NDArray[np.float32], std: NDArray[np.float32]) -> Tensor:
    """(H, W, C) uint8, uint16 or float32 to (C, H, W) float32."""
    scaled = (image.astype(np.float32) - mean) / std
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(2, 0, 1)))
