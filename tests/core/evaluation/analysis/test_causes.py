"""Causes over a dataset: means that add up, and the images that lose most by each."""

import math

import numpy as np
import pytest

from tests.helpers.known_faults import SHARES, make_pairs, paint
from unet_core.evaluation.analysis.causes import LABELS, average_shares, describe_losses, rank_images
from unet_core.evaluation.error_analysis import CAUSES, explain_errors


def explain():
    return {
        name: explain_errors((image > 127).astype(np.uint8), truth, 1)[0]
        for name, (image, truth) in make_pairs().items()
    }


def test_each_fault_of_a_set_is_named_with_its_share():
    for name, analysis in explain().items():
        cause, share = SHARES[name]
        assert {key: value for key, value in analysis.shares.items() if value} == (
            {cause: pytest.approx(share)} if cause else {}
        )


def test_the_means_are_those_of_the_shares_and_add_up_to_what_is_missing():
    analyses = explain()
    means = average_shares(analyses.values())
    for cause in CAUSES:
        assert means[cause] == pytest.approx(sum(share for name, share in SHARES.values() if name == cause) / 5)
    assert sum(means.values()) == pytest.approx(1 - np.mean([item.dice for item in analyses.values()]))
    assert describe_losses(means).startswith(f"Mean Dice {1 - sum(means.values()):.3f}: lost 0.020 to outlines, ")


def test_images_without_a_dice_are_left_out():
    nothing, _ = explain_errors(paint(), paint(), 1)
    assert math.isnan(nothing.dice)
    assert average_shares([*explain().values(), nothing]) == average_shares(explain().values())
    assert all(math.isnan(share) for share in average_shares([nothing]).values())
    assert describe_losses(average_shares([nothing])).startswith("No image has a defined Dice")


def test_images_are_ranked_by_what_they_lose_to_a_cause():
    analyses = explain()
    worse, _ = explain_errors(paint((5, 5, 20, 20)), paint((5, 5, 20, 20), (60, 60, 20, 20)), 1)
    assert rank_images(analyses | {"worse": worse}, "missed") == ["worse", "missed"]
    assert rank_images(analyses, "split") == []


def test_a_merge_that_costs_nothing_comes_last():
    truth = paint((10, 10, 20, 40))
    numbers = truth.astype(np.int32)
    numbers[:, 30:] *= 2
    touching, _ = explain_errors(truth, truth, 1, numbers)
    assert rank_images(explain() | {"a": touching}, "merge") == ["bridge", "a"]


def test_every_cause_has_a_label():
    assert list(LABELS) == list(CAUSES)
