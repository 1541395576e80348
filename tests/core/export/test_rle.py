"""Run lengths: the bytes of pycocotools, for every object at once."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as reference

from unet_core.export import coco


def expected(own: NDArray[np.bool_]) -> bytes:
    counts: bytes = reference.encode(np.asfortranarray(own.astype(np.uint8)))["counts"]
    return counts


@pytest.mark.parametrize("seed", range(40))
def test_equal_to_pycocotools_byte_for_byte(seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 40, 2)
    labels = rng.integers(0, rng.integers(2, 6), (height, width)).astype(np.int32)
    if seed % 2:  # long runs, across columns too
        labels = np.sort(labels.ravel()).reshape(width, height).T.copy()
    number = int(labels.max())
    assert coco.encode(labels, number) == [expected(labels == index) for index in range(1, number + 1)]


def test_a_large_picture_needs_numbers_of_many_characters() -> None:
    labels = np.zeros((3000, 3000), np.int32)
    labels[5, 7], labels[2990, 2990], labels[1000:2000, 100:2900] = 1, 1, 2
    assert coco.encode(labels, 2) == [expected(labels == 1), expected(labels == 2)]


def test_no_object_the_whole_picture_and_a_number_that_is_missing() -> None:
    assert coco.encode(np.zeros((3, 4), np.int32), 0) == []
    assert coco.encode(np.ones((3, 4), np.int32), 1) == [expected(np.ones((3, 4), np.bool_))]
    one_and_three = np.array([[1, 0, 3]], np.int32)
    empty = expected(np.zeros((1, 3), np.bool_))
    assert coco.encode(one_and_three, 3) == [expected(one_and_three == 1), empty, expected(one_and_three == 3)]
