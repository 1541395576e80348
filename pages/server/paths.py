"""Where the app keeps things: chosen here and nowhere else."""

import os
from pathlib import Path

from unet_core.data import synthetic
from unet_core.data.library.library import Library


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


def datasets_dir() -> Path:
    """The folder of the named datasets: $UNET_DATASETS, by default `datasets` where the app was started."""
    return Path(os.environ.get("UNET_DATASETS", "datasets")).resolve()


def library() -> Library:
    """The named datasets."""
    return Library(datasets_dir())


def is_public() -> bool:
    """Whether visitors do not know each other: $UNET_STUDIO_PUBLIC is set, and not 0."""
    return os.environ.get("UNET_STUDIO_PUBLIC", "0") not in ("", "0")


def data_root() -> Path | None:
    """The folder below which users may choose folders of this machine: $UNET_DATA_ROOT, by default all of it.

    None where $UNET_STUDIO_PUBLIC is set (and not 0): then no visitor may look at the server's disk.
    """
    if is_public():
        return None
    return Path(os.environ.get("UNET_DATA_ROOT") or "/").resolve()
