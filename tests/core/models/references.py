"""Reference networks of other programs, written from their definitions with nothing of ours: weights and logits."""

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
RESNETS = {"resnet18": (False, (2, 2, 2, 2)), "resnet34": (False, (3, 4, 6, 3)), "resnet50": (True, (3, 4, 6, 3))}


def norm_of(state: State, name: str, channels: int) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = torch.rand(channels) + 0.5, torch.randn(channels) / 4
    state[f"{name}.running_mean"], state[f"{name}.running_var"] = torch.randn(channels) / 4, torch.rand(channels) + 0.5
    state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def conv_of(state: State, name: str, before: int, after: int, kernel: int, bias: bool = False) -> None:
    state[f"{name}.weight"] = torch.randn(after, before, kernel, kernel) / (kernel * before**0.5)
    if bias:
        state[f"{name}.bias"] = torch.randn(after) / 4


def normed(state: State, name: str, x: Tensor) -> Tensor:
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    return F.batch_norm(x, mean, var, state[f"{name}.weight"], state[f"{name}.bias"])


def convolved(state: State, name: str, x: Tensor, stride: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state.get(f"{name}.bias"), stride, weight.shape[-1] // 2)


def smp_weights(
    encoder: str,
    in_channels: int = 3,
    classes: int = 1,
    widths: tuple[int, ...] = (256, 128, 64, 32, 16),
    norm: bool = True,
) -> State:
    """A state dict of segmentation_models.pytorch's `Unet`."""
    torch.manual_seed(0)
    state: State = {}
    bottleneck, counts = RESNETS[encoder]
    conv_of(state, "encoder.conv1", in_channels, 64, 7)
    norm_of(state, "encoder.bn1", 64)
    channels, skips = 64, [64]
    for stage, count in enumerate(counts):
        width = 64 * 2**stage
        for block in range(count):
            name, after = f"encoder.layer{stage + 1}.{block}", width * (4 if bottleneck else 1)
            sides = (1, 3, 1) if bottleneck else (3, 3)
            passing = [channels, *[width] * (len(sides) - 1), after]
            for number, kernel in enumerate(sides):
                conv_of(state, f"{name}.conv{number + 1}", passing[number], passing[number + 1], kernel)
                norm_of(state, f"{name}.bn{number + 1}", passing[number + 1])
            if block == 0 and (stage or channels != after):
                conv_of(state, f"{name}.downsample.0", channels, after, 1)
                norm_of(state, f"{name}.downsample.1", after)
            channels = after
        skips.append(channels)
    for number, (width, skip) in enumerate(zip(widths, [*skips[-2::-1], 0], strict=True)):
        for conv, before in (("conv1", channels + skip), ("conv2", width)):
            conv_of(state, f"decoder.blocks.{number}.{conv}.0", before, width, 3, bias=not norm)
            if norm:
                norm_of(state, f"decoder.blocks.{number}.{conv}.1", width)
        channels = width
    conv_of(state, "segmentation_head.0", channels, classes, 3, bias=True)
    return state


def smp_logits(state: State, encoder: str, x: Tensor, mode: str = "nearest") -> Tensor:
    """The forward pass of that `Unet`, for sides that are multiples of 32."""
    bottleneck, counts = RESNETS[encoder]
    maps = [normed(state, "encoder.bn1", convolved(state, "encoder.conv1", x, 2)).relu()]
    x = F.max_pool2d(maps[0], kernel_size=3, stride=2, padding=1)
    for stage, count in enumerate(counts):
        for block in range(count):
            name, stride = f"encoder.layer{stage + 1}.{block}", 2 if stage and not block else 1
            beside = x
            if f"{name}.downsample.0.weight" in state:
                beside = normed(state, f"{name}.downsample.1", convolved(state, f"{name}.downsample.0", x, stride))
            strides = (1, stride, 1) if bottleneck else (stride, 1)
            for number, step in enumerate(strides, 1):
                x = normed(state, f"{name}.bn{number}", convolved(state, f"{name}.conv{number}", x, step))
                x = x.relu() if number < len(strides) else (x + beside).relu()
        maps.append(x)
    maps.pop()
    for number in range(5):
        x = F.interpolate(x, scale_factor=2, mode=mode)
        x = torch.cat([x, maps.pop()], 1) if maps else x
        for conv in ("conv1", "conv2"):
            x = convolved(state, f"decoder.blocks.{number}.{conv}.0", x)
            name = f"decoder.blocks.{number}.{conv}.1"
            x = (normed(state, name, x) if f"{name}.weight" in state else x).relu()
    return convolved(state, "segmentation_head.0", x)


def brain_weights(in_channels: int = 3, features: int = 4) -> State:
    """A state dict of mateuszbuda's U-Net."""
    torch.manual_seed(0)
    state: State = {}

    def block(name: str, short: str, before: int, after: int) -> None:
        for number, channels in ((1, before), (2, after)):
            conv_of(state, f"{name}.{short}conv{number}", channels, after, 3)
            norm_of(state, f"{name}.{short}norm{number}", after)

    channels = in_channels
    for level in range(1, 5):
        block(f"encoder{level}", f"enc{level}", channels, features * 2 ** (level - 1))
        channels = features * 2 ** (level - 1)
    block("bottleneck", "bottleneck", channels, 2 * channels)
    for level in range(4, 0, -1):
        width = features * 2 ** (level - 1)
        state[f"upconv{level}.weight"] = torch.randn(2 * width, width, 2, 2) / width**0.5
        state[f"upconv{level}.bias"] = torch.randn(width)
        block(f"decoder{level}", f"dec{level}", 2 * width, width)
    conv_of(state, "conv", features, 1, 1, bias=True)
    return state


def brain_probability(state: State, x: Tensor) -> Tensor:
    """The forward pass of that U-Net, which ends in a sigmoid; what comes from below is joined first."""

    def block(name: str, short: str, x: Tensor) -> Tensor:
        for number in (1, 2):
            x = normed(state, f"{name}.{short}norm{number}", convolved(state, f"{name}.{short}conv{number}", x)).relu()
        return x

    skips = []
    for level in range(1, 5):
        skips.append(block(f"encoder{level}", f"enc{level}", x))
        x = F.max_pool2d(skips[-1], 2)
    x = block("bottleneck", "bottleneck", x)
    for level in range(4, 0, -1):
        x = F.conv_transpose2d(x, state[f"upconv{level}.weight"], state[f"upconv{level}.bias"], stride=2)
        x = block(f"decoder{level}", f"dec{level}", torch.cat([x, skips.pop()], 1))
    return torch.sigmoid(F.conv2d(x, state["conv.weight"], state["conv.bias"]))
