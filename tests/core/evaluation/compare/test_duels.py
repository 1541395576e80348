"""Duels of fabricated sides: which images count, what is said of the others, and the outcome in words."""

import math
from pathlib import Path

import numpy as np
import pytest

from unet_core.data.layouts import Sample
from unet_core.errors import DataError
from unet_core.evaluation.compare.duels import digest_truth, find_dataset, find_disagreement, match
from unet_core.evaluation.compare.side import Side
from unet_core.evaluation.compare.wording import describe
from unet_core.evaluation.comparison import duel
from unet_core.evaluation.selection import NothingToScoreError, Source
from unet_core.evaluation.summary import ImageScore
from unet_core.metrics import Counts

NAN = math.nan


def counts(dice: float, classes: int = 1) -> Counts:
    """Of 200 pixels in ground truth and prediction together, and this Dice; NaN: nothing in either."""
    if math.isnan(dice):
        return Counts(*(np.full(classes, float(value)) for value in (0, 0, 0, 900)))
    hits = round(100 * dice)
    return Counts(*(np.full(classes, float(value)) for value in (hits, 100 - hits, 100 - hits, 900)))


def make_side(name: str, dice: dict[str, float], trained_on: str = "", **changes) -> Side:
    """`changes`: subsets, truths, folders by the id of an image, and the number of `classes`."""
    subsets, truths = changes.get("subsets", {}), changes.get("truths", {})
    folders, classes = changes.get("folders", {}), changes.get("classes", 1)
    return Side(
        name,
        [ImageScore(key, subsets.get(key, "test"), counts(value, classes)) for key, value in dice.items()],
        {key: Sample(key, Path(folders.get(key, "data")) / f"{key}.png", ()) for key in dice},
        {key: truths.get(key, f"truth of {key}") for key in dice},
        frozenset(trained_on),
    )


def test_the_images_of_both_are_compared_and_the_rest_is_counted() -> None:
    first = make_side("one", {"c": 0.5, "d": 0.6, "e": 0.7}, "ab")
    second = make_side("two", {"d": 0.8, "c": 0.4, "a": 0.9}, "be")
    result = match(first, second)
    assert result.duel.ids == ("c", "d")
    assert result.duel.differences == pytest.approx([-0.1, 0.2])
    assert result.trained_on == ("a", "b", "e")
    assert result.notes == ("3 images are left out: A was trained on 2 of them, B on 2.",)
    numbers = result.to_dict()
    assert [numbers[name] for name in ("a", "b", "images", "a_better", "b_better", "equal")] == [
        "one",
        "two",
        2,
        1,
        1,
        0,
    ]
    assert numbers["mean_dice_b"] - numbers["mean_dice_a"] == pytest.approx(numbers["mean_difference"])
    assert result.to_csv().splitlines() == [
        "image,dice_a,dice_b,difference,subset_a,subset_b",
        "c,0.500000,0.400000,-0.100000,test,test",
        "d,0.600000,0.800000,0.200000,test,test",
    ]


def test_another_ground_truth_is_never_compared() -> None:
    first = make_side("one", {"a": 0.5, "b": 0.5})
    second = make_side("two", {"a": 0.9, "b": 0.9}, truths={"b": "inverted"})
    result = match(first, second)
    assert result.duel.ids == ("a",)
    assert any("read their ground truth differently" in note and note.endswith(": b.") for note in result.notes)
    with pytest.raises(NothingToScoreError, match="read the ground truth of all 1 images differently"):
        match(make_side("one", {"b": 0.5}), make_side("two", {"b": 0.9}, truths={"b": "inverted"}))


def test_an_image_of_the_same_id_in_another_file_is_another_image() -> None:
    first = make_side("one", {"a": 0.5, "b": 0.5})
    second = make_side("two", {"a": 0.9, "b": 0.9}, folders={"b": "elsewhere"})
    assert match(first, second).duel.ids == ("a",)


