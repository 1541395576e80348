"""U-Nets with a ResNet as encoder: names, shapes and logits of a reference, and what is said of them holds."""

from typing import Any

import pytest
import torch

from tests.core.models.references import smp_logits, smp_weights
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.models import architecture, weight_file
from unet_core.models.encoders import EncoderUNet, build_model
from unet_core.models.unet import UNet


def config(encoder: str = "resnet18", **changes: Any) -> ModelConfig:
    values = {"in_channels": 3, "num_classes": 1, "encoder": encoder, "depth": 5, "up": "nearest", "head_kernel": 3}
    return ModelConfig(**values | changes)


@pytest.mark.parametrize("encoder", ["resnet18", "resnet34", "resnet50"])
@torch.inference_mode()
def test_names_shapes_and_logits_of_the_reference(encoder: str) -> None:
    state = smp_weights(encoder, in_channels=2, classes=3)
    model = build_model(config(encoder, in_channels=2, num_classes=3)).eval()
    assert {name: value.shape for name, value in model.state_dict().items()} == {
        name: value.shape for name, value in state.items()
    }
    model.load_state_dict(state, strict=True)
    image = torch.randn(2, 2, 64, 96)
    expected = smp_logits(state, encoder, image)
    assert expected.std() > 0.1
    torch.testing.assert_close(model(image), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("changes", "mode"), [({"norm": "none"}, "nearest"), ({"up": "bilinear"}, "bilinear")])
@torch.inference_mode()
def test_the_variants_of_the_decoder(changes: dict[str, str], mode: str) -> None:
    state = smp_weights("resnet18", widths=(64, 32, 16, 8, 4), norm="norm" not in changes)
    model = build_model(config(base_channels=4, **changes)).eval()
    model.load_state_dict(state, strict=True)
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(model(image), smp_logits(state, "resnet18", image, mode), rtol=1e-6, atol=1e-6)


@torch.inference_mode()
def test_any_size_is_padded_at_the_right_and_below() -> None:
    model = build_model(config(base_channels=2)).eval()
    image = torch.randn(1, 3, 33, 7)
    padded = torch.nn.functional.pad(image, (0, 25, 0, 31), mode="replicate")
    assert torch.equal(model(image), model(padded)[..., :33, :7])


@pytest.mark.parametrize("encoder", ["resnet18", "resnet34", "resnet50"])
def test_what_the_settings_alone_tell_is_so(encoder: str) -> None:
    made = config(encoder)
    with torch.device("meta"):
        model = build_model(made)
    assert architecture.parameter_count(made) == sum(value.numel() for value in model.parameters())
    assert weight_file.stored_values(made) == sum(value.numel() for value in model.state_dict().values())
    convolutions = [module for module in model.modules() if isinstance(module, torch.nn.Conv2d)]
    assert architecture.convolution_count(made) == len(convolutions)
    total = 0

    def count(module: torch.nn.Conv2d, _: Any, output: torch.Tensor) -> None:
        nonlocal total
        total += module.weight.numel() * output.shape[-1] * output.shape[-2]

    for module in convolutions:
        module.register_forward_hook(count)
    model.eval()(torch.zeros(1, 3, 64, 64, device="meta"))
    assert architecture.multiply_adds(made, 64) == total
    assert [side for _, side in architecture.rows(made, 64)][-1] == 64


def test_the_receptive_field_is_what_a_gradient_reaches() -> None:
    """With positive weights and no norm nothing cancels out."""
    model = build_model(config(base_channels=1, norm="none", in_channels=1)).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.fill_(1e-3 if name.endswith("weight") and value.ndim > 1 else 0.5)
    side = 1280
    reached = 0
    for pixel in (0, 7, 13, 18, 24, 31):
        image = torch.ones(1, 1, 32, side, requires_grad=True)
        model(image)[0, 0, 16, side // 2 + pixel].backward()
        columns = torch.nonzero(image.grad[0, 0].abs().sum(0))  # type: ignore[index]
        reached = max(reached, int(columns.max() - columns.min()) + 1)
    field = architecture.receptive_field(config(base_channels=1, norm="none", in_channels=1))
    assert field - 32 <= reached <= field


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"depth": 4}, "needs depth 5, got 4"),
        ({"up": "transposed"}, "needs up 'nearest' or 'bilinear', got 'transposed'"),
        ({"activation": "elu"}, "needs activation 'relu'"),
        ({"padding": "valid"}, "needs padding 'same'"),
        ({"dropout": 0.5}, "needs dropout 0.0"),
        ({"deep_supervision": True}, "needs deep_supervision False"),
    ],
)
def test_what_a_resnet_cannot_follow_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=f"encoder 'resnet18' {says}"):
        config(**changes)


def test_the_plain_class_does_not_build_it_and_its_own_does() -> None:
    with pytest.raises(ConfigError, match="none of UNet"):
        UNet(config())
    with pytest.raises(ConfigError, match="1 or more"):
        EncoderUNet(config(in_channels=0))
    assert type(build_model(ModelConfig(in_channels=1, num_classes=1))) is UNet


def test_imagenet_is_for_three_channels() -> None:
    with pytest.raises(ConfigError, match=r"in_channels is 1\. Set in_channels to 3"):
        config(in_channels=1, normalization="imagenet")


def test_settings_of_older_releases_are_plain() -> None:
    values = ModelConfig().to_dict()
    del values["encoder"]
    assert ModelConfig.from_dict(values) == ModelConfig()
