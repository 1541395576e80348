"""From the name of a model to a checkpoint folder: a run, a folder, or a repository of the Hugging Face Hub.

A visitor names the repository, so nothing of it is trusted (`pull` has the checks). The server's own Hugging Face cache
is never read: it may hold private models that a visitor must not see. An earlier download serves when the Hub does not
answer.

`find_checkpoint` is the one way from what a user names as a model to a folder to load.
"""

from collections.abc import Callable
from pathlib import Path

from unet_core.errors import HubError, RunError
from unet_core.hub.access import token_for
from unet_core.hub.pull import Progress, download
from unet_core.hub.repo_id import is_address, parse
from unet_core.runs import run as runs

MODELS = "models"  # the folder of models from elsewhere, below that of the runs


def find_checkpoint(
    name: str,
    runs_dir: Path,
    *,
    token: str | bool | None = None,
    endpoint: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Path, runs.Run | None]:
    """What a user names as a model, as a checkpoint folder, and its run where it is of one.

    A run's id or folder, a checkpoint folder, the name of an added model; else a model of the Hub, `org/name`,
    `hf:org/name@revision` or its address, which is downloaded into `runs_dir`/models. Blocks; `tell` gets warnings. It
    opens any folder of the disk, so a page passes it no text of a visitor (`download` is for that). `token` None is
    that of the environment, where it may be used (`access`), False none. Raises RunError, HubError, CheckpointError.
    """
    token = token_for() if token is None else token
    if is_address(name):
        return download(name, runs_dir / MODELS, token=token, endpoint=endpoint, progress=progress, tell=tell), None
    try:
        return local_checkpoint(name, runs_dir)
    except RunError as unknown:
        if Path(name).name == name and (runs_dir / MODELS / name / "model.safetensors").is_file():
            return runs_dir / MODELS / name, None
        if Path(name).exists():
            raise
        try:
            reference = parse(name)
        except HubError:
            raise unknown from None
    try:
        return download(
            reference, runs_dir / MODELS, token=token, endpoint=endpoint, progress=progress, tell=tell
        ), None
    except HubError as error:
        raise HubError(f"There is no run or checkpoint folder of this name. On the Hub: {error}") from error


def local_checkpoint(name: str, runs_dir: Path) -> tuple[Path, runs.Run | None]:
    """A run's id or folder (its best checkpoint) or a checkpoint folder; with the run where it is of one.

    Raises RunError where the name is none of them.
    """
    path = Path(name)
    for folder in [path, runs_dir / name] if path.name == name else [path]:
        if (folder / "model.safetensors").is_file():
            checkpoints = folder.resolve().parent
            is_of_run = checkpoints.name == "checkpoints" and (checkpoints.parent / "config.json").is_file()
            return folder, runs.Run(checkpoints.parent) if is_of_run else None
        if (folder / "config.json").is_file():
            run = runs.Run(folder)
            if not run.has_best:
                raise RunError(f"Run {run.id} has no checkpoint yet; wait for the end of its first epoch.")
            return run.best, run
    raise RunError(f"{name}: neither a run nor a checkpoint folder (config.json and model.safetensors).")
