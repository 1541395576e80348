"""What a checkpoint tells of its training beside the weights: what the images were like, and what was scored."""

import math
from typing import Any

from unet_core import fingerprint, looks
from unet_core.data import Picture, Pictures
from unet_core.training import Training


def of_images(pictures: Pictures) -> dict[str, Any]:
    """`fingerprint` and `looks` of training images, from at most 64 spread over them; {} of none."""
    if not len(pictures):
        return {}
    count = min(looks.MOST, len(pictures))
    places = [number * len(pictures) // count for number in range(count)]

    def image_and_target(picture: Picture) -> tuple[Any, Any]:
        return picture.image, pictures.target(picture.raw_mask)

    usual = looks.usual(pictures[index].image for index in places)
    found = fingerprint.of(image_and_target(pictures[index]) for index in places)
    return {"fingerprint": found.to_dict(), "looks": usual.to_dict() if usual else None}


def of_best(training: Training) -> dict[str, Any]:
    """The scores of the best epoch so far; null where they are undefined."""
    return {
        "epoch": training.best_epoch,
        "batches": training.step,
        "val_dice": None if math.isnan(training.best_dice) else training.best_dice,
        "val_iou": None if math.isnan(training.best_iou) else training.best_iou,
    }
