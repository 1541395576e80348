"""Presets: U-Nets from the literature and from well-known projects, as changes to the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    """A description for the menu and the settings that differ from the defaults."""

    description: str
    changes: Mapping[str, Any]


E_COMMON = {"loss": "bce", "lr": 0.001, "optimizer": "adam"}
PRESETS: dict[str, Preset] = {
    "default": Preset("The defaults: a small U-Net with batch normalization that trains in minutes on a CPU.", {}),
    "paper-2015": Preset(
        "Ronneberger 2015: 23 unpadded convolutions, 572 px input, 388 px output, 31 M parameters. Slow without a GPU.",
        {
            "base_channels": 64,
            "num_classes": 2,
            "norm": "none",
            "padding": "valid",
            "image_size": 572,
            "dropout": 0.5,
            "batch_size": 1,
            "crops_per_image": 1,
            "loss": "cross_entropy",
            "optimizer": "sgd",
            "lr": 0.001,
            "clip_norm": 1.0,
        },
    ),
    "nuclei-128": Preset(
        "Nuclei (Data Science Bowl 2018): 128 px RGB crops, a single bottleneck convolution, BCE + Dice.",
        {"in_channels": 3, "num_classes": 1, "bottleneck_convs": 1, "loss": "bce_dice", "augment": "light"},
    ),
    "carvana": Preset(
        "Cars (Carvana challenge): double convolutions with batch normalization, horizontal flips, BCE.",
        {
            "in_channels": 3,
            "num_classes": 1,
            "image_size": 160,
            "loss": "bce",
            "augment": "street",
            "optimizer": "adam",
            "lr": 0.001,
        },
    ),
    "multiclass": Preset(
        "Multiclass: convolution, ReLU, batch normalization; 3x3 output convolution; horizontal flips, random crops.",
        {"order": "conv_act_norm", "head_kernel": 3, "augment": "street"},
    ),
    "mp-tr-bce": Preset("Max pooling, transposed convolutions, BCE.", E_COMMON),
    "mp-tr-dice": Preset("Max pooling, transposed convolutions, Dice.", E_COMMON | {"loss": "dice"}),
    "strconv-tr-bce": Preset(
        "Strided convolutions, transposed convolutions, BCE.", E_COMMON | {"down": "strided_conv"}
    ),
    "strconv-ups-dice": Preset(
        "Strided convolutions, bilinear upsampling, Dice.",
        E_COMMON | {"down": "strided_conv", "up": "bilinear", "loss": "dice"},
    ),
}
FOUR = ("mp-tr-bce", "mp-tr-dice", "strconv-tr-bce", "strconv-ups-dice")


def get_preset(name: str) -> RunConfig:
    """The settings of a preset; `MP_Tr_BCE` is read as `mp-tr-bce`. Raises ConfigError for an unknown name."""
    key = name.lower().replace("_", "-")
    if key not in PRESETS:
        raise ConfigError(f"Unknown preset {name!r}; available: {', '.join(PRESETS)}.")
    return RunConfig().replace(**PRESETS[key].changes)
