"""The settings of a run: what a model is, where its data are, how it learns.

Menus, the command line and the error messages are made from the fields below; there is no second list of options.
Names that stand for functions (`LOSSES`, `AUGMENTATIONS`, ...) are listed here with their sentence, because this
module is read by pages that must not import torch; a contract test holds them equal to the registries' keys.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self, get_type_hints

from unet_core.errors import ConfigError
from unet_core.settings import Option, Settings, options_of, setting, unknown_setting

LOSSES = {
    "auto": "bce_dice for one class, cross_entropy_dice for several",
    "bce": "binary cross-entropy, every pixel counts the same",
    "dice": "1 - soft Dice, blind to the size of the background",
    "bce_dice": "binary cross-entropy + Dice, the usual choice for one class",
    "cross_entropy": "cross-entropy over several classes",
    "cross_entropy_dice": "cross-entropy + Dice, the usual choice for several classes",
}
AUGMENTATIONS = {
    "none": "the crops as they are",
    "flips": "flips and quarter turns, for pictures without an up and down",
    "light": "flips, quarter turns, brightness and contrast",
    "street": "left-right flips, brightness and contrast, for pictures with an up and down",
}
NORMALISATIONS = {
    "zscore": "each image to mean 0 and standard deviation 1, over all its channels together",
    "unit": "0..255 to 0..1",
}
DEVICES = {
    "auto": "CUDA, else Apple MPS, else the processor",
    "cpu": "processor",
    "cuda": "NVIDIA GPU",
    "mps": "Apple GPU",
}
PRECISIONS = {
    "auto": "bf16 where the device has it (fp16 on older CUDA), else fp32",
    "fp32": "single precision",
    "bf16": "bfloat16 autocast",
    "fp16": "half-precision autocast with loss scaling, CUDA only",
}
SPLITS = {  # which images are scored, by what the model knows of them; "new" is an image that no split names
    "held-out": ("val", "test", "new"),
    "all": ("train", "val", "test", "new"),
    "train": ("train",),
    "val": ("val",),
    "test": ("test",),
}
LAYOUTS = {
    "auto": "found by looking at the folder",
    "dsb2018": "<id>/images/* and <id>/masks/*, one mask file for each object (Data Science Bowl 2018)",
    "paired": "images/ and masks/ with the same file names",
    "split_folders": "train/ and trainannot/ (or train_masks/, train/images + train/masks), likewise val and test",
}


@dataclass(frozen=True)
class ModelConfig(Settings):
    """All that prediction needs to know of a model; it travels with the weights, so no path and no name is in it."""

    in_channels: int = setting(0, "Channels of the input image: 1 grey, 3 RGB, 0 = found from the data.", low=0, high=3)
    num_classes: int = setting(0, "Output classes: 1 is binary, 0 = found from the masks.", low=0, high=254)
    base_channels: int = setting(16, "Channels of the first encoder block, doubled at each level.", low=1, high=256)
    depth: int = setting(4, "Number of down-samplings by 2.", low=1, high=8)
    image_size: int = setting(128, "Side in pixels of the square crops it is trained on.", low=8, high=4096)
    normalisation: str = setting("zscore", "How pixel values are scaled before the net.", choices=NORMALISATIONS)
    threshold: float = setting(0.5, "Probability above which a pixel is foreground (binary).", above=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.in_channels == 2:
            raise ConfigError("Expected in_channels to be 1 (grey), 3 (RGB) or 0 (found from the data), got 2.")
        if self.image_size < 2 ** (self.depth + 1):
            raise ConfigError(
                f"image_size {self.image_size} is too small for depth {self.depth}: the deepest level would be under "
                f"2 pixels wide. Take image_size {2 ** (self.depth + 1)} or more, or a smaller depth."
            )


@dataclass(frozen=True)
class DataConfig(Settings):
    """Where the images are and which of them train."""

    root: str = setting("", "Folder of the data set.")
    layout: str = setting("auto", "How images and masks lie in the folder.", choices=LAYOUTS)
    val_fraction: float = setting(0.2, "Share of images held back to choose the best epoch.", low=0, high=0.9)
    test_fraction: float = setting(0.0, "Share of images held back and never looked at in training.", low=0, high=0.9)
    ignore_index: int | None = setting(None, "Mask value that counts in no loss and no score.", low=0, high=255)
    cache_mb: int = setting(4096, "Memory in MiB for decoded images; what does not fit is read again.", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val_fraction + self.test_fraction > 0.9:
            raise ConfigError(
                f"val_fraction {self.val_fraction:g} + test_fraction {self.test_fraction:g} leave under a tenth of the "
                "images for training; lower one of them."
            )


@dataclass(frozen=True)
class TrainConfig(Settings):
    """How the model learns."""

    epochs: int = setting(15, "Rounds over the training images.", low=1, high=100_000)
    batch_size: int = setting(16, "Crops in one step.", low=1, high=4096)
    crops_per_image: int = setting(4, "Random crops taken of each image in an epoch.", low=1, high=1024)
    lr: float = setting(0.005, "Peak learning rate of the one-cycle schedule (AdamW).", above=0, high=10)
    weight_decay: float = setting(0.01, "Decoupled weight decay of AdamW.", low=0, high=10)
    loss: str = setting("auto", "What is minimised.", choices=LOSSES)
    augment: str = setting("flips", "Random changes of the crops.", choices=AUGMENTATIONS)
    seed: int = setting(0, "Where all randomness starts: split, weights, order, crops.", low=0, high=2**31 - 1)
    device: str = setting("auto", "What computes.", choices=DEVICES)
    precision: str = setting("auto", "Number format of the forward pass.", choices=PRECISIONS)
    threads: int = setting(0, "Processor threads of the trainer, 0 = all cores but one.", low=0, high=1024)


@dataclass(frozen=True)
class RunConfig(Settings):
    """Everything that defines a run; `config.json` of the run directory."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        try:
            values = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"config.json is not readable as JSON: {error}.") from error
        return cls.from_dict(values)

    def replace(self, **changes: Any) -> Self:
        """A copy with single settings changed, named without their section: `replace(epochs=3, depth=2)`."""
        section_of = {option.name: option.section for option in options()}
        by_section: dict[str, dict[str, Any]] = {}
        for key, value in changes.items():
            if key not in section_of:
                raise unknown_setting(key, list(section_of))
            by_section.setdefault(section_of[key], {})[key] = value
        sections = {name: dataclasses.replace(getattr(self, name), **values) for name, values in by_section.items()}
        return dataclasses.replace(self, **sections)


def options() -> Iterator[Option]:
    """Every single setting of a RunConfig, section by section."""
    for section, cls in get_type_hints(RunConfig).items():
        yield from options_of(section, cls)
