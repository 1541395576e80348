"""The architecture of a U-Net, computed from its settings alone: channels, sizes, parameters, receptive field.

`unet.UNet` is built from the same list of parts. No torch here, so that a page can draw it while the settings change.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.models.layers import DOWNS, NORMS, UPS

STEM = 64  # channels of a ResNet's first level


@dataclass(frozen=True)
class Convolution:
    """One learned layer with a square kernel; a stride of 2 is a way down or, transposed, a way up."""

    in_channels: int
    out_channels: int
    kernel: int
    stride: int = 1
    transposed: bool = False
    bias: bool = True
    normed: bool = False  # followed by a normalization with a learned scale and shift
    has_buffers: bool = False  # which also keeps a running mean and variance
    shortcut: bool = False  # beside the layers before it, from their input to their output (ResNet)

    @property
    def parameters(self) -> int:
        weights = self.in_channels * self.out_channels * self.kernel**2
        return weights + self.out_channels * (self.bias + 2 * self.normed)


@dataclass(frozen=True)
class Part:
    """One part of the model: an encoder, bottleneck or decoder block, a way down or up, the head."""

    kind: str  # encoder, down, bottleneck, up, decoder, head
    level: int  # 0 is full resolution
    in_channels: int
    out_channels: int
    convolutions: tuple[Convolution, ...]
    pool: int = 2  # side of the window of a way down without convolutions


RESNETS = {  # by encoder: whether its blocks are bottlenecks (1x1, 3x3, 1x1), and how many each stage has (He 2016)
    "resnet18": (False, (2, 2, 2, 2)),
    "resnet34": (False, (3, 4, 6, 3)),
    "resnet50": (True, (3, 4, 6, 3)),
}


def list_parts(config: ModelConfig) -> list[Part]:
    """The parts in the order in which an image passes them."""
    if config.encoder != "plain":
        return _resnet_parts(config)
    widths = [config.base_channels * 2**level for level in range(config.depth + 1)]
    learned = UPS[config.up].is_learned  # the others keep the channels: the block before gives half as many
    parts: list[Part] = []
    channels = config.in_channels
    for level in range(config.depth):
        width = widths[level]
        parts.append(_block(config, "encoder", level, channels, width, width, config.convs_per_block))
        strided = (Convolution(width, width, 2, 2),) if DOWNS[config.down].is_learned else ()
        parts.append(Part("down", level, width, width, strided))
        channels = width
    width = widths[-1] if learned else widths[-1] // 2
    convs = config.bottleneck_convs or config.convs_per_block
    parts.append(_block(config, "bottleneck", config.depth, channels, width, width, convs))
    channels = width
    for level in reversed(range(config.depth)):
        width = widths[level]
        transposed = (Convolution(channels, width, 2, 2, transposed=True),) if learned else ()
        parts.append(Part("up", level, channels, width, transposed))
        out = width if learned or level == 0 else width // 2
        parts.append(_block(config, "decoder", level, 2 * width, width, out, config.convs_per_block))
        channels = out
    head = Convolution(channels, config.num_classes, config.head_kernel)
    return [*parts, Part("head", 0, channels, config.num_classes, (head,))]


def _block(config: ModelConfig, kind: str, level: int, before: int, middle: int, after: int, convs: int) -> Part:
    channels = [before, *[middle] * (convs - 1), after]
    normed = NORMS[config.norm].has_parameters
    bias = not normed or config.order == "conv_act_norm"  # a norm right behind a convolution takes its bias away
    buffers = NORMS[config.norm].has_buffers
    layers = tuple(
        Convolution(first, second, 3, bias=bias, normed=normed, has_buffers=buffers)
        for first, second in pairwise(channels)
    )
    return Part(kind, level, before, after, layers)


def _resnet_parts(config: ModelConfig) -> list[Part]:
    """Those of a ResNet encoder: its first level has no block, its last decoder block no skip connection."""
    bottleneck, counts = RESNETS[config.encoder]
    stem = Convolution(config.in_channels, STEM, 7, 2, bias=False, normed=True, has_buffers=True)
    parts = [
        Part("down", 0, config.in_channels, STEM, (stem,)),
        Part("encoder", 1, STEM, STEM, ()),
        Part("down", 1, STEM, STEM, (), pool=3),
    ]
    channels, widths = STEM, [0, STEM]  # of what the decoder joins, by level
    for stage, count in enumerate(counts):
        width, level = STEM << stage, stage + 2
        if stage:
            parts.append(Part("down", level - 1, channels, *_residual(channels, width, 2, bottleneck)))
            channels, count = parts[-1].out_channels, count - 1
        layers: list[Convolution] = []
        before = channels
        for _ in range(count):
            channels, more = _residual(channels, width, 1, bottleneck)
            layers += more
        parts.append(Part("bottleneck" if level == config.depth else "encoder", level, before, channels, tuple(layers)))
        widths.append(channels)
    for level in reversed(range(config.depth)):
        parts.append(Part("up", level, channels, channels, ()))
        width = config.base_channels << level
        parts.append(_block(config, "decoder", level, channels + widths[level], width, width, 2))
        channels = width
    head = Convolution(channels, config.num_classes, config.head_kernel)
    return [*parts, Part("head", 0, channels, config.num_classes, (head,))]


def _residual(before: int, width: int, stride: int, bottleneck: bool) -> tuple[int, tuple[Convolution, ...]]:
    """(channels that a residual block gives, its layers); the way beside it is a layer where the shape changes."""
    after = width * 4 if bottleneck else width
    # In a bottleneck the 3x3 has the stride, as in torchvision; in the paper the first 1x1 has it.
    shapes = (
        [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        if bottleneck
        else [(before, width, 3, stride), (width, width, 3, 1)]
    )
    layers = [Convolution(*shape, bias=False, normed=True, has_buffers=True) for shape in shapes]
    if stride > 1 or before != after:
        layers.append(Convolution(before, after, 1, stride, bias=False, normed=True, has_buffers=True, shortcut=True))
    return after, tuple(layers)


def parameter_count(config: ModelConfig) -> int:
    """The number of learned values."""
    deep = (
        sum(
            part.out_channels * config.num_classes + config.num_classes
            for part in list_parts(config)
            if part.kind == "decoder" and part.level > 0
        )
        if config.deep_supervision
        else 0
    )
    return config.members * (deep + sum(layer.parameters for part in list_parts(config) for layer in part.convolutions))


def convolution_count(config: ModelConfig) -> int:
    """The number of convolutional layers, transposed ones included, as the 2015 paper counts its 23."""
    return sum(len(part.convolutions) for part in list_parts(config))


def sizes(config: ModelConfig, size: int) -> list[int] | None:
    """The side in pixels that each part gives for an input side; None where one is odd or nothing is left."""
    result = []
    shrink = 1 if config.padding == "valid" else 0
    for part in list_parts(config):
        if part.kind == "down":
            if size % 2:
                return None
            size //= 2
        elif part.kind == "up":
            size *= 2
        else:
            size -= shrink * sum(layer.kernel - 1 for layer in part.convolutions)
        if size < 1:
            return None
        result.append(size)
    return result


def output_size(config: ModelConfig, size: int) -> int | None:
    """The side of the logits for an input side; None where it does not fit. Padded models take any size."""
    if config.padding == "same":
        return size
    sides = sizes(config, size)
    return sides[-1] if sides else None


def margin(config: ModelConfig) -> int:
    """Pixels that an unpadded model loses at each edge; 0 for a padded one."""
    size = fitting_size(config, config.image_size)
    return (size - (output_size(config, size) or 0)) // 2


def fitting_size(config: ModelConfig, size: int) -> int:
    """The smallest input side of `size` or more that the model takes."""
    cell = 2**config.depth
    return next(side for side in range(size, size + 2 * cell + least_size(config)) if output_size(config, side))


def least_size(config: ModelConfig) -> int:
    """The smallest input side that gives any output: 1 for a padded model."""
    if config.padding == "same":
        return 1
    size = 1
    for part in reversed(list_parts(config)):
        if part.kind == "down":
            size *= 2
        elif part.kind == "up":
            size = -(-size // 2)
        else:
            size += sum(layer.kernel - 1 for layer in part.convolutions)
    return size


def padded_side(config: ModelConfig, side: int) -> int:
    """The side to which a padded model pads its input: whole cells of the deepest level, as many as its norm needs."""
    least = math.ceil(math.sqrt(NORMS[config.norm].min_pixels)) << config.depth
    return max(least, _whole_cells(config, side))


def _whole_cells(config: ModelConfig, size: int) -> int:
    """The next multiple of 2**depth, the pixels of the image that one pixel of the deepest level stands for."""
    cell = 1 << config.depth
    return -(-size // cell) * cell


def check_size(config: ModelConfig, height: int, width: int) -> None:
    """Raise ConfigError with the nearest sizes where an unpadded model does not take an input of this size."""
    for side in (height, width):
        if output_size(config, side) is None:
            above = fitting_size(config, side)
            below = next((low for low in range(side, 0, -1) if output_size(config, low)), None)
            nearest = f"{below} or {above}" if below else f"{above}"
            raise ConfigError(
                f"An input side of {side} pixels does not fit this unpadded model: every pooling needs an even side. "
                f"The nearest sizes are {nearest}."
            )


def multiply_adds(config: ModelConfig, size: int) -> int:
    """Multiply-adds of one forward pass of a square image of `size` pixels; norms and activations are left out."""
    if config.padding == "same":
        size = _whole_cells(config, size)
    sides = sizes(config, size)
    if sides is None:
        check_size(config, size, size)
        return 0
    total, before = 0, size
    for part, after in zip(list_parts(config), sides, strict=True):
        side = before
        for layer in part.convolutions:
            weights = layer.in_channels * layer.out_channels * layer.kernel**2
            if layer.transposed:
                total += weights * before**2
            elif layer.shortcut:
                total += weights * side**2
            else:
                side = side // 2 if layer.stride == 2 else side - (layer.kernel - 1) * (config.padding == "valid")
                total += weights * side**2
        before = after
    return total


def receptive_field(config: ModelConfig) -> int:
    """Side in pixels of the largest square of the input that one output pixel can see, along the deepest path.

    An interval of pixels is followed back from the head to the image, from each pixel within a cell of the deepest
    level, since what a pixel sees depends on where it is in the cell.
    """
    return max(_extent(config, pixel) for pixel in range(2**config.depth))


def _extent(config: ModelConfig, pixel: int) -> int:
    """Side of what one pixel of the output, `pixel` from the start of a cell, can see."""
    low = high = pixel
    for part in reversed(list_parts(config)):
        if part.kind == "down" and not part.convolutions:
            low, high = 2 * low - (part.pool - 1) // 2, 2 * high + part.pool // 2
        elif part.kind == "up" and UPS[config.up].reads_neighbors:
            low, high = (low - 1) // 2, (high + 1) // 2  # the two nearest
        elif part.kind == "up":
            low, high = low // 2, high // 2
        else:
            for layer in reversed(part.convolutions):
                if not layer.shortcut:  # what it sees, the layers beside it see too
                    low = layer.stride * low - (layer.kernel - 1) // 2
                    high = layer.stride * high + layer.kernel // 2
    return high - low + 1


def rows(config: ModelConfig, size: int) -> Iterator[tuple[Part, int]]:
    """Each part with the side in pixels of what it gives, for a drawing; the size is made to fit first."""
    size = _whole_cells(config, size) if config.padding == "same" else fitting_size(config, size)
    yield from zip(list_parts(config), sizes(config, size) or (), strict=True)
