"""Tensors of recognized files (see `foreign`) as a model of ours, strictly: every tensor, and no other."""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, listing
from unet_core.models import weight_file
from unet_core.models.encoders import build_model
from unet_core.models.foreign import OWN, Recognized, Shapes, differences
from unet_core.models.unet import UNet
from unet_core.models.weight_file import Header

MOST_NAMED = 3  # differences in a message


def check(recognized: Recognized, header: Header, label: str) -> None:
    """Raise CheckpointError, with the first differences, unless a file has just the tensors of the model.

    Nothing is allocated for that, whatever size the settings ask for.
    """
    if weight_file.stored_values(recognized.config) > max(header.values, weight_file.HARMLESS):
        weight_file.check_fit(recognized.config, header, label)
    expected = {recognized.kind.name_of(name): shape for name, shape in shapes_of(recognized.config).items()}
    if wrong := differences(expected, header.shapes, recognized.kind.may_have):
        reason = "do not fit config.json" if recognized.kind is OWN else f"are not those of {recognized.kind.title}"
        raise CheckpointError(f"{label}: the weights {reason}: {listing(wrong, MOST_NAMED, '; ')}.")


def shapes_of(config: ModelConfig) -> Shapes:
    """The shapes of all tensors of a model by name, without their memory."""
    with torch.device("meta"):
        return {name: tuple(tensor.shape) for name, tensor in build_model(config).state_dict().items()}


def build(recognized: Recognized, tensors: Mapping[str, Tensor], label: str) -> UNet:
    """The model with the weights, on the CPU, in evaluation. Raises CheckpointError where they do not fit or are NaN.

    `tensors` are those of a file, by the names of its kind.
    """
    kind = recognized.kind
    check(recognized, Header({name: tuple(tensor.shape) for name, tensor in tensors.items()}, {}), label)
    model = build_model(recognized.config)
    state: dict[str, Tensor] = {}
    for name in model.state_dict():
        tensor = tensors[kind.name_of(name)]
        if kind.skip_last and name.startswith("decoder.") and name.endswith(".0.weight"):
            below, skip = tensor.chunk(2, 1)
            tensor = torch.cat([skip, below], 1)
        bias = re.sub(r"(\d+)\.running_mean$", lambda match: f"{int(match[1]) - 1}.bias", kind.name_of(name))
        if bias in tensors and re.fullmatch(kind.may_have, bias):
            tensor = tensor - tensors[bias]  # a bias before a batch norm shifts its mean, and nothing else
        state[name] = tensor
    model.load_state_dict(state, strict=True)
    if not all(bool(torch.isfinite(tensor).all()) for tensor in model.state_dict().values()):
        raise CheckpointError(
            f"{label}: some weights are NaN or infinite, so its training failed. Use another checkpoint."
        )
    return model.eval()
