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

from unet_core.config.channels import MOST_CHANNELS, parse_channels
from unet_core.config.choices import (
    ACTIVATIONS,
    AUGMENTATIONS,
    CLASS_WEIGHTS,
    DEVICES,
    DOWNS,
    ENCODERS,
    GROUPINGS,
    LABELS,
    LAYOUTS,
    LOSSES,
    NORMALIZATIONS,
    NORMS,
    OPTIMIZERS,
    ORDERS,
    PADDINGS,
    PRECISIONS,
    SCHEDULES,
    UNLABELED,
    UPS,
)
from unet_core.config.encoder import check_encoder
from unet_core.config.fields import Field, Settings, current_name, field, fields_of, unknown_setting
from unet_core.errors import ConfigError


@dataclass(frozen=True)
class ModelConfig(Settings):
    """Everything that prediction needs to know about a model. It is saved with the weights: no paths.

    `channels` is here and not in the data's settings, since an image to predict must give the same ones.
    """

    in_channels: int = field(
        0, "Input channels: 1 = grayscale, 3 = RGB, 0 = detected from the images.", ge=0, le=MOST_CHANNELS
    )
    channels: str = field(
        "", 'Channels of the image files to use, by number from 0 or by name, as in "0,2" or "DAPI,GFP"; empty = all.'
    )
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
    encoder: str = field(
        "plain",
        "Encoder; one other than plain needs depth 5 and up nearest, and base_channels are the decoder's.",
        choices=ENCODERS,
    )
    padding: str = field("same", "Padding of the convolutions.", choices=PADDINGS)
    head_kernel: int = field(1, "Kernel size of the output convolution: 1 or 3.", ge=1, le=3)
    dropout: float = field(0.0, "Dropout rate of the channels after the two deepest blocks.", ge=0, le=0.9)
    deep_supervision: bool = field(False, "Deep supervision: apply the loss at every level of the decoder.")
    image_size: int = field(128, "Side of the square training crops in pixels.", ge=8, le=4096)
    normalization: str = field("zscore", "Intensity normalization of the input image.", choices=NORMALIZATIONS)
    class_names: str = field(
        "", "Names of the classes in order, the background's first, with commas between; empty = from the dataset."
    )
    threshold: float = field(0.5, "Probability above which a pixel is foreground (binary models).", gt=0, le=1)
    # Found from the training images and saved, but no settings: how many channels the files had, and the names of those
    # that the model takes, by which `models.channels` takes the same ones of an image to predict.
    source_channels: tuple[int, ...] = ()
    channel_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the classes in order; () where none are known."""
        return tuple(name.strip() for name in self.class_names.split(",")) if self.class_names.strip() else ()

    def class_name(self, index: int) -> str:
        """The name of a class; "foreground" of an unnamed binary one, else "class 3"."""
        if index < len(self.names):
            return self.names[index]
        return "foreground" if self.num_classes == 1 else f"class {index}"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_classes and self.names and len(self.names) != max(2, self.num_classes):
            raise ConfigError(
                f"class_names has {len(self.names)} names, but there are {max(2, self.num_classes)} classes with the "
                "background. Name each class once, with commas between."
            )
        self._check_channels()
        check_encoder(self.to_dict())
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

    def _check_channels(self) -> None:
        entries = parse_channels(self.channels)
        for name, kind in (("source_channels", int), ("channel_names", str)):
            values = getattr(self, name)
            if not isinstance(values, list | tuple) or not all(type(value) is kind for value in values):
                raise ConfigError(f"Expected {name} to be a list of {kind.__name__}, got {values!r}.")
            object.__setattr__(self, name, tuple(values))  # JSON has lists
        if len(self.channel_names) not in (0, self.in_channels):
            raise ConfigError(
                f"Expected channel_names to name the {self.in_channels} input channels, got {self.channel_names!r}."
            )
        fits = (len(entries), self.in_channels) == (1, 3)  # gray, repeated
        if entries and self.in_channels not in (0, len(entries)) and not fits:
            raise ConfigError(
                f"channels {self.channels!r} names {len(entries)} of them, but in_channels is {self.in_channels}. "
                f"Set in_channels to {len(entries)}, or to 0 (detected)."
            )

    def channels_or(self, default: int) -> int:
        """Input channels as far as the settings alone say it, else `default`.

        >>> ModelConfig(channels="0,3").channels_or(3)
        2
        """
        return self.in_channels or len(parse_channels(self.channels)) or default


@dataclass(frozen=True)
class DataConfig(Settings):
    """Where the dataset is, how it is read and how it is split."""

    root: str = field("", "Dataset folder.")
    layout: str = field("auto", "Folder layout of the dataset.", choices=LAYOUTS)
    unlabeled: str = field("ask", "Images without a mask in a folder where others have one.", choices=UNLABELED)
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
    labels: str = field("auto", "What the values in masks stand for.", choices=LABELS)
    separate_touching: bool = field(
        False, "Train touching objects apart: where masks number objects, the pixels between two become background."
    )
    recipe: str = field(
        "auto",
        "Repairs of the dataset: auto = those of the studio.json beside the images, none, or the path of such a file.",
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
    expected = f"Expected group_by to be one of {', '.join(GROUPINGS)} or a regular expression with a group"
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise ConfigError(f"{expected}, got {text!r}, which is no regular expression ({error}).") from error
    if not groups:
        raise ConfigError(
            f"{expected}, got {text!r}, which has no group. Put parentheses around what names the group, "
            'such as "^(mouse[0-9]+)_".'
        )


def all_fields() -> Iterator[Field]:
    """Every setting of a RunConfig, section by section."""
    for section, cls in get_type_hints(RunConfig).items():
        yield from fields_of(section, cls)
