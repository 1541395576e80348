"""One model of the Hugging Face Hub, fetched file by file into a checkpoint folder, with nothing of it trusted.

Only the files of a checkpoint are fetched, by name, after their sizes were told; what comes is counted while it comes
and held against the digests of the listing and of the repository's own `sha256`; the net that config.json asks for is
counted before anyone builds it. Sums of our own are written then, so that the strict loader takes the folder.
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
from unet_core.hub.cache import NEEDED, commit, is_complete, keep, remove_stale
from unet_core.hub.repo_id import Reference
from unet_core.models import weight_file

MOST = {"config.json": weight_file.MOST_CONFIG, "model.safetensors": weight_file.MOST_BYTES, "sha256": 2**16}
MOST |= dict.fromkeys(weight_file.EXTRAS, weight_file.MOST_EXTRA)  # bytes of each file that is fetched
PROBE_SECONDS = 5.0  # for an answer of the Hub to one request
SPARE = 2**29  # bytes left free on the disk


class Silence(Exception):  # noqa: N818 - no mistake of anyone
    """The Hub does not answer: what was fetched before may serve."""


class _Gone(BaseException):
    """Nobody waits for the pull any more."""


class Fetch(threading.Thread):
    """One pull: how far it is, and how it ended. It cleans up behind itself, whoever waits."""

    def __init__(
        self, reference: Reference, folder: Path, token: str | bool, endpoint: str, release: Callable[[], None]
    ) -> None:
        super().__init__(name=f"pull {reference}", daemon=True)
        self.reference, self.folder, self.token, self.endpoint = reference, folder, token, endpoint
        self.release = release  # called once, when the thread ends
        self.done = self.total = 0  # bytes
        self.listed = False
        self.left = threading.Event()
        self.error: Exception | None = None
        self._heard = time.monotonic()

    def silent_for(self) -> float:
        return time.monotonic() - self._heard

    def count(self, number: float) -> None:
        """Note bytes that came; ends the pull where nobody waits, or where more come than were told."""
        self._heard = time.monotonic()
        self.done += int(number)
        if self.left.is_set():
            raise _Gone
        if self.done > self.total:
            raise HubError(f"{self.reference}: the Hub sends more than the {self.total:,} bytes it told; refused.")

    def run(self) -> None:
        remove_stale(self.folder.parent)
        staging = self.folder.with_name(f"{self.folder.name}.{secrets.token_hex(4)}.new")
        try:
            self._pull(staging)
        except _Gone:
            pass
        except OSError as error:
            self.error = HubError(f"{self.folder}: cannot be written ({error.strerror or error}); free some space.")
        except Exception as error:  # noqa: BLE001 - raised again where someone waits for it
            self.error = error
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            self.release()

    def _pull(self, staging: Path) -> None:
        info = self._asked(_list, self.reference, self.token, self.endpoint)
        self._heard, self.listed = time.monotonic(), True
        found = {item.rfilename: item for item in info.siblings or () if item.rfilename in MOST}
        self._check(found, [item.rfilename for item in info.siblings or ()])
        if commit(self.folder) == info.sha and is_complete(self.folder):
            return
        self.total = sum(item.size for item in found.values())
        free = shutil.disk_usage(_existing(self.folder)).free
        if self.total + SPARE > free:
            raise HubError(f"{self.reference}: its {self.total:,} bytes do not fit the disk ({free:,} are free).")
        fetched = staging / "fetched"
        fetched.mkdir(parents=True)
        for name in sorted(found, key=lambda name: name != "config.json"):  # another program's ends it here
            item = found[name]
            self._asked(_fetch, self.reference.repo, info.sha, name, fetched, self.token, self.endpoint, self.count)
            self._heard = time.monotonic()
            self._hold_against(fetched / name, item)
            if name == "config.json":
                config = weight_file.config_from((fetched / name).read_bytes(), f"{self.reference}, {name}")
        _own_sums(self.reference, fetched)
        header = weight_file.header_of(fetched / "model.safetensors", f"{self.reference}, model.safetensors")
        weight_file.check_fit(config, header, str(self.reference))
        if self.left.is_set():
            raise _Gone
        keep(fetched, [name for name in found if name != "sha256"], self.reference, info.sha, staging, self.folder)

    def _asked(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """What a call of the library gives; its many exceptions as one of ours."""
        from huggingface_hub import errors

        page = f"{self.endpoint}/{self.reference.repo}"
        by_hand = "fetch it with an account of your own and bring the folder in as files"
        try:
            return ask(*arguments)
        except (HubError, Silence):
            raise
        except errors.GatedRepoError as error:
            raise HubError(f"{self.reference}: its owner lets in whom he knows ({page}); {by_hand}.") from error
        except errors.RevisionNotFoundError as error:
            raise HubError(f"{self.reference}: the model is there, this revision of it is not ({page}).") from error
        except errors.RepositoryNotFoundError as error:
            raise HubError(
                f"{self.reference}: no such model at {self.endpoint}, or a private one. Mind the spelling; if it is "
                f"private, {by_hand}."
            ) from error
        except errors.LocalEntryNotFoundError as error:  # what the library makes of a connection lost in the middle
            raise Silence(f"{self.endpoint} stopped answering ({error.__cause__ or error})") from error
        except errors.EntryNotFoundError as error:
            raise HubError(f"{self.reference}: a file went away while it was fetched; try again.") from error
        except errors.HfHubHTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            if status in (401, 403):
                raise HubError(f"{self.reference}: {self.endpoint} refuses it ({status}); {by_hand}.") from error
            raise Silence(f"{self.endpoint} answers with an error ({status})") from error
        except errors.HFValidationError as error:
            raise HubError(f"{self.reference}: not the name of a model of the Hub ({error}).") from error
        except OSError as error:  # errors of httpx are none, see below; those of files are told apart by their number
            if error.errno is not None and not isinstance(error, ConnectionError):
                raise
            raise Silence(f"{self.endpoint} cannot be reached ({error})") from error
        except Exception as error:
            if type(error).__module__.startswith("httpx"):
                raise Silence(f"{self.endpoint} cannot be reached ({error})") from error
            raise HubError(
                f"{self.reference}: {self.endpoint} does not answer as the Hub does ({type(error).__name__}: {error})."
            ) from error

    def _check(self, found: dict[str, Any], names: list[str]) -> None:
        """Refuse from the listing alone what is no model of ours or is too large."""
        if missing := [name for name in NEEDED if name not in found]:
            held = f"It holds {listing(sorted(names), 6)}." if names else "It is empty."
            raise HubError(
                f"{self.reference}: no model of UNet Studio, {' and '.join(missing)} missing. {held} Weights in other "
                "forms (.bin, .pt, .pkl) may run code and are not fetched."
            )
        for name, item in found.items():
            if not isinstance(item.size, int) or not 0 <= item.size <= MOST[name]:
                told = f"{item.size:,} bytes" if isinstance(item.size, int) else "no size"
                raise HubError(f"{self.reference}: {name} has {told}, at most {MOST[name]:,} are fetched.")

    def _hold_against(self, path: Path, item: Any) -> None:
        """Compare a file with its size and digest in the Hub's listing: SHA-256 of LFS, else git's own SHA-1."""
        data = path.read_bytes()
        if item.lfs is not None:
            good = hashlib.sha256(data).hexdigest() == item.lfs.sha256
        elif item.blob_id:
            good = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == item.blob_id
        else:
            good = True
        if not good or len(data) != item.size:
            raise HubError(f"{self.reference}: {path.name} came damaged, it is not what the Hub lists; try again.")


def _list(reference: Reference, token: str | bool, endpoint: str) -> Any:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token)
    return api.model_info(
        reference.repo, revision=reference.revision or None, timeout=PROBE_SECONDS, files_metadata=True, token=token
    )


def _fetch(
    repo: str, commit: str, name: str, folder: Path, token: str | bool, endpoint: str, count: Callable[[float], None]
) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    class Meter(tqdm):
        """Shows nothing, counts what comes."""

        def __init__(self, *_: Any, **settings: Any) -> None:
            super().__init__(disable=True, total=settings.get("total"))  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            count(n or 0)

    hf_hub_download(
        repo,
        name,
        revision=commit,
        local_dir=folder,
        cache_dir=folder / ".none",
        token=token,
        endpoint=endpoint,
        etag_timeout=PROBE_SECONDS,
        tqdm_class=Meter,
    )


def _own_sums(reference: Reference, fetched: Path) -> None:
    """Hold the files against the repository's own `sha256`, where it has one."""
    path = fetched / "sha256"
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        taken = name in MOST and (fetched / name).is_file()
        if taken and hashlib.sha256((fetched / name).read_bytes()).hexdigest() != digest:
            raise HubError(f"{reference}: {name} is not what its own list of sums (sha256) says; it is damaged.")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())
