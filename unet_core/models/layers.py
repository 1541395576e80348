"""The layers that a U-Net can be built of, by name: one entry holds how a layer is built and all that others ask of it.

To add one, add an entry: menus, the command line and the estimates of size, memory and receptive field follow. Torch is
imported when a layer is built, since pages and the command line read the names and descriptions without it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Norm:
    """A normalization of feature maps (N, C, H, W)."""

    build: Callable[[int], "nn.Module"]  # of the number of channels
    description: str
    has_parameters: bool  # a learned scale and shift per channel, which make the bias before it superfluous
    has_buffers: bool  # a running mean and variance per channel and a count of batches, stored with the weights
    is_local: bool  # in evaluation a pixel does not depend on far ones, so that tiles give what the image gives
    min_batch: int = 1  # crops in a batch from which its statistics are good enough
    min_pixels: int = 1  # of a feature map, for its statistics
    label: str = ""  # as menus show it; "" = its name as words


@dataclass(frozen=True)
class Activation:
    """A non-linearity."""

    build: Callable[[], "nn.Module"]
    description: str
    label: str = ""  # as menus show it; "" = its name as words


@dataclass(frozen=True)
class Down:
    """A layer that halves height and width."""

    build: Callable[[int, int], "nn.Module"]  # of the channels in and out, which are equal
    description: str
    is_learned: bool  # a 2x2 convolution with stride 2
    label: str = ""  # as menus show it; "" = its name as words


@dataclass(frozen=True)
class Up:
    """A layer that doubles height and width."""

    build: Callable[[int, int], "nn.Module"]  # of the channels in and out
    description: str
    is_learned: bool  # a 2x2 transposed convolution, which halves the channels; others leave that to the block before
    reads_neighbors: bool = False  # a pixel is interpolated between the two nearest along each axis
    is_local: bool = True  # a pixel does not depend on the size of the feature map
    label: str = ""  # as menus show it; "" = its name as words


def _nn() -> Any:
    """`torch.nn`, imported when the first layer is built."""
    from torch import nn

    return nn


NORMS: dict[str, Norm] = {
    "batch": Norm(
        lambda channels: _nn().BatchNorm2d(channels),
        "batch normalization (Ioffe and Szegedy 2015); fastest, needs a batch size of 4 or more",
        has_parameters=True,
        has_buffers=True,
        is_local=True,
        min_batch=4,
        label="Batch normalization",
    ),
    "group": Norm(
        lambda channels: _nn().GroupNorm(math.gcd(channels, 8), channels),
        "group normalization (Wu and He 2018); works with any batch size, takes about 1.6x the time",
        has_parameters=True,
        has_buffers=False,
        is_local=False,
        label="Group normalization",
    ),
    "instance": Norm(
        lambda channels: _nn().InstanceNorm2d(channels, affine=True),
        "instance normalization (Ulyanov 2016); ignores the contrast of an image",
        has_parameters=True,
        has_buffers=False,
        is_local=False,
        min_pixels=2,  # a single pixel has no variance
        label="Instance normalization",
    ),
    "none": Norm(
        lambda channels: _nn().Identity(),
        "no normalization, as in the 2015 paper",
        has_parameters=False,
        has_buffers=False,
        is_local=True,
    ),
}
ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(lambda: _nn().ReLU(inplace=True), "max(0, x)", label="ReLU"),
    "leaky_relu": Activation(lambda: _nn().LeakyReLU(0.01, inplace=True), "x, or 0.01 x below 0", label="Leaky ReLU"),
    "elu": Activation(
        lambda: _nn().ELU(inplace=True), "exponential linear unit, smooth below 0 (Clevert 2015)", label="ELU"
    ),
    "gelu": Activation(lambda: _nn().GELU(), "Gaussian error linear unit (Hendrycks and Gimpel 2016)", label="GELU"),
    "silu": Activation(lambda: _nn().SiLU(inplace=True), "x sigmoid(x), also called swish", label="SiLU (swish)"),
}
DOWNS: dict[str, Down] = {
    "maxpool": Down(lambda before, after: _nn().MaxPool2d(2), "2x2 max pooling", is_learned=False, label="Max pooling"),
    "avgpool": Down(
        lambda before, after: _nn().AvgPool2d(2), "2x2 average pooling", is_learned=False, label="Average pooling"
    ),
    "strided_conv": Down(
        lambda before, after: _nn().Conv2d(before, after, 2, stride=2),
        "2x2 convolution with stride 2, learned",
        is_learned=True,
        label="Strided convolution",
    ),
}
UPS: dict[str, Up] = {
    "transposed": Up(
        lambda before, after: _nn().ConvTranspose2d(before, after, 2, stride=2),
        "2x2 transposed convolution, learned",
        is_learned=True,
        label="Transposed convolution",
    ),
    "bilinear": Up(
        lambda before, after: _nn().Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        "bilinear upsampling, half the channels in the blocks before",
        is_learned=False,
        reads_neighbors=True,
        label="Bilinear upsampling",
    ),
    "bilinear_aligned": Up(
        lambda before, after: _nn().Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        "bilinear upsampling with aligned corners, as in milesial's U-Net",
        is_learned=False,
        reads_neighbors=True,
        is_local=False,
        label="Bilinear, aligned corners",
    ),
    "nearest": Up(
        lambda before, after: _nn().Upsample(scale_factor=2, mode="nearest"),
        "nearest-neighbor upsampling, half the channels in the blocks before",
        is_learned=False,
        label="Nearest-neighbor upsampling",
    ),
}
