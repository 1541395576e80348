"""The scores of a run's own validation images by its best checkpoint, kept in the run's folder for whoever asks next.

They are what `evaluate RUN DATA --split val` gives, by the same code: the images did not train the model, but they
chose its best epoch, so that their scores are slightly too good.
"""

import contextlib
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from unet_core.evaluation.summary import ImageScore
from unet_core.io import owners
from unet_core.io.files import write_atomically
from unet_core.metrics import Counts
from unet_core.runs.run import Run

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

FILE, VERSION = "val_scores.json", 1
COUNTS = ("tp", "fp", "fn", "tn")
CACHE_MB = 256  # of decoded images while they are scored; what is more is read twice


def read(run: Run) -> list[ImageScore] | None:
    """The scores that were kept of the best checkpoint of now; None where it has to be scored."""
    try:
        values = json.loads((run.folder / FILE).read_text(encoding="utf-8"))
        if (values["version"], values["checkpoint"]) != (VERSION, _digest(run)) or not values["checkpoint"]:
            return None
        return [_from_values(item) for item in values["images"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def score(
    run: Run,
    predictor: "Predictor | None" = None,
    progress: Callable[[str], None] = lambda name: None,
    cancelled: Callable[[], bool] = lambda: False,
    turn: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> list[ImageScore]:
    """The scores of the validation images, kept or made; `progress` gets the name of each image before it is predicted.

    `predictor` is that of the best checkpoint, where it is in memory already; each image is predicted in a `turn`.

    Raises DataError where the dataset cannot be read or no validation image is left in it, RunError, CheckpointError,
    Cancelled.
    """
    if (stored := read(run)) is not None:
        return stored
    from unet_core.data.layouts import Sample
    from unet_core.errors import Cancelled
    from unet_core.evaluation import scores
    from unet_core.evaluation.selection import Source, select_own
    from unet_core.hub import lineage
    from unet_core.inference.predictor import load_predictor
    from unet_core.io.pixels import Array, Pixels

    digest = _digest(run)
    model = predictor or load_predictor(run.best, run.config.train.device)[0]
    images = lineage.find_training_images(run.best, run, run.folder.parent)
    selection = select_own(Source(run.best, run, images), "val")
    dataset = scores.load(selection, model.model.config, CACHE_MB)

    def predict(sample: Sample, image: Pixels) -> Array:
        if cancelled():
            raise Cancelled("The evaluation was canceled.")
        progress(sample.id)
        with turn():
            return model.mask(image)

    result = [item.score for item in scores.score_images(dataset, selection.chosen, predict)]
    values = {"version": VERSION, "checkpoint": digest, "images": [_to_values(item) for item in result]}
    if owners.is_own(run.folder):  # those of the operator's runs are not written by a visitor
        with contextlib.suppress(OSError):  # a full disk: they are scored again
            write_atomically(run.folder / FILE, json.dumps(values, indent=0) + "\n")
    return result


def _digest(run: Run) -> str:
    try:
        return (run.best / "sha256").read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _to_values(score: ImageScore) -> dict[str, Any]:
    return {"id": score.id, **{name: getattr(score.counts, name).tolist() for name in COUNTS}}


def _from_values(values: dict[str, Any]) -> ImageScore:
    return ImageScore(values["id"], "val", Counts(*(np.array(values[name], np.float64) for name in COUNTS)))
