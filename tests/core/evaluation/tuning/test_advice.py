"""Where another threshold is much better, evaluation says so with the remedy; where it is not, it says nothing."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from unet_core.cli.parser import main
from unet_core.config.model import ModelConfig
from unet_core.data.layouts import Sample
from unet_core.evaluation.scores import ScoredImage
from unet_core.evaluation.summary import ImageScore
from unet_core.evaluation.tuning.advice import Watch
from unet_core.evaluation.tuning.regions import REGION_THRESHOLDS, has_regions, trace_regions
from unet_core.inference.prediction import FULL, Prediction
from unet_core.inference.predictor import load_predictor
from unet_core.metrics import count
from unet_core.models.checkpoint import load_about, load_facts, save_checkpoint
from unet_core.runs import run as runs

CONFIG = ModelConfig(in_channels=1, num_classes=1)


def say(levels: np.ndarray, truth: np.ndarray, threshold: float | None = None, subset: str = "val") -> str:
    """What is said after one image with these probabilities (0..1)."""
    sample = Sample("a", Path("a.png"), ())
    watch = Watch(CONFIG, {subset: [sample]}, threshold)
    stored = np.round(levels * FULL).astype(np.uint16)
    mask = watch.hold(sample, Prediction(1, np.zeros(truth.shape, np.uint8), stored))
    watch.add(ScoredImage(sample, ImageScore("a", subset, count(mask, truth, 1)), mask, truth))
    return watch.sentence()


def cells() -> tuple[np.ndarray, np.ndarray]:
    """Nine cells between thin membranes, each of which the model sees at 0.6: above 0.5, all cells are one."""
    truth = np.ones((60, 60), np.uint8)
    truth[19::20], truth[:, 19::20] = 0, 0
    return np.where(truth == 1, 0.9, 0.6), truth


def test_a_gain_of_dice_is_said_where_it_is_one_and_on_validation_images_alone() -> None:
    truth = np.zeros((20, 20), np.uint8)
    truth[5:15, 5:15] = 1
    levels = np.where(truth == 1, 0.4, 0.1)
    assert say(levels, truth) == (
        "On one of the validation images, mean Dice is 0.000 at the threshold 0.5 but 1.000 at 0.395."
    )
    assert say(levels, truth, threshold=0.2) == ""
    assert say(levels, truth, subset="test") == ""
    assert say(np.where(truth == 1, 0.9, 0.1), truth) == ""


def test_a_gain_of_regions_is_said_where_dice_hardly_changes() -> None:
    levels, truth = cells()
    sentence = say(levels, truth)
    assert "V-Rand (regions) is 0.200 at the threshold 0.5 but 1.000 at 0.6." in sentence
    curve = trace_regions(np.round(levels * FULL).astype(np.uint16), truth)
    assert curve[REGION_THRESHOLDS.index(0.6)] == curve[REGION_THRESHOLDS.index(0.8)] == 1
    assert not has_regions(1 - truth) and np.isnan(trace_regions(np.zeros((60, 60), np.uint16), 1 - truth)).all()


def test_a_threshold_that_is_best_for_dice_and_costs_regions_is_not_praised_alone() -> None:
    """A corner of each cell is seen at 0.3, and where two cells meet a gap of the membrane at 0.4."""
    _, truth = cells()
    levels = np.where(truth == 1, 0.9, 0.1)
    corner = np.tile(np.arange(60) % 20 < 10, (60, 1))
    levels[corner & corner.T & (truth == 1)] = 0.3
    levels[19::20, 15] = levels[15, 19::20] = 0.4
    assert say(levels, truth) == (
        "On one of the validation images, mean Dice is 0.839 at the threshold 0.5 but 0.999 at 0.295. "
        "But V-Rand (regions) falls from 0.541 to 0.354 there: choose by it where regions count."
    )


def test_the_command_says_it_with_the_command_that_mends_it(
    tuned_run: runs.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor, _ = load_predictor(tuned_run.best)
    about, images = load_about(tuned_run.best), load_facts(tuned_run.best, "images.json")
    data = tuned_run.config.data.root

    def evaluate(bias: float) -> tuple[dict[str, object], str]:
        with torch.no_grad():
            predictor.model.head.bias += bias  # every probability is lower, and the best threshold with it
        save_checkpoint(tuned_run.best, predictor.model, about=about, images=images)
        assert main(["evaluate", str(tuned_run.folder), data]) == 0
        output = capsys.readouterr()
        return json.loads(output.out.splitlines()[-1]), output.err

    advice = f"Choose it with: python -m unet_core threshold {tuned_run.folder} --apply"
    assert "Choose it with" not in evaluate(-30.0)[1]  # nothing is above any threshold
    result, text = evaluate(28.0)
    assert re.search(
        r"warning: On the 3 validation images, mean Dice is 0\.\d+ at the threshold 0\.5 but 0\.\d+ at 0\.", text
    )
    assert advice in text and any("validation images, mean Dice" in line for line in result["warnings"])  # type: ignore[attr-defined]
    assert main(["threshold", str(tuned_run.folder), "--apply", "--json"]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(tuned_run.folder), data]) == 0
    assert "validation images, mean Dice" not in capsys.readouterr().err
