"""The U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597) and its variants, built from `anatomy.plan`.

A padded net takes any size: the input is padded at its right and lower edge to whole cells of the deepest level, and
the logits are cut back. An unpadded one, as in the paper, gives logits smaller than the image by a fixed margin.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.models import architecture
from unet_core.models.architecture import Part

NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(math.gcd(channels, 8), channels),
    "instance": partial(nn.InstanceNorm2d, affine=True),
    "none": lambda channels: nn.Identity(),
}
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "leaky_relu": partial(nn.LeakyReLU, 0.01, inplace=True),
    "elu": partial(nn.ELU, inplace=True),
    "gelu": nn.GELU,
    "silu": partial(nn.SiLU, inplace=True),
}
DOWNS: dict[str, Callable[[Part], nn.Module]] = {
    "maxpool": lambda part: nn.MaxPool2d(2),
    "avgpool": lambda part: nn.AvgPool2d(2),
    "strided_conv": lambda part: nn.Conv2d(part.in_channels, part.out_channels, 2, stride=2),
}
UPS: dict[str, Callable[[Part], nn.Module]] = {
    "transposed": lambda part: nn.ConvTranspose2d(part.in_channels, part.out_channels, 2, stride=2),
    "bilinear": lambda part: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
    "bilinear_aligned": lambda part: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    "nearest": lambda part: nn.Upsample(scale_factor=2, mode="nearest"),
}


def block(config: ModelConfig, part: Part) -> nn.Sequential:
    """3x3 convolutions, each with its norm and activation: (N, in_channels, H, W) to (N, out_channels, H', W')."""
    layers: list[nn.Module] = []
    for conv in part.convolutions:
        padding = 1 if config.padding == "same" else 0
        follow = [NORMS[config.norm](conv.out_channels), ACTIVATIONS[config.activation]()]
        layers.append(nn.Conv2d(conv.in_channels, conv.out_channels, 3, padding=padding, bias=conv.bias))
        layers += follow if config.order == "conv_norm_act" else reversed(follow)
    if config.dropout and part.level >= config.depth - 1 and part.kind != "decoder":
        layers.append(nn.Dropout2d(config.dropout))
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Encoder, bottleneck, decoder with skips, head. Channels double at each of `depth` levels."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.in_channels < 1 or config.num_classes < 1:
            raise ConfigError(
                f"A net needs in_channels and num_classes of 1 or more, got {config.in_channels} and "
                f"{config.num_classes}; 0 (found from the data) must be replaced first."
            )
        self.config = config
        parts: dict[str, list[Part]] = {}
        for part in architecture.list_parts(config):
            parts.setdefault(part.kind, []).append(part)
        self.encoder = nn.ModuleList(block(config, part) for part in parts["encoder"])
        self.down = nn.ModuleList(DOWNS[config.down](part) for part in parts["down"])
        self.bottleneck = block(config, parts["bottleneck"][0])
        self.up = nn.ModuleList(UPS[config.up](part) for part in parts["up"])
        self.decoder = nn.ModuleList(block(config, part) for part in parts["decoder"])
        head = parts["head"][0]
        padding = config.head_kernel // 2 if config.padding == "same" else 0
        self.head = nn.Conv2d(head.in_channels, head.out_channels, config.head_kernel, padding=padding)
        deep = parts["decoder"][:-1] if config.deep_supervision else []
        self.deep_heads = nn.ModuleList(nn.Conv2d(part.out_channels, config.num_classes, 1) for part in deep)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for last in (self.head, *self.deep_heads):
            nn.init.xavier_normal_(last.weight)  # small first logits: no step starts from a sure mistake

    def forward(self, images: Tensor) -> Tensor | list[Tensor]:
        """(N, in_channels, H, W) normalized images to logits (N, num_classes, H, W), H and W from 1 up.

        Unpadded: (N, num_classes, H - 2 margin, W - 2 margin); a size that does not fit raises ConfigError. With deep
        supervision, and in training only: a list of logits, full size first, then each level of the decoder below.
        """
        height, width = images.shape[-2:]
        if self.config.padding == "same":
            cell = 2**self.config.depth
            least = 2 * cell if self.config.norm == "instance" else cell  # it takes its statistics from several pixels
            wanted = (max(least, -(-side // cell) * cell) for side in (width, height))
            right, lower = (after - before for after, before in zip(wanted, (width, height), strict=True))
            x = F.pad(images, (0, right, 0, lower), mode="replicate")
        else:
            architecture.check_size(self.config, height, width)
            x = images
        skips = []
        for encode, down in zip(self.encoder, self.down, strict=True):
            x = encode(x)  # (N, widths[level], H / 2**level, W / 2**level)
            skips.append(x)
            x = down(x)
        x = self.bottleneck(x)
        levels = []
        for up, decode, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            x = up(x)
            x = decode(torch.cat([crop_center(skip, x), x], 1))
            levels.append(x)
        logits: Tensor = self.head(x)
        if self.config.padding == "same":
            logits = logits[..., :height, :width]
        if not (self.training and self.deep_heads):
            return logits
        deep = [head(level) for head, level in zip(self.deep_heads, levels, strict=False)]
        return [logits, *reversed(deep)]


def crop_center(skip: Tensor, like: Tensor) -> Tensor:
    """The middle of a skip (N, C, H, W) in the size of what it is joined to; itself where the sizes agree."""
    top, left = ((skip.shape[axis] - like.shape[axis]) // 2 for axis in (-2, -1))
    return skip[..., top : top + like.shape[-2], left : left + like.shape[-1]]


def parameter_count(model: nn.Module) -> int:
    """The number of learned values."""
    return sum(parameter.numel() for parameter in model.parameters())
