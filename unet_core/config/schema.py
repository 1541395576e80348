"""The settings of a run: the model, its data, its training.

The forms, the command line and the error messages are generated from the fields below; there is no second list.
Names that stand for functions (`LOSSES`, `AUGMENTATIONS`, ...) are listed in `choices`, because pages import this
module and must not import torch; a contract test keeps them equal to the keys of the registries.
"""

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, get_type_hints

from unet_core.config.choices import (
    ACTIVATIONS,
    AUGMENTATIONS,
    CLASS_WEIGHTS,
    DEVICES,
    DOWNS,
    GROUPINGS,
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
    """Everything that prediction needs to know about a model. It is saved with the weights: no paths, no names."""

    in_channels: int = field(0, "Input channels: 1 = grayscale, 3 = RGB, 0 = detected from the images.", ge=0, le=3)
    num_classes: int = field(0, "Number of classes: 1 = binary, 0 = detected from the masks.", ge=0, le=254)
    base_channels: int = field(16, "Channels of the first encoder level, doubled at each level below.", ge=1, le=256)
    depth: int = field(4, "Number of downsampling levels.", ge=1, le=8)
    convs_per_block: int = field(2, "Number of 3x3 convolutions per block.", ge=1, le=8)
    bottleneck_convs: int = field(0, "Number of 3x3 convolutions in the bottleneck, 0 = as in a block.", ge=0, le=8)
    norm: str = field("batch", "Normalization layer.", choices=NORMS)
    order: str = field("conv_norm_act", "Order of the layers in a block.", choices=ORDERS)
    activation: str = field("relu", "Activation function.", choices=ACTIVATIONS)
    down: str = field("maxpool", "Downsampling layer.", choices=DOWNS)
    up: str = field("transposed", "Upsampling layer.", choices=UPS)
    padding: str = field("same", "Padding of the convolutions.", choices=PADDINGS)
    head_kernel: int = field(1, "Kernel size of the output convolution: 1 or 3.", ge=1, le=3)
    dropout: float = field(0.0, "Dropout rate of the channels after the two deepest blocks.", ge=0, le=0.9)
    deep_supervision: bool = field(False, "Deep supervision: apply the loss at every level of the decoder.")
    image_size: int = field(128, "Side of the square training crops in pixels.", ge=8, le=4096)
    normalization: str = field("zscore", "Intensity normalization of the input image.", choices=NORMALIZATIONS)
    threshold: float = field(0.5, "Probability above which a pixel is foreground (binary models).", gt=0, le=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.in_channels == 2:
            raise ConfigError("Expected in_channels to be 1 (gray), 3 (RGB) or 0 (detected from the images), got 2.")
        if self.head_kernel == 2:
            raise ConfigError("Expected head_kernel to be 1 or 3, got 2.")
        if self.deep_supervision and self.padding == "valid":
            raise ConfigError(
                "deep_supervision needs padding 'same': with unpadded convolutions the decoder levels do not align."
            )
        if self.image_size < 2 ** (self.depth + 1):
            raise ConfigError(
                f"image_size {self.image_size} is too small for depth {self.depth}: the deepest level would be less "
                f"than 2 pixels wide. Use image_size {2 ** (self.depth + 1)} or more, or a smaller depth."
            )


@dataclass(frozen=True)
class DataConfig(Settings):
    """Where the dataset is, how it is read and how it is split."""

    root: str = field("", "Dataset folder.")
    layout: str = field("auto", "Folder layout of the dataset.", choices=LAYOUTS)
    val_fraction: float = field(0.2, "Fraction of images for validation, used to select the best epoch.", ge=0, le=0.9)
    test_fraction: float = field(0.0, "Fraction of images held out for testing, never used in training.", ge=0, le=0.9)
    split_seed: int = field(
        0,
        "Random seed of the split, apart from that of the training: all seeds score the same images.",
        ge=0,
        le=2**31 - 1,
    )
    group_by: str = field(
        "auto",
        "Images to keep together in one part of the split: auto (patients, stacks, frames, tiles of one image), none, "
        'folder, or a regular expression whose first group in the image id names it, such as "^(mouse[0-9]+)_".',
    )
    ignore_index: int | None = field(None, "Mask value to ignore in the loss and the metrics.", ge=0, le=255)
    color_map: str = field(
        "", 'Mask colors in class order, "0,0,0;255,0,0" or a file that lists them; empty = detected from the masks.'
    )
    cache_mb: int = field(4096, "Memory for decoded images in MiB; images beyond it are read again each epoch.", ge=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val_fraction + self.test_fraction > 0.9:
            raise ConfigError(
                f"val_fraction {self.val_fraction:g} + test_fraction {self.test_fraction:g} leave less than a tenth of "
                "the images for training. Lower one of them."
            )
        if self.group_by not in GROUPINGS:
            _check_pattern(self.group_by)


@dataclass(frozen=True)
class TrainConfig(Settings):
    """How the model is trained."""

    epochs: int = field(15, "Passes over the training set.", ge=1, le=100_000)
    batch_size: int = field(16, "Crops per optimizer step.", ge=1, le=4096)
    crops_per_image: int = field(0, "Crops per image and epoch, 0 = as many as cover it (1 to 4).", ge=0, le=1024)
    lr: float = field(0.005, "Peak learning rate.", gt=0, le=10)
    weight_decay: float = field(0.01, "Weight decay (decoupled in AdamW).", ge=0, le=10)
    optimizer: str = field("adamw", "Optimizer.", choices=OPTIMIZERS)
    schedule: str = field("one_cycle", "Learning rate schedule.", choices=SCHEDULES)
    plateau_patience: int = field(
        5, "Epochs without improvement before the plateau schedule halves the learning rate.", ge=1, le=1000
    )
    loss: str = field("auto", "Loss function.", choices=LOSSES)
    focal_gamma: float = field(2.0, "Gamma of the focal loss: higher = less weight on easy pixels.", ge=0, le=10)
    focal_alpha: float = field(0.25, "Alpha of the focal loss: weight of the foreground (binary).", gt=0, le=0.999)
    tversky_alpha: float = field(0.3, "Alpha of the Tversky loss: weight of false positives.", gt=0, le=10)
    tversky_beta: float = field(0.7, "Beta of the Tversky loss: weight of false negatives.", gt=0, le=10)
    class_weights: str = field("none", "Class weights in the loss.", choices=CLASS_WEIGHTS)
    clip_norm: float = field(0.0, "Gradient clipping (max L2 norm), 0 = off.", ge=0, le=1000)
    ema_decay: float = field(0.0, "Decay of the exponential moving average of the weights, 0 = off.", ge=0, le=0.9999)
    patience: int = field(
        0, "Early stopping: epochs without improvement before training stops, 0 = off.", ge=0, le=100_000
    )
    augment: str = field("flips", "Data augmentation.", choices=AUGMENTATIONS)
    seed: int = field(0, "Random seed of the initial weights, the order and the crops.", ge=0, le=2**31 - 1)
    device: str = field("auto", "Compute device.", choices=DEVICES)
    precision: str = field("auto", "Numerical precision of the forward pass.", choices=PRECISIONS)
    init: str = field("", "Model to fine-tune: run, checkpoint folder or Hub id. It determines the architecture.")
    tensorboard: bool = field(False, "Write TensorBoard logs to the run folder.")
    series: str = field("", "Name of the sweep or comparison that the run belongs to.")
    threads: int = field(0, "CPU threads for training, 0 = all cores but one.", ge=0, le=1024)


@dataclass(frozen=True)
class RunConfig(Settings):
    """All settings of a run, saved as `config.json` in its directory."""

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
            raise ConfigError(f"config.json is not valid JSON: {error}.") from error
        return cls.from_dict(_with_split(values))

    def replace(self, **changes: Any) -> Self:
        """A copy with settings changed, named without their section: `replace(epochs=3, depth=2)`.

        Raises ConfigError for a name that is not a setting and for a value that is not allowed.
        """
        section_of = {option.name: option.section for option in all_fields()}
        by_section: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            key = current_name(name)
            if key not in section_of:
                raise unknown_setting(name, list(section_of))
            by_section.setdefault(section_of[key], {})[key] = value
        sections = {name: dataclasses.replace(getattr(self, name), **values) for name, values in by_section.items()}
        return dataclasses.replace(self, **sections)


def _with_split(values: Any) -> Any:
    """The settings of an older release with those of its split: drawn by the seed of the training, without groups."""
    data, train = (values.get(name) for name in ("data", "train")) if isinstance(values, dict) else (None, None)
    if not isinstance(data, dict) or not isinstance(train, dict) or "split_seed" in data or "val_fraction" not in data:
        return values
    return values | {"data": data | {"split_seed": train.get("seed", 0), "group_by": "none"}}


def _check_pattern(text: str) -> None:
    """Raise ConfigError unless `text` is a regular expression with a group."""
    known = f"Expected group_by to be one of {', '.join(GROUPINGS)} or a regular expression with a group"
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ConfigError(f"{known}, got {text!r}, which is no regular expression ({error}).") from error
    if not groups:
        raise ConfigError(
            f"{known}, got {text!r}, which has no group. Put parentheses around what names the group, "
            'such as "^(mouse[0-9]+)_".'
        )


def all_fields() -> Iterator[Field]:
    """Every setting of a RunConfig, section by section."""
    for section, cls in get_type_hints(RunConfig).items():
        yield from fields_of(section, cls)
