"""Runs with a model that has learned nothing, over small datasets that tell objects or classes apart."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from pages.server import model_registry
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs

Make = Callable[..., model_registry.Model]


@pytest.fixture
def make_model(place, tmp_path) -> Make:
    """A function that writes `images` numbered images of squares, some in the folder "dark", and a run over them."""

    def make(images: int = 3, classes: int = 1, **settings: object) -> model_registry.Model:
        torch.manual_seed(0)
        rng = np.random.default_rng(0)
        root = tmp_path / "squares"
        for number in range(images):
            mask = np.zeros((24, 28), np.uint8)
            mask[3:9, 2:9], mask[12:20, 12 : 15 + number % 7] = 1, 2
            folder = "dark" if number % 3 == 2 else "bright"
            image = np.clip(mask * 60.0 + rng.normal(30 if folder == "dark" else 120, 15, mask.shape), 0, 255)
            for kind, pixels in (("images", image.astype(np.uint8)), ("masks", mask)):
                path = root / kind / folder / f"{number:03}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode_png(pixels))
        labels = "instances" if classes == 1 else "classes"
        run = runs.create(place, RunConfig().replace(root=str(root), labels=labels, **settings))
        (run.folder / "split.json").write_text("{}")
        config = ModelConfig(in_channels=1, num_classes=classes, base_channels=2, depth=1, image_size=32)
        save_checkpoint(run.best, UNet(config))
        return model_registry.Model(run.id, run.best, run)

    return make


def root_of(model: model_registry.Model) -> Path:
    assert model.run is not None
    return Path(model.run.config.data.root)
