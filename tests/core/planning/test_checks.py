"""Warnings in words: each when it is due, and none for the defaults on fitting data."""

import pytest

from tests.core.planning.test_planner import NUCLEI, like
from unet_core.config.schema import RunConfig
from unet_core.planning.checks import check_classes, check_settings


def said(data=NUCLEI, train=144, val=36, steps=36, crops=576, **settings) -> str:
    return "\n".join(check_settings(RunConfig().replace(**settings), data, train, val, steps, crops))


def test_nothing_is_said_of_good_settings():
    assert said() == ""


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        (
            "receptive field of 18 px is smaller than the median object (median 40",
            {"depth": 1, "data": like(object_diameter=40.0)},
        ),
        (
            "The receptive field of 204 px is smaller than large objects",
            {"data": like(object_diameter_high=300.0), "image_size": 512},
        ),
        ("Crops of 64 px are smaller than large objects", {"data": like(object_diameter_high=100.0), "image_size": 64}),
        ("the rest is filled by mirroring", {"data": like(height=40)}),
        ("masks will merge", {"data": like(object_gap=1.5)}),
        ("Batch normalization estimates its statistics from 1 crop", {"batch_size": 1}),
        ("an epoch has only 20 crops", {"batch_size": 32, "crops": 20}),
        ("Only 60 steps in total (4 per epoch)", {"steps": 4}),
        ("There are no validation images", {"val": 0}),
        ("Only 1 image of 145 for validation", {"val": 1}),
        ("'street', which flips only horizontally", {"data": like(upright=0.5)}),
    ],
)
def test_each_is_said_when_it_is_due(words, arguments):
    assert words in said(**arguments)


def test_group_norm_may_have_small_batches_and_street_may_be_upright():
    assert said(batch_size=1, norm="group") == ""
    assert said(data=like(upright=0.5), augment="street") == ""


def test_classes_that_no_image_holds():
    assert list(check_classes({0, 1}, {0, 1}, 2, 10)) == []
    lines = list(check_classes({0, 2}, {0}, 4, 10))
    assert "Classes 1, 3 are in none of the 10 training images" in lines[0]
    assert lines[1].startswith("Class 2 is in no validation image")
