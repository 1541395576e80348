"""Named settings: U-Nets of the literature and of well-known projects, as changes to the defaults."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unet_core.config.schema import RunConfig
from unet_core.errors import ConfigError


@dataclass(frozen=True)
class Preset:
    """A sentence for the menu and the settings that differ from the defaults."""

    sentence: str
    changes: Mapping[str, Any]


E_COMMON = {"loss": "bce", "lr": 0.001, "optimizer": "adam"}
PRESETS: dict[str, Preset] = {
    "default": Preset("The defaults: a small batch-norm U-Net that learns in minutes on a processor.", {}),
    "paper-2015": Preset(
        "Ronneberger 2015: 23 unpadded convolutions, 572 pixels in, 388 out, 31 M parameters. Wants a GPU or patience.",
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
        "128 pixel crops in color, a bottleneck of a single convolution, BCE + Dice: made for nuclei (DSB 2018).",
        {"in_channels": 3, "num_classes": 1, "bottleneck_convs": 1, "loss": "bce_dice", "augment": "light"},
    ),
    "carvana": Preset(
        "Cars of the Carvana challenge: double convolutions with batch norm, left-right flips, BCE.",
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
        "Several classes: convolution, ReLU, batch norm; a 3x3 head; left-right flips and random crops.",
        {"order": "conv_act_norm", "head_kernel": 3, "augment": "street"},
    ),
    "mp-tr-bce": Preset("Max-pooling down, transposed convolution up, BCE.", E_COMMON),
    "mp-tr-dice": Preset("Max-pooling down, transposed convolution up, Dice.", E_COMMON | {"loss": "dice"}),
    "strconv-tr-bce": Preset(
        "Strided convolution down, transposed convolution up, BCE.", E_COMMON | {"down": "strided_conv"}
    ),
    "strconv-ups-dice": Preset(
        "Strided convolution down, up-sampling up, Dice.",
        E_COMMON | {"down": "strided_conv", "up": "bilinear", "loss": "dice"},
    ),
}
FOUR = ("mp-tr-bce", "mp-tr-dice", "strconv-tr-bce", "strconv-ups-dice")


def get_preset(name: str) -> RunConfig:
    """The settings of a preset. Raises ConfigError for a name that is none; `MP_Tr_BCE` is read as `mp-tr-bce`."""
    known = name.lower().replace("_", "-")
    if known not in PRESETS:
        raise ConfigError(f"Unknown preset {name!r}; known are {', '.join(PRESETS)}.")
    return RunConfig().replace(**PRESETS[known].changes)
