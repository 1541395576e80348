"""The model that a server offers first, before anything is trained: $UNET_STUDIO_MODEL.

It names a checkpoint folder of the server's disk, or a model of the Hugging Face Hub, which is downloaded once; for
that one the server's own token is used, as its owner has chosen both.
"""

import os
from pathlib import Path

from unet_core.errors import CheckpointError, HubError
from unet_core.hub.repo_id import parse

VARIABLE = "UNET_STUDIO_MODEL"
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def find_folder(models_dir: Path) -> Path | None:
    """Its checkpoint folder; None where none is named, or it is not downloaded yet. `models_dir` is for downloads.

    Raises CheckpointError where what is named is neither.
    """
    name = os.environ.get(VARIABLE, "").strip()
    if not name:
        return None
    path = Path(name)
    if path.is_absolute() or path.exists():
        if (path / WEIGHTS).is_file() and (path / CONFIG).is_file():
            return path
        raise CheckpointError(
            f"{VARIABLE}: {name} has no {CONFIG} and {WEIGHTS}. Name a checkpoint folder or org/name."
        )
    folder = models_dir / _parse(name)
    return folder if (folder / WEIGHTS).is_file() else None


def is_missing(models_dir: Path) -> bool:
    """Whether a model of the Hub is named that is not here yet. Raises CheckpointError as `find_folder`."""
    return bool(os.environ.get(VARIABLE, "").strip()) and find_folder(models_dir) is None


def fetch(models_dir: Path) -> Path:
    """Download the model of the Hub that is named. Blocks. Raises HubError, CheckpointError."""
    from unet_core.hub.pull import download

    token = os.environ.get("HF_TOKEN", "").strip()
    return download(os.environ.get(VARIABLE, "").strip(), models_dir, token=token or False)


def _parse(name: str) -> str:
    try:
        return parse(name).folder_name
    except HubError as error:
        raise CheckpointError(
            f"{VARIABLE}: {name[:200]!r} is neither a folder nor a model of the Hub, org/name."
        ) from error
