"""The program in the model card, run without UNet Studio, gives what UNet Studio gives, for every kind of layer."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from unet_core.config import choices
from unet_core.config.schema import ModelConfig
from unet_core.export.model import standalone
from unet_core.export.model.standalone import standalone_code
from unet_core.inference.predictor import load_predictor
from unet_core.io import images
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet

BASE = {"in_channels": 1, "num_classes": 1, "base_channels": 4, "depth": 2, "image_size": 32}
VARIANTS = [
    {},
    *({"norm": name} for name in choices.NORMS),
    *({"activation": name} for name in choices.ACTIVATIONS),
    *({"down": name} for name in choices.DOWNS),
    *({"up": name} for name in choices.UPS),
    *({"normalization": name, "in_channels": 3} for name in choices.NORMALIZATIONS),
    {"order": "conv_act_norm"},
    {"padding": "valid"},
    {"padding": "valid", "head_kernel": 3, "num_classes": 3, "depth": 1},
    {"head_kernel": 3, "convs_per_block": 3, "bottleneck_convs": 1},
    {"dropout": 0.5, "num_classes": 4, "in_channels": 3},
    {"deep_supervision": True, "depth": 3},
    {"up": "nearest", "down": "avgpool", "norm": "group", "order": "conv_act_norm", "activation": "gelu"},
]


def make(folder: Path, config: ModelConfig) -> None:
    """A checkpoint with random weights, and running statistics that are not those of a new model."""
    torch.manual_seed(3)
    model = UNet(config)
    for name, values in model.named_buffers():
        if "running" in name:
            values.uniform_(0.5, 1.5)
    save_checkpoint(folder, model)


def functions(code: str) -> dict[str, object]:
    """What the program defines; its last lines read files."""
    definitions, _, _ = code.partition("\nmodel = UNet().eval()")
    scope: dict[str, object] = {}
    exec(definitions, scope)
    return scope


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_the_program_gives_the_same_mask(options: dict[str, object], tmp_path: Path) -> None:
    config = ModelConfig(**BASE | options)  # type: ignore[arg-type]
    make(tmp_path / "model", config)
    predictor, _ = load_predictor(tmp_path / "model", "cpu", "fp32")
    code = standalone_code(config)
    assert "unet_core" not in code
    scope = functions(code)
    model = scope["UNet"]().eval()  # type: ignore[operator]
    from safetensors.torch import load_file

    weights = load_file(tmp_path / "model" / "model.safetensors")
    model.load_state_dict({name: value for name, value in weights.items() if not name.startswith("deep_heads")})
    rng = np.random.default_rng(5)
    for size in ((32, 32), (37, 50), (16, 61)):
        image = rng.integers(0, 255, (*size, config.in_channels), np.uint8)
        # Smooth, so that few pixels lie at the threshold itself, where the last bit decides.
        image = np.repeat(np.repeat(image[::4, ::4], 4, 0), 4, 1)[: size[0], : size[1]]
        given = image[:, :, 0] if config.in_channels == 1 else image
        mask = scope["predict"](model, given)  # type: ignore[operator]
        assert mask.shape == size
        assert (np.asarray(mask, np.uint8) != predictor.mask(image)).mean() < 1e-3


@pytest.mark.parametrize("channels", [1, 3])
def test_the_program_runs_as_it_stands(channels: int, tmp_path: Path) -> None:
    config = ModelConfig(**BASE | {"in_channels": channels})  # type: ignore[arg-type]
    make(tmp_path / "model", config)
    image = np.random.default_rng(1).integers(0, 255, (40, 52, channels), np.uint8)
    image[10:30, 10:30] //= 4
    (tmp_path / "model" / "image.png").write_bytes(encode_png(image[:, :, 0] if channels == 1 else image))
    (tmp_path / "use.py").write_text(standalone_code(config))
    command = [sys.executable, "-I", str(tmp_path / "use.py")]  # isolated: not even the current folder is on the path
    subprocess.run(command, cwd=tmp_path / "model", check=True, capture_output=True)
    mask = images.read(tmp_path / "model" / "mask.png")[:, :, 0]
    predictor, _ = load_predictor(tmp_path / "model", "cpu", "fp32")
    expected = predictor.mask(images.read(tmp_path / "model" / "image.png"))
    assert set(np.unique(mask).tolist()) <= {0, 255}
    assert (mask // 255 != expected).mean() < 1e-3


def test_no_program_is_written_for_what_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    resnet = ModelConfig(
        in_channels=3, num_classes=1, encoder="resnet18", depth=5, up="nearest", image_size=64, normalization="imagenet"
    )
    assert standalone_code(resnet) == ""
    monkeypatch.setattr(standalone, "KNOWN", standalone.KNOWN - {"head_kernel"})
    assert standalone_code(ModelConfig(in_channels=1, num_classes=1))
    assert standalone_code(ModelConfig(in_channels=1, num_classes=1, head_kernel=3)) == ""
    monkeypatch.setattr(standalone, "NORMS", {"batch": standalone.NORMS["batch"]})
    assert standalone_code(ModelConfig(in_channels=1, num_classes=1, norm="group")) == ""


def test_the_program_is_short() -> None:
    code = standalone_code(ModelConfig(in_channels=1, num_classes=1))
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 150
