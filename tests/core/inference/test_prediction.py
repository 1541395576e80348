"""An answer: thresholds without a net, 8 and 16 bits that agree, squeezed and back without a loss."""

import numpy as np
import pytest

from unet_core.inference.prediction import CompressedPrediction, Prediction

LEVELS = np.arange(65536, dtype=np.uint16).reshape(256, 256)
UNSURE = np.zeros((256, 256), np.uint8)
BINARY = Prediction(1, UNSURE, probability16=LEVELS, tta="flips", tile=512, note="a note")
SEVERAL = Prediction(3, UNSURE, classes=np.full((256, 256), 2, np.uint8), confidence=np.full((256, 256), 200, np.uint8))


@pytest.mark.parametrize("threshold", [0.0, 0.25, 0.5, 1 / 3, 0.999, 1.0])
def test_the_mask_is_what_lies_above_the_threshold(threshold: float) -> None:
    mask = BINARY.mask(threshold)
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, threshold < LEVELS / 65535)


def test_8_bits_are_the_16_rounded() -> None:
    assert np.array_equal(BINARY.probability, np.floor(LEVELS / 257 + 0.5))
    assert BINARY.probability.dtype == np.uint8


def test_several_classes_have_no_threshold() -> None:
    assert np.array_equal(SEVERAL.mask(0.1), SEVERAL.mask(0.9))
    assert SEVERAL.mask().max() == 2
    assert SEVERAL.probability.max() == 200


def test_what_uncertainty_holds_is_said() -> None:
    assert (BINARY.uncertainty_is, SEVERAL.uncertainty_is) == ("spread over the views", "normalized entropy")


@pytest.mark.parametrize("answer", [BINARY, SEVERAL], ids=["binary", "several"])
def test_squeezed_and_back(answer: Prediction) -> None:
    packed = CompressedPrediction.of(answer)
    again = packed.unpacked()
    for name in ("num_classes", "tta", "tile", "note", "shape", "nbytes"):
        assert getattr(again, name) == getattr(answer, name)
    for name in ("probability16", "classes", "confidence", "uncertainty"):
        before, after = getattr(answer, name), getattr(again, name)
        assert (before is None) == (after is None)
        assert before is None or (np.array_equal(before, after) and before.dtype == after.dtype)
    assert packed.nbytes < answer.nbytes
