"""What a weight file holds, by its header alone: no tensor is read, nothing large is allocated, and no torch.

A `.safetensors` file is eight bytes with the length of a header, the header (JSON: name, dtype, shape and position of
each tensor, and a map of strings), and the tensors. The library accepts headers of 100 MB, and a config.json may ask
for a network of any size; here both are checked against the file first, so that a small upload costs little memory and
time.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, ConfigError
from unet_core.models import architecture

MOST_BYTES = 2**29  # of a weight file from elsewhere: 134 million values
MOST_HEADER = 2**20  # bytes; the largest network of the menus (depth 8, 8 convolutions a block) needs 0.1 MiB
MOST_CONFIG = 2**16  # bytes of a config.json
MOST_EXTRAS = {"training.json": 2**20, "images.json": 2**23}  # bytes of what may lie beside the weights and travels
EXTRAS = tuple(MOST_EXTRAS)
HARMLESS = 2**24  # values of a network that may be built whatever its file holds: 64 MiB
CONFIG_KEY = "config"  # where a file's own metadata carry its config.json
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4}  # of one value, by the names of safetensors


@dataclass(frozen=True)
class Header:
    """Shapes of the tensors by name, and the strings that travel with them."""

    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]

    @property
    def values(self) -> int:
        """The number of stored values."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def header_of(source: bytes | Path, name: str, most: int = MOST_BYTES, total: int | None = None) -> Header:
    """The checked header of a `.safetensors` file of at most `most` bytes; `name` is for messages.

    `source` may be the start of a file of `total` bytes.

    Raises CheckpointError.
    """
    if isinstance(source, bytes):
        start, total = source[: 8 + MOST_HEADER + 1], len(source) if total is None else total
    else:
        try:
            with source.open("rb") as file:
                start, total = file.read(8 + MOST_HEADER + 1), source.stat().st_size
        except OSError as error:
            raise CheckpointError(f"{name}: cannot be read ({error.strerror or error}).") from error
    if total > most:
        raise CheckpointError(f"{name}: {total:,} bytes are more than the limit of {most:,}.")
    length = int.from_bytes(start[:8], "little")
    if total < 10 or length > total - 8:
        raise CheckpointError(f"{name}: not a complete .safetensors file (it ends before its header does).")
    if length > MOST_HEADER:
        raise CheckpointError(
            f"{name}: its header of {length:,} bytes is larger than the limit of {MOST_HEADER:,} for a U-Net."
        )
    try:
        content = json.loads(start[8 : 8 + length])
        metadata = content.pop("__metadata__", {})
        if not all(isinstance(word, str) for item in metadata.items() for word in item):
            raise ValueError("its metadata are not strings")
        return Header(_shapes(content, total - 8 - length), metadata)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{name}: not a .safetensors file, or a damaged one ({error}).") from error


def _shapes(content: Mapping[str, Any], room: int) -> dict[str, tuple[int, ...]]:
    """The shapes of tensors that fill the file without gap or overlap; else ValueError, TypeError or KeyError."""
    shapes, spans = {}, []
    for name, entry in content.items():
        shape, (begin, end) = tuple(entry["shape"]), entry["data_offsets"]
        if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
            raise ValueError(f"{name[:80]!r}: a shape or offset that is not a whole number")
        if entry["dtype"] not in BYTES:
            raise ValueError(f"{name[:80]!r}: values of type {str(entry['dtype'])[:20]}; known are {', '.join(BYTES)}")
        if math.prod(shape) * BYTES[entry["dtype"]] != end - begin:
            raise ValueError(f"{name[:80]!r}: its shape and its offsets do not agree")
        shapes[name] = shape
        spans.append((begin, end))
    position = 0
    for begin, end in sorted(spans):
        if begin != position:
            raise ValueError("tensors overlap or leave holes")
        position = end
    if position != room:
        raise ValueError(f"the tensors need {position:,} bytes, the file has {room:,}")
    return shapes


def config_from(text: str | bytes, name: str) -> ModelConfig:
    """The ModelConfig of a config.json. Raises CheckpointError where it is not one of ours."""
    if len(text) > MOST_CONFIG:
        raise CheckpointError(
            f"{name}: {len(text):,} bytes are more than the limit of {MOST_CONFIG:,} for a config.json."
        )
    try:
        config = ModelConfig.from_dict(json.loads(text))
    except (ConfigError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{name}: not the config.json of a model of UNet Studio, or of a newer version ({error})."
        ) from error
    if config.in_channels < 1 or config.num_classes < 1:
        raise CheckpointError(f"{name}: in_channels and num_classes must be 1 or more to load weights.")
    return config


def stored_values(config: ModelConfig) -> int:
    """The number of values in the weights of a network: what is trained, and the buffers of batch norm."""
    layers = (layer for part in architecture.list_parts(config) for layer in part.convolutions if layer.has_buffers)
    buffers = sum(2 * layer.out_channels + 1 for layer in layers)  # running mean, variance, number of batches
    return architecture.parameter_count(config) + config.members * buffers


def check_fit(config: ModelConfig, header: Header, name: str) -> None:
    """Raise CheckpointError unless the file has exactly as many values as the network, before that is built."""
    expected = stored_values(config)
    if header.values != expected:
        raise CheckpointError(
            f"{name}: the weights do not fit config.json: the network it describes has {expected:,} values, the file "
            f"has {header.values:,}. Use both files from the same folder."
        )


def guard(config: ModelConfig, data: bytes, name: str) -> None:
    """Refuse, before a file is loaded, what would cost far more memory than its size: a giant header or network.

    Raises CheckpointError; what merely does not fit is left to the strict loader, which knows the tensor's name.
    """
    length = int.from_bytes(data[:8], "little")
    if MOST_HEADER < length <= len(data) - 8:
        raise CheckpointError(f"{name}: its header of {length:,} bytes is larger than the limit of {MOST_HEADER:,}.")
    if (expected := stored_values(config)) > max(len(data), HARMLESS):
        raise CheckpointError(
            f"{name}: the weights do not fit config.json: the network it describes has {expected:,} values, the file "
            f"has {len(data):,} bytes. Use both files from the same folder."
        )


def with_config(data: bytes, config: str) -> bytes:
    """The bytes of a weight file with another config.json in its metadata; every tensor keeps its bytes.

    Raises CheckpointError where it is no weight file.
    """
    header_of(data, "model.safetensors", most=len(data))  # refuses what is damaged
    length = int.from_bytes(data[:8], "little")
    content = json.loads(data[8 : 8 + length])
    content["__metadata__"] = {**content.get("__metadata__", {}), CONFIG_KEY: config}
    header = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # the format wants tensors to begin at a multiple of 8
    return len(header).to_bytes(8, "little") + header + data[8 + length :]
