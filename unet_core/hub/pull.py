"""A model of the Hugging Face Hub as a checkpoint folder, with nothing of it trusted.

`look` says what would be downloaded: files, size, license, kind; the tensors' names and shapes are compared with the
model that the files describe before any weight is fetched. `download` does the same and then downloads. Only
config.json, safetensors and facts about the training are taken, never code or a pickle. What has arrived stays when a
download fails, so that the next one goes on there.
"""

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unet_core.errors import Cancelled, CheckpointError, HubError
from unet_core.hub.fetch import HubUnreachableError, ask, fetch_on, list_repo, verify
from unet_core.hub.offer import BESIDE, COMPUTING_SECONDS, WEIGHTS, Offer, inspect
from unet_core.hub.repo_id import Reference, address_of_hub, parse
from unet_core.hub.watch import Watch
from unet_core.models.foreign import OWN

LISTING_SECONDS = 8.0  # without an answer before the files are known
STALLED_SECONDS = 90.0  # without a byte within a file; the library itself gives up on a silent server after some 66
AT_ONCE = 2  # downloads of one process
SPARE = 2**29  # bytes left free on the disk
ABANDONED = 86_400.0  # seconds after which the remains of a download are removed
SOURCE = "source.json"  # beside the weights: the repository and commit they came from
UNFINISHED = ".downloads"  # in the folder of models

Progress = Callable[[int, int], None]  # bytes so far, bytes in all
_SLOTS = threading.BoundedSemaphore(AT_ONCE)


