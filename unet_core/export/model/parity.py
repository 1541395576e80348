"""Whether an exported file gives what the model gives: the largest difference of a probability over test images.

The reference is the model itself, called as in `inference.predictor`: normalized by `data.normalization`, mirrored by
numpy. It shares nothing with the exported program but the network.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core.config.schema import ModelConfig
from unet_core.data.normalization import normalize, statistics
from unet_core.errors import CheckpointError
from unet_core.io.pixels import Pixels
from unet_core.models import architecture
from unet_core.models.unet import UNet

MOST_DIFFERENCE = 1e-4  # of a probability
SIZES = ((64, 64), (75, 110), (33, 130), (1, 5))  # whole cells, none, wide, smaller than a cell

Floats = NDArray[np.float32]


def largest_difference(
    model: UNet,
    run: Callable[[Floats], Floats],
    images: Sequence[Pixels],
    normalized: bool = False,
) -> float:
    """The largest difference of a probability between a model and an exported program.

    Args:
        model: The network, on the CPU.
        run: The program: (N, C, H, W) float32 to (N, K, H, W) probabilities.
        images: (H, W, C) each, as stored: uint8, uint16 or float32.
        normalized: Whether the program expects images that are normalized already.

    Returns:
        0..1; NaN where either gives what is not finite.
    """
    worst = [0.0]
    for image in images:
        mean, std = statistics(image, model.config.normalization)
        given = normalize(image, mean, std).numpy() if normalized else image.transpose(2, 0, 1).astype(np.float32)
        answer, expected = run(np.ascontiguousarray(given[None])), probabilities(model, image)[None]
        if answer.shape != expected.shape:
            return float("nan")
        worst.append(float(np.abs(answer - expected).max()))
    return float(np.max(worst))  # unlike `max`, NaN if any is


@torch.inference_mode()
def probabilities(model: UNet, image: Pixels) -> Floats:
    """(H, W, C) as stored to (K, H, W) probabilities of the model, the image in one piece."""
    config, (height, width) = model.config, image.shape[:2]
    mean, std = statistics(image, config.normalization)
    (top, lower), (left, right) = (_border(config, side) for side in (height, width))
    padded = np.pad(image, ((top, lower), (left, right), (0, 0)), mode="reflect")
    training = model.training
    model.eval()
    try:
        logits = model(normalize(padded, mean, std)[None])[0, :, :height, :width]
    finally:
        model.train(training)
    answer: Floats = (logits.sigmoid() if config.num_classes == 1 else logits.softmax(0)).numpy()
    return answer


def test_images(config: ModelConfig, input_range: float) -> Iterator[Pixels]:
    """Drawn images of several sizes in the type of the range: noise, one that is flat, and dark ones."""
    dtype = {255.0: np.uint8, 65535.0: np.uint16}.get(input_range, np.float32)
    for number, (height, width) in enumerate(SIZES):
        values = np.random.default_rng(number).random((height, width, config.in_channels))
        yield (values * input_range * (1, 0.1)[number % 2]).astype(dtype)
    yield np.full((32, 48, config.in_channels), input_range / 2).astype(dtype)


def refuse_difference(difference: float, what: str) -> None:
    """Raise CheckpointError where a file differs by more than is allowed, or by what is no number."""
    if not difference <= MOST_DIFFERENCE:
        raise CheckpointError(
            f"The {what} differs from the model by up to {difference:.2g} in probability ({MOST_DIFFERENCE:g} is "
            "allowed), so it was not written. Share the weights (safetensors) in its place."
        )


def fitting_images(images: Iterable[Pixels], config: ModelConfig, input_range: float) -> list[Pixels]:
    """Those images that have the model's channels and the type of the range."""
    full = {255.0: np.uint8, 65535.0: np.uint16}.get(input_range, np.float32)
    return [image for image in images if image.dtype == full and image.shape[2] == config.in_channels]


def _border(config: ModelConfig, side: int) -> tuple[int, int]:
    """Pixels before and behind an image's side, so that the model takes it and gives all of it."""
    if config.padding == "same":
        return 0, architecture.padded_side(config, side) - side
    margin = architecture.margin(config)
    return margin, architecture.fitting_size(config, side + 2 * margin) - side - margin
