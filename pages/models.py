"""Models and their answers as the server keeps them: loaded once for all visitors, in bounded caches, behind a lock.

Imported by Predict and Evaluate alone; torch itself is imported at the first use, after the page is drawn.
"""

import re
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from pages.places import models_dir, runs_dir
from unet_core import runs
from unet_core.images import Array, Pixels

if TYPE_CHECKING:
    from unet_core.inference import Predictor

_LOCK = threading.Lock()  # one forward pass at a time: two together take longer than one after the other


@st.cache_resource(max_entries=3, show_spinner="Loading the model…")
def _predictor(folder: str, digest: str) -> "tuple[Predictor, str]":
    import torch

    from unet_core.device import cores
    from unet_core.inference import load_predictor

    torch.set_num_threads(max(1, cores() - 1))  # leave one core to the pages
    return load_predictor(Path(folder))


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


def choose(found: list[Model]) -> Model:
    """A menu of models; the choice stands in the page's address."""
    chosen = st.selectbox("Model", [model.name for model in found], key="run", bind="query-params")
    return next(model for model in found if model.name == chosen)


def predictor(model: Model) -> "tuple[Predictor, str, str]":
    """The predictor of a model, a warning or "", and the digest of its weights. Raises CheckpointError."""
    version = digest(model.folder)
    return (*_predictor(str(model.folder), version), version)


def bring_in(data: bytes, name: str) -> None:
    """Keep the weights of an uploaded file (milesial/Pytorch-UNet) as a model. Raises CheckpointError."""
    from unet_core.checkpoint import save_checkpoint
    from unet_core.milesial import load

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        path.write_bytes(data)
        model = load(path)
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", Path(name).stem).strip("_.")[:60] or "model"
    save_checkpoint(models_dir() / stem, model)


@st.cache_data(max_entries=64, show_spinner=False)
def answer(_predictor: "Predictor", version: str, _image: Pixels, key: str) -> Array:
    """(H, W) uint8, one forward pass for each weights (`version`) and image (`key`).

    Binary: the probability in 1/255, so that a threshold costs no second pass. Several classes: the class index.
    """
    with _LOCK:
        if _predictor.model.config.num_classes > 1:
            return _predictor.mask(_image)
        return np.round(_predictor.probabilities(_image)[0] * 255).astype(np.uint8)


def mask_of(answer: Array, num_classes: int, threshold: float) -> Array:
    """The mask (H, W) of an answer: class indices; for binary 1 where the probability is above the threshold."""
    return (answer > threshold * 255).astype(np.uint8) if num_classes == 1 else answer
