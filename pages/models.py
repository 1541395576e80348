"""Models and their answers as the server keeps them: loaded once for all visitors, in bounded caches, behind a lock.

Imported by Predict and Evaluate alone; torch itself is imported at the first use, after the page is drawn.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from unet_core import runs
from unet_core.errors import CheckpointError

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


def predictor(run: runs.Run) -> "tuple[Predictor, str, str]":
    """The predictor of a run's best checkpoint, a warning or "", and the digest of its weights."""
    if not run.has_best:
        raise CheckpointError(f"Run {run.id} has no checkpoint yet; wait for the end of its first epoch.")
    version = digest(run.best)
    return (*_predictor(str(run.best), version), version)


@st.cache_data(max_entries=64, show_spinner=False)
def probabilities(_predictor: "Predictor", version: str, _image: NDArray[np.uint8], key: str) -> NDArray[np.uint8]:
    """(K, H, W) probabilities in 1/255, one forward pass for each weights (`version`) and image (`key`)."""
    with _LOCK:
        return np.round(_predictor.probabilities(_image) * 255).astype(np.uint8)
