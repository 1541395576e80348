"""Snapshots: predictions of a few validation images (the probes) after each epoch, kept small.

    film/probes.json                  the ids of the images that are shown, the easiest after the first epoch first
    film/0-image.png, 0-truth.png     a probe and its ground truth, class indices, 255 where a pixel is ignored
    film/0001-0.png                   its prediction after epoch 1
    film/0001.json                    the Dice of each probe after epoch 1, null where it is undefined

Of a long run every second, fourth, ... epoch stays, at most MOST_EPOCHS. Reading needs no torch: pages show the
snapshots while the trainer writes them.
"""

import contextlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from unet_core import metrics
from unet_core.io.files import write_atomically
from unet_core.io.pixels import Pixels, encode_png, for_display

if TYPE_CHECKING:
    from unet_core.data.dataset import Dataset

PROBES = 6
OLD_PROBES = 4  # of the first release, spread over the validation images; it wrote no probes.json
SIDE = 320  # pixels; a larger image is reduced to it
MOST_EPOCHS = 512

Array = NDArray[np.uint8]


def choose(dices: Sequence[float], count: int = PROBES) -> list[int]:
    """Which images span easy to hard, by their Dice: quantiles of it, the best first; ties are spread over the images.

    Images whose Dice is undefined (NaN: nothing to find and nothing found) come last and only to make up the number.
    """
    defined = sorted((index for index, dice in enumerate(dices) if not math.isnan(dice)), key=lambda i: (-dices[i], i))
    undefined = [index for index, dice in enumerate(dices) if math.isnan(dice)]
    chosen = [defined[index] for index in _spread(len(defined), count)]
    return chosen + [undefined[index] for index in _spread(len(undefined), count - len(chosen))]


def _spread(length: int, count: int) -> list[int]:
    """Up to `count` of 0 .. length - 1, evenly, both ends among them."""
    count = min(count, length)
    return [round(index * (length - 1) / max(1, count - 1)) for index in range(count)]


def save_snapshots(
    folder: Path,
    epoch: int,
    mask_of: Callable[[Pixels], Array],
    dataset: "Dataset",
    dices: Sequence[float] = (),
) -> None:
    """Predict the probes with the current model and save the predictions. Raises OSError on a full disk.

    Args:
        folder: where to write; made if it is missing.
        epoch: the epoch that was finished, from 1.
        mask_of: predicts an image (H, W, C) as class indices (H, W).
        dataset: the validation images.
        dices: the Dice of each of them, NaN where it is undefined; the first time the probes are chosen by it.
    """
    folder.mkdir(exist_ok=True)
    indices = {sample.id: index for index, sample in enumerate(dataset.samples)}
    scores: list[float | None] = []
    for number, name in enumerate(_probes(folder, list(indices), dices)):
        scores.append(None)
        if name not in indices:
            continue  # the image was removed since
        example = dataset[indices[name]]
        truth = example.mask
        if not (folder / f"{truth_name(number)}.png").exists():
            _write(folder / f"{image_name(number)}.png", for_display(example.image), cv2.INTER_AREA)
            _write(folder / f"{truth_name(number)}.png", truth, cv2.INTER_NEAREST)
        pred = mask_of(example.image)
        _write(folder / f"{mask_name(epoch, number)}.png", pred, cv2.INTER_NEAREST)
        dice = metrics.scores(metrics.count(pred, truth, dataset.model.num_classes))["dice"]
        scores[-1] = None if math.isnan(dice) else dice
    write_atomically(_scores_path(folder, epoch), json.dumps({"dice": scores}))  # last: it makes an epoch complete
    _thin(folder, epoch, len(scores))


def epochs(folder: Path) -> list[int]:
    """The epochs that are complete, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.json") if path.stem.isdecimal()) if folder.is_dir() else []


def names(folder: Path) -> list[str]:
    """The ids of the probes; [] where they were not saved (release 0.1)."""
    try:
        return [str(name) for name in json.loads((folder / "probes.json").read_text(encoding="ascii"))["ids"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _probes(folder: Path, ids: list[str], dices: Sequence[float]) -> list[str]:
    """The ids of the probes: those that were chosen before, else chosen and saved now."""
    if chosen := names(folder):
        return chosen
    if epochs(folder):
        chosen = [ids[index] for index in _spread(len(ids), OLD_PROBES)]
    else:
        chosen = [ids[index] for index in choose(dices if len(dices) == len(ids) else [math.nan] * len(ids))]
    write_atomically(folder / "probes.json", json.dumps({"ids": chosen}))
    return chosen


def _thin(folder: Path, newest: int, probes: int) -> None:
    """Delete epochs that lie too close together: the first, the newest and each multiple of a power of 2 stay."""
    stride = 1
    while newest // stride >= MOST_EPOCHS:
        stride *= 2
    for epoch in epochs(folder) if stride > 1 else []:
        if epoch % stride and epoch not in (1, newest):
            _scores_path(folder, epoch).unlink(missing_ok=True)  # first: without it the epoch does not count
            for number in range(probes):
                with contextlib.suppress(OSError):
                    (folder / f"{mask_name(epoch, number)}.png").unlink()


def _write(path: Path, pixels: Array, how: int) -> None:
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    if scale < 1:
        height, width = (max(1, round(length * scale)) for length in pixels.shape[:2])
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=how), np.uint8)
    flat = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    write_atomically(path, encode_png(flat))


def read_scores(folder: Path, epoch: int) -> list[float | None] | None:
    """The Dice of each probe after an epoch, None where it is undefined; None for an epoch that cannot be read."""
    try:
        scores = json.loads(_scores_path(folder, epoch).read_bytes())["dice"]
        return [None if score is None else float(score) for score in scores]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def read_version(folder: Path, epoch: int) -> int:
    """A number that grows when the epoch is predicted again (microseconds); 0 where it is gone."""
    try:
        return _scores_path(folder, epoch).stat().st_mtime_ns // 1000
    except OSError:
        return 0


def read_png(folder: Path, name: str) -> bytes | None:
    """The PNG of that name (see `image_name`, `truth_name`, `mask_name`), None where it cannot be read."""
    try:
        return (folder / f"{name}.png").read_bytes()
    except OSError:
        return None


def image_name(number: int) -> str:
    """A probe's image."""
    return f"{number}-image"


def truth_name(number: int) -> str:
    """A probe's ground truth, class indices."""
    return f"{number}-truth"


def mask_name(epoch: int, number: int) -> str:
    """A probe's prediction after an epoch, class indices."""
    return f"{epoch:04}-{number}"


def _scores_path(folder: Path, epoch: int) -> Path:
    return folder / f"{epoch:04}.json"
