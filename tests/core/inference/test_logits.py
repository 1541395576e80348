"""What output channels mean: one is binary (sigmoid, threshold), several are classes (softmax, the most probable)."""

import math

import numpy as np
import pytest
import torch

from unet_core.inference.prediction import to_mask, to_probabilities

LN3 = math.log(3)


def test_one_channel_is_a_sigmoid() -> None:
    logits = torch.tensor([0.0, LN3, -LN3, 1e4, -1e4]).reshape(1, 1, 1, 5)
    expected = torch.tensor([0.5, 0.75, 0.25, 1.0, 0.0]).reshape(1, 1, 1, 5)
    torch.testing.assert_close(to_probabilities(logits), expected)


def test_several_channels_are_a_softmax_over_the_channels() -> None:
    logits = torch.tensor([[0.0, LN3, 0.0], [0.0, 0.0, math.log(2)]]).reshape(2, 3, 1, 1)
    expected = torch.tensor([[0.2, 0.6, 0.2], [0.25, 0.25, 0.5]]).reshape(2, 3, 1, 1)
    torch.testing.assert_close(to_probabilities(logits), expected)


@pytest.mark.parametrize("classes", [1, 2, 5])
def test_probabilities_keep_the_shape_and_stay_in_bounds(classes: int) -> None:
    logits = 100 * torch.randn(2, classes, 3, 4, generator=torch.Generator().manual_seed(0))
    result = to_probabilities(logits)
    assert result.shape == logits.shape
    assert 0 <= result.min() <= result.max() <= 1
    if classes > 1:
        torch.testing.assert_close(result.sum(1), torch.ones(2, 3, 4))


def test_binary_mask_is_what_lies_above_the_threshold() -> None:
    values = np.array([[[0.0, 0.29, 0.3, 0.31], [0.5, 0.51, 0.99, 1.0]]], np.float32)
    assert to_mask(values).tolist() == [[0, 0, 0, 0], [0, 1, 1, 1]]  # 0.5 itself is not above
    assert to_mask(values, 0.3).tolist() == [[0, 0, 0, 1], [1, 1, 1, 1]]
    assert to_mask(values, 1.0).max() == 0
    assert to_mask(values).dtype == np.uint8


def test_mask_of_several_classes_is_the_most_probable_whatever_the_threshold() -> None:
    values = np.array([[[0.2, 0.6, 0.1]], [[0.5, 0.3, 0.1]], [[0.3, 0.1, 0.8]]], np.float32)
    for threshold in (0.01, 0.5, 1.0):
        mask = to_mask(values, threshold)
        assert mask.tolist() == [[1, 0, 2]]
        assert mask.dtype == np.uint8


def test_two_channels_are_two_classes_and_not_binary() -> None:
    assert to_mask(np.array([[[0.4]], [[0.6]]], np.float32), threshold=0.9).tolist() == [[1]]


def test_a_class_index_above_127_survives() -> None:
    values = np.zeros((200, 1, 1), np.float32)
    values[199] = 1
    assert to_mask(values).item() == 199
