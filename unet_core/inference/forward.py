"""Forward passes of batches of tiles: test-time views, precision, and how many tiles fit into memory."""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unet_core.device import autocast, out_of_memory
from unet_core.inference import prediction, sliding_window
from unet_core.inference.sliding_window import Grid
from unet_core.inference.tta import View
from unet_core.models.unet import UNet

MOST_TILES = 16  # in one forward pass
PIXELS_AT_ONCE = 2**18  # on the CPU, where larger batches of tiles are slower: they leave its cache

Floats = NDArray[np.float32]


@torch.inference_mode()
def predict_views(
    forward: Callable[[Tensor], Tensor],
    x: Tensor,
    tta_views: tuple[View, ...],
    at_once: int,
    passed: Callable[[int], None],
) -> Floats:
    """(N, C, h, w) tiles to (N, K, h', w') logits; with several views to (N, K + 1, h', w').

    Those are the mean probabilities over the views and twice their standard deviation, of the class where it is
    largest (Welford's running variance, so that the views need not be kept). `passed` is told how many tiles each
    forward pass has done.
    """
    if len(tta_views) == 1:
        y = forward(x)
        passed(len(x))
        return y.cpu().numpy()
    mean = square = torch.zeros(())
    count = 0
    for lying in (False, True):  # views with height and width exchanged make batches of their own
        alike = [view for view in tta_views if view.lies == lying]
        size = max(1, at_once // len(x))
        for together in (alike[first : first + size] for first in range(0, len(alike), size)):
            turned = forward(torch.cat([view.turn(x) for view in together]))
            for view, part in zip(together, torch.split(turned, len(x)), strict=True):
                probabilities = prediction.to_probabilities(view.back(part))
                count += 1
                change = probabilities - mean
                mean = mean + change / count
                square = square + change * (probabilities - mean)
            passed(len(x) * len(together))
    # Twice: the deviation of values in 0..1 is 1/2 at most, so that the uncertainty fills 0..1.
    spread = 2 * (square / count).sqrt().amax(1, keepdim=True)
    return torch.cat([mean, spread], 1).cpu().numpy()


def forward_pass(model: UNet, device: torch.device, precision: str, x: Tensor) -> Tensor:
    """(N, C, h, w) to float32 logits (N, K, h', w'), on the device."""
    training = model.training
    model.eval()
    x = x.to(device).contiguous(memory_format=torch.channels_last)
    try:
        with autocast(device, precision):
            y = model(x)
    finally:
        model.train(training)
    result: Tensor = y.float().contiguous()
    return result


def tiles_fitting(model: UNet, device: torch.device, grid: Grid) -> int:
    """How many tiles a forward pass takes, as estimated from the settings of the model."""
    tile = grid.rows.side * grid.columns.side
    if device.type == "cpu":
        return max(1, min(MOST_TILES, PIXELS_AT_ONCE // tile))
    room = sliding_window.WORKING_BYTES
    if device.type == "cuda":
        room = max(room, torch.cuda.mem_get_info(device)[0] // 2)
    return max(1, min(MOST_TILES, room // (tile * sliding_window.bytes_per_pixel(model.config))))


def memory_ran_out(error: BaseException) -> str:
    """Its text where this is one of the ways in which memory runs out; else the error is raised."""
    if not out_of_memory(error):
        raise error
    return str(error)


def entropy(probabilities: Floats) -> Floats:
    """(K, ...) to (...): 0 where the model is sure, 1 where it is undecided. K = 1 is the foreground of two classes.

    Shannon's entropy over its largest value, the logarithm of the number of classes.
    """
    clipped = np.clip(probabilities, 1e-7, 1)
    total = (clipped * np.log(clipped)).sum(0)
    if len(clipped) == 1:
        rest = np.clip(1 - probabilities[0], 1e-7, 1)
        total += rest * np.log(rest)
    return np.asarray(total / -math.log(max(2, len(clipped))), np.float32)
