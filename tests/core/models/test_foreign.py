"""Weights of other programs: recognized by their files, converted strictly, with the logits of a reference."""

import json
from typing import Any

import pytest
import torch

from tests.core.models.references import brain_probability, brain_weights, smp_logits, smp_weights
from tests.core.models.test_milesial import logits_by_hand
from tests.core.models.test_milesial import weights as milesial_weights
from unet_core.errors import CheckpointError, ConfigError
from unet_core.models import convert, foreign
from unet_core.models.foreign import BRAIN, MILESIAL, OWN, SMP

SMP_CONFIG = {  # as its release 0.3 writes it
    "_model_class": "Unet",
    "activation": None,
    "aux_params": None,
    "classes": 1,
    "decoder_attention_type": None,
    "decoder_channels": [256, 128, 64, 32, 16],
    "decoder_use_batchnorm": True,
    "encoder_depth": 5,
    "encoder_name": "resnet18",
    "encoder_weights": "imagenet",
    "in_channels": 3,
}


def shapes(state: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}


def recognize(state: dict[str, torch.Tensor], config: Any = None) -> foreign.Recognized:
    return foreign.recognize(None if config is None else json.dumps(config), shapes(state), "org/net")


@torch.inference_mode()
def test_smp_gives_the_logits_of_the_reference() -> None:
    state = smp_weights("resnet18")
    found = recognize(state, SMP_CONFIG)
    assert (found.kind, found.config.encoder, found.config.normalization) == (SMP, "resnet18", "imagenet")
    assert found.notes == (
        "The files do not say how images were normalized; 'imagenet' is assumed. Choose another normalization if not.",
    )
    image = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(
        convert.build(found, state, "org/net")(image), smp_logits(state, "resnet18", image), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"decoder_channels": [64, 32, 16, 8, 4]}, {"base_channels": 4}),
        ({"decoder_use_batchnorm": False}, {"norm": "none"}),
        ({"decoder_use_batchnorm": None, "decoder_use_norm": "batchnorm"}, None),
        ({"in_channels": 1}, {"normalization": "unit", "in_channels": 1}),
        ({"classes": 4}, {"num_classes": 4}),
        ({"classes": 4, "activation": "softmax"}, {"num_classes": 4}),
        ({"activation": "sigmoid"}, {"num_classes": 1}),
        ({"decoder_interpolation": "bilinear"}, {"up": "bilinear"}),
        ({"encoder_weights": None}, {"normalization": "imagenet"}),
    ],
)
def test_the_settings_of_smp(changes: dict[str, Any], expected: dict[str, Any] | None) -> None:
    if expected is None:
        with pytest.raises(CheckpointError, match="decoder_use_norm 'None'"):
            recognize({}, SMP_CONFIG | changes)
        return
    config = recognize({}, SMP_CONFIG | changes).config
    assert {name: getattr(config, name) for name in expected} == expected


def test_the_name_of_the_norm_in_its_later_releases() -> None:
    later = {name: value for name, value in SMP_CONFIG.items() if name != "decoder_use_batchnorm"}
    assert recognize({}, later | {"decoder_use_norm": "batchnorm"}).config.norm == "batch"
    assert recognize({}, later | {"decoder_use_norm": "identity"}).config.norm == "none"
    assert recognize({}, {"_model_class": "Unet"}).config.encoder == "resnet34"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"_model_class": "FPN"}, "model 'FPN' of segmentation_models.pytorch: only Unet"),
        ({"encoder_name": "mit_b0"}, "encoder_name 'mit_b0'.*only resnet18, resnet34, resnet50"),
        ({"encoder_depth": 4}, "encoder_depth '4'.*only 5"),
        ({"decoder_attention_type": "scse"}, "decoder_attention_type 'scse'.*only models without it"),
        ({"aux_params": {"classes": 2}}, "aux_params"),
        ({"decoder_channels": [256, 128, 64, 32, 32]}, "decoder_channels .*halve at each level"),
        ({"decoder_channels": "many"}, "decoder_channels 'many'"),
        ({"decoder_use_batchnorm": "inplace"}, "decoder_use_norm 'inplace'"),
        ({"decoder_interpolation": "bicubic"}, "decoder_interpolation 'bicubic'"),
        ({"classes": 3, "activation": "sigmoid"}, "activation 'sigmoid'.*classes that overlap"),
        ({"classes": 0}, "first or last layer"),
        ({"in_channels": "3"}, "no model that can be built here. Expected in_channels to be int"),
        ({"new_setting": 1}, "setting 'new_setting'.*not known here"),
    ],
)
def test_what_smp_has_and_we_have_not_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(CheckpointError, match=f"^org/net: .*{says}"):
        recognize({}, SMP_CONFIG | changes)


