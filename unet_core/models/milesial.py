"""Weights of milesial/Pytorch-UNet (its published Carvana checkpoints) as our UNet, by mapping their names.

    inc, down1 .. down3  ->  encoder      up1 .. up4  ->  up, decoder
    down4                ->  bottleneck   outc        ->  head

The file is a pickle of tensors inside a zip: it is opened only after its members were checked, and with
`weights_only=True`, so that no code in it runs and no member can swell beyond the file's own size.
"""

import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from unet_core.config.schema import ModelConfig
from unet_core.errors import CheckpointError, ConfigError
from unet_core.models.unet import UNet

NAMES = (
    (r"inc\.double_conv\.", "encoder.0."),
    (r"down([123])\.maxpool_conv\.1\.double_conv\.", r"encoder.\1."),
    (r"down4\.maxpool_conv\.1\.double_conv\.", "bottleneck."),
    (r"up([1234])\.up\.", r"up.\1."),
    (r"up([1234])\.conv\.double_conv\.", r"decoder.\1."),
    (r"outc\.conv\.", "head."),
)
MOST_BYTES = 2**30


def load(path: Path) -> UNet:
    """The model with its weights, on the CPU. Raises CheckpointError where the file is no such checkpoint."""
    tensors = _tensors(path)
    translated: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = next((re.sub(old, new, key) for old, new in NAMES if re.match(old, key)), None)
        if name is None:
            raise CheckpointError(
                f"{path}: {key!r} is not a layer of milesial's U-Net, which has inc, down1..4, up1..4 and outc."
            )
        translated[re.sub(r"^(up|decoder)\.(\d)", lambda match: f"{match[1]}.{int(match[2]) - 1}", name)] = tensor
    _fold_biases(translated)
    try:
        first, head = translated["encoder.0.0.weight"], translated["head.weight"]
        config = ModelConfig(
            in_channels=first.shape[1],
            num_classes=head.shape[0],
            base_channels=first.shape[0],
            up="transposed" if "up.0.weight" in translated else "bilinear_aligned",
            normalization="unit",
            image_size=512,
        )
        model = UNet(config)
        model.load_state_dict(translated, strict=True)
    except (ConfigError, KeyError, RuntimeError, IndexError) as error:
        raise CheckpointError(f"{path}: the weights are not those of milesial's U-Net ({error}).") from error
    return model.eval()


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


def _fold_biases(tensors: dict[str, Tensor]) -> None:
    """Older files have a bias before each batch norm; subtracting it from the running mean gives the same output."""
    for name in [name for name in tensors if re.match(r"(encoder|decoder|bottleneck).*\.[03]\.bias$", name)]:
        stem, index, _ = name.rsplit(".", 2)
        mean = f"{stem}.{int(index) + 1}.running_mean"
        tensors[mean] = tensors[mean] - tensors.pop(name)