def look(
    name: str | Reference,
    *,
    token: str | bool = False,
    endpoint: str | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Offer:
    """What would be downloaded of a model; fetches some kilobytes and keeps nothing. Blocks for some seconds at most.

    Raises HubError where there is no such model, it is not accessible, or cannot be loaded; Cancelled.
    """
    job = _Pull(name, Path(), token, endpoint)
    try:
        offer: Offer = Watch(LISTING_SECONDS).run(f"look {job.reference}", job.look, job.silent, None, cancelled)
    except HubUnreachableError as error:
        raise HubError(f"{job.reference}: {error}. {error.remedy}.") from error
    return offer


def download(
    name: str | Reference,
    models_dir: Path,
    *,
    token: str | bool = False,
    endpoint: str | None = None,
    progress: Progress | None = None,
    tell: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    normalization: str = "",
) -> Path:
    """Download a model, once for each commit, and return its folder, for `checkpoint.load_model`.

    The Hub is asked in a thread of its own, so that the caller waits no longer than `LISTING_SECONDS` for a silent one.

    Args:
        name: the repository, as `repo_id.parse` reads it.
        models_dir: where the folder of the model is put.
        token: a token of the Hub, True = that of this machine, False = none.
        endpoint: the address of the Hub; default $HF_ENDPOINT, else huggingface.co.
        progress: called in the caller's thread with (bytes so far, bytes in all); an exception of it ends the download.
        tell: called with a warning where the Hub does not answer and an earlier download is returned, and with what is
            assumed of another program's weights.
        cancelled: asked several times a second; what has arrived is removed then.
        normalization: of the images, where the weights are another program's; "" = the one that is assumed.

    Raises:
        HubError: there is no such model, it is not accessible, or cannot be written.
        CheckpointError: its files are none of a known kind, or are damaged.
        Cancelled: `cancelled` gave True.
    """
    job = _Pull(name, models_dir, token, endpoint, normalization)
    if not _SLOTS.acquire(timeout=LISTING_SECONDS):
        raise HubError(f"{job.reference}: {AT_ONCE} other models are being downloaded. Try again in a minute.")
    try:
        notes = Watch(LISTING_SECONDS).run(f"download {job.reference}", job.pull, job.silent, progress, cancelled)
    except Cancelled:
        shutil.rmtree(job.unfinished, ignore_errors=True)
        raise
    except HubUnreachableError as error:
        if not is_complete(job.folder):
            raise HubError(f"{job.reference}: {error}. {error.remedy}; a download continues where it was.") from error
        notes = [f"{job.reference}: {error}; the copy downloaded earlier is used."]
    for note in notes if tell is not None else ():
        tell(note)  # type: ignore[misc]
    return job.folder


def is_complete(folder: Path) -> bool:
    """Whether a downloaded folder is there and undamaged."""
    from unet_core.models import checkpoint

    try:
        checkpoint.verify(folder)
    except CheckpointError:
        return False
    return True


def source_of(folder: Path) -> dict[str, Any]:
    """Where a folder was downloaded from: repo, revision, commit, kind, license, normalization; {} if it was not."""
    try:
        source = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return source if isinstance(source, dict) else {}


class _Pull:
    """One look or download."""

    def __init__(
        self, name: str | Reference, models_dir: Path, token: str | bool, endpoint: str | None, normalization: str = ""
    ) -> None:
        self.reference = parse(name, endpoint) if isinstance(name, str) else name
        self.endpoint, self.token, self.normalization = address_of_hub(endpoint), token, normalization
        self.models_dir, self.folder = models_dir, models_dir / self.reference.folder_name
        self.unfinished = models_dir / UNFINISHED / self.reference.folder_name
        self.label = str(self.reference)

    def silent(self) -> Exception:
        return HubUnreachableError(f"{self.endpoint} does not answer")

    def look(self, watch: Watch) -> Offer:
        return self._inspect(self._list(), watch)

    def _inspect(self, info: Any, watch: Watch) -> Offer:
        return inspect(self.reference, info, self.token, self.endpoint, self.normalization, watch)

    def _list(self) -> Any:
        return ask(self.reference, self.endpoint, "model", list_repo, self.reference, self.token, self.endpoint)

    def pull(self, watch: Watch) -> list[str]:
        """Download and convert; sentences on what is assumed."""
        try:
            return self._pull(watch)
        except OSError as error:
            raise HubError(f"{self.folder}: cannot be written ({error.strerror or error}). Free some space.") from error
        finally:
            _SLOTS.release()

    def _pull(self, watch: Watch) -> list[str]:
        _remove_stale(self.models_dir / UNFINISHED)
        info = self._list()
        source = source_of(self.folder)
        asked = self.normalization or source.get("normalization", "")
        if source.get("commit") == info.sha and asked == source.get("normalization", "") and is_complete(self.folder):
            return []
        self.normalization = asked if source.get("commit") == info.sha else self.normalization
        offer = self._inspect(info, watch)
        existing = next(path for path in (self.models_dir, *self.models_dir.absolute().parents) if path.exists())
        free = shutil.disk_usage(existing).free
        if 2 * offer.size + SPARE > free:  # the files, and the checkpoint that is made of them
            raise HubError(f"{self.label}: its {offer.size:,} bytes do not fit on the disk ({free:,} are free).")
        folder = self.unfinished / offer.commit[:12]
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.unfinished.with_name(f"{self.unfinished.name}.lock"), timeout=0):
                self._fetch_all({item.rfilename: item for item in info.siblings}, offer, folder, watch)
                watch.beat(COMPUTING_SECONDS)
                self._store(offer, folder, watch)
        except Timeout as error:
            raise HubError(f"{self.label}: is being downloaded already. Wait for its end.") from error
        return [f"{self.label}: {note}" for note in offer.recognized.notes]

    def _fetch_all(self, items: dict[str, Any], offer: Offer, folder: Path, watch: Watch) -> None:
        watch.total = offer.size
        watch.beat(STALLED_SECONDS)

        def count(number: float) -> None:
            watch.done += int(number)
            watch.beat()
            if watch.done > watch.total:
                raise HubError(f"{self.label}: the Hub sends more than the {watch.total:,} bytes it listed.")

        for name, size in offer.files.items():
            path = folder / name
            if path.is_file() and path.stat().st_size == size:  # of an earlier try
                watch.done += size
            else:
                call = (self.reference.repo, offer.commit, name, size, path, self.token, self.endpoint, count)
                ask(self.reference, self.endpoint, "model", fetch_on, *call)
            watch.beat()
            try:
                verify(path, items[name], self.reference)
            except HubError:
                path.unlink()
                raise

    def _store(self, offer: Offer, folder: Path, watch: Watch) -> None:
        """Make the checkpoint of the files, and put it in its place whole."""
        from unet_core.models import import_weights

        weights = next(name for name in offer.files if name not in BESIDE)
        files: dict[str, import_weights.Source] = {
            f"{self.label}/{WEIGHTS if name == weights else name}": folder / name for name in offer.files
        }
        try:
            imported = import_weights.read(files, self.normalization)
        except CheckpointError:
            shutil.rmtree(self.unfinished, ignore_errors=True)  # of no use to another try
            raise
        watch.beat()
        fresh = self.unfinished / f"{secrets.token_hex(4)}.new"
        imported.save(fresh)
        source = {
            "repo": self.reference.repo,
            "revision": self.reference.revision,
            "commit": offer.commit,
            "kind": offer.recognized.kind.title,
            "license": offer.license,
        }
        if offer.recognized.kind is not OWN:
            source["normalization"] = offer.recognized.config.normalization
        (fresh / SOURCE).write_text(json.dumps(source) + "\n", encoding="utf-8")
        watch.beat()
        if self.folder.exists():
            self.folder.rename(self.unfinished / "before")
        fresh.rename(self.folder)
        shutil.rmtree(self.unfinished, ignore_errors=True)


def _remove_stale(folder: Path) -> None:
    """Remove the remains of downloads that nobody has gone on with for a day."""
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
