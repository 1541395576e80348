"""Which settings go with an encoder that is a ResNet, and with images as it was trained on."""

from collections.abc import Mapping
from typing import Any

from unet_core.errors import ConfigError

WITH_RESNET: dict[str, tuple[Any, ...]] = {  # the values that settings may have beside it
    "depth": (5,),
    "up": ("nearest", "bilinear"),
    "down": ("maxpool",),
    "order": ("conv_norm_act",),
    "activation": ("relu",),
    "padding": ("same",),
    "convs_per_block": (2,),
    "bottleneck_convs": (0,),
    "dropout": (0.0,),
    "deep_supervision": (False,),
}


def check_encoder(model: Mapping[str, Any]) -> None:
    """Raise ConfigError where settings of a model, by name, are such that its encoder could not follow them."""
    encoder = model["encoder"]
    for name, values in WITH_RESNET.items() if encoder != "plain" else ():
        if model[name] not in values:
            expected = " or ".join(map(repr, values))
            raise ConfigError(
                f"encoder {encoder!r} needs {name} {expected}, got {model[name]!r}. Change {name}, or use encoder "
                "'plain'."
            )
    if model["normalization"] == "imagenet" and model["in_channels"] not in (0, 3):
        raise ConfigError(
            f"normalization 'imagenet' is that of RGB images, but in_channels is {model['in_channels']}. Set "
            "in_channels to 3 (a grayscale image then fills all three), or choose another normalization."
        )
