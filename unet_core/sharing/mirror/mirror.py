"""Runs copied to a private repository of the Hugging Face Hub, and fetched at the start of a server that lost its disk.

    mirror = Mirror(runs_dir, "org/name", token)
    mirror.fetch()       # at the start: runs that are not here
    mirror.save()        # now and then: what has changed; what was deleted here is deleted there

Only runs that this server has had are ever deleted there: an empty disk deletes nothing.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from unet_core.errors import HubError
from unet_core.hub.repo_id import address_of_hub, parse
from unet_core.runs import manage
from unet_core.runs import run as runs
from unet_core.sharing import hub_errors
from unet_core.sharing.mirror import content

ACTIVE_SECONDS = 600.0  # between two copies of a run that trains
PROBE_SECONDS = 8.0  # for the answer to a small question
STAGING = ".mirror"  # in the folder of runs: on the same disk, so that files can be linked
MESSAGE = "Copy runs of UNet Studio"


class Mirror:
    """One repository and one folder of runs. Everything blocks: call it off the pages' threads.

    Raises HubError where `repo` is no name of a repository.
    """

    def __init__(
        self,
        runs_dir: Path,
        repo: str,
        token: str,
        endpoint: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.runs_dir, self.reference = runs_dir, parse(repo)
        self.endpoint = address_of_hub(endpoint)
        self._token, self._clock = token, clock
        self._saved: dict[str, tuple[dict[str, tuple[int, int]], float]] = {}  # fingerprint and time of the last copy
        self._here: set[str] = set()  # runs that were here: only they can have been deleted here
        self._fetched = False

    def fetch(self) -> list[str]:
        """Bring the runs that are there and not here, the newest first; their ids. Makes the repository where needed.

        Raises HubError.
        """
        return self._explained(self._fetch)  # type: ignore[no-any-return]

    def save(self, at_once: bool = False) -> list[str]:
        """Copy the runs that have changed, and delete there what was deleted here; the ids of both.

        A run that trains is copied every `ACTIVE_SECONDS`, or `at_once`. Raises HubError.
        """
        if not self._fetched:
            raise HubError(f"{self.reference}: the runs have to be fetched before any is saved.")
        return self._explained(self._save, at_once)  # type: ignore[no-any-return]

    def _fetch(self) -> list[str]:
        api = self._api()
        remote = self._list(api)
        here = {run.id for run in runs.find(self.runs_dir)}
        deleted = {item.name for item in manage.deleted(self.runs_dir)}
        self._here |= here | (deleted & remote.keys())
        fetched = [run_id for run_id in sorted(remote, reverse=True) if run_id not in here | deleted]
        for run_id in fetched:
            self._download(api, run_id, remote[run_id])
            self._here.add(run_id)
        self._fetched = True
        return fetched

    def _download(self, api: Any, run_id: str, names: set[str]) -> None:
        """One run, put in its place whole."""
        self._staging().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._staging()) as folder:
            for name in sorted(names):
                api.hf_hub_download(
                    self.reference.repo,
                    f"{content.RUNS}/{run_id}/{name}",
                    local_dir=folder,
                    cache_dir=Path(folder, ".none"),
                    etag_timeout=PROBE_SECONDS,
                )
            fresh = Path(folder, content.RUNS, run_id)
            run = runs.Run(fresh)
            self._saved[run_id] = content.fingerprint(content.list_files(run)), self._clock()
            (fresh / "control").mkdir(exist_ok=True)
            fresh.rename(self.runs_dir / run_id)

    def _save(self, at_once: bool) -> list[str]:
        here = {run.id: run for run in runs.find(self.runs_dir) if content.ID.fullmatch(run.id)}
        changed = [run for run in here.values() if self._is_due(run, at_once)]
        gone = sorted(self._here - here.keys())
        self._here |= here.keys()
        if not changed and not gone:
            return []
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        api = self._api()
        remote = self._list(api)
        self._staging().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._staging()) as folder:
            operations: list[Any] = []
            prints = {}
            for run in changed:
                prints[run.id] = content.fingerprint(content.list_files(run))
                staged = content.stage(run, _subfolder(folder, run.id))
                operations += [CommitOperationAdd(_name(run.id, name), path) for name, path in staged.items()]
                stale = remote.get(run.id, set()) - staged.keys()
                operations += [CommitOperationDelete(_name(run.id, name)) for name in sorted(stale)]
            for run_id in gone:
                operations += [CommitOperationDelete(_name(run_id, name)) for name in sorted(remote.get(run_id, ()))]
            if operations:
                api.create_commit(self.reference.repo, operations, commit_message=MESSAGE)
        for run_id, files in prints.items():
            self._saved[run_id] = files, self._clock()
        for run_id in gone:
            self._here.discard(run_id)
            self._saved.pop(run_id, None)
        return [*prints, *gone]

    def _is_due(self, run: runs.Run, at_once: bool) -> bool:
        """Whether a run has changed since its last copy, and is over or its last copy is long ago."""
        files, at = self._saved.get(run.id, ({}, -ACTIVE_SECONDS))
        waits = run.alive() and not at_once and bool(files) and self._clock() - at < ACTIVE_SECONDS
        return not waits and content.fingerprint(content.list_files(run)) != files

    def _list(self, api: Any) -> dict[str, set[str]]:
        """The files of each run in the repository, which is made where there is none. HubError if it is public."""
        from huggingface_hub.errors import RepositoryNotFoundError

        repo = self.reference.repo
        try:
            info = api.repo_info(repo, timeout=PROBE_SECONDS)
        except RepositoryNotFoundError:
            api.whoami()  # a token that is not valid gets the same answer
            api.create_repo(repo, private=True, exist_ok=True)
            return {}
        if not info.private:
            raise HubError(f"{repo} is public: everybody would see the runs. Make it private on its settings page.")
        remote: dict[str, set[str]] = {}
        for item in info.siblings or ():
            if (words := content.split_name(item.rfilename)) is not None:
                remote.setdefault(words[0], set()).add(words[1])
        return {run_id: names for run_id, names in remote.items() if "config.json" in names}

    def _api(self) -> Any:
        from huggingface_hub import HfApi

        return HfApi(endpoint=self.endpoint, token=self._token)

    def _staging(self) -> Path:
        return self.runs_dir / STAGING

    def _explained(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """What a call gives; the library's exceptions become HubError."""
        try:
            return call(*arguments)
        except Exception as error:
            raise hub_errors.explain(error, self.reference, self.endpoint, "mirror") from error


def _name(run_id: str, name: str) -> str:
    return f"{content.RUNS}/{run_id}/{name}"


def _subfolder(folder: str, run_id: str) -> Path:
    path = Path(folder, run_id)
    path.mkdir()
    return path
