"""Thresholds and calibration from histograms: equal to counting masks, and to torchmetrics and scipy."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from torchmetrics.functional import classification as tm

from tests.helpers.mask_pairs import random_pairs
from unet_core import metrics
from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation import calibration, threshold
from unet_core.evaluation.histograms import (
    THRESHOLDS,
    count_confidence,
    count_levels,
    sum_levels,
)
from unet_core.inference.prediction import FULL, above

Array = NDArray[np.uint8]
Levels = NDArray[np.uint16]


def predictions(number: int, seed: int) -> Iterator[tuple[Levels, Array]]:
    """Probabilities that know something of the truth, with levels exactly at thresholds among them, and the truth."""
    rng = np.random.default_rng(seed)
    for _, target, classes in random_pairs(number, seed):
        if classes == 1:
            values = expit(rng.normal(size=target.shape) * 2 + np.where(target == 1, 2, -2))
            levels = np.round(values * FULL)
            levels[rng.random(target.shape) < 0.1] = math.floor(rng.choice(THRESHOLDS) * FULL)
            levels[rng.random(target.shape) < 0.05] = rng.choice([0, FULL])
            yield levels.astype(np.uint16), target


def values_of(pairs: list[tuple[Levels, Array]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities (N,) in double precision and truth (N,) of all that counts."""
    levels = np.concatenate([levels[target != IGNORE] for levels, target in pairs]).astype(np.float64) / FULL
    truth = np.concatenate([target[target != IGNORE] for _, target in pairs])
    return torch.from_numpy(levels), torch.from_numpy(truth.astype(np.int64))


@pytest.mark.parametrize("seed", range(4))
def test_counts_at_every_threshold_are_those_of_the_mask(seed: int) -> None:
    for levels, target in predictions(12, seed):
        image, by_level = count_levels("a", levels, target)
        assert by_level.sum() == (target != IGNORE).sum()
        for limit in THRESHOLDS:
            expected = metrics.count(above(levels, limit), target, 1)
            counts = image.counts_at(limit)
            for part in ("tp", "fp", "fn", "tn"):
                assert getattr(counts, part).tolist() == getattr(expected, part).tolist()


def test_the_curve_is_that_of_all_masks() -> None:
    pairs = [*predictions(40, 7), (np.zeros((4, 4), np.uint16), np.zeros((4, 4), np.uint8))]
    images = [count_levels(str(number), *pair)[0] for number, pair in enumerate(pairs)]
    curve = threshold.trace(images)
    for limit in (0.0, 0.1, 0.5, 0.985, 0.995):
        counts = [metrics.count(above(levels, limit), target, 1) for levels, target in pairs]
        place = curve.at(limit)
        assert curve.thresholds[place] == limit
        for name in metrics.METRICS:
            values = np.array([metrics.scores(item)[name] for item in counts])
            assert curve.mean[name][place] == pytest.approx(metrics.mean(values), abs=1e-12)
            pooled = metrics.scores(sum(counts[1:], counts[0]))[name]
            assert curve.pooled[name][place] == pytest.approx(pooled, abs=1e-12)
        assert curve.undefined[place] == sum(item.empty for item in counts)
        again = threshold.score_at(images, limit)
        assert [again[str(number)].tp.tolist() for number in range(len(pairs))] == [item.tp.tolist() for item in counts]


def test_the_best_threshold_is_the_highest_and_of_equal_ones_the_nearest_to_a_half() -> None:
    target = np.array([[0, 0, 1, 1]], np.uint8)
    for low, high, best in ((0.2, 0.4, 0.395), (0.6, 0.9, 0.6), (0.2, 0.9, 0.5)):
        levels = np.round(np.array([[0, low, high, high]]) * FULL).astype(np.uint16)
        curve = threshold.trace([count_levels("a", levels, target)[0]])
        assert threshold.choose(curve) == best
        assert curve.mean["dice"][curve.at(best)] == 1
    nothing = threshold.trace([count_levels("a", np.zeros((2, 2), np.uint16), np.zeros((2, 2), np.uint8))[0]])
    assert threshold.choose(nothing, pooled=True) == 0.5


def test_a_threshold_beside_the_grid_is_refused() -> None:
    image, _ = count_levels("a", np.zeros((2, 2), np.uint16), np.zeros((2, 2), np.uint8))
    for wrong in (0.5012, 1.0, -0.1):
        with pytest.raises(ValueError, match="none of 0"):
            image.counts_at(wrong)


