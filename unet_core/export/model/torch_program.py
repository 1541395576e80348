"""A model as a `torch.export` program (.pt2): what `onnx` writes, for PyTorch without any of our code.

program = torch.export.load("model.pt2").module()
probabilities = program(image)      # (N, C, H, W) float32 stored values to (N, K, H, W)
"""

import io
import json
from collections.abc import Sequence

import torch

from unet_core.export.model import parity
from unet_core.export.model.onnx import Floats, describe
from unet_core.export.model.segmenter import Segmenter, trace
from unet_core.io.pixels import Pixels

METADATA = "unet_studio.json"  # what the ONNX file has as metadata


def to_bytes(segmenter: Segmenter) -> bytes:
    """The program as a file."""
    program = trace(segmenter)
    for node in program.graph.nodes:  # else the file has the lines of Python that made it, with paths of this disk
        for name in ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn"):
            node.meta.pop(name, None)
    program.example_inputs = None
    metadata = json.dumps(describe(segmenter.config, segmenter.input_range, segmenter.is_inside))
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA: metadata})
    return buffer.getvalue()


def difference(segmenter: Segmenter, data: bytes, images: Sequence[Pixels]) -> float:
    """The largest difference of a probability between the file, read again, and the model."""
    program = torch.export.load(io.BytesIO(data)).module()

    @torch.inference_mode()
    def run(x: Floats) -> Floats:
        answer: Floats = program(torch.from_numpy(x)).numpy()
        return answer

    return parity.largest_difference(segmenter.network, run, images, not segmenter.is_inside)
