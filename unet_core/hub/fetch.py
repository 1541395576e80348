"""One model of the Hugging Face Hub, downloaded file by file into a checkpoint folder, with nothing of it trusted.

Only the files of a checkpoint are downloaded, by name, after their listed sizes were checked; bytes are counted as they
arrive and compared with the digests of the listing and of the repository's own `sha256`; the parameters of the model
that config.json describes are counted before anyone builds it. Then own checksums are written, which the strict loader
requires.
"""

import hashlib
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unet_core.errors import HubError, listing
from unet_core.hub.cache import NEEDED, cached_commit, is_complete, remove_stale, store
from unet_core.hub.repo_id import Reference
from unet_core.models import weight_file

MAX_BYTES = {"config.json": weight_file.MOST_CONFIG, "model.safetensors": weight_file.MOST_BYTES, "sha256": 2**16}
MAX_BYTES |= dict.fromkeys(weight_file.EXTRAS, weight_file.MOST_EXTRA)  # of each file that is downloaded
PROBE_SECONDS = 5.0  # for an answer of the Hub to one request
SPARE = 2**29  # bytes left free on the disk


class HubUnreachableError(Exception):
    """The Hub does not answer: an earlier download may serve."""


class _Abandoned(BaseException):
    """Nobody waits for the download any more."""


class Download(threading.Thread):
    """One download: its progress, and how it ended. It cleans up behind itself, whoever waits."""

    def __init__(
        self, reference: Reference, folder: Path, token: str | bool, endpoint: str, release: Callable[[], None]
    ) -> None:
        super().__init__(name=f"download {reference}", daemon=True)
        self.reference, self.folder, self.token, self.endpoint = reference, folder, token, endpoint
        self.release = release  # called once, when the thread ends
        self.done = self.total = 0  # bytes
        self.listed = False
        self.abandoned = threading.Event()
        self.error: Exception | None = None
        self._last_answer = time.monotonic()

    def silent_for(self) -> float:
        """Seconds since the Hub last sent anything."""
        return time.monotonic() - self._last_answer

    def count(self, number: float) -> None:
        """Count bytes that arrived; ends the download where nobody waits, or where more arrive than were listed."""
        self._last_answer = time.monotonic()
        self.done += int(number)
        if self.abandoned.is_set():
            raise _Abandoned
        if self.done > self.total:
            raise HubError(f"{self.reference}: the Hub sends more than the {self.total:,} bytes it listed.")

    def run(self) -> None:
        remove_stale(self.folder.parent)
        staging = self.folder.with_name(f"{self.folder.name}.{secrets.token_hex(4)}.new")
        try:
            self._download(staging)
        except _Abandoned:
            pass
        except OSError as error:
            self.error = HubError(f"{self.folder}: cannot be written ({error.strerror or error}). Free some space.")
        except Exception as error:  # noqa: BLE001 - raised again where someone waits for it
            self.error = error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            self.release()

    def _download(self, staging: Path) -> None:
        info = self._ask(_list, self.reference, self.token, self.endpoint)
        self._last_answer, self.listed = time.monotonic(), True
        files = {item.rfilename: item for item in info.siblings or () if item.rfilename in MAX_BYTES}
        self._check(files, [item.rfilename for item in info.siblings or ()])
        if cached_commit(self.folder) == info.sha and is_complete(self.folder):
            return
        self.total = sum(item.size for item in files.values())
        free = shutil.disk_usage(_existing(self.folder)).free
        if self.total + SPARE > free:
            raise HubError(f"{self.reference}: its {self.total:,} bytes do not fit on the disk ({free:,} are free).")
        downloads = staging / "downloads"
        downloads.mkdir(parents=True)
        for name in sorted(files, key=lambda name: name != "config.json"):  # first: another program's ends it here
            item = files[name]
            self._ask(fetch, self.reference.repo, info.sha, name, downloads, self.token, self.endpoint, self.count)
            self._last_answer = time.monotonic()
            verify(downloads / name, item, self.reference)
            if name == "config.json":
                config = weight_file.config_from((downloads / name).read_bytes(), f"{self.reference}, {name}")
        _verify_listed_sums(self.reference, downloads)
        header = weight_file.header_of(downloads / "model.safetensors", f"{self.reference}, model.safetensors")
        weight_file.check_fit(config, header, str(self.reference))
        if self.abandoned.is_set():
            raise _Abandoned
        store(downloads, [name for name in files if name != "sha256"], self.reference, info.sha, staging, self.folder)

    def _ask(self, call: Callable[..., Any], *arguments: Any) -> Any:
        return ask(self.reference, self.endpoint, "model", call, *arguments)

    def _check(self, files: dict[str, Any], names: list[str]) -> None:
        """Refuse from the listing alone what is no model of UNet Studio or is too large."""
        if missing := [name for name in NEEDED if name not in files]:
            content = f"It contains {listing(sorted(names), 6)}." if names else "It is empty."
            raise HubError(
                f"{self.reference}: not a model of UNet Studio, {' and '.join(missing)} missing. {content} Weights in "
                "other formats (.bin, .pt, .pkl) may run code and are not downloaded."
            )
        for name, item in files.items():
            if not isinstance(item.size, int) or not 0 <= item.size <= MAX_BYTES[name]:
                size = f"{item.size:,} bytes" if isinstance(item.size, int) else "no listed size"
                raise HubError(f"{self.reference}: {name} has {size}, at most {MAX_BYTES[name]:,} are downloaded.")


