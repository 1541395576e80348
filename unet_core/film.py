"""The learning film: a few validation images with their masks as they were predicted after each epoch, kept small.

    film/0-image.png, 0-truth.png     a probe and its true mask, class indices, 255 where a pixel does not count
    film/0001-0.png                   its mask after epoch 1
    film/0001.json                    the Dice of each probe after epoch 1, null where it is undefined

Reading needs no torch: pages show the film while the trainer writes it.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core import images, metrics
from unet_core.errors import ImageError

if TYPE_CHECKING:
    from unet_core.data import Pictures

PROBES = 4
SIDE = 320  # pixels; a larger picture is reduced to it

Array = NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One probe at one epoch: image (H, W, 1 or 3), truth and pred (H, W) class indices, its Dice or None."""

    image: Array
    truth: Array
    pred: Array
    dice: float | None


def probes(pictures: "Pictures") -> list[int]:
    """Which validation images are shown: spread evenly over them."""
    count = min(PROBES, len(pictures))
    return [round(index * (len(pictures) - 1) / max(1, count - 1)) for index in range(count)]


def shoot(folder: Path, epoch: int, mask_of: Callable[[images.Pixels], Array], pictures: "Pictures") -> None:
    """Predict the probes with the net as it is and keep their masks. Raises OSError on a full disk."""
    folder.mkdir(exist_ok=True)
    scores = []
    for number, index in enumerate(probes(pictures)):
        picture = pictures[index]
        truth = pictures.target(picture.raw_mask)
        if not (folder / f"{number}-truth.png").exists():
            _write(folder / f"{number}-image.png", images.for_display(picture.image), cv2.INTER_AREA)
            _write(folder / f"{number}-truth.png", truth, cv2.INTER_NEAREST)
        pred = mask_of(picture.image)
        _write(folder / f"{epoch:04}-{number}.png", pred, cv2.INTER_NEAREST)
        dice = metrics.scores(metrics.count(pred, truth, pictures.model.num_classes))["dice"]
        scores.append(None if math.isnan(dice) else dice)
    fresh = folder / f"{epoch:04}.new"
    fresh.write_text(json.dumps({"dice": scores}))
    fresh.replace(folder / f"{epoch:04}.json")  # last: an epoch that has it is complete


def epochs(folder: Path) -> list[int]:
    """The epochs that are complete, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.json")) if folder.is_dir() else []


def frames(folder: Path, epoch: int) -> list[Frame]:
    """The probes at an epoch; those that cannot be read are left out."""
    found = []
    try:
        scores = json.loads((folder / f"{epoch:04}.json").read_text())["dice"]
    except (OSError, ValueError, KeyError):
        return []
    for number, dice in enumerate(scores):
        try:
            image = images.read(folder / f"{number}-image.png")
            truth = images.read_mask(folder / f"{number}-truth.png")
            pred = images.read_mask(folder / f"{epoch:04}-{number}.png")
        except ImageError:
            continue
        found.append(Frame(image, truth.astype(np.uint8), pred.astype(np.uint8), dice))
    return found


def _write(path: Path, pixels: Array, how: int) -> None:
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    if scale < 1:
        height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
    fresh = path.with_suffix(".part")
    flat = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    fresh.write_bytes(images.encode_png(flat))
    fresh.replace(path)
