"""Requests to the Hugging Face Hub: a listing, the start of a file, a whole file; what goes wrong gets its remedy.

huggingface_hub does the work: it resumes a file where a connection was lost and keeps a token from other hosts. What is
added is what it does not do: bytes are counted as they arrive, against the listed size, and compared with the listed
digest, and each of its many exceptions becomes a sentence that says what to do.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unet_core.errors import HubError
from unet_core.hub.repo_id import Reference

PROBE_SECONDS = 5.0  # for an answer of the Hub to one request
BY_HAND = "Download it with your own account and add the folder as files"
PLAIN = {"Accept-Encoding": "identity"}  # else a part of a packed file would come
WITH_TOKEN = "give an access token of your account (HF_TOKEN, or the field Access token)"


class HubUnreachableError(Exception):
    """The Hub does not answer: an earlier download may serve. `remedy` is a clause without a full stop."""

    def __init__(self, message: str, remedy: str = "Check the connection and try again") -> None:
        super().__init__(message)
        self.remedy = remedy


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
    remedy = BY_HAND if kind == "dataset" else WITH_TOKEN[0].upper() + WITH_TOKEN[1:]
    try:
        return call(*arguments)
    except (HubError, HubUnreachableError):
        raise
    except errors.GatedRepoError as error:
        raise HubError(
            f"{reference}: access is restricted by its owner. Ask for access at {page}, then {WITH_TOKEN}."
            if kind == "model"
            else f"{reference}: access is restricted by its owner ({page}). {BY_HAND}."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise HubError(f"{reference}: the {kind} exists, but not this revision ({page}).") from error
    except errors.RepositoryNotFoundError as error:
        raise HubError(
            f"{reference}: no such {kind} at {endpoint}, or it is private. Check the name. {remedy} if it is private."
        ) from error
    except errors.LocalEntryNotFoundError as error:  # what the library makes of a connection lost in the middle
        raise HubUnreachableError(f"{endpoint} stopped answering ({error.__cause__ or error})") from error
    except errors.EntryNotFoundError as error:
        raise HubError(f"{reference}: a file was removed during the download. Try again.") from error
    except errors.HfHubHTTPError as error:
        raise _of_status(reference, endpoint, error, remedy) from error
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


def _of_status(reference: Reference, endpoint: str, error: Any, remedy: str) -> Exception:
    """The error for a status that the library has no exception of its own for."""
    status = error.response.status_code if error.response is not None else 0
    if status == 401:
        return HubError(
            f"{reference}: {endpoint} does not accept the access token (401). Create one with read access at "
            f"{endpoint}/settings/tokens, or leave it out for a public model."
        )
    if status == 403:
        return HubError(f"{reference}: {endpoint} denies access (403). {remedy}, with the right to read it.")
    if status == 429:
        return HubUnreachableError(
            f"{endpoint} takes no more requests from this address for now (429)",
            "Wait a few minutes and try again; with an access token the limit is higher",
        )
    return HubUnreachableError(
        f"{endpoint} responded with error {status}", "The Hub has a problem of its own, so try again later"
    )


def list_repo(reference: Reference, token: str | bool, endpoint: str) -> Any:
    """The Hub's `ModelInfo` of a model: its commit, its files with sizes and digests, its license."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=endpoint, token=token)
    return api.model_info(
        reference.repo, revision=reference.revision or None, timeout=PROBE_SECONDS, files_metadata=True, token=token
    )


def read_start(
    repo: str, commit: str, name: str, token: str | bool, endpoint: str, is_enough: Callable[[bytes], bool]
) -> bytes:
    """The first bytes of a file, as many as `is_enough` wants of them."""
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import (  # type: ignore[attr-defined]
        build_hf_headers,
        get_session,
        hf_raise_for_status,
    )

    url = hf_hub_url(repo, name, revision=commit, endpoint=endpoint)
    headers = build_hf_headers(token=token) | PLAIN | {"Range": f"bytes=0-{2**21}"}
    start = b""
    with get_session().stream("GET", url, headers=headers, timeout=PROBE_SECONDS, follow_redirects=True) as response:
        hf_raise_for_status(response)
        for part in response.iter_raw(2**14):
            start += part
            if is_enough(start):
                break
    return start


def _meter(count: Callable[[float], None]) -> Any:
    """A progress bar for the library that shows nothing and counts the bytes that arrive."""
    from huggingface_hub.utils.tqdm import tqdm

    class Meter(tqdm):
        """Of one file."""

        def __init__(self, *_: Any, **settings: Any) -> None:
            super().__init__(disable=True, total=settings.get("total"))  # type: ignore[no-untyped-call]
            count(settings.get("initial") or 0)  # what is there of an earlier try

        def update(self, n: float | None = 1) -> None:
            count(n or 0)

    return Meter


def fetch_on(
    repo: str,
    commit: str,
    name: str,
    size: int,
    path: Path,
    token: str | bool,
    endpoint: str,
    count: Callable[[float], None],
) -> None:
    """Download one file of a model to `path`, from where an earlier try ended; `count` gets the bytes as they arrive.

    `hf_hub_download` goes on after a lost connection too, but throws away what there is when it gives up.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    url = hf_hub_url(repo, name, revision=commit, endpoint=endpoint)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("ab") as file:
        # The library's client follows redirects and leaves the token out at another host.
        http_get(
            url,
            file,
            resume_size=file.tell(),
            headers=build_hf_headers(token=token) | PLAIN,
            expected_size=size,
            tqdm_class=_meter(count),
        )
    partial.replace(path)


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
        tqdm_class=_meter(count),
    )