def verify(path: Path, item: Any, reference: Reference) -> None:
    """Compare a file with its size and digest in the Hub's listing: SHA-256 of LFS, else git's own SHA-1.

    Raises HubError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if item.lfs is not None:
            good = hashlib.file_digest(file, "sha256").hexdigest() == item.lfs.sha256
        elif item.blob_id:
            digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
            while part := file.read(2**20):
                digest.update(part)
            good = digest.hexdigest() == item.blob_id
        else:
            good = True
    if not good or size != item.size:
        raise HubError(f"{reference}: {path.name} was damaged on the way. Try again.")


def ask(reference: Reference, endpoint: str, kind: str, call: Callable[..., Any], *arguments: Any) -> Any:
    """Call the library; its many exceptions become HubError or HubUnreachableError. `kind` is model or dataset."""
    from huggingface_hub import errors

    page = f"{endpoint}/{'datasets/' if kind == 'dataset' else ''}{reference.repo}"
    by_hand = "Download it with your own account and add the folder as files"
    try:
        return call(*arguments)
    except (HubError, HubUnreachableError):
        raise
    except errors.GatedRepoError as error:
        raise HubError(f"{reference}: access is restricted by its owner ({page}). {by_hand}.") from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{reference}: the {kind} exists, but not this revision ({page}).") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"{reference}: no such {kind} at {endpoint}, or it is private. Check the name. {by_hand} if it is private."
        ) from error
    except errors.LocalEntryNotFoundError as error:  # what the library makes of a connection lost in the middle
        raise HubUnreachableError(f"{endpoint} stopped answering ({error.__cause__ or error})") from error
    except errors.EntryNotFoundError as error:
        raise HubError(f"{reference}: a file was removed during the download. Try again.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status in (401, 403):
            raise HubError(f"{reference}: {endpoint} denies access ({status}). {by_hand}.") from error
        raise HubUnreachableError(f"{endpoint} responded with error {status}") from error
    except errors.HFValidationError as error:
        raise HubError(f"{reference}: not a valid name of a {kind} on the Hub ({error}).") from error
    except OSError as error:  # errors of httpx are none, see below; those of files are told apart by their number
        if error.errno is not None and not isinstance(error, ConnectionError):
            raise
        raise HubUnreachableError(f"{endpoint} cannot be reached ({error})") from error
    except Exception as error:
        if type(error).__module__.startswith("httpx"):
            raise HubUnreachableError(f"{endpoint} cannot be reached ({error})") from error
        raise HubError(f"{reference}: unexpected response of {endpoint} ({type(error).__name__}: {error}).") from error


def _list(reference: Reference, token: str | bool, endpoint: str) -> Any:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token)
    return api.model_info(
        reference.repo, revision=reference.revision or None, timeout=PROBE_SECONDS, files_metadata=True, token=token
    )


def fetch(
    repo: str,
    commit: str,
    name: str,
    folder: Path,
    token: str | bool,
    endpoint: str,
    count: Callable[[float], None],
    kind: str = "model",
) -> None:
    """Download one file of a repository below a folder; `count` gets the numbers of bytes as they arrive."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    class Meter(tqdm):
        """Shows nothing, counts the bytes that arrive."""

        def __init__(self, *_: Any, **settings: Any) -> None:
            super().__init__(disable=True, total=settings.get("total"))  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            count(n or 0)

    hf_hub_download(
        repo,
        name,
        repo_type=kind,
        revision=commit,
        local_dir=folder,
        cache_dir=folder / ".none",
        token=token,
        endpoint=endpoint,
        etag_timeout=PROBE_SECONDS,
        tqdm_class=Meter,
    )


def _verify_listed_sums(reference: Reference, downloads: Path) -> None:
    """Compare the files with the repository's own `sha256`, where it has one. Raises HubError."""
    path = downloads / "sha256"
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        is_listed = name in MAX_BYTES and (downloads / name).is_file()
        if is_listed and hashlib.sha256((downloads / name).read_bytes()).hexdigest() != digest:
            raise HubError(f"{reference}: {name} is damaged in the repository, its checksum in sha256 is another.")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
