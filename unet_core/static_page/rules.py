"""What the page must know of a model to do what `inference.predictor` does: channels, tiles, classes, colors."""

import math
from typing import Any

from unet_core.config.schema import ModelConfig
from unet_core.errors import ConfigError, PredictionError
from unet_core.inference import sliding_window
from unet_core.io.colors import CLASS_COLORS, FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, to_hex
from unet_core.models import architecture
from unet_core.models.channels import choose

MEMORY = 384 * 2**20  # bytes of one forward pass: phones give a page about 1 GB
SIDES = (128, 1024)  # pixels of a tile, at least and at most
IMAGES: dict[int, tuple[str, ...]] = {1: (), 3: ("red", "green", "blue")}  # the names of channels, by their number


def tile_side(config: ModelConfig) -> int:
    """Pixels of a tile that a page runs at once; of an unpadded model what the model takes in."""
    fitting = math.isqrt(MEMORY // sliding_window.bytes_per_pixel(config))
    side = sliding_window.chosen_tile(config, min(SIDES[1], max(SIDES[0], fitting)) >> config.depth << config.depth)
    if config.padding == "valid":
        return architecture.fitting_size(config, side + 2 * architecture.margin(config))
    return side


def tiles(config: ModelConfig) -> dict[str, Any]:
    """The numbers of `sliding_window.grid`, by the names of inference/tiling.js."""
    side = tile_side(config)
    shared = sliding_window.overlap(config, side)
    is_padded = config.padding == "same"
    exact = is_padded and sliding_window.is_exact(config, side)
    return {
        "padding": config.padding,
        "cell": 1 << config.depth,
        "least": architecture.padded_side(config, 1) if is_padded else side,
        "side": side,
        "shared": shared,
        "halo": sliding_window.reach(config) if exact else shared // 4,
        "margin": 0 if is_padded else architecture.margin(config),
    }


def channels(config: ModelConfig) -> dict[str, Any]:
    """What becomes of the channels of an image, by their number. Raises ConfigError where the model takes none."""
    table: dict[str, Any] = {}
    for number, names in IMAGES.items():
        try:
            choice = choose(config, number, names)
        except PredictionError as error:
            table[str(number)] = {"error": str(error)}
            continue
        positions = None if choice.positions is None else list(choice.positions)
        table[str(number)] = {"positions": positions, "number": choice.number, "note": choice.note}
    if all("error" in entry for entry in table.values()):
        raise ConfigError(
            f"The model takes {config.in_channels} channels, but a page reads gray and RGB images alone. Share it on "
            "the Hugging Face Hub in place of a page."
        )
    return table


def rules(config: ModelConfig) -> dict[str, Any]:
    """What the worker of the page needs. Raises ConfigError where the model takes neither gray nor RGB images.

    >>> rules(ModelConfig(in_channels=1, num_classes=1))["tiles"]["side"]
    800
    """
    return {
        "in_channels": config.in_channels,
        "num_classes": config.num_classes,
        "normalization": config.normalization,
        "channels": channels(config),
        "tiles": tiles(config),
    }


def looks(config: ModelConfig) -> dict[str, Any]:
    """Names and colors of the classes and the threshold, as the Predict page has them."""
    from unet_core import overlay

    count = max(2, config.num_classes)
    names = list(config.names) or ["background", *(config.class_name(index) for index in range(1, count))]
    binary = config.num_classes == 1
    return {
        "num_classes": config.num_classes,
        "threshold": config.threshold,
        "classes": names,
        "object_names": ["background", "object"] if binary and not config.names else names,
        "colors": [to_hex(color) for color in overlay.palette(config.num_classes)[:count]],
        "swatches": [to_hex(color) for color in CLASS_COLORS],
        "errors": {
            "true_positive": to_hex(TRUE_POSITIVE),
            "false_positive": to_hex(FALSE_POSITIVE),
            "false_negative": to_hex(FALSE_NEGATIVE),
        },
    }
