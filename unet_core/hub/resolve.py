"""From the name of a model to a checkpoint folder: a run, a folder, or a repository of the Hugging Face Hub.

A visitor names the repository, so nothing of it is trusted (`fetch` has the checks). No token is sent unless the caller
gives one, and the server's own Hugging Face cache is never read: it may hold private models that a visitor must not
see. An earlier download serves when the Hub does not answer.

`find_checkpoint` is the one way from what a user names as a model to a folder to load.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from unet_core.errors import HubError, RunError
from unet_core.hub.cache import is_complete
from unet_core.hub.fetch import Download, HubUnreachableError
from unet_core.hub.repo_id import Reference, address_of_hub, is_address, parse
from unet_core.runs import run as runs

MODELS = "models"  # the folder of models from elsewhere, below that of the runs
LISTING_SECONDS = 10.0  # for the whole listing, however slowly it arrives
STALLED_SECONDS = 90.0  # without a byte within a file; the library itself gives up on a silent server after some 66
AT_ONCE = 2  # downloads of one process

Progress = Callable[[int, int], None]  # bytes so far, bytes in all
_SLOTS = threading.BoundedSemaphore(AT_ONCE)


def find_checkpoint(
    name: str,
    runs_dir: Path,
    *,
    token: str | bool = False,
    endpoint: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> tuple[Path, runs.Run | None]:
    """What a user names as a model, as a checkpoint folder, and its run where it is of one.

    A run's id or folder, a checkpoint folder, the name of an added model; else a model of the Hub, `org/name`,
    `hf:org/name@revision` or its address, which is downloaded into `runs_dir`/models. Blocks; `tell` gets warnings. It
    opens any folder of the disk, so a page passes it no text of a visitor (`download` is for that). Raises RunError,
    HubError.
    """
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
            inside_run = folder.resolve().parent.name == "checkpoints"
            return folder, runs.Run(folder.resolve().parent.parent) if inside_run else None
        if (folder / "config.json").is_file():
            run = runs.Run(folder)
            if not run.has_best:
                raise RunError(f"Run {run.id} has no checkpoint yet; wait for the end of its first epoch.")
            return run.best, run
    raise RunError(f"{name}: neither a run nor a checkpoint folder (config.json and model.safetensors).")


def download(
    name: str | Reference,
    models_dir: Path,
    *,
    token: str | bool = False,
    endpoint: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
) -> Path:
    """Download a model, once for each commit, and return its folder, for `checkpoint.load_model`.

    The Hub is asked in a thread of its own, so that the caller waits no longer than `LISTING_SECONDS` for a silent one.

    Args:
        name: the repository, as `repo_id.parse` reads it.
        models_dir: where the folder of the model is put.
        token: a token of the Hub, True = that of this machine, False = none.
        endpoint: the address of the Hub; default $HF_ENDPOINT, else huggingface.co.
        progress: called in the caller's thread with (bytes so far, bytes in all); an exception of it ends the download.
        tell: called with a warning where the Hub does not answer and an earlier download is returned.

    Raises:
        HubError: there is no such model, it is not accessible, is none of UNet Studio, or is damaged.
    """
    reference = parse(name, endpoint) if isinstance(name, str) else name
    folder = models_dir / reference.folder_name
    if not _SLOTS.acquire(timeout=LISTING_SECONDS):
        raise HubError(f"{reference}: {AT_ONCE} other models are being downloaded. Try again in a minute.")
    job = Download(reference, folder, token, address_of_hub(endpoint), _SLOTS.release)  # also where it is abandoned
    job.start()
    try:
        while job.is_alive():
            job.join(0.05)
            if progress is not None and job.total:
                progress(min(job.done, job.total), job.total)
            if job.silent_for() > (STALLED_SECONDS if job.listed else LISTING_SECONDS):
                raise HubUnreachableError(f"{address_of_hub(endpoint)} does not answer")
        if job.error is not None:
            raise job.error
    except HubUnreachableError as error:
        if not is_complete(folder):
            raise HubError(
                f"{reference}: {error}. Check the connection and try again, or add the folder of the model as files."
            ) from error
        if tell is not None:
            tell(f"{reference}: {error}; the copy downloaded earlier is used.")
    finally:
        job.abandoned.set()
    return folder
