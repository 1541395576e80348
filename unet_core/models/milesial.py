"""Weights that others saved with PyTorch (.pt, .pth): milesial/Pytorch-UNet and the kinds that `foreign` knows.

The file is a pickle of tensors inside a zip: it is opened only after its members were checked, and with
`weights_only=True`, so that no code in it runs and no member can swell beyond the file's own size. Only files that a
user has and uploads are read, never those of the Hub.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unet_core.errors import CheckpointError
from unet_core.models import convert, foreign
from unet_core.models.unet import UNet

MOST_BYTES = 2**30


def load(path: Path, tell: Callable[[str], None] = lambda note: None, normalization: str = "") -> UNet:
    """The model with its weights, on the CPU. Raises CheckpointError where the file is no such checkpoint.

    `tell` gets what is assumed; `normalization` is that of the images, "" = the assumed one.
    """
    tensors = _tensors(path)
    recognized = foreign.recognize(None, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, str(path))
    recognized = foreign.with_normalization(recognized, normalization)
    for note in recognized.notes:
        tell(note)
    return convert.build(recognized, tensors, str(path))


def _tensors(path: Path) -> dict[str, Tensor]:
    check_members(path)
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f"{path}: nothing in it can be read safely; the file runs code when it is opened, or it is damaged. "
            "Save the weights as .safetensors where they were made."
        ) from error
    content = content.get("state_dict", content) if isinstance(content, dict) else content
    if not isinstance(content, dict):
        raise CheckpointError(
            f"{path}: contains a {type(content).__name__} instead of a dict of weights. Save model.state_dict()."
        )
    content = {key: value for key, value in content.items() if key != "mask_values"}
    wrong = [key for key, value in content.items() if not isinstance(key, str) or not isinstance(value, Tensor)]
    if wrong or not content:
        raise CheckpointError(f"{path}: contains {wrong[:3]!r}, which are no weights. Save model.state_dict().")
    weights: dict[str, Tensor] = content
    return weights


def check_members(path: Path) -> None:
    """Raise CheckpointError, before anything is unpacked, unless a file is a ZIP of stored members up to MOST_BYTES."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (OSError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path}: not a file of PyTorch weights ({error}). Save it with torch.save of PyTorch 1.6 or later."
        ) from error
    packed = [member.filename for member in members if member.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise CheckpointError(
            f"{path}: its member {packed[0]!r} is compressed, which PyTorch never does; it was not opened."
        )
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise CheckpointError(f"{path}: contains more than the limit of {MOST_BYTES:,} bytes.")
    if any(name in member.filename for member in members for name in ("constants.pkl", "/code/")):
        raise CheckpointError(
            f"{path}: a TorchScript program, which could run any code, was not opened. Save model.state_dict()."
        )
