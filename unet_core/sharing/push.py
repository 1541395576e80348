"""Upload files to the Hugging Face Hub: private unless asked for, looked through before, resumed after a cut.

    plan = make_plan(items, "org/name")        # what is private in them is found here: nothing leaves
    pushed = push(plan, token=True)

Large files go first and one by one; they are invisible until the commit at the end, and what has arrived is not sent
again by the next try. A push of the same content makes no commit. What an earlier push has left and this one does not
have is removed from the repository: scores that were taken back shall not stay. A Space goes the same way.
"""

import io
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from unet_core.errors import Cancelled, HubError, listing
from unet_core.hub.repo_id import Reference, address_of_hub, parse
from unet_core.sharing import hub_errors
from unet_core.sharing.evidence import Evidence
from unet_core.sharing.privacy import Leak, find_leaks
from unet_core.sharing.repository import OWN, Item

PROBE_SECONDS = 8.0  # for the answer to a small question
WEIGHT_FILES = ".safetensors"  # go first
SILENT_SECONDS = 60.0  # without a byte read or an answer, after which the upload is given up
MODEL, SPACE = "model", "space"  # kinds of repositories, as the Hub calls them
MESSAGES = {MODEL: "Upload a model with UNet Studio", SPACE: "Publish a model with UNet Studio"}
SDK = "docker"  # of a Space
OF_SPACE = "unet_core/", "pages/", "model/"  # folders that belong to the push; other files of a Space stay
OF_APP = "app.py", "unet_core/__init__.py"  # files by which an earlier Space of ours is known

Progress = Callable[[int, int, str], None]  # bytes sent, bytes in all, what is at work


@dataclass(frozen=True)
class Plan:
    """What a push would upload, and where; `leaks` is what is private in it.

    `kind` is MODEL or SPACE. `stock` are the names of files that came with UNet Studio: a preview only lists them.
    """

    reference: Reference
    items: tuple[Item, ...]
    leaks: tuple[Leak, ...]
    kind: str = MODEL
    stock: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self.items)

    def is_ours(self, name: str) -> bool:
        """Whether a push writes such a file, and removes one that it does not write any more."""
        if self.kind == SPACE:
            return name.startswith(OF_SPACE)
        return name in OWN or (name.startswith("runs/") and name.endswith(".unet-studio"))


@dataclass(frozen=True)
class Pushed:
    """What a push did. `changed` is False where the repository had all of it already."""

    address: str
    commit: str
    private: bool
    created: bool
    changed: bool


def make_plan(
    items: Sequence[Item], repo: str, evidence: Evidence, allowed: Collection[str] = (), tokens: Collection[str] = ()
) -> Plan:
    """What a push of these files to `org/name` would do; nothing is sent.

    `allowed` are names of user or host that are no secret, `tokens` secrets to look for. Raises HubError where `repo`
    is no name of a repository.
    """
    reference = parse(repo)
    if reference.revision:
        raise HubError(f"{repo}: a push goes to the main branch. Leave out @{reference.revision}.")
    from huggingface_hub import get_token

    contents = {item.name: item.data for item in items}
    tokens = [*tokens, get_token() or ""]
    # The name of the repository was chosen to be seen, and often holds the user's.
    leaks = find_leaks(contents, evidence.private, tokens, {reference.repo, *allowed})
    return Plan(reference, tuple(items), tuple(leaks))


def refuse_leaks(leaks: Sequence[Leak]) -> None:
    """Raise HubError where anything private was found."""
    if leaks:
        remedy = (
            "If these names are no secret, allow them (--allow NAME)."
            if all(leak.can_be_allowed for leak in leaks)
            else "Change the names, the description or the settings that cause it."
        )
        raise HubError(f"Nothing was uploaded. Private: {listing([str(leak) for leak in leaks], 5, '; ')}. {remedy}")


