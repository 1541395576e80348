"""Pixels labeled with the ignore index count nowhere, from the mask file to loss, gradient and scores."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from unet_core import losses, metrics
from unet_core.config.schema import DataConfig, ModelConfig
from unet_core.data import dataset, discovery
from unet_core.data.layouts import Sample
from unet_core.data.masks.coding import IGNORE
from unet_core.io import images
from unet_core.io.pixels import encode_png

LABEL, CLASSES = 11, 11  # CamVid: classes 0 .. 10, and 11 for what nobody labeled
REAL = Path(os.environ.get("UNET_DATA", Path(__file__).parents[4] / "shared" / "data")) / "camvid"


def fabricated(root: Path) -> list[Sample]:
    """One picture of CamVid's kind: every class and a fifth of it unlabeled."""
    rng = np.random.default_rng(0)
    mask = rng.integers(0, CLASSES, (60, 80)).astype(np.uint8)
    mask[rng.random(mask.shape) < 0.2] = LABEL
    for kind, pixels in (("images", rng.integers(0, 256, (60, 80, 3)).astype(np.uint8)), ("masks", mask)):
        (root / kind).mkdir()
        (root / kind / "a.png").write_bytes(encode_png(pixels))
    return discovery.find(root)


def real(root: Path) -> list[Sample]:
    if not REAL.is_dir():
        pytest.skip(f"{REAL} is not there; name the real data in UNET_DATA")
    return discovery.find(REAL)[:4]


@pytest.mark.parametrize("loss", losses.fitting(3))
@pytest.mark.parametrize("source", [fabricated, real])
def test_what_is_said_of_unlabeled_pixels_changes_nothing(source, loss, tmp_path):
    model = ModelConfig(in_channels=3, num_classes=CLASSES)
    pictures = dataset.load_dataset(source(tmp_path), DataConfig(ignore_index=LABEL), model)
    generator = torch.Generator().manual_seed(0)
    unlabeled = 0
    for index, sample in enumerate(pictures.samples):
        target = pictures[index].mask
        ignored = images.read_mask(sample.masks[0]) == LABEL
        assert ((target == IGNORE) == ignored).all()
        unlabeled += int(ignored.sum())
        one = torch.randn(1, CLASSES, *target.shape, generator=generator)
        there = torch.from_numpy(ignored)
        other = torch.where(there, 20 * torch.randn(one.shape, generator=generator), one)
        outcomes = []
        for logits in (one, other):
            logits.requires_grad_()
            value = losses.choose(loss, CLASSES)(logits, torch.from_numpy(target).long()[None])
            value.backward()
            pred = logits.detach()[0].argmax(0).numpy().astype(np.uint8)
            outcomes.append((value.detach(), logits.grad, metrics.count(pred, target, CLASSES)))
        (value, slope, counts), (other_value, other_slope, other_counts) = outcomes
        assert torch.equal(value, other_value)
        assert torch.equal(slope, other_slope)
        assert not slope[0, :, there].any()
        assert slope[0, :, ~there].any()
        for name in ("tp", "fp", "fn", "tn"):
            assert (getattr(counts, name) == getattr(other_counts, name)).all()
    assert unlabeled > 0
