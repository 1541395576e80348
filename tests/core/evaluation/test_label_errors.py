"""Planted label errors lead the list, before the faults of a model that is honest about them."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from unet_core.data.masks.coding import IGNORE
from unet_core.evaluation.label_errors import KINDS, Suspect, find_suspects, rank
from unet_core.inference.prediction import FULL, Prediction

Array = NDArray[np.uint8]


def discs(rng: np.random.Generator, number: int, size: int = 200) -> list[Array]:
    """Masks (size, size) of discs that do not touch."""
    taken, result = np.zeros((size, size), np.uint8), []
    while len(result) < number:
        x, y, radius = (int(value) for value in rng.integers([6, 6, 3], [size - 6, size - 6, 10]))
        disc = cv2.circle(np.zeros((size, size), np.uint8), (x, y), radius, 1, -1)
        if not (cv2.dilate(disc, np.ones((7, 7))) & taken).any():
            taken |= disc
            result.append(disc)
    return result


def predict(name: str, truth: Array, rng: np.random.Generator, doubt: Array) -> Prediction:
    """A model with blurred outlines, noise, and little certainty where `doubt` is."""
    logit = 9 * (cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 1.5) - 0.5) * 2
    logit += cv2.GaussianBlur(rng.normal(size=truth.shape), (0, 0), 2) * 4
    logit = np.where(doubt > 0, -0.1 * logit, logit)  # wrong there, and it knows
    levels = np.round(expit(logit) * FULL).astype(np.uint16)
    return Prediction(1, np.where(doubt > 0, 120, 5).astype(np.uint8), probability16=levels, name=name)


def test_at_least_40_of_50_planted_errors_are_among_the_first_60() -> None:
    rng = np.random.default_rng(0)
    suspects, planted = [], set()
    for number in range(25):
        objects_here = discs(rng, 16)
        right = np.maximum.reduce(objects_here[:15])  # the last is no object, and labeled: the second error
        prediction = predict(f"image {number}", right, rng, np.maximum(objects_here[1], objects_here[2]))
        target = np.maximum.reduce([*objects_here[1:15], objects_here[15]])
        for disc in (objects_here[0], objects_here[15]):
            rows, columns = np.nonzero(disc)
            planted.add((f"image {number}", int(rows.mean()), int(columns.mean())))
        suspects += find_suspects(prediction, target)
    first = rank(suspects, 60)
    hits = {
        (image, row, column)
        for image, row, column in planted
        for item in first
        if item.image == image
        and item.top <= row < item.top + item.height
        and item.left <= column < item.left + item.width
    }
    assert len(planted) == 50
    assert len(hits) >= 40
    assert len(suspects) > 100  # which the errors had to be told from


def simple(probability: float, uncertainty: int = 0) -> Prediction:
    levels = np.full((40, 40), FULL // 50, np.uint16)
    levels[10:20, 10:20] = round(probability * FULL)
    return Prediction(1, np.full((40, 40), uncertainty, np.uint8), probability16=levels, name="a")


def square(top: int, left: int, side: int = 10, value: int = 1) -> Array:
    mask = np.zeros((40, 40), np.uint8)
    mask[top : top + side, left : left + side] = value
    return mask


def test_an_object_without_a_label_and_a_label_without_an_object() -> None:
    unlabeled, not_seen = find_suspects(simple(0.999), square(28, 28))
    assert unlabeled == Suspect(
        "a",
        "unlabeled",
        pytest.approx(0.998 * 100 / 130, abs=1e-3),
        pytest.approx(0.998, abs=1e-3),
        1,
        100,
        10,
        10,
        10,
        10,
    )
    assert (not_seen.kind, not_seen.left, not_seen.width) == ("not seen", 28, 10)
    assert not_seen.score == pytest.approx(0.96 * 100 / 130, abs=1e-2)
    assert {unlabeled.kind, not_seen.kind} < set(KINDS)


def test_the_less_sure_and_the_less_stable_come_later() -> None:
    scores = [find_suspects(item, square(0, 0, 0))[0].score for item in (simple(0.99), simple(0.8), simple(0.99, 127))]
    assert scores == pytest.approx([0.98 * 100 / 130, 0.6 * 100 / 130, 0.98 * 128 / 255 * 100 / 130], abs=1e-3)


def test_a_sliver_along_an_outline_is_hardly_suspect() -> None:
    (sliver,) = find_suspects(simple(0.999), square(10, 11, 9) | square(11, 11, 9))
    assert sliver.extent <= 0.2
    assert sliver.score < 0.2


def test_ignored_places_and_right_labels_are_no_suspects() -> None:
    assert find_suspects(simple(0.999), square(10, 10)) == []
    assert find_suspects(simple(0.999), square(10, 10, value=IGNORE)) == []


def test_another_class() -> None:
    classes = square(10, 10, value=2)
    prediction = Prediction(
        3, np.zeros((40, 40), np.uint8), classes=classes, confidence=np.full((40, 40), 250, np.uint8)
    )
    (suspect,) = find_suspects(prediction, square(10, 10, value=1))
    assert (suspect.kind, suspect.pixels, suspect.extent) == ("class", 100, 1)
    assert suspect.certainty == pytest.approx((250 / 255 - 1 / 3) * 1.5)


def test_among_known_faults_of_a_model_the_wrong_label_comes_first() -> None:
    """Three missed objects, a merge and a shifted outline of which the model is not sure, and one wrong label."""
    right = np.zeros((80, 80), np.uint8)
    for left in (5, 25, 45):
        right[5:15, left : left + 10] = 1  # found, found, with a shifted outline
        right[60:64, left : left + 4] = 1  # missed
    probability = np.full((80, 80), 0.02)
    probability[right > 0] = 0.98
    probability[60:64] = np.where(right[60:64] > 0, 0.3, 0.02)
    probability[8:12, 15:25] = 0.7  # a bridge between the first two
    probability[5:15, 45:47], probability[5:15, 55:57] = 0.2, 0.8
    target = right.copy()
    probability[30:42, 30:42] = 0.98  # an object that nobody labeled
    levels = np.round(probability * FULL).astype(np.uint16)
    suspects = find_suspects(Prediction(1, np.zeros((80, 80), np.uint8), probability16=levels, name="a"), target)
    assert [(item.kind, item.left, item.top, item.pixels) for item in suspects[:1]] == [("unlabeled", 30, 30, 144)]
    assert suspects[0].score > 1.5 * suspects[1].score
    assert len(suspects) == 1 + 3 + 1 + 2  # and the missed ones, the bridge, both sides of the shift
