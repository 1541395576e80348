"""Repairs of images: multiplied exactly, rounded and held within their type."""

import numpy as np
import pytest

from unet_core.data.recipe import intensity
from unet_core.data.recipe.recipe import make_repair


@pytest.mark.parametrize(
    ("dtype", "factor", "target", "values", "expected"),
    [
        (np.uint8, 257.0, "uint16", [0, 1, 255], [0, 257, 65535]),
        (np.uint16, 1 / 257, "uint8", [0, 257, 65535], [0, 1, 255]),
        (np.uint16, 16.0, "", [0, 4095, 5000], [0, 65520, 65535]),
        (np.uint8, 0.5, "", [1, 3, 255], [0, 2, 128]),
        (np.float32, 255.0, "uint8", [-1.0, 0.5, 2.0], [0, 128, 255]),
        (np.float32, 2.0, "", [-1.5, 0.25, 3.0], [-3.0, 0.5, 6.0]),
        (np.uint16, 1 / 65535, "float32", [0, 65535], [0.0, 1.0]),
    ],
)
def test_values(dtype: type, factor: float, target: str, values: list[float], expected: list[float]) -> None:
    image = np.array(values, dtype).reshape(1, -1, 1)
    options = {"dtype": target} if target else {}
    result = intensity.repair(image, [make_repair("scale_intensity", factor=factor, **options)])
    assert result.ravel().tolist() == expected
    assert result.dtype == np.dtype(target or dtype)
    assert image.ravel().tolist() == values


def test_large_images_are_the_same_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(0, 4096, (31, 17, 2), np.uint16)
    repairs = [make_repair("scale_intensity", factor=3.7), make_repair("invert")]
    expected = intensity.repair(image, repairs)
    monkeypatch.setattr(intensity, "ROWS_OF", 100)
    assert np.array_equal(intensity.repair(image, repairs), expected)
    assert intensity.repair(image, [make_repair("invert")]) is image
