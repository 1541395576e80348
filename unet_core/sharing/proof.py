"""A run in one ZIP that can be checked: weights, settings, split, the score of each image, and a few images.

    ID/checkpoint/      the checkpoint folder
    ID/proof.json       what was scored, on what, with digests of images, masks and ground truths
    ID/scores.csv       the scores, for people
    ID/settings.json    the RunConfig, paths without their folders
    ID/mask_coding.json what mask values mean; ID/studio.json the repairs, where there are any
    ID/probes/N.png     images with what was predicted, N-mask.png (class indices)

`verify` reads it. Unlike a push it holds image names, and the probe images themselves unless they are left out.
"""

import json
import math
import platform
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import unet_core
from unet_core.data import reading
from unet_core.data.recipe.recipe import FILE
from unet_core.errors import RunError
from unet_core.evaluation.summary import summarize, to_csv
from unet_core.inference.predictor import Predictor, load_predictor
from unet_core.io import channels
from unet_core.io.files import replacement
from unet_core.io.pixels import encode_png
from unet_core.models import weight_file
from unet_core.models.checkpoint import usable
from unet_core.runs import manage
from unet_core.runs.run import Run
from unet_core.sharing.scoring import Measured, score_run

VERSION = 1
CHECKPOINT, PROOF, SETTINGS, CODING, PROBES = "checkpoint", "proof.json", "settings.json", "mask_coding.json", "probes"


def write_proof(
    run: Run,
    path: Path,
    device: str = "auto",
    precision: str = "auto",
    with_images: bool = True,
    progress: Callable[[str], None] = lambda name: None,
) -> list[str]:
    """Score the run's images and write the ZIP, whole or not at all; remarks on the data.

    Raises RunError where the run has no checkpoint or the file cannot be written, DataError where its dataset cannot be
    scored: without scores there is nothing to check.
    """
    if not run.has_best:
        raise RunError(f"Run {run.id} has no checkpoint yet. Pack it after its first epoch.")
    predictor, _ = load_predictor(run.best, device, precision)
    images, notes = score_run(run, predictor, progress=progress)
    images.sort(key=lambda image: image.score.id)
    folder, _ = usable(run.best)
    files: dict[str, bytes] = {
        f"{CHECKPOINT}/{name}": (folder / name).read_bytes()
        for name in ("config.json", "model.safetensors", *weight_file.EXTRAS, "sha256")
        if (folder / name).is_file()
    }
    files[SETTINGS] = manage.without_folders(run.config).to_json().encode()
    for name in (FILE, CODING):
        if (run.folder / name).is_file():
            files[name] = (run.folder / name).read_bytes()
    files["scores.csv"] = to_csv([image.score for image in images]).encode("utf-8", "replace")
    probes = _probes(images, predictor) if with_images else {}
    files |= {f"{PROBES}/{name}": data for name, data in probes.items()}
    files[PROOF] = json.dumps(_describe(run, predictor, images, len(probes) // 2), indent=1, allow_nan=False).encode()
    try:
        with (
            replacement(path) as partial,
            zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        ):
            for name, data in files.items():
                packed.writestr(f"{run.id}/{name}", data)
    except OSError as error:
        raise RunError(f"{path}: cannot be written ({error.strerror or error}). Free some space.") from error
    return notes


def _describe(run: Run, predictor: Predictor, images: Sequence[Measured], probes: int) -> dict[str, Any]:
    summary = summarize([image.score for image in images])
    return {
        "version": VERSION,
        "run": run.id,
        "threshold": predictor.model.config.threshold,
        "device": predictor.device.type,
        "precision": predictor.precision,
        "threads": torch.get_num_threads(),
        "versions": {
            "unet_studio": unet_core.__version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "split": run.split() if run.has_split else {},
        "mean_dice": _finite(summary.mean["dice"]),
        "mean_iou": _finite(summary.mean["iou"]),
        "probes": probes,
        "images": [
            {
                "name": image.score.id,
                "subset": image.score.subset,
                "record": image.record,
                "counts": {key: getattr(image.score.counts, key).tolist() for key in ("tp", "fp", "fn")},
                "mask": image.mask_digest,
                "truth": image.truth_digest,
                "scores": {key: _finite(value) for key, value in image.score.scores.items()},
            }
            for image in images
        ],
    }


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return None if value != value else value


def _probes(images: Sequence[Measured], predictor: Predictor) -> dict[str, bytes]:
    """The images with the lowest, the median and the highest Dice, as the model gets them, and what is predicted.

    By file name: `1.png`, `1-mask.png`, ... Images that PNG does not hold (float, other channels) are passed over.
    """
    order = sorted(images, key=lambda image: (math.isnan(image.score.scores["dice"]), image.score.scores["dice"]))
    files: dict[str, bytes] = {}
    for place in dict.fromkeys((0, len(order) // 2, len(order) - 1)):
        sample = order[place].sample
        names = channels.describe((sample.image, *sample.channel_files)).names
        pixels, _ = predictor.fit(reading.read_image(sample), names, sample.id)
        if pixels.dtype in (np.uint8, np.uint16) and pixels.shape[2] in (1, 3):
            number = len(files) // 2 + 1
            files[f"{number}.png"] = encode_png(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
            files[f"{number}-mask.png"] = encode_png(predictor.mask(pixels))
    return files
