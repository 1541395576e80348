"""Models of the Hugging Face Hub: a model repository of ours is a checkpoint folder, and becomes one here.

A visitor names the repository, so nothing of it is trusted (`hub_fetch` has the checks). No token goes out unless the
caller gives one, and the server's own Hugging Face cache is never looked into: it may hold private models that a
visitor has no right to. What was fetched before serves when the Hub does not answer.

`checkpoint` is the one way from what a user names as a model to a folder to load.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from unet_core.errors import HubError, RunError
from unet_core.hub.cache import is_complete
from unet_core.hub.fetch import Fetch, Silence
from unet_core.hub.repo_id import Reference, address_of_hub, is_address, parse
from unet_core.runs import run as runs

MODELS = "models"  # the folder of models from elsewhere, below that of the runs
PATIENCE = 10.0  # seconds for the whole listing, however slowly it drips
STALLED = 90.0  # seconds without a byte within a file; the library itself gives a silent server up after some 66
AT_ONCE = 2  # pulls of one process

Progress = Callable[[int, int], None]  # bytes so far, bytes in all
_SLOTS = threading.BoundedSemaphore(AT_ONCE)


def checkpoint(
    name: str,
    runs_dir: Path,
    *,
    token: str | bool = False,
    endpoint: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Path, runs.Run | None]:
    """What a user names as a model, as a checkpoint folder, and its run where it is of one.

    A run's id or folder, a checkpoint folder, the name of a model brought in; else a model of the Hub, `org/name`,
    `hf:org/name@revision` or its address, which is fetched into `runs_dir`/models. Blocks; `tell` gets notes. It opens
    any folder of the disk, so a page gives it no text of a visitor (`pull` is for that). Raises RunError, HubError.
    """
    if is_address(name):
        return pull(name, runs_dir / MODELS, token=token, endpoint=endpoint, progress=progress, tell=tell), None
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
        return pull(reference, runs_dir / MODELS, token=token, endpoint=endpoint, progress=progress, tell=tell), None
    except HubError as error:
        raise HubError(f"No run and no checkpoint folder of this name is here. On the Hub: {error}") from error


def local_checkpoint(name: str, runs_dir: Path) -> tuple[Path, runs.Run | None]:
    """A run's id or folder (its best checkpoint) or a checkpoint folder; with the run where it is of one.

    Raises RunError where the name is none of them.
    """
    path = Path(name)
    for folder in [path, runs_dir / name] if path.name == name else [path]:
        if (folder / "model.safetensors").is_file():
            inside_run = folder.resolve().parent.name == "checkpoints"
            return folder, runs.Run(folder.resolve().parent.parent) if inside_run else None
        if (folder / "config.json").is_file():
            run = runs.Run(folder)
            if not run.has_best:
                raise RunError(f"Run {run.id} has no checkpoint yet; wait for the end of its first epoch.")
            return run.best, run
    raise RunError(f"{name}: neither a run nor a checkpoint folder (config.json and model.safetensors).")


def pull(
    name: str | Reference,
    models_dir: Path,
    *,
    token: str | bool = False,
    endpoint: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Fetch a model and give the folder that holds it, for `checkpoint.load_model`; fetched once for each commit.

    The Hub is asked in a thread of its own, so that the caller waits no longer than `PATIENCE` for a silent one; it is
    `endpoint`, else $HF_ENDPOINT, else huggingface.co. `progress` is called in the caller's thread; an exception of it
    ends the pull. Where the Hub does not answer, what was fetched before is given and `tell` is told.
    Raises HubError.
    """
    reference = parse(name, endpoint) if isinstance(name, str) else name
    folder = models_dir / reference.folder_name
    if not _SLOTS.acquire(timeout=PATIENCE):
        raise HubError(f"{reference}: {AT_ONCE} other models are being fetched just now; try again in a minute.")
    job = Fetch(reference, folder, token, address_of_hub(endpoint), _SLOTS.release)  # also when it is left alone
    job.start()
    try:
        while job.is_alive():
            job.join(0.05)
            if progress is not None and job.total:
                progress(min(job.done, job.total), job.total)
            if job.silent_for() > (STALLED if job.listed else PATIENCE):
                raise Silence(f"{address_of_hub(endpoint)} does not answer")
        if job.error is not None:
            raise job.error
    except Silence as silent:
        if not is_complete(folder):
            raise HubError(
                f"{reference}: {silent}. Check the connection and try again, or bring the model's folder in as files."
            ) from silent
        if tell is not None:
            tell(f"{reference}: {silent}; the copy fetched before is used.")
    finally:
        job.left.set()
    return folder
