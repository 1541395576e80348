"""What speaks against a set of settings on a dataset, in sentences; nothing here forbids anything. No torch."""

from collections.abc import Iterator

from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.data.augmentation import AUGMENTATIONS
from unet_core.data.fingerprint import Fingerprint
from unet_core.errors import listing
from unet_core.models import architecture
from unet_core.models.layers import NORMS
from unet_core.planning.planner import UPRIGHT

FEW_VALIDATE = 5
FEW_STEPS = 100
TOUCHING = 2.0  # pixels between objects at which masks grow together


def check_settings(
    config: RunConfig, data: Fingerprint, train_images: int, val_images: int, steps: int, crops: int
) -> Iterator[str]:
    """Sentences about the settings, the most harmful first. `steps` and `crops` are those of an epoch."""
    yield from _sizes(config, data)
    yield from _batches(config, steps, crops)
    if val_images == 0:
        yield "No image is held back for validation: no score tells how good the model is. Raise val_fraction."
    elif val_images < FEW_VALIDATE:
        yield (
            f"Only {_counted(val_images, 'image')} of {train_images + val_images} choose the best epoch: the score "
            "will hang on them. More images, or a larger val_fraction, make it steadier."
        )
    if data.upright >= UPRIGHT and AUGMENTATIONS[config.train.augment].flips_vertically:
        yield (
            f"The classes at the top of the images are others than at the bottom, and augment {config.train.augment!r} "
            "turns images upside down; 'street' only mirrors left and right."
        )


def _sizes(config: RunConfig, data: Fingerprint) -> Iterator[str]:
    model, large, median = config.model, data.object_diameter_high, data.object_diameter
    sees = architecture.receptive_field(_known(config))
    if large is not None and median is not None:
        sizes = f"half of your objects are over {median:.0f} px wide, one in ten over {large:.0f}"
        if sees < median:
            yield f"Your objects are {median:.0f} px wide, this net sees {sees} px: never a whole one. Raise depth."
        elif sees < large:
            yield f"This net sees {sees} px, {sizes}: the large ones are not seen whole. Raise depth."
        if model.image_size < large:
            yield (
                f"Crops are {model.image_size} px wide, {sizes}: many crops hold no whole object. Raise image_size "
                "if there is memory."
            )
    shorter = min(data.height, data.width)
    if shorter and model.image_size > 1.5 * shorter:
        yield (
            f"Crops are {model.image_size} px wide, the images {data.width} x {data.height} px: the rest is mirrored "
            "and takes time for nothing. Lower image_size."
        )
    if data.object_gap is not None and data.object_gap <= TOUCHING:
        yield (
            f"Half of the objects lie within {data.object_gap:.0f} px of the next one of their class: their masks will "
            "grow together. To count them, split the masks after prediction."
        )


def _batches(config: RunConfig, steps: int, crops: int) -> Iterator[str]:
    batch = config.train.batch_size
    if batch < NORMS[config.model.norm].min_batch:
        yield (
            f"Batch norm estimates mean and spread from {_counted(batch, 'crop')} at a time (batch_size): too few. "
            "Take batch_size 4 or more, or norm 'group'."
        )
    if batch > crops:
        yield f"batch_size is {batch}, but an epoch has only {_counted(crops, 'crop')}: each step takes them all."
    total = steps * config.train.epochs
    if total < FEW_STEPS:
        yield (
            f"{_counted(total, 'step')} in all ({steps} an epoch) are few; several hundred are usual. More epochs, "
            "more crops_per_image or a smaller batch_size make more."
        )


def _known(config: RunConfig) -> ModelConfig:
    """The model with channels and classes set; what it sees depends on neither."""
    model = config.model
    return config.replace(in_channels=model.in_channels or 3, num_classes=model.num_classes or 1).model


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def classes_missing(train: set[int], val: set[int], classes: int, looked_at: int) -> Iterator[str]:
    """Sentences about classes that no image looked at holds; `train`, `val` are the indices that were found."""
    wanted = set(range(classes))
    if absent := sorted(wanted - train):
        yield (
            f"{_named(absent)} in none of the {_counted(looked_at, 'training image')} looked at: what is never "
            "shown is not learned."
        )
    if val and (unscored := sorted(train - val)):
        yield f"{_named(unscored)} in no validation image looked at, so that its score may stay unknown."


def _named(classes: list[int]) -> str:
    names = listing([str(label) for label in classes])
    return f"Class {names} is" if len(classes) == 1 else f"Classes {names} are"
