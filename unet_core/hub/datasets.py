"""A dataset of the Hugging Face Hub as a folder: files, ZIP files or Parquet, with nothing of it trusted.

The listing is looked at before anything is downloaded: how many files and bytes, which are images, masks, annotations
or archives. Code and weights are not taken. Bytes are counted as they arrive and compared with the listed digests. No
token is sent unless the caller gives one. What has arrived stays beside the target when a download fails, so that the
next try goes on there.
"""

import json
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from unet_core.data.library.library import SOURCE, Entry, Library
from unet_core.data.library.manifest import check_path
from unet_core.data.library.unpack import check_space, unpack
from unet_core.errors import Cancelled, DataError, HubError, listing
from unet_core.hub.fetch import PROBE_SECONDS, HubUnreachableError, ask, fetch, verify
from unet_core.hub.parquet import write_images
from unet_core.hub.pull import ABANDONED
from unet_core.hub.repo_id import Reference, address_of_hub, parse
from unet_core.io.filenames import EXTENSIONS, fold_case, is_junk, unique
from unet_core.io.files import new_folder
from unet_core.io.zip_reader import readable

MOST_LISTED = 200_000  # files in a repository
MOST_FILES = 20_000  # that are downloaded
MOST_BYTES = 2**35
AT_ONCE = 6  # files
TEXTS = (".json", ".xml", ".csv", ".tsv", ".txt", ".yaml", ".yml", ".geojson", ".md")
PARTIAL = ".partial"
FOLDER = ".downloads"  # in a library
NOTES = ".notes.json"

Progress = Callable[[int, int, str], None]  # so far, in all (bytes, then rows or bytes unpacked), what is at work


def add(
    library: Library,
    repo_id: str,
    progress: Progress = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    endpoint: str | None = None,
    token: str | bool = False,
) -> tuple[Entry, tuple[str, ...]]:
    """Download a dataset into a library; gives it and sentences on what was left out. Raises as `download` does."""
    reference = parse(repo_id, endpoint, "dataset")
    target = library.folder / FOLDER / secrets.token_hex(8)
    download(repo_id, target, progress=progress, cancelled=cancelled, endpoint=endpoint, token=token)
    try:
        entry = library.add(target, reference.repo.partition("/")[2])
        return entry, notes_of(entry.root)
    finally:
        shutil.rmtree(target, ignore_errors=True)  # where it could not be added


def download(
    repo_id: str,
    target: Path,
    *,
    progress: Progress = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
    endpoint: str | None = None,
    token: str | bool = False,
) -> Path:
    """Download a dataset into a folder of its own, which must not exist or be empty, and return the folder.

    Args:
        repo_id: `owner/name`, `owner/name@revision` or the address of its page.
        target: appears when all is there; `notes_of` gives sentences on what was left out.
        progress: called in the caller's thread with (so far, in all, what is at work).
        cancelled: asked several times a second; what has arrived is removed then.
        endpoint: the address of the Hub; default $HF_ENDPOINT, else huggingface.co.
        token: a token of the Hub, True = that of this machine, False = none.

    Raises:
        HubError: there is no such dataset, it is not accessible, too large, or has no images.
        DataError: a ZIP file in it cannot be unpacked, or the disk is too small.
        Cancelled: `cancelled` gave True.
    """
    job = _Download(parse(repo_id, endpoint, "dataset"), target, address_of_hub(endpoint), token, progress, cancelled)
    try:
        return job.run()
    except HubUnreachableError as error:
        raise HubError(f"{job.reference}: {error}. {error.remedy}; it continues where it was.") from error
    except OSError as error:
        raise DataError(f"{target}: cannot be written ({error.strerror or error}). Free some space.") from error


def notes_of(folder: Path) -> tuple[str, ...]:
    """What was told of a download."""
    try:
        return tuple(map(str, json.loads((folder / NOTES).read_text(encoding="utf-8"))))
    except (OSError, ValueError):
        return ()


class _Stop(BaseException):
    """Ends a thread of a download in the middle of a file."""


