"""The net in numbers, against the net itself: parameters, sizes, multiply-adds, receptive field, by measuring each."""

import itertools

import pytest
import torch
from torch import nn

from unet_core.config.choices import DOWNS, NORMS, ORDERS, PADDINGS, UPS
from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.models import architecture
from unet_core.models.unet import UNet, parameter_count

PAPER = ModelConfig(in_channels=1, num_classes=2, base_channels=64, norm="none", padding="valid", image_size=572)


def small(**changes) -> ModelConfig:
    return ModelConfig(
        **{"in_channels": 1, "num_classes": 1, "base_channels": 2, "depth": 2, "image_size": 32} | changes
    )


def test_the_paper_of_2015_by_its_own_figures():
    assert architecture.convolution_count(PAPER) == 23
    assert architecture.output_size(PAPER, 572) == 388
    assert architecture.margin(PAPER) == 92
    sides = [side for part, side in architecture.rows(PAPER, 572) if part.kind in ("encoder", "bottleneck", "decoder")]
    assert sides == [568, 280, 136, 64, 28, 52, 100, 196, 388]  # figure 1
    # The layer table: 3x3 convolutions with bias, 2x2 up-convolutions that halve the channels, 1x1 at the end.
    contracting = [(1, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    bottom = [(512, 1024), (1024, 1024)]
    expanding = [(1024, 512), (512, 512), (512, 256), (256, 256), (256, 128), (128, 128), (128, 64), (64, 64)]
    ups = [(1024, 512), (512, 256), (256, 128), (128, 64)]
    by_hand = sum(9 * a * b + b for a, b in contracting + bottom + expanding)
    by_hand += sum(4 * a * b + b for a, b in ups) + 64 * 2 + 2
    assert by_hand == architecture.parameter_count(PAPER) == 31_030_658
    with torch.device("meta"):
        model = UNet(PAPER)
    assert parameter_count(model) == by_hand
    assert sum(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in model.modules()) == 23
    assert model(torch.empty(1, 1, 572, 572, device="meta")).shape == (1, 2, 388, 388)


def test_parameters_are_those_of_the_net_for_every_variant():
    for norm, order, down, up, padding, convs, head, deep in itertools.product(
        NORMS, ORDERS, DOWNS, UPS, PADDINGS, (1, 2, 3), (1, 3), (False, True)
    ):
        if deep and padding == "valid":
            continue
        config = small(
            norm=norm, order=order, down=down, up=up, padding=padding, convs_per_block=convs, head_kernel=head,
            deep_supervision=deep, bottleneck_convs=1, num_classes=3, in_channels=3,
        )  # fmt: skip
        with torch.device("meta"):
            assert architecture.parameter_count(config) == parameter_count(UNet(config)), config


@pytest.mark.parametrize("size", [64, 70, 108])
@pytest.mark.parametrize(("down", "up", "padding"), list(itertools.product(DOWNS, UPS, PADDINGS)))
def test_multiply_adds_are_those_of_a_real_pass(down, up, padding, size):
    config = small(down=down, up=up, padding=padding, depth=3, head_kernel=3)
    if architecture.output_size(config, size) is None:
        with pytest.raises(ConfigError, match="does not fit"):
            architecture.multiply_adds(config, size)
        return
    with torch.device("meta"):
        model = UNet(config).eval()
    total = 0

    def count(module, inputs, output):
        nonlocal total
        weights = module.weight.numel()
        total += weights * (inputs[0] if isinstance(module, nn.ConvTranspose2d) else output)[0, 0].numel()

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.register_forward_hook(count)
    model(torch.empty(1, 1, size, size, device="meta"))
    assert architecture.multiply_adds(config, size) == total


@pytest.mark.parametrize("head_kernel", [1, 3])
@pytest.mark.parametrize("convs", [1, 2])
@pytest.mark.parametrize(("down", "up"), list(itertools.product(DOWNS, ["transposed", "bilinear", "nearest"])))
def test_receptive_field_is_what_gradients_reach(down, up, convs, head_kernel):
    config = small(down=down, up=up, convs_per_block=convs, head_kernel=head_kernel, norm="none", activation="silu")
    torch.manual_seed(0)
    model = UNet(config).double()
    for module in model.modules():
        if isinstance(module, nn.MaxPool2d):
            module.forward = lambda x: x.unfold(2, 2, 2).unfold(3, 2, 2).mean((4, 5))  # reaches all that a maximum may
    side = 4 * -(-architecture.receptive_field(config) // 4) + 40
    widest = 0
    for offset in range(4):
        image = torch.rand(1, 1, side, side, dtype=torch.float64, requires_grad=True)
        model(image)[0, 0, side // 2 + offset, side // 2 + offset].backward()
        reached = (image.grad[0, 0] != 0).any(0).nonzero()
        widest = max(widest, int(reached.max() - reached.min()) + 1)
    assert widest == architecture.receptive_field(config)


@pytest.mark.parametrize("convs", [1, 2, 3])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_unpadded_sizes_are_those_that_the_net_takes(convs, depth):
    config = small(padding="valid", depth=depth, convs_per_block=convs, image_size=256)
    with torch.device("meta"):
        model = UNet(config).eval()
    fitting = []
    for side in range(1, 180):
        expected = architecture.output_size(config, side)
        image = torch.empty(1, 1, side, side, device="meta")
        if expected is None:
            with pytest.raises(ConfigError, match=f"input side of {side} pixels"):
                model(image)
        else:
            fitting.append(side)
            assert model(image).shape[-2:] == (expected, expected)
            assert side - expected == 2 * architecture.margin(config)
    assert fitting[0] >= architecture.least_size(config)
    for side in range(1, fitting[-1]):
        assert architecture.fitting_size(config, side) == next(size for size in fitting if size >= side)


def test_a_size_that_does_not_fit_names_its_neighbors():
    with pytest.raises(ConfigError, match=r"input side of 512 pixels.*508 or 524"):
        architecture.check_size(PAPER, 512, 572)
    architecture.check_size(PAPER, 572, 508)


def test_rows_list_every_part_with_its_side():
    rows = [(part.kind, part.level, part.out_channels, side) for part, side in architecture.rows(small(), 30)]
    assert rows == [
        ("encoder", 0, 2, 32),
        ("down", 0, 2, 16),
        ("encoder", 1, 4, 16),
        ("down", 1, 4, 8),
        ("bottleneck", 2, 8, 8),
        ("up", 1, 4, 16),
        ("decoder", 1, 4, 16),
        ("up", 0, 2, 32),
        ("decoder", 0, 2, 32),
        ("head", 0, 1, 32),
    ]
