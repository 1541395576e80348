"""Brightness and contrast of images of any type, against NumPy."""

import numpy as np
import pytest

from unet_core.evaluation.measures.image_facts import describe_image


@pytest.mark.parametrize(("kind", "most"), [(np.uint8, 255), (np.uint16, 65535)])
def test_integers_are_shares_of_their_range(kind: type, most: int) -> None:
    image = np.random.default_rng(0).integers(0, most + 1, (20, 30, 3)).astype(kind)
    facts = describe_image(image)
    assert (facts.height, facts.width) == (20, 30)
    assert facts.brightness == pytest.approx(image.astype(np.float64).mean() / most)
    assert facts.contrast == pytest.approx(image.astype(np.float64).std() / most)


def test_float_images_are_taken_as_stored_without_what_is_no_number() -> None:
    image = np.array([[[1.0], [3.0], [np.nan], [np.inf]]], np.float32)
    assert (describe_image(image).brightness, describe_image(image).contrast) == (2, 1)
    assert np.isnan(describe_image(np.full((2, 2, 1), np.nan, np.float32)).brightness)