class _Download:
    def __init__(
        self,
        reference: Reference,
        target: Path,
        endpoint: str,
        token: str | bool,
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> None:
        self.reference, self.target, self.endpoint, self.token = reference, target, endpoint, token
        self.progress, self.cancelled = progress, cancelled
        self.stopping = threading.Event()
        self.done = self.total = 0  # bytes
        self.lock = threading.Lock()

    def run(self) -> Path:
        info = ask(self.reference, self.endpoint, "dataset", self._list)
        listed = list(info.siblings or ())
        files = self._check(listed)
        parent = self.target.parent
        partial = parent / f".{self.reference.folder_name}.{info.sha[:12]}{PARTIAL}"
        parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(parent, partial)
        try:
            with FileLock(f"{partial}.lock", timeout=0):
                self._fetch_all(files, info.sha, partial)
                self._build(files, info.sha, partial, [item.rfilename for item in listed])
                shutil.rmtree(partial, ignore_errors=True)
        except Timeout as error:
            raise HubError(f"{self.reference}: is being downloaded already. Wait for its end.") from error
        except Cancelled:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            if not partial.exists():
                Path(f"{partial}.lock").unlink(missing_ok=True)
        return self.target

    def _list(self) -> Any:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self.token).dataset_info(
            self.reference.repo,
            revision=self.reference.revision or None,
            timeout=PROBE_SECONDS,
            files_metadata=True,
            token=self.token,
        )

    def _check(self, listed: list[Any]) -> dict[str, Any]:
        """The files to download by their names. Refuses from the listing alone what is too large or has no images."""
        names = [item.rfilename for item in listed]
        if len(listed) > MOST_LISTED:
            raise HubError(f"{self.reference}: {len(listed):,} files are more than the {MOST_LISTED:,} that are read.")
        files = {item.rfilename: item for item in listed if is_wanted(item.rfilename)}
        if not any(name.lower().endswith((*EXTENSIONS, ".zip", ".parquet")) for name in files):
            content = (
                f"It contains {listing([readable(name) for name in sorted(names)], 6)}." if names else "It is empty."
            )
            raise HubError(f"{self.reference}: no images, ZIP or Parquet files in this dataset. {content}")
        for name, item in files.items():
            try:
                check_path(name)
            except DataError as error:
                raise HubError(f"{self.reference}: {error}") from error
            if not isinstance(item.size, int) or item.size < 0:
                raise HubError(f"{self.reference}: {readable(name)} has no listed size, so nothing is downloaded.")
        self.total = sum(item.size for item in files.values())
        if len(files) > MOST_FILES or self.total > MOST_BYTES:
            raise HubError(
                f"{self.reference}: {len(files):,} files with {self.total:,} bytes, over the limits of {MOST_FILES:,} "
                f"files and {MOST_BYTES:,} bytes. Download a part of it and add the folder."
            )
        check_space(self.target, self.total, str(self.reference))
        return files

    def _fetch_all(self, files: dict[str, Any], commit: str, partial: Path) -> None:
        partial.mkdir(exist_ok=True)
        waiting = [name for name, item in files.items() if not _is_there(partial / name, item.size)]
        self.done = self.total - sum(files[name].size for name in waiting)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            jobs = {pool.submit(self._fetch, name, files[name], commit, partial) for name in waiting}
            try:
                while jobs:
                    ended, jobs = wait(jobs, timeout=0.1, return_when=FIRST_COMPLETED)
                    if self.cancelled():  # before what failed, perhaps because of it
                        raise Cancelled(f"{self.reference}: the download was canceled.")
                    for job in ended:
                        job.result()
                    self.progress(min(self.done, self.total), self.total, str(self.reference))
            finally:
                self.stopping.set()
                pool.shutdown(wait=True, cancel_futures=True)
        for name, item in files.items():  # also those of an earlier try
            if self.cancelled():
                raise Cancelled(f"{self.reference}: the download was canceled.")
            try:
                verify(partial / name, item, self.reference)
            except HubError:
                (partial / name).unlink()
                raise

    def _fetch(self, name: str, item: Any, commit: str, partial: Path) -> None:
        left = [item.size]

        def count(number: float) -> None:
            left[0] -= int(number)
            if left[0] < 0:
                raise HubError(f"{self.reference}: the Hub sends more of {readable(name)} than it listed.")
            with self.lock:
                self.done += int(number)
            if self.stopping.is_set():
                raise _Stop

        with suppress(_Stop):
            call = (self.reference.repo, commit, name, partial, self.token, self.endpoint, count, "dataset")
            ask(self.reference, self.endpoint, "dataset", fetch, *call)

    def _build(self, files: dict[str, Any], commit: str, partial: Path, names: list[str]) -> None:
        """Move the files to the target, unpacked."""
        label = str(self.reference)
        notes = [note] if (note := self._note_left_out(files, names)) else []
        parquet = {name: partial / name for name in files if name.lower().endswith(".parquet")}
        with new_folder(self.target) as fresh:
            # ZIP files last: a folder of their name may be there.
            for name in sorted(files, key=lambda name: name.lower().endswith(".zip")):
                path = fresh / name
                if name in parquet:
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                if name.lower().endswith(".zip"):
                    taken = {fold_case(other.name) for other in path.parent.iterdir()}
                    folder = path.with_name(unique(path.name[: -len(".zip")] or "files", taken, before_suffix=False))
                    result = unpack(partial / name, folder, self.progress, self.cancelled, f"{label}, {name}")
                    notes += result.notes
                else:
                    _link(partial / name, path)  # a failure below leaves what was downloaded
            if parquet:
                notes += write_images(parquet, fresh, self.progress, self.cancelled, label)
            source = {"repo": self.reference.repo, "revision": self.reference.revision, "commit": commit}
            (fresh / SOURCE).write_text(json.dumps(source) + "\n", encoding="ascii")
            (fresh / NOTES).write_text(json.dumps(notes) + "\n", encoding="ascii")

    def _note_left_out(self, files: dict[str, Any], names: list[str]) -> str:
        left = sorted(readable(name) for name in names if name not in files and not is_junk(name))
        return (
            f"{self.reference}: not downloaded, as they are not images or annotations: {listing(left, 6)}."
            if left
            else ""
        )


def is_wanted(name: str) -> bool:
    """Whether a file of a repository is downloaded, by its name: images, annotations, ZIP and Parquet files.

    >>> [is_wanted(name) for name in ("a/b.png", "a.zip", "a.py", ".gitattributes", "LICENSE", "model.bin")]
    [True, True, False, False, True, False]
    """
    last = name.rpartition("/")[2].lower()
    is_known = last.endswith((*EXTENSIONS, *TEXTS, ".zip", ".parquet")) or last in ("license", "licence")
    return is_known and not is_junk(name)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:
        raise
    except OSError:  # a disk without such
        shutil.copyfile(source, target)


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _remove_stale(folder: Path, own: Path) -> None:
    """Remove what failed downloads of long ago have left; in a library's folder of downloads nothing else lies."""
    for path in folder.iterdir() if folder.name == FOLDER else folder.glob(f".*{PARTIAL}*"):
        with suppress(OSError):
            if not path.name.startswith(own.name) and time.time() - path.stat().st_mtime > ABANDONED:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
