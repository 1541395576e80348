"""Warnings about settings that do not suit a dataset. Nothing here is an error; free of torch."""

from collections.abc import Iterator

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.augmentation import AUGMENTATIONS
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import listing
from unet_core.models import architecture
from unet_core.models.layers import NORMS
from unet_core.planning.planner import UPRIGHT

FEW_VAL_IMAGES = 5
FEW_STEPS = 100
TOUCHING = 2.0  # pixels between objects up to which their predicted masks merge


def check_settings(
    config: RunConfig, data: Fingerprint, train_images: int, val_images: int, steps: int, crops: int
) -> Iterator[str]:
    """Warnings about the settings, the most harmful first. `steps` and `crops` are per epoch."""
    yield from _sizes(config, data)
    yield from _batches(config, steps, crops)
    if val_images == 0:
        yield "There are no validation images, so the model cannot be evaluated during training. Increase val_fraction."
    elif val_images < FEW_VAL_IMAGES:
        yield (
            f"Only {_counted(val_images, 'image')} of {train_images + val_images} for validation: the validation score "
            "and the choice of the best epoch are unreliable. Add images or increase val_fraction."
        )
    if data.upright >= UPRIGHT and AUGMENTATIONS[config.train.augment].flips_vertically:
        yield (
            f"The top and bottom of the images contain different classes, but augment {config.train.augment!r} flips "
            "images vertically. Use 'street', which flips only horizontally."
        )


def _sizes(config: RunConfig, data: Fingerprint) -> Iterator[str]:
    model, large, median = config.model, data.object_diameter_high, data.object_diameter
    receptive_field = architecture.receptive_field(_resolved_model(config))
    if large is not None and median is not None:
        sizes = f"median {median:.0f} px, 90th percentile {large:.0f} px"
        if receptive_field < median:
            yield (
                f"The receptive field of {receptive_field} px is smaller than the median object ({sizes}). "
                "Increase depth."
            )
        elif receptive_field < large:
            yield (
                f"The receptive field of {receptive_field} px is smaller than large objects ({sizes}). Increase depth."
            )
        if model.image_size < large:
            yield (
                f"Crops of {model.image_size} px are smaller than large objects ({sizes}). Increase image_size if "
                "memory allows."
            )
    shorter = min(data.height, data.width)
    if shorter and model.image_size > 1.5 * shorter:
        yield (
            f"Crops of {model.image_size} px are larger than the images ({data.width} x {data.height} px): the rest is "
            "filled by mirroring. Decrease image_size."
        )
    if data.object_gap is not None and data.object_gap <= TOUCHING:
        yield (
            f"Half of the objects are within {data.object_gap:.0f} px of the next one of their class, so that their "
            "masks will merge. To count them, split touching objects after prediction."
        )


def _batches(config: RunConfig, steps: int, crops: int) -> Iterator[str]:
    batch = config.train.batch_size
    if batch < NORMS[config.model.norm].min_batch:
        yield (
            f"Batch normalization estimates its statistics from {_counted(batch, 'crop')} (batch_size), which is too "
            "few. Use batch_size 4 or more, or norm 'group'."
        )
    if batch > crops:
        yield f"batch_size is {batch}, but an epoch has only {_counted(crops, 'crop')}: each step uses all of them."
    total = steps * config.train.epochs
    if total < FEW_STEPS:
        yield (
            f"Only {_counted(total, 'step')} in total ({steps} per epoch); several hundred are usual. Increase epochs "
            "or crops_per_image, or decrease batch_size."
        )


def _resolved_model(config: RunConfig) -> ModelConfig:
    """The model with channels and classes set; its receptive field depends on neither."""
    model = config.model
    return config.replace(in_channels=model.channels_or(3), num_classes=model.num_classes or 1).model


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def check_classes(train: set[int], val: set[int], num_classes: int, train_images: int) -> Iterator[str]:
    """Warnings about classes that are in none of the images that were read.

    `train` and `val` are the class indices in their masks, `train_images` the number of training images.
    """
    if absent := sorted(set(range(num_classes)) - train):
        yield (
            f"{_named(absent)} in none of the {_counted(train_images, 'training image')} that were checked, and cannot "
            "be learned without examples."
        )
    if val and (unscored := sorted(train - val)):
        yield f"{_named(unscored)} in no validation image that was checked, and may get no validation score."


def _named(classes: list[int]) -> str:
    names = listing([str(label) for label in classes])
    return f"Class {names} is" if len(classes) == 1 else f"Classes {names} are"
