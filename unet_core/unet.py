"""The U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597) with batch norm and padded convolutions.

Any input size goes in and comes out: the input is padded at its right and lower edge to whole cells of the deepest
level, and the logits are cut back.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unet_core.config import ModelConfig
from unet_core.errors import ConfigError


class Block(nn.Sequential):
    """Twice 3x3 convolution, batch norm, ReLU: (N, in_channels, H, W) to (N, out_channels, H, W)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Encoder, bottleneck, decoder with skips, 1x1 head. Channels double at each of `depth` max-poolings by 2."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        if config.in_channels < 1 or config.num_classes < 1:
            raise ConfigError(
                f"A net needs in_channels and num_classes of 1 or more, got {config.in_channels} and "
                f"{config.num_classes}; 0 (found from the data) must be replaced first."
            )
        self.config = config
        widths = [config.base_channels * 2**level for level in range(config.depth + 1)]
        self.encoder = nn.ModuleList(
            Block(before, after) for before, after in zip([config.in_channels, *widths[:-2]], widths[:-1], strict=True)
        )
        self.down = nn.MaxPool2d(2)
        self.bottleneck = Block(widths[-2], widths[-1])
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in reversed(widths[:-1]))
        self.decoder = nn.ModuleList(Block(2 * width, width) for width in reversed(widths[:-1]))
        self.head = nn.Conv2d(widths[0], config.num_classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        nn.init.xavier_normal_(self.head.weight)  # small first logits: no step starts from a sure mistake

    def forward(self, images: Tensor) -> Tensor:
        """(N, in_channels, H, W) normalised images to (N, num_classes, H, W) logits; H and W from 1 up."""
        height, width = images.shape[-2:]
        cell = 2 ** len(self.encoder)
        x = F.pad(images, (0, -width % cell, 0, -height % cell), mode="replicate")
        skips = []
        for block in self.encoder:
            x = block(x)  # (N, widths[level], H / 2**level, W / 2**level)
            skips.append(x)
            x = self.down(x)
        x = self.bottleneck(x)
        for up, block, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            x = block(torch.cat([skip, up(x)], 1))
        logits: Tensor = self.head(x)
        return logits[..., :height, :width]


def parameter_count(model: nn.Module) -> int:
    """The number of learnt values."""
    return sum(parameter.numel() for parameter in model.parameters())
