"""What the model gives on known numbers: the page compares it with what the visitor's browser computes."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core.models.unet import UNet
from unet_core.static_page.rules import tiles

PLACES = 64  # logits that are compared
TOLERANCE = 2e-3  # of the largest logit; rounding differs by 1e-5, a wrong driver by more than 1e-1


def probe_input(length: int) -> NDArray[np.float32]:
    """(length,) uniform in -1.7..1.7, the same numbers as `probeInput` of inference/values.js.

    >>> [round(float(value), 3) for value in probe_input(2)]
    [-0.896, -0.444]
    """
    values, state = np.empty(length), 1
    for place in range(length):
        state = (state * 1664525 + 1013904223) % 2**32
        values[place] = state / 2**32
    return (values * 3.4 - 1.7).astype(np.float32)


def measure(model: UNet) -> dict[str, Any]:
    """The check of the page: {side, places, values, tolerance}, `places` in the flat logits (K, h', w')."""
    config = model.config
    rules = tiles(config)
    side = rules["side"] if config.padding == "valid" else max(rules["least"], -(-64 // rules["cell"]) * rules["cell"])
    x = torch.from_numpy(probe_input(config.in_channels * side * side).reshape(1, config.in_channels, side, side))
    training = model.training
    with torch.inference_mode():
        logits = model.eval()(x)[0].float().flatten()
    model.train(training)
    places = np.linspace(0, len(logits) - 1, PLACES).astype(int).tolist()
    return {
        "side": side,
        "places": places,
        "values": [round(float(logits[place]), 6) for place in places],
        "tolerance": TOLERANCE * max(1.0, float(logits.abs().max())),
    }