@torch.inference_mode()
def test_classes_are_said_to_exclude_each_other_where_nothing_says_so() -> None:
    assert len(recognize({}, SMP_CONFIG | {"classes": 3}).notes) == 2
    assert len(recognize({}, SMP_CONFIG | {"classes": 3, "activation": "softmax2d"}).notes) == 1


@pytest.mark.parametrize("in_channels", [1, 3])
@torch.inference_mode()
def test_the_brain_unet_gives_the_probability_of_the_reference(in_channels: int) -> None:
    state = brain_weights(in_channels)
    found = recognize(state)
    assert (found.kind, found.config.in_channels, found.config.base_channels) == (BRAIN, in_channels, 4)
    assert found.config.normalization == "zscore_per_channel"
    model = convert.build(found, state, "a.safetensors")
    image = torch.randn(2, in_channels, 48, 32)
    expected = brain_probability(state, image)
    assert expected.std() > 0.01
    torch.testing.assert_close(torch.sigmoid(model(image)), expected, rtol=1e-6, atol=1e-6)
    logits = torch.logit(expected.double()).float()
    near = expected.sub(0.5).abs() < 0.45  # beyond, a logit cannot be told from its probability
    torch.testing.assert_close(model(image)[near], logits[near], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_milesials_names_in_any_file() -> None:
    state = milesial_weights(bilinear=False)
    found = recognize(state, {"n_channels": 3, "n_classes": 2, "bilinear": False})
    assert found.kind is MILESIAL
    image = torch.rand(1, 3, 32, 32)
    expected = logits_by_hand(state, image, bilinear=False)
    torch.testing.assert_close(convert.build(found, state, "a")(image), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("state", "config"),
    [(smp_weights("resnet18"), SMP_CONFIG), (brain_weights(), None), (milesial_weights(False), None)],
)
def test_every_tensor_and_no_other(state: dict[str, torch.Tensor], config: Any) -> None:
    names = [name for name in state if name.endswith("weight")]
    wrong = {name: value for name, value in state.items() if name != names[3]}
    wrong[names[1]] = wrong[names[1]][:1]
    wrong |= {"extra.one": torch.zeros(1), "extra.two": torch.zeros(1)}
    found = recognize(state, config)
    shape, good = ("x".join(map(str, value.shape)) for value in (wrong[names[1]], state[names[1]]))
    with pytest.raises(CheckpointError) as raised:
        convert.build(found, wrong, "org/net")
    assert str(raised.value) == (
        f"org/net: the weights are not those of {found.kind.title}: {names[3]} is missing; {names[1]} has shape "
        f"{shape} instead of {good}; extra.one is not of this model and 1 more."
    )


def test_what_is_none_of_them_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"without the config.json.*begins with 'a.weight'"):
        recognize({"a.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="one can be loaded"):
        recognize(brain_weights() | {"conv.weight": torch.zeros(2, 4, 1, 1)})
    with pytest.raises(CheckpointError, match=r"no model that can be built here.*at most 32, got 33"):
        recognize(brain_weights(33))
    with pytest.raises(CheckpointError, match="first or last layer is missing"):
        recognize({"inc.double_conv.0.weight": torch.zeros(2, 3, 3, 3)})
    with pytest.raises(CheckpointError, match="first or last layer is missing"):
        recognize({"inc.double_conv.0.weight": torch.zeros(2), "outc.conv.weight": torch.zeros(1)})


def test_a_normalization_is_changed_where_it_was_assumed_alone() -> None:
    found = recognize(brain_weights())
    changed = foreign.with_normalization(found, "unit")
    assert (changed.config.normalization, changed.notes) == ("unit", ())
    assert foreign.with_normalization(found, "") is found
    own = foreign.recognize('{"in_channels": 1, "num_classes": 1}', {}, "a")
    assert own.kind is OWN
    with pytest.raises(ConfigError, match="says itself how images are normalized"):
        foreign.with_normalization(own, "unit")
