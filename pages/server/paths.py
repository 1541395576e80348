"""Where the app keeps things: chosen here and nowhere else."""

import os
from pathlib import Path

from unet_core.data import synthetic


def runs_dir() -> Path:
    """The folder of all runs: $UNET_RUNS, by default `runs` where the app was started."""
    return Path(os.environ.get("UNET_RUNS", "runs")).resolve()


def models_dir() -> Path:
    """Where imported weights are kept, a folder each."""
    return runs_dir() / "models"


def uploads_dir() -> Path:
    """Where images to predict are kept for a while: $UNET_UPLOADS, by default beside the runs."""
    return Path(os.environ.get("UNET_UPLOADS", runs_dir() / "uploads")).resolve()


def sample_data() -> Path:
    """The folder of the built-in dataset, $UNET_SAMPLE or `sample_data`; made on first use."""
    return synthetic.write(Path(os.environ.get("UNET_SAMPLE", "sample_data")).resolve())
