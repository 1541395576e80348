"""The models of the app: loaded once for all visitors, in a bounded cache, one forward pass at a time.

Imported by Predict and Evaluate alone; torch itself is imported at the first use, after the page is drawn.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pages.server.fair_lock import FairLock
from pages.server.hub import default_model
from pages.server.lru import LRU
from pages.server.paths import models_dir, runs_dir, shared_models_dir
from pages.server.prediction_cache import PredictionCache
from pages.server.prediction_job import InputImage, Loaded, PredictionJob
from unet_core.runs import run as runs

MOST_MODELS = 3  # in memory
DEVICE_LOCK = FairLock()  # one forward pass at a time, for all visitors
PREDICTIONS = PredictionCache()
_MODELS: LRU[Path, Loaded] = LRU(MOST_MODELS)
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Model:
    """What can predict: the best checkpoint of a run, or imported weights (no run)."""

    name: str
    folder: Path
    run: runs.Run | None

    @property
    def path(self) -> Path:
        """What names it in a program: the folder of its run, or that of its weights."""
        return self.folder if self.run is None else self.run.folder


def find_models() -> list[Model]:
    """Every model that a visitor may use: the one offered first, those of runs, the newest first, the imported ones."""
    default = default_model.find()
    first = [] if default is None else [Model(default.name, default, None)]
    trained = [Model(run.id, run.best, run) for run in runs.find(runs_dir()) if run.has_best]
    imported = [Model(folder.name, folder, None) for folder in find_imported() if folder != default]
    taken = {model.name for model in first}
    return first + [model for model in trained + imported if model.name not in taken]


def find_imported() -> list[Path]:
    """The checkpoint folders of imported weights, by name; a visitor's own hides the server's of that name."""
    folders = {
        path.parent.name: path.parent
        for place in (shared_models_dir(), models_dir())
        for path in place.glob("*/model.safetensors")
    }
    return [folder for name, folder in sorted(folders.items()) if folder.suffix not in (".old", ".new")]


def read_digest(model: Model) -> str:
    """The digest of the weights that lie there now; "" where it cannot be read."""
    try:
        return (model.folder / "sha256").read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def is_loaded(model: Model) -> bool:
    """Whether it is in memory, so that `load` is quick."""
    return model.folder in _MODELS


def load(model: Model) -> Loaded:
    """The model with the weights that lie there now, loaded once for all; from any thread. Raises CheckpointError."""
    version = read_digest(model)
    with _LOADING:
        loaded = _MODELS.get(model.folder)
        if loaded is None or loaded.version != version:
            import torch

            from unet_core.evaluation.tuning.counting import digest_weights
            from unet_core.hardware import cores
            from unet_core.inference.predictor import load_predictor

            torch.set_num_threads(max(1, cores() - 1))  # leave one core to the pages
            _MODELS.pop(model.folder)
            _MODELS.shrink(MOST_MODELS - 1)  # before the new one takes its memory
            predictor, warning = load_predictor(model.folder)
            loaded = Loaded(predictor, warning, version, digest_weights(predictor.model))
            _MODELS.put(model.folder, loaded)
        return loaded


def submit(model: Model, images: Sequence[InputImage], tta: str = "none", tile: int | None = None) -> PredictionJob:
    """Predict images in a thread of the server; returns at once. See `prediction_job` for how a page follows it.

    `tta` is a name of `tta.TTA`, `tile` the side of the tiles in pixels or None. The model is loaded at the job's first
    turn; a damaged one is the job's `error`.
    """
    job = PredictionJob(lambda: load(model), images, DEVICE_LOCK, PREDICTIONS, tta, tile)
    job.start()
    return job
