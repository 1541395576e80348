"""The U-Net (Ronneberger, Fischer, Brox 2015, arXiv:1505.04597) and its variants, built from `architecture.list_parts`.

A padded model takes any size: the input is padded at its right and lower edge to whole cells of the deepest level, and
the logits are cropped back. An unpadded one, as in the paper, gives logits smaller than the image by a fixed margin.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError
from unet_core.models import architecture
from unet_core.models.architecture import Part
from unet_core.models.layers import ACTIVATIONS, DOWNS, NORMS, UPS


def block(config: ModelConfig, part: Part) -> nn.Sequential:
    """3x3 convolutions, each with its norm and activation: (N, in_channels, H, W) to (N, out_channels, H', W')."""
    layers: list[nn.Module] = []
    for conv in part.convolutions:
        padding = 1 if config.padding == "same" else 0
        follow = [NORMS[config.norm].build(conv.out_channels), ACTIVATIONS[config.activation].build()]
        layers.append(nn.Conv2d(conv.in_channels, conv.out_channels, 3, padding=padding, bias=conv.bias))
        layers += follow if config.order == "conv_norm_act" else reversed(follow)
    if config.dropout and part.level >= config.depth - 1 and part.kind != "decoder":
        layers.append(nn.Dropout2d(config.dropout))
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Encoder, bottleneck, decoder with skip connections, head. Channels double at each of `depth` levels.

    Args:
        config: The architecture; `in_channels` and `num_classes` must be 1 or more. The weights are random (He 2015),
            drawn from torch's global generator.

    Raises:
        ConfigError: `in_channels` or `num_classes` is still 0, that is, to be found from the data.

    Example:
        >>> model = UNet(ModelConfig(in_channels=3, num_classes=2, base_channels=8, depth=3))
        >>> model(torch.zeros(1, 3, 100, 75)).shape
        torch.Size([1, 2, 100, 75])
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.check_known(config)
        if config.encoder != "plain":
            raise ConfigError(f"encoder {config.encoder!r} is none of UNet. Use unet_core.models.encoders.build_model.")
        self.config = config
        parts: dict[str, list[Part]] = {}
        for part in architecture.list_parts(config):
            parts.setdefault(part.kind, []).append(part)
        self.encoder = nn.ModuleList(block(config, part) for part in parts["encoder"])
        self.down = nn.ModuleList(
            DOWNS[config.down].build(part.in_channels, part.out_channels) for part in parts["down"]
        )
        self.bottleneck = block(config, parts["bottleneck"][0])
        self.up = nn.ModuleList(UPS[config.up].build(part.in_channels, part.out_channels) for part in parts["up"])
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
            nn.init.xavier_normal_(last.weight)  # small first logits: no training starts from a confident mistake

    @staticmethod
    def check_known(config: ModelConfig) -> None:
        """Raise ConfigError where the number of channels or classes is still to be found."""
        if config.in_channels < 1 or config.num_classes < 1:
            raise ConfigError(
                f"A model needs in_channels and num_classes of 1 or more, got {config.in_channels} and "
                f"{config.num_classes}; 0 (found from the data) must be replaced first."
            )

    def forward(self, images: Tensor) -> Tensor | list[Tensor]:
        """Segment a batch.

        Args:
            images: (N, in_channels, H, W) float, normalized as `config.normalization` says; H and W from 1 up.

        Returns:
            Logits (N, num_classes, H, W); of an unpadded model (N, num_classes, H - 2 margin, W - 2 margin). With deep
            supervision, and in training only: a list of logits, full size first, then each level of the decoder below.

        Raises:
            ConfigError: The size does not fit an unpadded model.
        """
        height, width = images.shape[-2:]
        if self.config.padding == "same":
            right, lower = (architecture.padded_side(self.config, side) - side for side in (width, height))
            x = F.pad(images, (0, right, 0, lower), mode="replicate")
        else:
            architecture.check_size(self.config, height, width)
            x = images
        logits, levels = self.run_blocks(x)
        if self.config.padding == "same":
            logits = logits[..., :height, :width]
        if not (self.training and self.deep_heads):
            return logits
        deep = [head(level) for head, level in zip(self.deep_heads, levels, strict=False)]
        return [logits, *reversed(deep)]

    def run_blocks(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(the logits of a batch whose sides need no padding, the feature maps of the decoder, the deepest first)."""
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
        return self.head(x), levels


def crop_center(skip: Tensor, like: Tensor) -> Tensor:
    """The middle of a skip (N, C, H, W) in the size of what it is joined to; itself where the sizes agree."""
    top, left = ((skip.shape[axis] - like.shape[axis]) // 2 for axis in (-2, -1))
    return skip[..., top : top + like.shape[-2], left : left + like.shape[-1]]


def parameter_count(model: nn.Module) -> int:
    """The number of learned values."""
    return sum(parameter.numel() for parameter in model.parameters())
