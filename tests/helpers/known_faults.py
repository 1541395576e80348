"""A dataset with known faults, and a model that predicts what an image says: its gray level is the probability."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data import discovery
from unet_core.data.splits import Split
from unet_core.inference.prediction import Prediction
from unet_core.inference.predictor import Predictor
from unet_core.io.pixels import encode_png
from unet_core.models.checkpoint import save_checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs

Array = NDArray[np.uint8]
Box = tuple[int, int, int, int]  # top, left, height, width

LARGE: tuple[Box, ...] = ((5, 5, 20, 20), (5, 40, 20, 20), (40, 5, 20, 20), (40, 40, 20, 20))
SMALL: tuple[Box, ...] = ((80, 10, 7, 8), (80, 30, 6, 6), (80, 50, 5, 5))  # 56, 36, 25 pixels
BRIDGE: Box = (12, 25, 8, 15)
UNLABELED: Box = (80, 80, 10, 10)
SURE, NO = 250, 5
SHARES = {  # by image: its cause, and the Dice that it costs, counted by hand
    "bridge": ("merge", 120 / (2 * 1600 + 120)),
    "good": ("", 0.0),
    "label": ("false", 100 / (2 * 1600 + 100)),
    "missed": ("missed", 117 / (2 * 1600 + 117)),
    "shift": ("outline", 4 * 2 * 2 * 20 / (2 * 1600)),
}


def paint(*boxes: Box, value: int = 1, on: Array | None = None) -> Array:
    """(100, 100): boxes of a value."""
    mask = np.zeros((100, 100), np.uint8) if on is None else on.copy()
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = value
    return mask


def make_pairs() -> dict[str, tuple[Array, Array]]:
    """By name: the image, which is what the model predicts (above 127 is foreground), and the ground truth of 0 and 1.

    The model is unsure of all its faults; of the object that nobody labeled it is sure, and right.
    """
    sure = paint(*LARGE, value=SURE, on=np.full((100, 100), NO, np.uint8))
    shifted = sure.copy()
    for top, left, height, width in LARGE:
        shifted[top : top + height, left : left + 2] = 100
        shifted[top : top + height, left + width : left + width + 2] = 150
    return {
        "bridge": (paint(BRIDGE, value=140, on=sure), paint(*LARGE)),
        "good": (sure, paint(*LARGE)),
        "label": (paint(UNLABELED, value=SURE, on=sure), paint(*LARGE)),
        "missed": (paint(*SMALL, value=100, on=sure), paint(*LARGE, *SMALL)),
        "shift": (shifted, paint(*LARGE)),
    }


def write(folder: Path, pairs: dict[str, tuple[Array, Array]] | None = None) -> Path:
    """The dataset below a folder."""
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for name, (image, mask) in (pairs or make_pairs()).items():
        (folder / "images" / f"{name}.png").write_bytes(encode_png(image))
        (folder / "masks" / f"{name}.png").write_bytes(encode_png(mask * 255))
    return folder


def make_run(runs_dir: Path, data: Path, train: tuple[str, ...] = ()) -> runs.Run:
    """A run with a checkpoint, whose images but those of `train` were held out for validation."""
    run = runs.create(runs_dir, RunConfig().replace(root=str(data)))
    samples = {sample.id: sample for sample in discovery.find(data)}
    records = {name: f"file:{discovery.content_hash(sample.image, sample.page)}" for name, sample in samples.items()}
    run.write_split(Split(train=train, val=tuple(sorted(set(samples) - set(train))), test=()), records)
    save_checkpoint(run.best, UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=32)))
    return run


def echo_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every predictor of one class gives the gray levels of an image as its probability, for all views."""

    def answer(self, image, tta="none", tile=None, progress=None, cancelled=None) -> Prediction:
        levels = image[:, :, 0].astype(np.float64) / np.iinfo(image.dtype).max
        levels = np.rint(levels * 65535).astype(np.uint16)
        result = Prediction(1, np.zeros(levels.shape, np.uint8), probability16=levels, tta=tta)
        return replace(result, threshold=self.model.config.threshold)

    monkeypatch.setattr(Predictor, "answer", answer)
    monkeypatch.setattr(Predictor, "mask", lambda self, image, threshold=None: answer(self, image).mask(threshold))
