"""A model as one ONNX file: stored pixel values in, probabilities out, for images of any number and size.

    input   "image"          (batch, channels, height, width) float32, the values as the image file has them
    output  "probabilities"  (batch, classes, height, width) float32 in 0..1

Normalization, the mirrored border of sizes that the network does not take, and sigmoid or softmax are inside. Its
metadata say the rest (`describe`). It is checked against the model before it is written.

The statistics of a normalization are those of the image that is given, so an image that is cut into tiles outside needs
a file with `normalize=False`, and mean and deviation of the whole image.
"""

import json
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unet_core import __version__
from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, RunError
from unet_core.export.model import parity
from unet_core.export.model.extras import require
from unet_core.export.model.input_range import range_of
from unet_core.export.model.segmenter import Segmenter, trace
from unet_core.io.files import replacement
from unet_core.io.pixels import Pixels
from unet_core.models.checkpoint import load_model
from unet_core.models.unet import UNet

OPSET = 18  # of ONNX 1.13 (2022): what the exporter writes without a conversion, and programs of today read
IR_VERSION = 8  # of the same release; the exporter's own is newer than programs that bundle an old runtime accept
INPUT, OUTPUT = "image", "probabilities"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class OnnxReport:
    """What was written. `difference` is the largest one of a probability from the model, over `images` test images.

    `metadata` are the texts in the file, `input_range` the largest value that the type of its images stands for.
    """

    path: Path
    bytes: int
    opset: int
    difference: float
    images: int
    input_range: float
    normalized_inside: bool
    metadata: dict[str, str]
    warning: str = ""


def export_onnx(
    model: UNet | str | Path,
    path: str | Path,
    *,
    input_range: float | None = None,
    normalize: bool = True,
    images: Iterable[Pixels] = (),
) -> OnnxReport:
    """Write a model as ONNX, opset 18, one file without external data, and check it with ONNX Runtime.

    Args:
        model: A checkpoint folder, or a model.
        path: File to write; one that exists is replaced only where all went well.
        input_range: Largest value that the type of the images stands for: 255 (uint8), 65535 (uint16) or 1 (float).
            None for that of the training images, 255 where it is not known.
        normalize: Whether the normalization is inside; if not, the file takes images that are normalized already.
        images: Further images to check with, (H, W, C) as stored; those of other types or channels are left out.

    Raises:
        ConfigError: The packages are not installed (the message has the command), `input_range` is none of these, or
            the normalization cannot be computed inside the file.
        CheckpointError: The checkpoint is damaged, or the file differs from the model by more than 1e-4 in probability.
        RunError: The file cannot be written.

    Example:
        >>> import tempfile
        >>> model = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = export_onnx(model, Path(folder, "model.onnx"))
        >>> report.difference < 1e-4, report.metadata["normalization"]
        (True, 'zscore')
    """
    path, warning = Path(path), ""
    require()
    if not isinstance(model, UNet):
        if input_range is None:
            input_range = range_of(Path(model))
        model, warning = load_model(Path(model))
    input_range = input_range or 255.0
    data, difference, count = to_bytes(model, input_range, normalize, images)
    try:
        with replacement(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}).") from error
    metadata = describe(model.config, input_range, normalize)
    return OnnxReport(path, len(data), OPSET, difference, count, input_range, normalize, metadata, warning)


def to_bytes(
    model: UNet, input_range: float, normalize: bool = True, images: Iterable[Pixels] = ()
) -> tuple[bytes, float, int]:
    """(the file, the largest difference of a probability, over how many images), checked. Raises as `export_onnx`."""
    segmenter = Segmenter(model, input_range, normalize)
    data = convert(segmenter, describe(model.config, input_range, normalize))
    checked = [*parity.test_images(model.config, input_range)]
    checked += parity.fitting_images(images, model.config, input_range)
    difference = parity.largest_difference(segmenter.network, runner(data), checked, not normalize)
    parity.refuse_difference(difference, "ONNX file")
    return data, difference, len(checked)


def describe(config: ModelConfig, input_range: float, normalize: bool = True) -> dict[str, str]:
    """The metadata of an exported model, text by name; lists are JSON.

    >>> describe(ModelConfig(in_channels=1, num_classes=1), 255)["classes"]
    '["background", "foreground"]'
    """
    classes = [config.class_name(index) for index in range(config.num_classes)]
    if config.num_classes == 1:
        classes = list(config.names) or ["background", "foreground"]
    return {
        "unet_studio_version": __version__,
        "classes": json.dumps(classes, ensure_ascii=False),
        "activation": "sigmoid" if config.num_classes == 1 else "softmax",
        "threshold": f"{config.threshold:g}" if config.num_classes == 1 else "",
        "normalization": config.normalization,
        "normalization_inside": "true" if normalize else "false",
        "input_range": f"{input_range:g}",
        "input_layout": "NCHW",
        "input_channels": json.dumps(channel_names(config), ensure_ascii=False),
        "any_size": "true",
        "image_size": str(config.image_size),
    }


def channel_names(config: ModelConfig) -> list[str]:
    """The channels that a model takes, in order; of RGB and gray by those words, else by number."""
    if config.channel_names:
        return list(config.channel_names)
    usual = {1: ["gray"], 3: ["red", "green", "blue"]}
    is_usual = not config.channels and set(config.source_channels) <= {1, 3}
    if config.in_channels in usual and is_usual and config.normalization != "zscore_per_channel":
        return usual[config.in_channels]
    return [f"channel {number}" for number in range(config.in_channels)]


def convert(segmenter: Segmenter, metadata: dict[str, str]) -> bytes:
    """The bytes of the ONNX file, the same for the same model. Raises ConfigError, CheckpointError."""
    onnx, *_ = require()
    with _quiet():
        program = torch.onnx.export(
            trace(segmenter),
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise CheckpointError("The model cannot be written as ONNX: the exporter gave nothing.")
    proto = program.model_proto
    _strip(proto)
    proto.ir_version, proto.producer_name, proto.producer_version = IR_VERSION, "UNet Studio", __version__
    for tensor in (*proto.graph.input, *proto.graph.output):
        for axis, name in ((0, "batch"), (2, "height"), (3, "width")):
            tensor.type.tensor_type.shape.dim[axis].dim_param = name
    onnx.helper.set_model_props(proto, metadata)
    onnx.checker.check_model(proto, full_check=True)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def runner(data: bytes) -> Any:
    """The file in ONNX Runtime: a function (N, C, H, W) float32 to (N, K, H, W)."""
    _, _, runtime = require()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(x: Floats) -> Floats:
        answer: Floats = session.run(None, {INPUT: x})[0]
        return answer

    return run


def _strip(proto: Any) -> None:
    """Take out what the exporter notes about each tensor: the lines of Python that made it, with paths of this disk."""
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.initializer, *proto.graph.value_info):
        part.doc_string = ""
    for part in (
        *(proto.graph, *proto.graph.node, *proto.graph.initializer, *proto.graph.value_info),
        *(*proto.graph.input, *proto.graph.output),
    ):
        del part.metadata_props[:]
    del proto.graph.value_info[:]  # shapes that every reader works out by itself, under the exporter's names of sizes


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks: torchvision is missing (nothing here needs it), torch uses its own old names."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        log.disabled = before