def test_nothing_left_says_why() -> None:
    first, second = make_side("one", {"a": 0.5}, "bc"), make_side("two", {"b": 0.5, "c": 0.5}, "a")
    with pytest.raises(NothingToScoreError, match="A was trained on 2 images of this dataset, B on 1, together on 3"):
        match(first, second)
    with pytest.raises(NothingToScoreError, match="no image is among both"):
        match(make_side("one", {"a": 0.5}), make_side("two", {"b": 0.5}))
    with pytest.raises(NothingToScoreError, match="undefined on all 1 images"):
        match(make_side("one", {"a": NAN}), make_side("two", {"a": 0.0}))


def test_models_of_different_classes_are_refused() -> None:
    with pytest.raises(DataError, match="one has 1 classes, two 3"):
        match(make_side("one", {"a": 0.5}), make_side("two", {"a": 0.5}, classes=3))


def test_what_favors_one_of_the_two_is_said() -> None:
    dice = {"a": 0.5, "b": 0.6, "c": 0.7}
    chosen = make_side("one", dice, subsets={"a": "val", "b": "val"})
    notes = match(chosen, make_side("two", dice, subsets={"c": "val"})).notes
    assert notes == (
        "The best epoch of A was chosen on 2 of these images, that of B on 1: the scores of A are slightly too good.",
    )
    assert match(chosen, chosen).notes[0].endswith("the scores of both are slightly too good.")
    trained = make_side("one", dice, "ab")
    assert match(trained, make_side("two", dice)).notes == (
        "A was trained on 2 of these images, B on 0: their scores are too good.",
    )


def test_empty_images_are_left_out_and_false_objects_on_them_are_said() -> None:
    first = make_side("one", {"a": 0.5, "b": NAN, "c": NAN})
    second = make_side("two", {"a": 0.6, "b": 0.0, "c": NAN})
    result = match(first, second)
    assert (result.duel.ids, result.duel.undefined) == (("a",), 2)
    assert result.notes[-1].endswith("On 0 of them A alone predicts something, on 1 B.")


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        ([0.5], [0.5], "Both have the same Dice on all 1 image."),
        ([0.5, 0.5], [0.5, 0.5], "Both have the same Dice on all 2 images."),
        (
            [0.5] * 8,
            [0.6] * 8,
            "B is better on 8 of 8 images, A on 0. B scores 0.1000 more on average; that is unlikely to be chance, "
            "p = 0.00781.",
        ),
        (
            [0.5] * 6 + [0.9],
            [0.25] * 2 + [0.5] * 3 + [0.75, 0.9],
            "A is better on 2 of 7 images, B on 1, 4 are equal. B scores 0.0357 less on average; the difference could "
            "be chance, p = 1.00.",
        ),
        (
            [0.5, 0.75],
            [0.75, 0.5],
            "Each is better on 1 of 2 images. Their means are equal; under 6 images chance can never be excluded.",
        ),
    ],
)
def test_the_outcome_in_words(first: list[float], second: list[float], sentence: str) -> None:
    a, b = ({str(number): value for number, value in enumerate(values)} for values in (first, second))
    assert describe(duel(a, b)) == sentence


def test_where_two_predictions_disagree() -> None:
    truth = np.array([[0, 1, 2, 255, 1]])
    first, second = np.array([[0, 1, 1, 0, 2]]), np.array([[1, 2, 2, 1, 0]])
    assert find_disagreement(first, second, truth).tolist() == [[1, 1, 2, 0, 3]]
    assert not find_disagreement(first, first, truth).any()


def test_equal_ground_truths_have_equal_digests() -> None:
    mask = np.array([[0, 1, 255]])
    assert digest_truth(mask) == digest_truth(mask.astype(np.uint8))
    assert digest_truth(mask) not in (digest_truth(mask.T), digest_truth(mask[:, ::-1]))


def test_a_model_without_a_run_has_no_dataset_of_its_own() -> None:
    with pytest.raises(DataError, match="Name the dataset to score"):
        find_dataset(Source(), Source())
