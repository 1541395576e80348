"""Where the app keeps things: chosen here and nowhere else."""

import os
import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from pages.server.visitors.libraries import VISITORS, VisitorLibrary
from unet_core.data import synthetic
from unet_core.data.library.library import Library
from unet_core.errors import DataError, RunError
from unet_core.io import owners
from unet_core.io.filenames import readable
from unet_core.io.owners import is_public as is_public
from unet_core.runs import run as runs


def runs_dir() -> Path:
    """The folder of all runs: $UNET_RUNS, by default `runs` where the app was started."""
    return Path(os.environ.get("UNET_RUNS", "runs")).resolve()


def shared_models_dir() -> Path:
    """Where imported weights are kept, a folder each; on a public server those of the operator."""
    return runs_dir() / "models"


def models_dir() -> Path:
    """Where weights are put that are added now: on a public server a folder of the visitor who adds them."""
    owner = owners.current()
    return shared_models_dir() if owner is None else runs_dir() / VISITORS / owner / "models"


def uploads_dir() -> Path:
    """Where images to predict are kept for a while: $UNET_UPLOADS, by default beside the runs."""
    return Path(os.environ.get("UNET_UPLOADS", runs_dir() / "uploads")).resolve()


def sample_data() -> Path:
    """The folder of the built-in dataset, $UNET_SAMPLE or `sample_data`; made on first use."""
    return synthetic.write(Path(os.environ.get("UNET_SAMPLE", "sample_data")).resolve())


def datasets_dir() -> Path:
    """The folder of the named datasets: $UNET_DATASETS, by default `datasets` where the app was started."""
    return Path(os.environ.get("UNET_DATASETS", "datasets")).resolve()


def shorten(message: str) -> str:
    """A message without the folder where the app keeps its datasets: "cells/images/a.png" says it to a visitor.

    On a public server the folder of a linked dataset is replaced by its name as well.
    """
    for folder in (library().folder, datasets_dir()):
        message = message.replace(f"{readable(str(folder))}/", "")
    if is_public() and "/" in message:
        with suppress(DataError):
            for entry in library().entries():
                message = message.replace(f"{readable(str(entry.root))}/", f"{readable(entry.name)}/")
    return message


def library() -> Library:
    """The named datasets; on a public server those of the visitor and of the server."""
    owner, shared = owners.current(), Library(datasets_dir())
    return shared if owner is None else VisitorLibrary(datasets_dir() / VISITORS / owner, owner, shared)


def data_root() -> Path | None:
    """The folder below which users may choose folders of this machine: $UNET_DATA_ROOT, by default all of it.

    None on a public server (`is_public`): no visitor may look at its disk.
    """
    if is_public():
        return None
    return Path(os.environ.get("UNET_DATA_ROOT") or "/").resolve()


def shown(path: str | Path) -> str:
    """A path of this machine for the page: on a public server its last part, since visitors have no use for more."""
    return Path(path).name if is_public() and Path(path).is_absolute() else str(path)


def may_set(name: str, value: object) -> bool:
    """Whether a visitor may give a setting this value: on a public server none that names a file or a folder."""
    text = str(value or "")
    if not is_public() or not text:
        return True
    if name == "recipe":
        return text in ("auto", "none")
    if name == "color_map":
        return re.fullmatch(r"[\d\s,;]*", text) is not None
    return name != "init" or _is_model(text)


def _is_model(name: str) -> bool:
    """Whether it is the id of a run or the name of one of the server's added models, no path."""
    try:
        return runs.get(runs_dir(), name).has_best
    except RunError:
        is_name = Path(name).name == name and name not in ("", ".", "..") and "\0" not in name
        return is_name and (shared_models_dir() / name / "model.safetensors").is_file()


def streamlit_files() -> Path:
    """The folder of Streamlit's own document, scripts and fonts, as it is installed."""
    spec = find_spec("streamlit")
    return Path(spec.origin if spec and spec.origin else ".").parent / "static"
