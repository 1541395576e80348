"""The net: equal to a forward pass written out by hand, any size in and out, the parameters and names it ever had."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from unet_core.config import choices
from unet_core.config.choices import ORDERS, PADDINGS
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.models import architecture
from unet_core.models.layers import ACTIVATIONS, DOWNS, NORMS, UPS
from unet_core.models.unet import UNet, parameter_count


def net(depth: int = 2, in_channels: int = 1, num_classes: int = 1, base_channels: int = 2, seed: int = 0) -> UNet:
    """A net as after some training: its batch norms have statistics of their own."""
    torch.manual_seed(seed)
    config = ModelConfig(
        in_channels=in_channels, num_classes=num_classes, base_channels=base_channels, depth=depth, image_size=32
    )
    model = UNet(config).eval()
    for name, tensor in model.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.copy_(torch.randn_like(tensor) / 4)
        elif name.endswith("running_var"):
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    return model


def by_hand(state: dict[str, Tensor], depth: int, x: Tensor) -> Tensor:
    """The forward pass of sizes that need no padding, from the names of the weights alone."""

    def block(name: str, x: Tensor) -> Tensor:
        for conv, norm in ((0, 1), (3, 4)):
            x = F.conv2d(x, state[f"{name}.{conv}.weight"], padding=1)
            mean, var, weight, bias = (
                state[f"{name}.{norm}.{what}"][:, None, None]
                for what in ("running_mean", "running_var", "weight", "bias")
            )
            x = ((x - mean) / (var + 1e-5).sqrt() * weight + bias).clamp(min=0)
        return x

    skips = []
    for level in range(depth):
        skips.append(block(f"encoder.{level}", x))
        x = skips[-1].unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
    x = block("bottleneck", x)
    for level in range(depth):
        x = F.conv_transpose2d(x, state[f"up.{level}.weight"], state[f"up.{level}.bias"], stride=2)
        x = block(f"decoder.{level}", torch.cat([skips[-1 - level], x], 1))
    return torch.einsum("nchw,kc->nkhw", x, state["head.weight"][:, :, 0, 0]) + state["head.bias"][:, None, None]


@pytest.mark.parametrize("depth", [1, 2, 3])
@torch.inference_mode()
def test_forward_equals_the_one_written_by_hand(depth: int) -> None:
    model = net(depth, in_channels=3, num_classes=4, base_channels=3)
    images = torch.randn(2, 3, 2**depth * 3, 2**depth * 2)
    torch.testing.assert_close(model(images), by_hand(model.state_dict(), depth, images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@torch.inference_mode()
def test_any_size_goes_in_and_comes_out(depth: int) -> None:
    model = net(depth)
    sizes = [(1, 1), (17, 31), (40, 40), (1, 40), (40, 1), *((side, 41 - side) for side in range(1, 41))]
    for height, width in sizes:
        logits = model(torch.randn(1, 1, height, width))
        assert logits.shape == (1, 1, height, width)
        assert logits.isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (17, 31), (7, 8), (8, 9), (23, 16)])
@torch.inference_mode()
def test_a_size_between_is_padded_at_its_right_and_lower_edge_and_cut_back(height: int, width: int) -> None:
    model = net(3)
    image = torch.randn(1, 1, height, width)
    rows = torch.arange(-(-height // 8) * 8).clamp(max=height - 1)  # the last pixel is repeated
    columns = torch.arange(-(-width // 8) * 8).clamp(max=width - 1)
    whole = model(image[:, :, rows][:, :, :, columns])
    torch.testing.assert_close(model(image), whole[..., :height, :width])


@pytest.mark.parametrize(("in_channels", "num_classes"), [(1, 1), (2, 1), (3, 1), (4, 1), (32, 1), (1, 5), (3, 254)])
@torch.inference_mode()
def test_channels_and_classes(in_channels: int, num_classes: int) -> None:
    logits = net(1, in_channels, num_classes)(torch.randn(2, in_channels, 5, 6))
    assert logits.shape == (2, num_classes, 5, 6)


@torch.inference_mode()
def test_the_images_of_a_batch_do_not_touch_each_other() -> None:
    model = net(2)
    images = torch.randn(3, 1, 10, 12)
    together = model(images)
    for index in range(3):
        torch.testing.assert_close(model(images[index : index + 1])[0], together[index], rtol=1e-4, atol=1e-5)


def test_parameter_count_is_the_sum_of_the_layer_table() -> None:
    twice_3x3 = {  # in * out * 9 and a norm of 2 * out, then out * out * 9 and a norm of 2 * out
        "encoder.0, 3 to 4": 108 + 8 + 144 + 8,
        "encoder.1, 4 to 8": 288 + 16 + 576 + 16,
        "bottleneck, 8 to 16": 1152 + 32 + 2304 + 32,
        "decoder.0, 8 + 8 to 8": 1152 + 16 + 576 + 16,
        "decoder.1, 4 + 4 to 4": 288 + 8 + 144 + 8,
    }
    up_2x2 = {"up.0, 16 to 8": 512 + 8, "up.1, 8 to 4": 128 + 4}
    head = 4 * 2 + 2
    expected = sum(twice_3x3.values()) + sum(up_2x2.values()) + head
    assert expected == 7554
    assert parameter_count(net(2, in_channels=3, num_classes=2, base_channels=4)) == expected


def test_the_net_of_the_paper_has_31_million_parameters() -> None:
    with torch.device("meta"):  # shapes only
        model = UNet(ModelConfig(in_channels=3, num_classes=1, base_channels=64, depth=4))
    assert parameter_count(model) == 31_037_633  # as milesial/Pytorch-UNet counts it, for 3 channels and 1 class


def test_names_of_the_weights_stay_as_they_were_or_old_checkpoints_do_not_load() -> None:
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]

    def block(name: str) -> list[str]:
        one, two = ([f"{name}.{index}.{what}" for what in norm] for index in (1, 4))
        return [f"{name}.0.weight", *one, f"{name}.3.weight", *two]

    expected = [
        *(block("encoder.0") + block("encoder.1") + block("bottleneck")),
        *("up.0.weight", "up.0.bias", "up.1.weight", "up.1.bias"),
        *(block("decoder.0") + block("decoder.1")),
        *("head.weight", "head.bias"),
    ]
    assert list(net(2).state_dict()) == expected


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_one_image_of_the_smallest_size_trains_every_parameter(depth: int) -> None:
    torch.manual_seed(0)
    side = max(8, 2 ** (depth + 1))
    model = UNet(ModelConfig(in_channels=1, num_classes=2, base_channels=4, depth=depth, image_size=side)).train()
    model(torch.randn(1, 1, side, side)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_equal_seeds_give_equal_nets_and_others_do_not() -> None:
    first, again, other = (net(1, seed=seed).state_dict()["encoder.0.0.weight"] for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("in_channels", "num_classes"), [(0, 1), (1, 0), (0, 0)])
def test_channels_that_are_still_to_be_found_are_refused(in_channels: int, num_classes: int) -> None:
    with pytest.raises(ConfigError, match=f"got {in_channels} and {num_classes}; 0 .found from the data."):
        UNet(ModelConfig(in_channels=in_channels, num_classes=num_classes))


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("up", UPS)
@pytest.mark.parametrize("down", DOWNS)
@pytest.mark.parametrize("norm", NORMS)
def test_every_variant_learns_at_odd_sizes(norm: str, down: str, up: str, padding: str) -> None:
    """The product of the registries: the right size comes out, and a finite gradient reaches every weight."""
    torch.manual_seed(0)
    config = ModelConfig(
        in_channels=3, num_classes=2, base_channels=4, depth=2, norm=norm, down=down, up=up, padding=padding,
        image_size=64, activation="leaky_relu",
    )  # fmt: skip
    model = UNet(config).train()
    sizes = [(17, 31), (33, 20), (40, 41)] if padding == "same" else [(44, 48), (60, 44)]
    for height, width in sizes:
        model.zero_grad()
        logits = model(torch.randn(2, 3, height, width))
        margin = architecture.margin(config)
        assert logits.shape == (2, 2, height - 2 * margin, width - 2 * margin)
        logits.square().mean().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any() or (norm != "none" and name.endswith("bias")), name


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_order_in_a_block_is_the_one_asked_for(order: str, activation: str) -> None:
    config = ModelConfig(in_channels=1, num_classes=1, base_channels=2, order=order, activation=activation)
    kinds = [type(layer) for layer in UNet(config).encoder[0]]
    act = type(ACTIVATIONS[activation].build())
    after = [torch.nn.BatchNorm2d, act] if order == "conv_norm_act" else [act, torch.nn.BatchNorm2d]
    assert kinds == [torch.nn.Conv2d, *after] * 2


def test_registries_are_the_names_of_the_settings() -> None:
    assert list(NORMS) == list(choices.NORMS)
    assert list(DOWNS) == list(choices.DOWNS)
    assert list(UPS) == list(choices.UPS)
    assert list(ACTIVATIONS) == list(choices.ACTIVATIONS)


def test_dropout_is_behind_the_two_deepest_blocks_and_only_in_training() -> None:
    config = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=3, dropout=0.5)
    torch.manual_seed(0)
    model = UNet(config)
    places = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Dropout2d)]
    assert [name.rsplit(".", 1)[0] for name in places] == ["encoder.2", "bottleneck"]
    image = torch.randn(1, 1, 32, 32)
    assert not torch.equal(model(image), model(image))
    model.eval()
    assert torch.equal(model(image), model(image))


def test_deep_supervision_gives_every_level_in_training_only() -> None:
    config = ModelConfig(in_channels=1, num_classes=3, base_channels=2, depth=3, deep_supervision=True)
    torch.manual_seed(0)
    model = UNet(config)
    outputs = model(torch.randn(2, 1, 32, 48))
    assert [tuple(output.shape) for output in outputs] == [(2, 3, 32, 48), (2, 3, 16, 24), (2, 3, 8, 12)]
    sum(output.square().mean() for output in outputs).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert isinstance(model.eval()(torch.randn(1, 1, 32, 32)), torch.Tensor)


@torch.inference_mode()
def test_instance_norm_takes_a_single_pixel() -> None:
    config = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=2, image_size=32, norm="instance")
    assert UNet(config).eval()(torch.randn(1, 1, 1, 1)).shape == (1, 1, 1, 1)
