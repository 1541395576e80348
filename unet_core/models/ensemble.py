"""Several models of the same settings that predict as one: their probabilities are averaged.

The weights of member N are named `members.N.` and as in that model, so that one file holds all of them.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unet_core.config.schema import ModelConfig
from unet_core.models.unet import UNet


def average_logits(logits: Tensor) -> Tensor:
    """Logits of n models (n, N, K, H, W) to those (N, K, H, W) of the mean of their probabilities.

    K = 1 are sigmoid probabilities, else softmax ones. Logarithms are added throughout: a probability near 0 or 1 would
    have no logit in float32.

    >>> odds = average_logits(torch.tensor([0.0, 2.0]).reshape(2, 1, 1, 1, 1))
    >>> torch.isclose(odds.sigmoid(), torch.tensor([0.0, 2.0]).sigmoid().mean()).item()
    True
    """
    count = math.log(len(logits))
    if logits.shape[2] > 1:
        return torch.logsumexp(F.log_softmax(logits, 2), 0) - count
    return torch.logsumexp(F.logsigmoid(logits), 0) - torch.logsumexp(F.logsigmoid(-logits), 0)


class EnsembleUNet(UNet):
    """`config.members` models whose probabilities are averaged; `build` makes one of them from its settings.

    It predicts and is not trained. Each member gets the image with the same normalization.

    Example:
        >>> config = ModelConfig(in_channels=1, num_classes=2, base_channels=2, depth=1, image_size=16, members=3)
        >>> model = EnsembleUNet(config, UNet).eval()
        >>> model(torch.zeros(1, 1, 20, 30)).shape, len(model.members)
        (torch.Size([1, 2, 20, 30]), 3)
    """

    def __init__(self, config: ModelConfig, build: Callable[[ModelConfig], UNet]) -> None:
        nn.Module.__init__(self)  # nothing of a single one is built
        self.check_known(config)
        self.config = config
        self.deep_heads = nn.ModuleList()
        self.members = nn.ModuleList(build(replace(config, members=1)) for _ in range(config.members))
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """It stays in evaluation: its members were trained alone."""
        return super().train(False)

    def list_members(self) -> list[UNet]:
        """The members, in their order."""
        return [member for member in self.members if isinstance(member, UNet)]

    def run_blocks(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(the logits, float32, of the mean of the members' probabilities; nothing: there is no deep supervision)."""
        return average_logits(torch.stack([member.run_blocks(x)[0].float() for member in self.list_members()])), []
