"""Warnings in words: each when it is due, and none for the defaults on fitting data."""

import pytest

from tests.core.planning.test_planner import NUCLEI, like
from unet_core.config.schema import RunConfig
from unet_core.planning.checks import check_settings, classes_missing


def said(data=NUCLEI, train=144, val=36, steps=36, crops=576, **settings) -> str:
    return "\n".join(check_settings(RunConfig().replace(**settings), data, train, val, steps, crops))


def test_nothing_is_said_of_good_settings():
    assert said() == ""


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("Your objects are 40 px wide, this net sees 18 px", {"depth": 1, "data": like(object_diameter=40.0)}),
        ("This net sees 204 px", {"data": like(object_diameter_high=300.0), "image_size": 512}),
        ("many crops hold no whole object", {"data": like(object_diameter_high=100.0), "image_size": 64}),
        ("the rest is mirrored", {"data": like(height=40)}),
        ("grow together", {"data": like(object_gap=1.5)}),
        ("Batch norm estimates mean and spread from 1 crop", {"batch_size": 1}),
        ("an epoch has only 20 crops", {"batch_size": 32, "crops": 20}),
        ("60 steps in all (4 an epoch) are few", {"steps": 4}),
        ("No image is held back", {"val": 0}),
        ("Only 1 image of 145 choose", {"val": 1}),
        ("'street' only mirrors", {"data": like(upright=0.5)}),
    ],
)
def test_each_is_said_when_it_is_due(words, arguments):
    assert words in said(**arguments)


def test_group_norm_may_have_small_batches_and_street_may_be_upright():
    assert said(batch_size=1, norm="group") == ""
    assert said(data=like(upright=0.5), augment="street") == ""


def test_classes_that_no_image_holds():
    assert list(classes_missing({0, 1}, {0, 1}, 2, 10)) == []
    lines = list(classes_missing({0, 2}, {0}, 4, 10))
    assert "Classes 1, 3 are in none of the 10 training images" in lines[0]
    assert lines[1].startswith("Class 2 is in no validation image")
