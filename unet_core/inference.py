"""A picture to a mask: normalised as in training, in one piece or in overlapping tiles, back in its own size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core import anatomy, images, logits
from unet_core.checkpoint import load_model
from unet_core.data import normalise, statistics, widen
from unet_core.device import autocast, choose_device, choose_precision
from unet_core.unet import UNet

TILE = 1024  # pixels; a larger image is predicted in tiles of this side, so that memory stays bounded
OVERLAP = 256  # pixels that neighbouring tiles share


@dataclass
class Predictor:
    """A model ready to predict. `precision` is fp32, bf16 or fp16 (`device.choose_precision`)."""

    model: UNet
    device: torch.device
    precision: str

    def logits(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 1 or 3) uint8 to (K, H, W) float32 logits; tiles are blended with a weight that falls to their edges.

        The channels are changed to those of the model: grey is repeated, colour becomes luminance.
        """
        image = images.with_channels(image, self.model.config.in_channels)
        mean, std = statistics(image, self.model.config.normalisation)
        height, width = image.shape[:2]
        if self.model.config.padding == "valid":
            return self._overlap_tile(image, mean, std)
        if height <= TILE and width <= TILE:
            return self._forward(image, mean, std)
        total = np.zeros((self.model.config.num_classes, height, width), np.float32)
        weights = np.zeros((height, width), np.float32)
        for window in tiles(height, width):
            piece = self._forward(image[window], mean, std)
            weight = blending_weight(*piece.shape[1:])
            total[(slice(None), *window)] += piece * weight
            weights[window] += weight
        return total / weights

    def _overlap_tile(
        self, image: NDArray[np.uint8], mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Unpadded convolutions, as in the paper of 2015: tiles of the mirrored image whose outputs lie side by side.

        Tiles start at multiples of 2**depth, so that they equal one forward pass of the whole mirrored image.
        """
        config = self.model.config
        margin, cell = anatomy.margin(config), 2**config.depth
        height, width = image.shape[:2]
        inputs = [anatomy.fitting_size(config, min(length, TILE) + 2 * margin) for length in (height, width)]
        outputs = [side - 2 * margin for side in inputs]
        strides = [
            length if out >= length else out // cell * cell
            for length, out in zip((height, width), outputs, strict=True)
        ]
        starts = [range(0, length, stride) for length, stride in zip((height, width), strides, strict=True)]
        lower, right = (place[-1] + side - 2 * margin for place, side in zip(starts, inputs, strict=True))
        mirrored = widen(image, (margin, margin + lower - height, margin, margin + right - width))
        total = np.empty((config.num_classes, height, width), np.float32)
        for top in starts[0]:
            for left in starts[1]:
                piece = self._forward(mirrored[top : top + inputs[0], left : left + inputs[1]], mean, std)
                place = total[:, top : top + outputs[0], left : left + outputs[1]]
                place[:] = piece[:, : place.shape[1], : place.shape[2]]
        return total

    def probabilities(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H, W, 1 or 3) uint8 to (K, H, W) float32 in 0..1; K = 1 is the foreground."""
        return logits.probabilities(torch.from_numpy(self.logits(image))[None])[0].numpy()

    def mask(self, image: NDArray[np.uint8], threshold: float | None = None) -> NDArray[np.uint8]:
        """(H, W, 1 or 3) uint8 to class indices (H, W); the threshold is the model's unless given."""
        return logits.to_mask(
            self.probabilities(image), self.model.config.threshold if threshold is None else threshold
        )

    @torch.inference_mode()
    def _forward(
        self, image: NDArray[np.uint8], mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        training = self.model.training
        self.model.eval()
        x = normalise(image, mean, std)[None].to(self.device, memory_format=torch.channels_last)
        with autocast(self.device, self.precision):
            y = self.model(x)
        self.model.train(training)
        result: NDArray[np.float32] = y[0].float().cpu().contiguous().numpy()
        return result


def load_predictor(folder: Path, device: str = "auto", precision: str = "auto") -> tuple[Predictor, str]:
    """The predictor of a checkpoint folder and a warning or "". Raises CheckpointError, ConfigError."""
    model, warning = load_model(folder)
    where = choose_device(device)
    model.to(where, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Predictor(model.eval(), where, choose_precision(precision, where)), warning


def tiles(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Windows of at most TILE x TILE that cover (height, width) and overlap by OVERLAP or more."""
    for top in _starts(height):
        for left in _starts(width):
            yield slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))


def _starts(length: int) -> list[int]:
    """Multiples of TILE - OVERLAP, so that every pooling falls on the same pixels as in the whole picture."""
    return [0] if length <= TILE else list(range(0, length - OVERLAP, TILE - OVERLAP))


def blending_weight(height: int, width: int) -> NDArray[np.float32]:
    """(height, width) weights: 1 in the middle, falling as a Gaussian of deviation 1/8 side, never 0."""
    y, x = (np.exp(-0.5 * ((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in (height, width))
    return np.maximum(np.outer(y, x), 1e-4).astype(np.float32)
