"""The settings of a run: what a model is, where its data are, how it learns.

Menus, the command line and the error messages are made from the fields below; there is no second list of options.
Names that stand for functions (`LOSSES`, `AUGMENTATIONS`, ...) are listed here with their sentence, because this
module is read by pages that must not import torch; a contract test holds them equal to the registries' keys.
"""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, get_type_hints

from unet_core.config.choices import (
    ACTIVATIONS,
    AUGMENTATIONS,
    CLASS_WEIGHTS,
    DEVICES,
    DOWNS,
    LAYOUTS,
    LOSSES,
    NORMALIZATIONS,
    NORMS,
    OPTIMIZERS,
    ORDERS,
    PADDINGS,
    PRECISIONS,
    SCHEDULES,
    UPS,
)
from unet_core.config.fields import Field, Settings, current_name, field, fields_of, unknown_setting
from unet_core.errors import ConfigError


@dataclass(frozen=True)
class ModelConfig(Settings):
    """All that prediction needs to know of a model; it travels with the weights, so no path and no name is in it."""

    in_channels: int = field(0, "Channels of the input image: 1 gray, 3 RGB, 0 = found from the data.", low=0, high=3)
    num_classes: int = field(0, "Output classes: 1 is binary, 0 = found from the masks.", low=0, high=254)
    base_channels: int = field(16, "Channels of the first encoder block, doubled at each level.", low=1, high=256)
    depth: int = field(4, "Number of down-samplings by 2.", low=1, high=8)
    convs_per_block: int = field(2, "3x3 convolutions in a block.", low=1, high=8)
    bottleneck_convs: int = field(0, "3x3 convolutions in the deepest block, 0 = as in the others.", low=0, high=8)
    norm: str = field("batch", "Normalization of the feature maps.", choices=NORMS)
    order: str = field("conv_norm_act", "Order of the layers in a block.", choices=ORDERS)
    activation: str = field("relu", "Non-linearity.", choices=ACTIVATIONS)
    down: str = field("maxpool", "How a level goes to half its size.", choices=DOWNS)
    up: str = field("transposed", "How a level goes to twice its size.", choices=UPS)
    padding: str = field("same", "What happens at the edges.", choices=PADDINGS)
    head_kernel: int = field(1, "Side of the last convolution: 1 or 3.", low=1, high=3)
    dropout: float = field(0.0, "Share of channels dropped behind the two deepest blocks.", low=0, high=0.9)
    deep_supervision: bool = field(False, "Whether each level of the decoder is trained to give the mask.")
    image_size: int = field(128, "Side in pixels of the square crops it is trained on.", low=8, high=4096)
    normalization: str = field("zscore", "How pixel values are scaled before the net.", choices=NORMALIZATIONS)
    threshold: float = field(0.5, "Probability above which a pixel is foreground (binary).", above=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.in_channels == 2:
            raise ConfigError("Expected in_channels to be 1 (gray), 3 (RGB) or 0 (found from the data), got 2.")
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

    root: str = field("", "Folder of the dataset.")
    layout: str = field("auto", "How images and masks lie in the folder.", choices=LAYOUTS)
    val_fraction: float = field(0.2, "Share of images held back to choose the best epoch.", low=0, high=0.9)
    test_fraction: float = field(0.0, "Share of images held back and never looked at in training.", low=0, high=0.9)
    ignore_index: int | None = field(None, "Mask value that counts in no loss and no score.", low=0, high=255)
    color_map: str = field("", 'Mask colors in class order, "0,0,0;255,0,0" or a file of them; empty = found.')
    cache_mb: int = field(4096, "Memory in MiB for decoded images; what does not fit is read again.", low=0)

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

    epochs: int = field(15, "Rounds over the training images.", low=1, high=100_000)
    batch_size: int = field(16, "Crops in one step.", low=1, high=4096)
    crops_per_image: int = field(0, "Crops of each image in an epoch, 0 = to cover it, 1 to 4.", low=0, high=1024)
    lr: float = field(0.005, "Peak learning rate of the schedule.", above=0, high=10)
    weight_decay: float = field(0.01, "Weight decay; in AdamW decoupled from the gradient.", low=0, high=10)
    optimizer: str = field("adamw", "How a gradient becomes a step.", choices=OPTIMIZERS)
    schedule: str = field("one_cycle", "How the learning rate changes.", choices=SCHEDULES)
    plateau_patience: int = field(5, "Epochs without a better one before plateau halves the rate.", low=1, high=1000)
    loss: str = field("auto", "What is minimized.", choices=LOSSES)
    focal_gamma: float = field(2.0, "Focal loss: how little a pixel counts that is right.", low=0, high=10)
    focal_alpha: float = field(0.25, "Focal loss, one class: share of the foreground.", above=0, high=0.999)
    tversky_alpha: float = field(0.3, "Tversky loss: cost of a wrongly found pixel.", above=0, high=10)
    tversky_beta: float = field(0.7, "Tversky loss: cost of a missed pixel.", above=0, high=10)
    class_weights: str = field("none", "How much each class counts.", choices=CLASS_WEIGHTS)
    clip_norm: float = field(0.0, "Longest gradient (L2 norm), longer ones are cut; 0 = any.", low=0, high=1000)
    ema_decay: float = field(0.0, "Decay of the averaged weights in each step, 0 = no average.", low=0, high=0.9999)
    patience: int = field(0, "Epochs without a better one before training ends, 0 = never.", low=0, high=100_000)
    augment: str = field("flips", "Random changes of the crops.", choices=AUGMENTATIONS)
    seed: int = field(0, "Where all randomness starts: split, weights, order, crops.", low=0, high=2**31 - 1)
    device: str = field("auto", "What computes.", choices=DEVICES)
    precision: str = field("auto", "Number format of the forward pass.", choices=PRECISIONS)
    init: str = field("", "Model to fine-tune: a run, a checkpoint folder or a Hub id; the net is then its own.")
    tensorboard: bool = field(False, "Whether TensorBoard's event files are written beside the run's own.")
    series: str = field("", "Name of the comparison that the run belongs to, if any.")
    threads: int = field(0, "Processor threads of the trainer, 0 = all cores but one.", low=0, high=1024)


@dataclass(frozen=True)
class RunConfig(Settings):
    """Everything that defines a run; `config.json` of the run directory."""

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    train: TrainConfig = dataclasses.field(default_factory=TrainConfig)

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
        section_of = {option.name: option.section for option in all_fields()}
        by_section: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            key = current_name(name)
            if key not in section_of:
                raise unknown_setting(name, list(section_of))
            by_section.setdefault(section_of[key], {})[key] = value
        sections = {name: dataclasses.replace(getattr(self, name), **values) for name, values in by_section.items()}
        return dataclasses.replace(self, **sections)


def all_fields() -> Iterator[Field]:
    """Every single setting of a RunConfig, section by section."""
    for section, cls in get_type_hints(RunConfig).items():
        yield from fields_of(section, cls)
