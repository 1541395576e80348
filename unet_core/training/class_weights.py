"""How much each class counts in the loss, from its share of the training masks' pixels."""

import numpy as np
from numpy.typing import NDArray

from unet_core.data.dataset import Dataset

MOST = 10.0  # a class counts at most so many times as much as the median one, and at least its inverse


def pixel_counts(dataset: Dataset) -> NDArray[np.int64]:
    """The pixels of each class in each image, (images, classes); binary has two. Ignored ones are not counted."""
    classes = max(2, dataset.model.num_classes)
    masks = (dataset[index].mask for index in range(len(dataset)))
    counts = [np.bincount(mask.ravel(), minlength=256)[:classes] for mask in masks]
    return np.array(counts, np.int64).reshape(-1, classes)


def median_frequency(counts: NDArray[np.int64]) -> tuple[float, ...]:
    """Weights of the classes from `pixel_counts`: median-frequency balancing (Eigen and Fergus 2015, arXiv:1411.4734).

    The frequency of a class is its share of the pixels of the images that contain it; its weight is the median
    frequency over its own, limited to 1/MOST .. MOST. A class without a pixel weighs 1.
    """
    present = counts > 0  # (images, classes)
    pixels = counts.sum(1, keepdims=True)
    occurring = present.any(0)
    frequency = counts.sum(0)[occurring] / (present * pixels).sum(0)[occurring]
    weights = np.ones(counts.shape[1])
    if occurring.any():
        weights[occurring] = np.clip(np.median(frequency) / frequency, 1 / MOST, MOST)
    return tuple(weights.tolist())
