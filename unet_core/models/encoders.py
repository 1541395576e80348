"""A U-Net whose encoder is a ResNet (He 2016), as segmentation_models.pytorch builds it, and the choice between models.

The names of the weights are those of that library's `Unet`, so that a file of it loads as it is:

    encoder.conv1, .bn1, .layer1 .. .layer4    the ResNet without its classifier; joined after bn1 and each layer
    decoder.blocks.N.conv1, .conv2             N = 0 is the deepest; each doubles the size, joins, convolves twice
    segmentation_head.0                        3x3 convolution

The U-Net of that library takes sides that are multiples of 32; here others are padded at the right and lower edge.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unet_core.config.schema import ModelConfig
from unet_core.models import architecture
from unet_core.models.ensemble import EnsembleUNet
from unet_core.models.layers import ACTIVATIONS, NORMS, UPS
from unet_core.models.unet import UNet


def build_model(config: ModelConfig) -> UNet:
    """The model that the settings describe, with random weights. Raises ConfigError.

    >>> type(build_model(ModelConfig(in_channels=1, num_classes=1))).__name__
    'UNet'
    """
    if config.members > 1:
        return EnsembleUNet(config, build_model)
    return UNet(config) if config.encoder == "plain" else EncoderUNet(config)


class Residual(nn.Module):
    """Two 3x3 convolutions, or 1x1, 3x3, 1x1 of a bottleneck, and the way beside them: `downsample`, or nothing."""

    def __init__(self, before: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        after = width * 4 if bottleneck else width
        shapes = [(before, width, 1, 1), (width, width, 3, stride), (width, after, 1, 1)]
        shapes = shapes if bottleneck else [(before, width, 3, stride), (width, after, 3, 1)]
        self.count = len(shapes)
        for number, (first, second, kernel, step) in enumerate(shapes, 1):
            self.add_module(f"conv{number}", nn.Conv2d(first, second, kernel, step, kernel // 2, bias=False))
            self.add_module(f"bn{number}", nn.BatchNorm2d(second))
        self.downsample: nn.Module | None = None
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) to (N, after, H / stride, W / stride)."""
        beside = x if self.downsample is None else self.downsample(x)
        for number in range(1, self.count + 1):
            x = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(x))
            x = F.relu(x + beside if number == self.count else x)
        return x


class ResNet(nn.Module):
    """The encoder: (N, C, H, W) to five feature maps, of 1/2 to 1/32 of the size."""

    def __init__(self, name: str, in_channels: int) -> None:
        super().__init__()
        bottleneck, counts = architecture.RESNETS[name]
        channels = architecture.STEM
        self.conv1 = nn.Conv2d(in_channels, channels, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.widths = [0, channels]  # channels by level; of the first there is no feature map
        for stage, count in enumerate(counts):
            width = architecture.STEM << stage
            blocks = []
            for number in range(count):
                blocks.append(Residual(channels, width, 2 if stage and not number else 1, bottleneck))
                channels = width * 4 if bottleneck else width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
            self.widths.append(channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """The feature maps, the largest first."""
        maps = [F.relu(self.bn1(self.conv1(x)))]
        x = F.max_pool2d(maps[0], 3, 2, 1)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
            maps.append(x)
        return maps


class DecoderBlock(nn.Module):
    """Double the size, join the skip connection behind it, convolve twice."""

    def __init__(self, config: ModelConfig, before: int, after: int) -> None:
        super().__init__()
        self.up = UPS[config.up].build(before, before)  # not learned: no weights, no names
        bias = not NORMS[config.norm].has_parameters
        self.conv1, self.conv2 = (
            nn.Sequential(
                nn.Conv2d(channels, after, 3, padding=1, bias=bias),
                NORMS[config.norm].build(after),
                ACTIVATIONS[config.activation].build(),
            )
            for channels in (before, after)
        )

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """(N, C, H, W) and (N, S, 2H, 2W) to (N, after, 2H, 2W), where C + S = before."""
        x = self.up(x)
        out: Tensor = self.conv2(self.conv1(x if skip is None else torch.cat([x, skip], 1)))
        return out


class EncoderUNet(UNet):
    """A U-Net with a ResNet as encoder; `config.base_channels` is the width of the decoder at full resolution.

    Example:
        >>> config = ModelConfig(in_channels=3, num_classes=2, encoder="resnet18", depth=5, up="nearest")
        >>> EncoderUNet(config).eval()(torch.zeros(1, 3, 100, 75)).shape
        torch.Size([1, 2, 100, 75])
    """

    encoder: ResNet  # type: ignore[assignment]
    decoder: nn.ModuleDict  # type: ignore[assignment]

    def __init__(self, config: ModelConfig) -> None:
        nn.Module.__init__(self)  # nothing of the plain one is built
        self.deep_heads = nn.ModuleList()
        self.check_known(config)
        self.config = config
        self.encoder = ResNet(config.encoder, config.in_channels)
        widths = self.encoder.widths
        channels, blocks = widths[-1], []
        for level in reversed(range(config.depth)):
            blocks.append(DecoderBlock(config, channels + widths[level], config.base_channels << level))
            channels = config.base_channels << level
        self.decoder = nn.ModuleDict({"blocks": nn.ModuleList(blocks)})
        kernel = config.head_kernel
        head = nn.Conv2d(channels, config.num_classes, kernel, padding=kernel // 2)
        self.segmentation_head = nn.Sequential(head)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.xavier_normal_(head.weight)  # small first logits, as in UNet

    def run_blocks(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(the logits of a batch whose sides need no padding, nothing: there is no deep supervision)."""
        maps = self.encoder(x)
        x = maps.pop()
        for block in self.decoder["blocks"].children():
            x = block(x, maps.pop() if maps else None)
        return self.segmentation_head(x), []
