"""The ONNX file of a page gives the logits of torch for every architecture and size of tile, and tells no path."""

import numpy as np
import onnxruntime
import pytest
import torch

from unet_core.config.schema import ModelConfig
from unet_core.models.encoders import build_model
from unet_core.static_page import probe, rules
from unet_core.static_page.graph import INPUT, to_onnx

SMALL = {"base_channels": 4, "depth": 2, "image_size": 64}
CONFIGS = {
    "default": ModelConfig(in_channels=1, num_classes=1, **SMALL),
    "supervised, dropout": ModelConfig(in_channels=3, num_classes=3, deep_supervision=True, dropout=0.3, **SMALL),
    "group norm, bilinear": ModelConfig(in_channels=3, num_classes=2, norm="group", up="bilinear", **SMALL),
    "instance norm, silu": ModelConfig(in_channels=1, num_classes=1, norm="instance", activation="silu", **SMALL),
    "aligned, strided": ModelConfig(in_channels=1, num_classes=1, up="bilinear_aligned", down="strided_conv", **SMALL),
    "unpadded": ModelConfig(in_channels=1, num_classes=1, padding="valid", head_kernel=3, **SMALL),
    "resnet": ModelConfig(in_channels=3, num_classes=2, encoder="resnet18", depth=5, up="nearest", base_channels=2),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_it_gives_the_logits_of_torch_and_holds_no_path(config: ModelConfig) -> None:
    torch.manual_seed(0)
    model = build_model(config).eval()
    tiles = rules.tiles(config)
    data = to_onnx(model, tiles["side"])
    session = onnxruntime.InferenceSession(data)
    cell = tiles["cell"]
    sizes = [(tiles["side"], tiles["side"])] if config.padding == "valid" else [(cell, 4 * cell), (7 * cell, 3 * cell)]
    sizes = [tuple(max(side, tiles["least"]) for side in size) for size in sizes]
    for height, width in sizes:
        x = torch.randn(1, config.in_channels, height, width)
        with torch.inference_mode():
            expected = model(x).numpy()
        got = session.run(None, {INPUT: x.numpy()})[0]
        assert got.shape == expected.shape
        assert np.abs(got - expected).max() <= 1e-4 * max(1.0, np.abs(expected).max())
    for private in (b"/home/", b"/tmp/", b"site-packages", b"unet_core"):
        assert private not in data


def test_the_values_to_check_are_those_of_the_model() -> None:
    torch.manual_seed(0)
    config = CONFIGS["supervised, dropout"]
    model = build_model(config).train()
    check = probe.measure(model)
    assert model.training
    side = check["side"]
    x = torch.from_numpy(probe.probe_input(3 * side * side).reshape(1, 3, side, side))
    with torch.inference_mode():
        logits = model.eval()(x).flatten()
    assert len(check["places"]) == probe.PLACES and check["places"][-1] == len(logits) - 1
    np.testing.assert_allclose(logits[check["places"]], check["values"], atol=1e-5)
    assert 0.001 < check["tolerance"] < 0.01 * max(1.0, float(logits.abs().max()))
