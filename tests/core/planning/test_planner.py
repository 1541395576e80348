"""Proposals: always valid, silent where the defaults are right, and led by the number they name."""

import dataclasses
import itertools

import pytest

from unet_core.config.presets import PRESETS, get_preset
from unet_core.config.schema import RunConfig
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import ConfigError
from unet_core.hardware import Machine
from unet_core.models import architecture
from unet_core.planning import planner

NUCLEI = Fingerprint(
    images=180,
    height=256,
    width=320,
    channels=3,
    dtype="uint8",
    low=(0.0,),
    high=(0.9,),
    class_shares=(0.87, 0.13),
    object_diameter=22.0,
    object_diameter_low=10.0,
    object_diameter_high=44.0,
    object_gap=7.0,
    objects_per_image=22.0,
)
HERE = Machine("cpu", 16000, 2)


def like(**changes) -> Fingerprint:
    return dataclasses.replace(NUCLEI, **changes)


def proposed(data: Fingerprint, machine: Machine = HERE, now: RunConfig | None = None) -> dict:
    return {item.setting: item.value for item in planner.propose(data, machine, now)}


def test_data_like_those_of_the_defaults_get_the_defaults():
    advice = planner.propose(NUCLEI, HERE)
    assert [item for item in advice if item.changes] == []
    assert "22 px" in advice[0].reason and "44" in advice[0].reason


@pytest.mark.parametrize("name", PRESETS)
def test_a_plan_is_valid_for_any_data_and_any_net(name):
    now = get_preset(name)
    sides, diameters, numbers = (20, 9000), (None, 300.0), (1, 30_000)
    shares = ((0.5, 0.5), (0.3, 0.69, 0.001, 0.009))
    for side, diameter, number, share in itertools.product(sides, diameters, numbers, shares):
        data = like(
            images=number, height=side, width=side, object_diameter=diameter, object_diameter_high=diameter,
            class_shares=share,
        )  # fmt: skip
        for machine in (Machine("cpu", 300, 1), Machine("cuda", 16000, 8)):
            advice = planner.propose(data, machine, now)
            config = planner.apply_advice(advice, now)
            architecture.check_size(config.model, config.model.image_size, config.model.image_size)
            assert all(item.reason and item.reason[-1] != "." for item in advice)


def test_large_objects_ask_for_larger_crops_and_a_net_that_sees_them():
    found = proposed(like(object_diameter=100.0, object_diameter_high=150.0, height=1000, width=1000))
    assert found["image_size"] == 256
    assert found["depth"] == 5  # 4 levels see 204 px
    assert proposed(like(object_diameter_high=900.0, height=2000, width=2000))["image_size"] == 256  # on a processor
    on_gpu = Machine("cuda", 24000, 8)
    assert proposed(like(object_diameter_high=900.0, height=2000, width=2000), on_gpu)["image_size"] == 512


def test_small_images_ask_for_small_crops_and_a_shallower_net():
    found = proposed(like(height=32, width=40))
    assert found["image_size"] == 64 and found["depth"] <= 4
    assert proposed(like(height=96, width=96))["image_size"] == 96


def test_few_images_ask_for_more_crops_and_epochs():
    found = proposed(like(images=20, height=512, width=512))
    assert found["crops_per_image"] == 16
    steps = -(-16 * 16 // found["batch_size"])
    assert found["epochs"] * steps >= planner.MIN_STEPS
    assert proposed(like(images=20, height=128, width=128))["crops_per_image"] == 0  # a crop covers the image
    assert proposed(like(images=20, height=128, width=128))["epochs"] > 15


def test_a_rare_class_asks_for_weights():
    assert proposed(like(class_shares=(0.4, 0.3, 0.29, 0.01)))["class_weights"] == "auto"
    assert proposed(like(class_shares=(0.4, 0.3, 0.2, 0.1)))["class_weights"] == "none"


def test_pictures_with_an_up_and_down_are_not_turned():
    assert proposed(like(upright=0.6))["augment"] == "street"


def test_little_memory_asks_for_small_batches():
    assert proposed(NUCLEI, Machine("cpu", 200, 1))["batch_size"] == 4
    assert proposed(NUCLEI, Machine("cpu", 0, 1))["batch_size"] == 16  # unknown


def test_a_gpu_gets_a_wider_net():
    assert proposed(NUCLEI, Machine("cuda", 16000, 8))["base_channels"] == 32
    assert proposed(NUCLEI, Machine("cuda", 16000, 8), RunConfig().replace(device="cpu"))["base_channels"] == 16


def test_nothing_is_proposed_for_nothing():
    assert planner.propose(Fingerprint()) == []


def test_a_plan_that_no_longer_fits_says_so():
    advice = [planner.Advice("image_size", 16, "small", 128)]
    with pytest.raises(ConfigError, match="Update the suggestions"):
        planner.apply_advice(advice, RunConfig())


def test_what_is_chosen_is_what_the_others_are_based_on():
    few = like(images=25, width=96, height=96)
    assert (proposed(few)["batch_size"], proposed(few)["epochs"]) == (4, 80)
    now = RunConfig().replace(batch_size=2)
    advice = {item.setting: item for item in planner.propose(few, HERE, now, {"batch_size"})}
    assert advice["batch_size"].value == 4, "it is still suggested"
    assert advice["epochs"].value == 40, "for batches of 2"
    assert proposed(few, now=now)["epochs"] == 80
    deep = {item.setting: item.value for item in planner.propose(few, HERE, RunConfig().replace(depth=2), {"depth"})}
    assert deep["image_size"] == 96


def test_a_wider_model_of_a_gpu_needs_the_memory_of_its_width():
    machine = Machine("cuda", 8000, 4)
    advice = {item.setting: item for item in planner.propose(NUCLEI, machine)}
    model = RunConfig().replace(base_channels=32, image_size=advice["image_size"].value).model
    megabytes = planner.step_mb(model, 2, 3) * advice["batch_size"].value
    assert advice["base_channels"].value == 32
    assert f"about {megabytes:.0f} MB per step" in advice["batch_size"].reason or megabytes <= 4000
