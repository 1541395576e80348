"""Models and their answers as the server keeps them: loaded once for all visitors, in bounded caches, behind a line.

Imported by Predict and Evaluate alone; torch itself is imported at the first use, after the page is drawn.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pages.server.fair_lock import FairLock
from pages.server.paths import models_dir, runs_dir
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import InputImage, Loaded, PredictionJob
from unet_core.runs import run as runs

if TYPE_CHECKING:
    from unet_core.inference.predictor import Predictor

MOST_MODELS = 3  # in memory
DEVICE_LOCK = FairLock()  # for the device: one forward pass at a time, for all visitors
PREDICTIONS = PredictionCache()
_MODELS: "OrderedDict[str, Loaded]" = OrderedDict()  # by folder, the one used last at the end
_LOADING = threading.Lock()


def _load(folder: Path) -> Loaded:
    """The model of a folder with the weights that lie there now, loaded once for all. Raises CheckpointError."""
    version = digest(folder)
    with _LOADING:
        known = _MODELS.get(str(folder))
        if known is None or known.version != version:
            import torch

            from unet_core.hardware import cores
            from unet_core.inference.predictor import load_predictor

            torch.set_num_threads(max(1, cores() - 1))  # leave one core to the pages
            _MODELS.pop(str(folder), None)
            while len(_MODELS) >= MOST_MODELS:
                _MODELS.popitem(last=False)
            known = _MODELS[str(folder)] = Loaded(*load_predictor(folder), version)
        _MODELS.move_to_end(str(folder))
        return known


def digest(folder: Path) -> str:
    """What tells one set of weights from the next under the same name."""
    try:
        return (folder / "sha256").read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


@dataclass(frozen=True)
class Model:
    """What can predict: the best checkpoint of a run, or weights that were brought in from elsewhere (no run)."""

    name: str
    folder: Path
    run: runs.Run | None


def find() -> list[Model]:
    """Every model of the app: those of runs, the newest first, then those brought in."""
    trained = [Model(run.id, run.best, run) for run in runs.find(runs_dir()) if run.has_best]
    return trained + [Model(folder.name, folder, None) for folder in brought_in()]


def brought_in() -> list[Path]:
    """The checkpoint folders of weights from elsewhere, by name."""
    folders = sorted(path.parent for path in models_dir().glob("*/model.safetensors"))
    return [folder for folder in folders if folder.suffix not in (".old", ".new")]


def submit(model: Model, pictures: Sequence[InputImage], tta: str = "none", tile: int | None = None) -> PredictionJob:
    """Have pictures predicted in the server; returns at once. See `jobs` for how a page follows it.

    `tta` is a name of `tta.TTA`, `tile` the side of the tiles in pixels or None. The model is loaded at the job's first
    turn; a damaged one is the job's `error`.
    """
    job = PredictionJob(lambda: _load(model.folder), pictures, DEVICE_LOCK, PREDICTIONS, tta, tile)
    job.start()
    return job


def load(model: Model) -> Loaded:
    """The model as a job needs it, from any thread, at its turn. Raises CheckpointError."""
    return _load(model.folder)


def predictor(model: Model) -> "tuple[Predictor, str, str]":
    """The predictor of a model, a warning or "", and the digest of its weights. Raises CheckpointError."""
    if str(model.folder) in _MODELS:
        found = _load(model.folder)
    else:
        with st.spinner("Loading the model…"):
            found = _load(model.folder)
    return found.predictor, found.warning, found.version


def turn() -> AbstractContextManager[None]:
    """`with models.turn():` the device is yours, after those who came before; for forward passes outside of a job."""
    return DEVICE_LOCK.turn(object())
