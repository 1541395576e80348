"""A prediction: thresholds without a model, 8 and 16 bits that agree, compressed without a loss, saved as files."""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from unet_core.errors import ConfigError, PredictionError, RunError
from unet_core.inference.prediction import FULL, CompressedPrediction, Prediction, to_levels, to_mask
from unet_core.io import images

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


def test_the_mask_uses_the_models_threshold_unless_told_otherwise() -> None:
    strict = dataclasses.replace(BINARY, threshold=0.9)
    assert np.array_equal(strict.mask(), BINARY.mask(0.9))
    assert np.array_equal(strict.mask(0.5), BINARY.mask())


def test_at_half_levels_and_probabilities_give_the_same_mask() -> None:
    """Every float32 next to 0.5, and many others: quantizing to 16 bits moves no pixel over the default threshold."""
    near = np.float32(0.5) + np.arange(-1000, 1000, dtype=np.float32) * np.float32(2**-25)
    values = np.concatenate([near, np.random.default_rng(0).random(100_000, np.float32), np.float32([0, 1])])[None]
    assert np.array_equal(to_mask(values[None]), values > 0.5)
    stored = Prediction(1, np.zeros(values.shape, np.uint8), probability16=to_levels(values, FULL).astype(np.uint16))
    assert np.array_equal(stored.mask(), values > 0.5)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 1 / 3, 0.5, 0.5001, 0.87])
def test_floats_and_levels_follow_one_rule(threshold: float) -> None:
    values = np.random.default_rng(1).random((64, 64), np.float32)
    levels = to_levels(values, FULL).astype(np.uint16)
    stored = Prediction(1, np.zeros(values.shape, np.uint8), probability16=levels)
    assert np.array_equal(stored.mask(threshold), to_mask(values[None], threshold))


def test_no_number_is_not_above_any_threshold() -> None:
    assert to_mask(np.full((1, 2, 2), np.nan, np.float32), 0.0).max() == 0


# Saving -------------------------------------------------------------------------------------------------------------


def saveable() -> Prediction:
    levels = np.zeros((20, 30), np.uint16)
    levels[5:10, 5:12] = 40_000
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    return Prediction(1, np.zeros((20, 30), np.uint8), probability16=levels, name="plate/cell 1", image=image)


def test_one_format_is_one_file(tmp_path: Path) -> None:
    path = saveable().save(tmp_path / "new" / "mask.png")
    assert path == tmp_path / "new" / "mask.png"
    assert np.array_equal(images.read_mask(path), saveable().mask() * 255)
    assert [file.name for file in path.parent.iterdir()] == ["mask.png"]
    assert images.read_mask(saveable().save(str(tmp_path / "none.PNG"), threshold=0.9)).max() == 0
    assert json.loads(saveable().save(tmp_path / "all.json", "coco").read_text())["annotations"][0]["area"] == 35


def test_a_zip_and_a_folder_hold_every_format(tmp_path: Path) -> None:
    with zipfile.ZipFile(saveable().save(tmp_path / "new" / "all.zip", ("mask", "csv"))) as file:
        assert sorted(file.namelist()) == ["mask/plate/cell 1.png", "objects.csv"]
    folder = saveable().save(tmp_path / "folder", ["mask", "overlay", "csv"])
    names = ["cell 1.png", "cell 1_objects.csv", "cell 1_overlay.png"]
    assert sorted(file.name for file in folder.iterdir()) == names
    assert sorted(file.name for file in saveable().save(tmp_path / "yolo", "yolo").iterdir()) == [
        "cell 1.txt",
        "cell 1_classes.txt",
    ]


def test_options_reach_the_result() -> None:
    result = saveable().to_result(min_area=36, pixel_size=0.5, opacity=0.2, outline=True, split=True)
    assert result.mask.max() == 0
    assert (result.pixel_size, result.opacity, result.outline, result.split) == (0.5, 0.2, True, True)
    assert (result.threshold, result.name) == (0.5, "plate/cell 1")
    several = dataclasses.replace(SEVERAL, image=np.zeros((256, 256, 1), np.uint8), class_names=("a", "b", "c"))
    assert (several.to_result().threshold, several.to_result().class_name(2)) == (None, "c")


def test_what_cannot_be_saved_says_why(tmp_path: Path) -> None:
    with pytest.raises(PredictionError, match=r"its image was not kept\. Predict with Predictor\.predict"):
        BINARY.save(tmp_path / "a.png")
    with pytest.raises(ConfigError, match=r"'mask' is written as \.png\. Name the file a\.png"):
        saveable().save(tmp_path / "a.tif")
    with pytest.raises(ConfigError, match="no format 'tiff'"):
        saveable().save(tmp_path / "a.tif", "tiff")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        saveable().save(tmp_path / "file" / "a.png")


def test_a_compressed_prediction_keeps_no_image() -> None:
    again = CompressedPrediction.of(saveable()).unpacked()
    assert again.image is None
    assert (again.name, again.threshold) == ("plate/cell 1", 0.5)
    assert saveable().image is not None
