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

from unet_core.config.choices import (
    ACTIVATIONS,
    AUGMENTATIONS,
    CLASS_WEIGHTS,
    DEVICES,
    DOWNS,
    LAYOUTS,
    LOSSES,
    NORMALISATIONS,
    NORMS,
    OPTIMISERS,
    ORDERS,
    PADDINGS,
    PRECISIONS,
    SCHEDULES,
    UPS,
)
from unet_core.config.fields import Option, Settings, options_of, setting, unknown_setting
from unet_core.errors import ConfigError


@dataclass(frozen=True)
class ModelConfig(Settings):
    """All that prediction needs to know of a model; it travels with the weights, so no path and no name is in it."""

    in_channels: int = setting(0, "Channels of the input image: 1 grey, 3 RGB, 0 = found from the data.", low=0, high=3)
    num_classes: int = setting(0, "Output classes: 1 is binary, 0 = found from the masks.", low=0, high=254)
    base_channels: int = setting(16, "Channels of the first encoder block, doubled at each level.", low=1, high=256)
    depth: int = setting(4, "Number of down-samplings by 2.", low=1, high=8)
    convs_per_block: int = setting(2, "3x3 convolutions in a block.", low=1, high=8)
    bottleneck_convs: int = setting(0, "3x3 convolutions in the deepest block, 0 = as in the others.", low=0, high=8)
    norm: str = setting("batch", "Normalisation of the feature maps.", choices=NORMS)
    order: str = setting("conv_norm_act", "Order of the layers in a block.", choices=ORDERS)
    activation: str = setting("relu", "Non-linearity.", choices=ACTIVATIONS)
    down: str = setting("maxpool", "How a level goes to half its size.", choices=DOWNS)
    up: str = setting("transposed", "How a level goes to twice its size.", choices=UPS)
    padding: str = setting("same", "What happens at the edges.", choices=PADDINGS)
    head_kernel: int = setting(1, "Side of the last convolution: 1 or 3.", low=1, high=3)
    dropout: float = setting(0.0, "Share of channels dropped behind the two deepest blocks.", low=0, high=0.9)
    deep_supervision: bool = setting(False, "Whether each level of the decoder is trained to give the mask.")
    image_size: int = setting(128, "Side in pixels of the square crops it is trained on.", low=8, high=4096)
    normalisation: str = setting("zscore", "How pixel values are scaled before the net.", choices=NORMALISATIONS)
    threshold: float = setting(0.5, "Probability above which a pixel is foreground (binary).", above=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.in_channels == 2:
            raise ConfigError("Expected in_channels to be 1 (grey), 3 (RGB) or 0 (found from the data), got 2.")
        if self.head_kernel == 2:
            raise ConfigError("Expected head_kernel to be 1 or 3, got 2.")
        if self.deep_supervision and self.padding == "valid":
            raise ConfigError("deep_supervision needs padding 'same': the levels of an unpadded net do not line up.")
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
    colour_map: str = setting("", 'Mask colours in class order, "0,0,0;255,0,0" or a file of them; empty = found.')
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
    crops_per_image: int = setting(0, "Crops of each image in an epoch, 0 = to cover it, 1 to 4.", low=0, high=1024)
    lr: float = setting(0.005, "Peak learning rate of the schedule.", above=0, high=10)
    weight_decay: float = setting(0.01, "Weight decay; in AdamW decoupled from the gradient.", low=0, high=10)
    optimiser: str = setting("adamw", "How a gradient becomes a step.", choices=OPTIMISERS)
    schedule: str = setting("one_cycle", "How the learning rate changes.", choices=SCHEDULES)
    plateau_patience: int = setting(5, "Epochs without a better one before plateau halves the rate.", low=1, high=1000)
    loss: str = setting("auto", "What is minimised.", choices=LOSSES)
    focal_gamma: float = setting(2.0, "Focal loss: how little a pixel counts that is right.", low=0, high=10)
    focal_alpha: float = setting(0.25, "Focal loss, one class: share of the foreground.", above=0, high=0.999)
    tversky_alpha: float = setting(0.3, "Tversky loss: cost of a wrongly found pixel.", above=0, high=10)
    tversky_beta: float = setting(0.7, "Tversky loss: cost of a missed pixel.", above=0, high=10)
    class_weights: str = setting("none", "How much each class counts.", choices=CLASS_WEIGHTS)
    clip_norm: float = setting(0.0, "Longest gradient (L2 norm), longer ones are cut; 0 = any.", low=0, high=1000)
    ema_decay: float = setting(0.0, "Decay of the averaged weights in each step, 0 = no average.", low=0, high=0.9999)
    patience: int = setting(0, "Epochs without a better one before training ends, 0 = never.", low=0, high=100_000)
    augment: str = setting("flips", "Random changes of the crops.", choices=AUGMENTATIONS)
    seed: int = setting(0, "Where all randomness starts: split, weights, order, crops.", low=0, high=2**31 - 1)
    device: str = setting("auto", "What computes.", choices=DEVICES)
    precision: str = setting("auto", "Number format of the forward pass.", choices=PRECISIONS)
    init: str = setting("", "Model to fine-tune: a run, a checkpoint folder or a Hub id; the net is then its own.")
    tensorboard: bool = setting(False, "Whether TensorBoard's event files are written beside the run's own.")
    series: str = setting("", "Name of the comparison that the run belongs to, if any.")
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
