"""The model as the page runs it: an ONNX file from one normalized tile to its logits.

It differs from the file that `unet-studio export` writes, which takes a whole image as it is and normalizes it inside:
a page cuts large images into tiles, and those take the mean and deviation of the whole image and are blended as logits,
as in `inference.sliding_window`.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from unet_core.errors import CheckpointError
from unet_core.models.encoders import EncoderUNet
from unet_core.models.ensemble import EnsembleUNet, average_logits
from unet_core.models.unet import UNet, crop_center

INPUT, OUTPUT = "tile", "logits"
OPSET = 18
MOST_CELLS = 4096  # of the deepest level along a side


class _TileModel(nn.Module):
    """The forward pass without what serves any size: tiles are whole cells, so nothing is padded and cropped back.

    The exporter cannot follow that arithmetic for a size that is not known.
    """

    def __init__(self, model: UNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, tile: Tensor) -> Tensor:
        return self._run(self.model, tile)

    def _run(self, model: UNet, tile: Tensor) -> Tensor:
        if isinstance(model, EnsembleUNet):
            return average_logits(torch.stack([self._run(member, tile) for member in model.list_members()]))
        if isinstance(model, EncoderUNet):
            maps = model.encoder(tile)
            x = maps.pop()
            for block in model.decoder["blocks"].children():
                x = block(x, maps.pop() if maps else None)
            return cast(Tensor, model.segmentation_head(x))
        x, skips = tile, []
        for encode, down in zip(model.encoder, model.down, strict=True):
            x = encode(x)
            skips.append(x)
            x = down(x)
        x = model.bottleneck(x)
        for up, decode, skip in zip(model.up, model.decoder, reversed(skips), strict=True):
            x = up(x)
            x = decode(torch.cat([skip if model.config.padding == "same" else crop_center(skip, x), x], 1))
        return cast(Tensor, model.head(x))


def to_onnx(model: UNet, side: int) -> bytes:
    """An ONNX file: "tile" (1, C, h, w) float32, normalized, to "logits" (1, K, h', w').

    Args:
        model: On the CPU; it is exported as it predicts.
        side: Pixels of a tile. A padded model takes any h and w of whole cells (2**depth pixels), whatever this is; an
            unpadded one h = w = side alone.

    Raises:
        CheckpointError: The exporter cannot translate the model.

    Example:
        >>> from unet_core.config.schema import ModelConfig
        >>> model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16))
        >>> to_onnx(model, 32)[:1]
        b'\\x08'
    """
    config, cell = model.config, 1 << model.config.depth
    shapes: dict[str, dict[int, object]] | None = None
    example = torch.zeros(1, config.in_channels, side, side)
    if config.padding == "same":
        # Two sides that differ, so that the exporter does not take them for one.
        example = torch.zeros(1, config.in_channels, max(2, side // cell) * cell, (max(2, side // cell) + 1) * cell)
        height, width = (torch.export.Dim(name, min=1, max=MOST_CELLS) for name in ("rows", "columns"))
        shapes = {"tile": {2: cell * height, 3: cell * width}}
    training = model.training
    try:
        with warnings.catch_warnings(), _silence(), torch.inference_mode(False), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _TileModel(model).eval(),
                (example,),
                dynamo=True,
                dynamic_shapes=shapes,
                input_names=[INPUT],
                output_names=[OUTPUT],
                opset_version=OPSET,
                external_data=False,
                verbose=False,
            )
            if program is None:
                raise CheckpointError("The model cannot be exported as ONNX.")
            return _plain(program.model_proto)
    except ImportError as error:
        raise CheckpointError("A page needs onnx and onnxscript. Run: pip install 'unet-studio[onnx]'.") from error
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).strip().partition("\n")[0]
        raise CheckpointError(f"The model cannot be exported as ONNX: {reason}.") from error
    finally:
        model.train(training)


def _plain(proto: Any) -> bytes:
    """The file without what the exporter notes at each node: lines of code, with paths of this machine."""
    graph = proto.graph
    for part in (proto, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    return cast(bytes, proto.SerializeToString(deterministic=True))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter prints, and logs what is none of a user's business."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
