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
    AUGMENTATIONS,
    CLASS_WEIGHTS,
    DEVICES,
    GROUPINGS,
    LABELS,
    LAYOUTS,
    LOSSES,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    UNLABELED,
)
from unet_core.config.fields import Field, Settings, current_name, field, fields_of, unknown_setting
from unet_core.config.model import ModelConfig as ModelConfig
from unet_core.errors import ConfigError


@dataclass(frozen=True)
class DataConfig(Settings):
    """Where the dataset is, how it is read and how it is split."""

    root: str = field("", "Dataset folder.", label="Dataset folder")
    layout: str = field("auto", "Folder layout of the dataset.", choices=LAYOUTS, label="Folder layout")
    unlabeled: str = field(
        "ask",
        "Images without a mask in a folder where others have one.",
        choices=UNLABELED,
        label="Images without a mask",
    )
    val_fraction: float = field(
        0.2, "Fraction of images for validation, used to select the best epoch.", ge=0, le=0.9, label="Validation share"
    )
    test_fraction: float = field(
        0.0, "Fraction of images held out for testing, never used in training.", ge=0, le=0.9, label="Test share"
    )
    split_seed: int = field(
        0,
        "Random seed of the split, apart from that of the training: all seeds score the same images.",
        ge=0,
        le=2**31 - 1,
        label="Split seed",
    )
    folds: int = field(
        0,
        "Folds of a cross-validation, 0 = off: every image validates in one of as many runs, see cross-validate.",
        ge=0,
        le=20,
        label="Folds (cross-validation)",
        zero="Off",
    )
    fold: int = field(1, "Fold that validates in this run; the others train.", ge=1, le=20, label="Fold to validate on")
    train_share: float = field(
        1.0,
        "Share of the training images to train on; smaller shares lie within larger ones, see learning-curve.",
        gt=0,
        le=1,
        label="Share of training images",
    )
    group_by: str = field(
        "auto",
        "Images to keep together in one part of the split: auto (patients, stacks, frames, tiles of one image), none, "
        'folder, or a regular expression whose first group in the image id names it, such as "^(mouse[0-9]+)_".',
        label="Group images by",
    )
    hold_out: str = field(
        "",
        "Kind of images that only tests: a regular expression that is found in their ids (folders and name), such as "
        '"^plate3/"; empty = none.',
        label="Hold out a kind of images",
        zero="None",
    )
    ignore_index: int | None = field(
        None, "Mask value to ignore in the loss and the metrics.", ge=0, le=255, label="Ignored mask value", zero="None"
    )
    color_map: str = field(
        "",
        'Mask colors in class order, "0,0,0;255,0,0" or a file that lists them; empty = detected from the masks.',
        label="Mask colors",
        zero="Auto",
    )
    labels: str = field("auto", "What the values in masks stand for.", choices=LABELS, label="Labels (mask values)")
    separate_touching: bool = field(
        False,
        "Train touching objects apart: where masks number objects, the pixels between two become background.",
        label="Separate touching objects",
    )
    recipe: str = field(
        "auto",
        "Repairs of the dataset: auto = those of the studio.json beside the images, none, or the path of such a file.",
        label="Repairs",
    )
    cache_mb: int = field(
        4096,
        "Memory for decoded images in MiB; images beyond it are read again each epoch.",
        ge=0,
        label="Image cache (MiB)",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val_fraction + self.test_fraction > 0.9:
            raise ConfigError(
                f"val_fraction {self.val_fraction:g} + test_fraction {self.test_fraction:g} leave less than a tenth of "
                "the images for training. Lower one of them."
            )
        if self.folds == 1 or self.fold > self.folds > 0:
            raise ConfigError(
                f"Expected folds to be 0 (off) or 2 to 20, and fold at most as large, got {self.folds} and {self.fold}."
            )
        if self.group_by not in GROUPINGS:
            _check_pattern(self.group_by)
        try:
            re.compile(self.hold_out)
        except re.error as error:
            raise ConfigError(
                f"Expected hold_out to be a regular expression, got {self.hold_out!r}, which is not one ({error})."
            ) from error


@dataclass(frozen=True)
class TrainConfig(Settings):
    """How the model is trained."""

    epochs: int = field(15, "Passes over the training set.", ge=1, le=100_000, label="Epochs")
    batch_size: int = field(16, "Crops per optimizer step.", ge=1, le=4096, label="Batch size (crops)")
    crops_per_image: int = field(
        0,
        "Crops per image and epoch, 0 = as many as cover it (1 to 4).",
        ge=0,
        le=1024,
        label="Crops per image",
        zero="Auto",
    )
    lr: float = field(0.005, "Peak learning rate.", gt=0, le=10, label="Learning rate")
    weight_decay: float = field(0.01, "Weight decay (decoupled in AdamW).", ge=0, le=10, label="Weight decay")
    optimizer: str = field("adamw", "Optimizer.", choices=OPTIMIZERS, label="Optimizer")
    schedule: str = field("one_cycle", "Learning rate schedule.", choices=SCHEDULES, label="Learning rate schedule")
    plateau_patience: int = field(
        5,
        "Epochs without improvement before the plateau schedule halves the learning rate.",
        ge=1,
        le=1000,
        label="Plateau patience (epochs)",
    )
    loss: str = field("auto", "Loss function.", choices=LOSSES, label="Loss function")
    focal_gamma: float = field(
        2.0, "Gamma of the focal loss: higher = less weight on easy pixels.", ge=0, le=10, label="Focal gamma"
    )
    focal_alpha: float = field(
        0.25, "Alpha of the focal loss: weight of the foreground (binary).", gt=0, le=0.999, label="Focal alpha"
    )
    tversky_alpha: float = field(
        0.3, "Alpha of the Tversky loss: weight of false positives.", gt=0, le=10, label="Tversky alpha"
    )
    tversky_beta: float = field(
        0.7, "Beta of the Tversky loss: weight of false negatives.", gt=0, le=10, label="Tversky beta"
    )
    class_weights: str = field("none", "Class weights in the loss.", choices=CLASS_WEIGHTS, label="Class weights")
    clip_norm: float = field(
        0.0, "Gradient clipping (max L2 norm), 0 = off.", ge=0, le=1000, label="Max gradient norm", zero="Off"
    )
    ema_decay: float = field(
        0.0,
        "Decay of the exponential moving average of the weights, 0 = off.",
        ge=0,
        le=0.9999,
        label="EMA decay",
        zero="Off",
    )
    patience: int = field(
        0,
        "Early stopping: epochs without improvement before training stops, 0 = off.",
        ge=0,
        le=100_000,
        label="Early stopping patience (epochs)",
        zero="Off",
    )
    augment: str = field("flips", "Data augmentation.", choices=AUGMENTATIONS, label="Augmentation")
    seed: int = field(
        0, "Random seed of the initial weights, the order and the crops.", ge=0, le=2**31 - 1, label="Random seed"
    )
    device: str = field("auto", "Compute device.", choices=DEVICES, label="Device")
    precision: str = field("auto", "Numerical precision of the forward pass.", choices=PRECISIONS, label="Precision")
    init: str = field(
        "",
        "Model to fine-tune: run, checkpoint folder or Hub id. It determines the architecture.",
        label="Fine-tune from",
        zero="None (train from scratch)",
    )
    tensorboard: bool = field(False, "Write TensorBoard logs to the run folder.", label="TensorBoard logs")
    series: str = field("", "Name of the sweep or comparison that the run belongs to.", label="Sweep")
    threads: int = field(
        0, "CPU threads for training, 0 = all cores but one.", ge=0, le=1024, label="CPU threads", zero="Auto"
    )


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
        raise ConfigError(f"{expected}, got {text!r}, which is not a regular expression ({error}).") from error
    if not groups:
        raise ConfigError(
            f"{expected}, got {text!r}, which has no group. Put parentheses around what names the group, "
            'such as "^(mouse[0-9]+)_".'
        )


def all_fields() -> Iterator[Field]:
    """Every setting of a RunConfig, section by section."""
    for section, cls in get_type_hints(RunConfig).items():
        yield from fields_of(section, cls)