def push(
    plan: Plan,
    *,
    public: bool = False,
    token: str | bool = True,
    endpoint: str | None = None,
    progress: Progress = lambda done, total, name: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Pushed:
    """Upload what was planned; the repository is made where there is none.

    Args:
        plan: from `make_plan`.
        public: whether everybody may see a new repository. An existing one stays as it is, and a public one is
            refused unless this is True.
        token: a token of the Hub with the right to write, True = that of this machine.
        endpoint: the address of the Hub; default $HF_ENDPOINT, else huggingface.co.
        progress: called in the caller's thread with (bytes sent, bytes in all, what is at work).
        cancelled: asked several times a second; what has arrived stays invisible.

    Raises:
        HubError: anything private was found, or the Hub refused, with what to do about it.
        Cancelled: `cancelled` gave True.
    """
    refuse_leaks(plan.leaks)
    job = _Push(plan, public, token, address_of_hub(endpoint))
    job.start()
    while job.is_alive():
        job.join(0.05)
        progress(min(job.done, plan.size), plan.size, job.stage)
        if cancelled() and job.stop():
            raise Cancelled(f"{plan.reference}: the upload was canceled. Nothing of it can be seen on the Hub.")
        if job.silent_for() > (PROBE_SECONDS if job.probing else SILENT_SECONDS):
            job.stop()
            raise hub_errors.silent(plan.reference, job.endpoint, plan.kind)
    if job.error is not None:
        raise job.error
    assert job.result is not None
    return job.result


class _Stop(BaseException):
    """Ends an upload in the middle of a file."""


class _Push(threading.Thread):
    """One push in a thread of its own, so that a silent Hub holds nobody up."""

    def __init__(self, plan: Plan, public: bool, token: str | bool, endpoint: str) -> None:
        super().__init__(name=f"push {plan.reference}", daemon=True)
        self.plan, self.public, self.token, self.endpoint = plan, public, token, endpoint
        self.done = 0
        self.stage = "Contacting the Hub…"
        self.probing, self.creating, self.committing = True, False, False
        self.stopping = threading.Event()
        self._lock = threading.Lock()  # either the commit begins or the upload is stopped, never both
        self.error: Exception | None = None
        self.result: Pushed | None = None
        self._last_answer = time.monotonic()

    def silent_for(self) -> float:
        """Seconds since the Hub last took or sent anything."""
        return time.monotonic() - self._last_answer

    def stop(self) -> bool:
        """End the upload; False where its commit has begun, which cannot be taken back."""
        with self._lock:
            if not self.committing:
                self.stopping.set()
            return not self.committing

    def run(self) -> None:
        try:
            self.result = self._push()
        except _Stop:
            pass
        except Exception as error:  # noqa: BLE001 - raised again where someone waits for it
            self.error = hub_errors.explain(error, self.plan.reference, self.endpoint, self.plan.kind, self.creating)

    def _push(self) -> Pushed:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

        api = HfApi(endpoint=self.endpoint, token=self.token)
        repo, kind = self.plan.reference.repo, self.plan.kind
        info = self._look(api, repo)
        self.probing = False
        there = {item.rfilename for item in (info.siblings or ())} if info is not None else set()
        if info is not None:
            self._refuse_other(info, there)
        else:
            self._at("Creating the repository…")
            self.creating = True
            sdk = SDK if kind == SPACE else None
            api.create_repo(repo, repo_type=kind, space_sdk=sdk, private=not self.public, exist_ok=True)
            self.creating = False
        private = not self.public if info is None else bool(info.private)
        operations, large = [], []
        for item in self.plan.items:
            self._at(f"Reading {item.name}…")
            counted = _Counted(item, self._sent) if item.name.endswith(WEIGHT_FILES) else None
            operations.append(CommitOperationAdd(item.name, counted or item.data))
            large += [(operations[-1], counted)] if counted else []
        for operation, counted in large:
            self._at(f"Uploading {operation.path_in_repo}…")
            counted.counts = True
            api.preupload_lfs_files(repo, [operation], repo_type=kind, free_memory=False)
            counted.counts = False
        self._at("Uploading the other files…")
        stale = sorted(name for name in there - {item.name for item in self.plan.items} if self.plan.is_ours(name))
        with self._lock:
            if self.stopping.is_set():
                raise _Stop
            self.committing = True
        deletions = map(CommitOperationDelete, stale)
        commit = api.create_commit(repo, [*operations, *deletions], repo_type=kind, commit_message=MESSAGES[kind])
        self.done = self.plan.size
        changed = info is None or commit.oid != info.sha
        address = f"{self.endpoint}/{'spaces/' * (kind == SPACE)}{repo}"
        return Pushed(address, commit.oid, private, info is None, changed)

    def _refuse_other(self, info: Any, there: set[str]) -> None:
        """Raise HubError where the repository is public without that being meant, or somebody's other Space."""
        repo = self.plan.reference.repo
        if not info.private and not self.public:
            raise HubError(
                f"{repo} exists and is public: everybody would see this model. {hub_errors.VERBS[self.plan.kind]} to "
                "it with --public (on the page: Public), or choose another name."
            )
        if self.plan.kind == SPACE and there - {".gitattributes", "README.md"} and not there.issuperset(OF_APP):
            raise HubError(
                f"{repo} exists and is a Space with another app: its files would be replaced. Choose another name."
            )

    def _look(self, api: Any, repo: str) -> Any:
        """The repository as it is, None where there is none that this token may see."""
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            info = api.repo_info(repo, repo_type=self.plan.kind, timeout=PROBE_SECONDS)
        except RepositoryNotFoundError as error:
            if error.response is not None and error.response.status_code == 401:
                # The Hub says 401 for a repository that a visitor may not see, and for a token that is not valid.
                api.whoami()
            info = None
        self._last_answer = time.monotonic()
        return info

    def _at(self, stage: str) -> None:
        if self.stopping.is_set():
            raise _Stop
        self.stage, self._last_answer = stage, time.monotonic()

    def _sent(self, position: int) -> None:
        if self.stopping.is_set():
            raise _Stop
        self.done, self._last_answer = position, time.monotonic()


class _Counted(io.BytesIO):
    """The content of a file that says how far it was read, once it `counts`: its digest is computed before."""

    def __init__(self, item: Item, sent: Callable[[int], None]) -> None:
        super().__init__(item.data)
        self.counts = False
        self._sent = sent

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.counts:
            self._sent(self.tell())
        return data


def describe(plan: Plan) -> str:
    """Every file with its size, and the content of text files, for the eyes of whoever uploads."""
    lines = [f"{plan.reference}: {len(plan.items)} files, {plan.size:,} bytes"]
    for item in plan.items:
        lines.append(f"  {item.size:>12,}  {item.name}")
    for item in plan.items:
        if item.text is not None and item.name not in plan.stock:
            lines += ["", f"--- {item.name} ---", item.text.rstrip("\n")]
    return "\n".join(lines)