@pytest.mark.parametrize("seed", range(5))
def test_precision_recall_and_average_precision_are_those_of_torchmetrics(seed: int) -> None:
    pairs = list(predictions(100, seed))
    curve = threshold.trace_precision_recall(sum_levels(count_levels("a", *pair)[1] for pair in pairs))
    values, truth = values_of(pairs)
    precision, recall, limits = tm.binary_precision_recall_curve(values, truth)
    assert curve.precision[::-1].tolist() == pytest.approx(precision[:-1].tolist(), abs=1e-6)
    assert curve.recall[::-1].tolist() == pytest.approx(recall[:-1].tolist(), abs=1e-6)
    assert curve.threshold[::-1].tolist() == pytest.approx(limits.tolist(), abs=1e-12)
    assert curve.average_precision == pytest.approx(tm.binary_average_precision(values, truth).item(), abs=1e-6)


def test_without_foreground_there_is_no_average_precision() -> None:
    _, levels = count_levels("a", np.zeros((2, 2), np.uint16), np.zeros((2, 2), np.uint8))
    assert math.isnan(threshold.trace_precision_recall(levels).average_precision)


@pytest.mark.parametrize("bins", [10, 15])
@pytest.mark.parametrize("seed", range(5))
def test_the_calibration_error_is_that_of_torchmetrics(seed: int, bins: int) -> None:
    pairs = list(predictions(100, seed))
    reliability = calibration.measure_reliability(sum_levels(count_levels("a", *pair)[1] for pair in pairs), bins)
    values, truth = values_of(pairs)
    # torchmetrics has one more bin, for a probability of 1 alone, and its edges are rounded to float32.
    values = (values + 1e-7).clamp(max=1 - 1e-7)
    for norm, value in (("l1", reliability.error), ("max", reliability.worst)):
        expected = tm.binary_calibration_error(values, truth, n_bins=bins, norm=norm).item()
        assert value == pytest.approx(expected, abs=1e-6)


def test_the_confidence_of_several_classes_is_that_of_torchmetrics() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 40, 50)) * 3
    probabilities = np.exp(logits) / np.exp(logits).sum(0)
    classes, target = probabilities.argmax(0).astype(np.uint8), rng.integers(0, 3, (40, 50)).astype(np.uint8)
    target[rng.random(target.shape) < 0.4] = classes[0, 0]
    target[:5] = IGNORE
    confidence = np.round(probabilities.max(0) * 255).astype(np.uint8)
    reliability = calibration.measure_reliability(count_confidence(confidence, classes, target))
    counted = target != IGNORE
    expected = tm.binary_calibration_error(
        torch.from_numpy(confidence[counted] / 255.0),
        torch.from_numpy((classes == target)[counted].astype(np.int64)),
        15,
    )
    assert reliability.error == pytest.approx(expected.item(), abs=1e-6)
    assert reliability.pixels.sum() == counted.sum()


@pytest.mark.parametrize("true", [0.4, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(true: float) -> None:
    rng = np.random.default_rng(0)
    honest = expit(rng.normal(size=(300, 300)) * 2)
    target = (rng.random(honest.shape) < honest).astype(np.uint8)
    spoiled = expit(logit(honest) * true)
    _, levels = count_levels("a", np.round(spoiled * FULL).astype(np.uint16), target)
    fitted = calibration.fit_temperature(levels)
    assert fitted.value == pytest.approx(true, rel=0.03)

    def loss(temperature: float) -> float:
        scaled = expit(logit(np.clip(np.round(spoiled * FULL), 0.5, FULL - 0.5) / FULL) / temperature)
        return float(-np.where(target, np.log(scaled), np.log1p(-scaled)).mean())

    assert fitted.value == pytest.approx(minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x, rel=1e-4)
    assert fitted.loss == pytest.approx(loss(fitted.value), abs=1e-9)
    assert fitted.loss <= fitted.loss_before
    if true != 1:
        assert fitted.error < fitted.error_before / 3


def test_a_temperature_moves_no_probability_over_a_half() -> None:
    values = np.linspace(0, 1, 101)
    softer = calibration.apply_temperature(values, 3.0)
    assert ((softer > 0.5) == (values > 0.5)).all()
    assert softer[[0, 50, 100]].tolist() == [0, 0.5, 1]
    assert calibration.apply_temperature(softer, 1 / 3) == pytest.approx(values)


def test_nothing_to_calibrate() -> None:
    empty = np.zeros((2, FULL + 1), np.int64)
    reliability = calibration.measure_reliability(empty)
    assert math.isnan(reliability.error)
    assert math.isnan(reliability.worst)
    with pytest.raises(ValueError, match="no pixels"):
        calibration.fit_temperature(empty)
