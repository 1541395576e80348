"""What output channels mean: one channel is binary (sigmoid), several are classes (softmax). Decided here only."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def probabilities(logits: Tensor) -> Tensor:
    """(N, K, H, W) logits to probabilities of the same shape: sigmoid for K = 1, else softmax over the classes."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)


def to_mask(probabilities: NDArray[np.floating], threshold: float = 0.5) -> NDArray[np.uint8]:
    """(K, H, W) probabilities to a mask (H, W) of class indices.

    K = 1: 1 where the probability is above `threshold`, else 0. K > 1: the most probable class; no threshold.
    """
    if probabilities.shape[0] == 1:
        return np.asarray(probabilities[0] > threshold, np.uint8)
    return np.asarray(probabilities.argmax(0), np.uint8)


def scored_classes(num_classes: int) -> int:
    """How many classes are scored: the foreground alone for binary, else all."""
    return 1 if num_classes == 1 else num_classes
