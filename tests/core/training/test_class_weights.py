"""Class weights: the pixels counted, and the weights by hand."""

from pathlib import Path

import numpy as np
import pytest

from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data.dataset import Dataset, load_dataset
from unet_core.data.discovery import find
from unet_core.io.pixels import encode_png
from unet_core.training.class_weights import MOST, median_frequency, pixel_counts


def pictures(root: Path, masks: list[list[list[int]]], **data: int) -> Dataset:
    for number, mask in enumerate(masks):
        for kind, content in (("images", np.full_like(mask, 100)), ("masks", mask)):
            (root / kind).mkdir(exist_ok=True)
            (root / kind / f"{number}.png").write_bytes(encode_png(np.array(content, np.uint8)))
    return load_dataset(find(root), DataConfig(**data), ModelConfig())


def test_pixels_are_counted_in_classes_and_ignored_ones_not_at_all(tmp_path: Path) -> None:
    found = pictures(tmp_path, [[[0, 1, 2, 9]], [[0, 0, 0, 1]], [[9, 9, 9, 9]]], ignore_index=9)
    assert pixel_counts(found).tolist() == [[1, 1, 1], [3, 1, 0], [0, 0, 0]]


def test_binary_has_two_classes_whatever_the_gray_value(tmp_path: Path) -> None:
    assert pixel_counts(pictures(tmp_path, [[[0, 255, 255, 255]], [[0, 0, 0, 0]]])).tolist() == [[1, 3], [4, 0]]


def test_no_picture_counts_nothing(tmp_path: Path) -> None:
    found = pictures(tmp_path, [[[0, 1]]]).subset(())
    assert pixel_counts(found).shape == (0, 2)
    assert median_frequency(pixel_counts(found)) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[50, 50]], (1.0, 1.0)),
        ([[75, 25]], (0.5 / 0.75, 0.5 / 0.25)),
        # class 1 is in the first picture alone: 20 of 100; class 0: 180 of 200; the median of 0.9 and 0.2 is 0.55
        ([[80, 20], [100, 0]], (0.55 / 0.9, 0.55 / 0.2)),
        ([[60, 30, 10]], (0.5, 1.0, 3.0)),
        ([[100, 0, 0]], (1.0, 1.0, 1.0)),
        ([[30, 0, 10]], (0.5 / 0.75, 1.0, 0.5 / 0.25)),
        ([[0, 0, 0]], (1.0, 1.0, 1.0)),
        ([[100_000, 1_000, 1]], (1 / MOST, 1.0, MOST)),
    ],
)
def test_median_frequencies_by_hand(counts: list[list[int]], expected: tuple[float, ...]) -> None:
    assert median_frequency(np.array(counts)) == pytest.approx(expected)
