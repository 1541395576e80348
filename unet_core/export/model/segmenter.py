"""A model with all that surrounds it, as one program of tensors: stored pixel values in, probabilities out.

What `inference.predictor` does around a forward pass of an image in one piece is done here with tensor operations that
torch.export and ONNX have for any size: the statistics of the normalization, the mirrored border, sigmoid or softmax.
"""

import copy

import torch
import torch.fx.experimental._config
from torch import Tensor, nn

from unet_core.config.schema import ModelConfig
from unet_core.data.normalization import IMAGENET_MEAN, IMAGENET_STD
from unet_core.errors import ConfigError
from unet_core.models import architecture
from unet_core.models.unet import UNet

RANGES = (255.0, 65535.0, 1.0)  # the largest values of uint8, uint16 and float images
NORMALIZED = ("zscore", "zscore_per_channel", "unit", "imagenet")  # those that a program can have inside


class Segmenter(nn.Module):
    """A U-Net from stored pixel values to probabilities, for images of any size.

    Args:
        model: The network; it is copied to the CPU, in evaluation mode.
        input_range: Largest value that the type of the images stands for: 255 of uint8, 65535 of uint16, 1 of float.
        normalize: False where the images are normalized already: `data.normalization.normalize`.

    Raises:
        ConfigError: `input_range` is none of these, or the normalization is one that tensor operations cannot do.

    Example:
        >>> model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16))
        >>> Segmenter(model)(torch.zeros(2, 1, 20, 31)).shape
        torch.Size([2, 1, 20, 31])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: UNet, input_range: float = 255.0, normalize: bool = True) -> None:
        super().__init__()
        config = model.config
        if input_range not in RANGES:
            raise ConfigError(f"input_range {input_range!r}: choose 255 (8 bit), 65535 (16 bit) or 1 (float).")
        if normalize and config.normalization not in NORMALIZED:
            raise ConfigError(
                f"normalization {config.normalization!r} cannot be computed inside the exported file. Export with "
                "normalize=False and normalize the images before."
            )
        self.network = copy.deepcopy(model).to("cpu", torch.float32, memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self.config = config
        self.input_range, self.is_inside = float(input_range), normalize
        self.margin = 0 if config.padding == "same" else architecture.margin(config)
        # Sides that the network takes are `first` and whole cells more.
        self.cell, self.first = 1 << config.depth, _first_side(config)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, -1, 1, 1), persistent=False)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """(N, in_channels, H, W) float32 stored values to (N, num_classes, H, W) probabilities.

        One class is the foreground (sigmoid), several add up to 1 at each pixel (softmax).
        """
        height, width = image.shape[-2:]
        x = self._normalize(image) if self.is_inside else image
        logits, _ = self.network.run_blocks(self._mirror(self._mirror(x, 2), 3))
        logits = logits[..., :height, :width]
        answer: Tensor = logits.sigmoid() if self.config.num_classes == 1 else logits.softmax(1)
        return answer

    def _normalize(self, x: Tensor) -> Tensor:
        """As `data.normalization.statistics` and `normalize` do, for each image of the batch by itself."""
        method, channels = self.config.normalization, self.config.in_channels
        if method == "unit":
            return x / self.input_range
        if method == "imagenet":
            return (x - self.mean * self.input_range) / (self.std * self.input_range)
        by_channel = channels > 1 and (method == "zscore_per_channel" or channels != 3)
        # The first mean is rounded in float32; the mean of what is left corrects it, which 16-bit images need.
        mean = _mean(x, by_channel)
        mean = mean + _mean(x - mean, by_channel)
        x = x - mean
        deviation = _mean(x * x, by_channel).sqrt()
        if self.input_range > 1:
            return x / deviation.clamp_min(1.0 if by_channel else self.input_range / 255)
        return x / torch.where(deviation > 1e-5 * mean.abs(), deviation, torch.ones_like(deviation))

    def _mirror(self, x: Tensor, axis: int) -> Tensor:
        """Mirrored at its last pixel to a side that the network takes, by an unpadded one at both edges."""
        length = x.shape[axis]
        rest = length + 2 * self.margin - self.first
        # Rounded up so, and not as -(-a // b): ONNX divides towards 0, which below 0 is another number.
        cells = torch.sym_max((rest + self.cell - 1) // self.cell, 0)  # type: ignore[no-untyped-call]
        pixel = torch.arange(cells * self.cell + self.first) - self.margin
        # Mirrored over and over the pixels repeat with this period: forth and back, both ends once.
        period = torch.sym_max(2 * length - 2, 1)  # type: ignore[no-untyped-call]
        pixel = torch.remainder(pixel, torch.scalar_tensor(period, dtype=torch.int64))
        return x.index_select(axis, torch.minimum(pixel, period - pixel))


def _mean(x: Tensor, by_channel: bool) -> Tensor:
    """Of each image, or each channel of it; axis by axis, since sums of few float32 values lose little."""
    x = x.mean(-1, keepdim=True).mean(-2, keepdim=True)
    return x if by_channel else x.mean(1, keepdim=True)


def _first_side(config: ModelConfig) -> int:
    """The smallest side that the network takes without any padding."""
    if config.padding == "same":
        return architecture.padded_side(config, 1)
    return architecture.fitting_size(config, architecture.least_size(config))


def trace(segmenter: Segmenter) -> torch.export.ExportedProgram:
    """The program for any number of images of any height and width."""
    config, dynamic = segmenter.config, torch.export.Dim.DYNAMIC
    side = segmenter.first + 3 * segmenter.cell  # sides that differ, so that none is taken for the other
    example = torch.zeros(2, config.in_channels, side - 5, side + segmenter.cell - 3)
    # Else the program refuses images that fit as they are, and those whose deepest feature map is one pixel wide: the
    # example is neither, and torch takes what is true of its sizes for a condition ("0/1 specialization").
    with torch.fx.experimental._config.patch(backed_size_oblivious=True):  # type: ignore[attr-defined]
        return torch.export.export(segmenter, (example,), dynamic_shapes=({0: dynamic, 2: dynamic, 3: dynamic},))
