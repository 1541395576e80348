"""Models of the Hub, from a server of our own on 127.0.0.1: fetched once, checked, never more than a checkpoint."""

import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from tests.helpers.hub_server import Hub, Repo, running_hub
from unet_core.config.schema import ModelConfig, RunConfig
from unet_core.errors import CheckpointError, HubError, RunError
from unet_core.hub import fetch, pull, resolve
from unet_core.hub.offer import BESIDE
from unet_core.models import weight_file
from unet_core.models.checkpoint import load_about, load_model, save_checkpoint, verify
from unet_core.models.unet import UNet
from unet_core.runs.run import Run, create

CONFIG = ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1, image_size=16, threshold=0.25)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A checkpoint folder as it is pushed, training state and all."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("made") / "best"
    save_checkpoint(folder, UNet(CONFIG), about={"val_dice": 0.5})
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def repo(server: Hub, files: dict[str, bytes]) -> Repo:
    return server.repos.setdefault("org/net", Repo(dict(files)))


def files_asked_for(server: Hub) -> list[str]:
    """The addresses of files that were asked for, whose start alone was not enough."""
    return [
        path
        for method, path, headers in server.requests
        if method == "GET" and not path.startswith("/api/") and not headers.get("range", headers.get("Range"))
    ]


def names(folder: Path) -> list[str]:
    """What lies in a folder, but for what waits for another try."""
    return sorted(path.name for path in folder.iterdir() if path.name != pull.UNFINISHED) if folder.is_dir() else []


def test_a_model_is_fetched_and_loads_with_the_strict_loader(repo: Repo, server: Hub, tmp_path: Path) -> None:
    repo.files |= {"README.md": b"# x", "pytorch_model.bin": b"\x80\x04."}
    repo.license = "mit"
    seen: list[tuple[int, int]] = []
    folder = resolve.download("org/net", tmp_path / "models", progress=lambda done, total: seen.append((done, total)))
    assert folder == tmp_path / "models" / "org--net"
    assert names(folder) == ["config.json", "model.safetensors", "sha256", "source.json", "training.json"]
    verify(folder)
    model, warning = load_model(folder)
    assert (model.config, warning) == (CONFIG, "")
    assert load_about(folder) == {"val_dice": 0.5}
    assert save(model.state_dict()) == save(UNet_of(repo).state_dict())
    assert json.loads((folder / "source.json").read_text()) == {
        "repo": "org/net",
        "revision": "",
        "commit": repo.commit,
        "kind": "UNet Studio",
        "license": "mit",
    }
    total = sum(len(repo.files[name]) for name in ("config.json", "model.safetensors", "sha256", "training.json"))
    assert all(done <= whole == total for done, whole in seen)
    assert not any(path.endswith((".md", ".py", ".bin")) for _, path, _ in server.requests)
    assert names(tmp_path / "models") == ["org--net"]


def UNet_of(repo: Repo) -> UNet:  # noqa: N802
    from safetensors.torch import load

    model = UNet(CONFIG)
    model.load_state_dict(load(repo.files["model.safetensors"]))
    return model


def test_it_is_fetched_once_for_each_commit(repo: Repo, server: Hub, tmp_path: Path) -> None:
    first = resolve.download("org/net", tmp_path)
    server.requests.clear()
    assert resolve.download("https://huggingface.co/org/net", tmp_path) == first
    assert [method for method, _, _ in server.requests] == ["GET"]
    repo.files["training.json"] = b'{"val_dice": 0.75}'
    del repo.files["sha256"]
    assert resolve.download("org/net", tmp_path) == first
    assert load_about(first) == {"val_dice": 0.75}
    assert names(tmp_path) == ["org--net"]


def test_a_damaged_copy_is_fetched_again(repo: Repo, tmp_path: Path) -> None:
    folder = resolve.download("org/net", tmp_path)
    (folder / "model.safetensors").write_bytes(b"damaged")
    resolve.download("org/net", tmp_path)
    verify(folder)


def test_a_repository_without_sums_gets_ours(repo: Repo, tmp_path: Path) -> None:
    del repo.files["sha256"]
    del repo.files["training.json"]
    folder = resolve.download("org/net", tmp_path)
    verify(folder)
    assert load_model(folder)[0].config == CONFIG


def test_a_revision_lies_in_a_folder_of_its_own(repo: Repo, server: Hub, tmp_path: Path) -> None:
    assert resolve.download("hf:org/net@v1", tmp_path).name == "org--net@v1"
    assert resolve.download("org/net@a/b", tmp_path).name == "org--net@a~b"
    assert any("/revision/a%2Fb" in path for path in server.paths())


def test_the_endpoint_is_an_argument_too(repo: Repo, server: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    verify(resolve.download("org/net", tmp_path, endpoint=server.endpoint))


@pytest.mark.parametrize("lfs", [True, False])
def test_what_is_not_as_listed_is_refused(repo: Repo, server: Hub, tmp_path: Path, lfs: bool) -> None:
    del repo.files["sha256"]
    real = repo.listing
    wrong = "model.safetensors" if lfs else "config.json"

    def listing(name: str) -> dict[str, object]:
        told = real(name)
        for entry in told["siblings"]:
            if entry["rfilename"] == wrong:
                entry["blobId"] = "0" * 40
                entry.get("lfs", {})["sha256"] = "0" * 64
        return told

    repo.listing = listing  # type: ignore[method-assign]
    with pytest.raises(HubError, match=f"{wrong} was damaged on the way"):
        resolve.download("org/net", tmp_path)
    assert names(tmp_path) == []


def test_what_its_own_sums_contradict_is_refused(repo: Repo, tmp_path: Path) -> None:
    repo.files["config.json"] = json.dumps(CONFIG.to_dict() | {"threshold": 0.75}).encode()
    with pytest.raises(CheckpointError, match=r"org/net/config\.json: damaged, it does not match its SHA-256 sum"):
        resolve.download("org/net", tmp_path)
    assert names(tmp_path) == []


def test_more_bytes_than_told_end_the_pull(repo: Repo, tmp_path: Path) -> None:
    repo.pad["model.safetensors"] = 50_000
    with pytest.raises(HubError, match="sends more than"):
        resolve.download("org/net", tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"config.json": b'{"architectures": ["BertModel"]}'}, "not the config.json of a model"),
        ({"config.json": json.dumps(CONFIG.to_dict() | {"base_channels": 256, "depth": 4, "image_size": 64}).encode()},
         "do not fit config.json"),
        ({"config.json": json.dumps(CONFIG.to_dict() | {"num_classes": 2}).encode()}, "do not fit config.json"),
        ({"model.safetensors": b"PK\3\4 no tensors"}, "safetensors"),
    ],
)  # fmt: skip
def test_what_is_no_model_of_ours_is_refused_and_not_kept(repo: Repo, tmp_path: Path, changes, says: str) -> None:
    del repo.files["sha256"]
    repo.files |= changes
    with pytest.raises(CheckpointError, match=f"org/net.*{says}"):
        resolve.download("org/net", tmp_path)
    assert names(tmp_path) == []


def test_another_programs_model_is_refused_before_its_weights_are_fetched(repo: Repo, server: Hub, tmp_path) -> None:
    bert = save({"bert.embeddings.weight": torch.zeros(100_000)})
    repo.files = {"model.safetensors": bert, "config.json": b'{"architectures": ["BertModel"]}'}
    with pytest.raises(CheckpointError, match="not the config"):
        resolve.download("org/net", tmp_path)
    assert files_asked_for(server) == []


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        ((401, "RepoNotFound"), "no such model at .*or it is private.*Give an access token of your account"),
        ((404, "RepoNotFound"), "no such model"),
        (
            (403, "GatedRepo"),
            "access is restricted by its owner. Ask for access at .*/org/net, then give an access",
        ),
        ((403, ""), r"denies access \(403\). Give an access token of your account"),
        ((401, "Invalid"), r"does not accept the access token \(401\). Create one with read access at"),
        ((404, "RevisionNotFound"), "exists, but not this revision"),
        ((500, ""), "responded with error 500. The Hub has a problem of its own, so try again later"),
        ((429, ""), r"takes no more requests .* \(429\). Wait a few minutes and try again"),
    ],
)
def test_a_refusal_says_what_to_do(repo: Repo, tmp_path: Path, refusal: tuple[int, str], says: str) -> None:
    repo.refusal = refusal
    with pytest.raises(HubError, match=f"^org/net: .*{says}"):
        resolve.download("org/net", tmp_path)


def test_a_private_model_is_never_taken_from_a_copy(repo: Repo, tmp_path: Path) -> None:
    """What was public when it was fetched and is private now: the Hub answered, and it said no."""
    resolve.download("org/net", tmp_path)
    repo.refusal = (401, "RepoNotFound")
    with pytest.raises(HubError, match="no such model"):
        resolve.download("org/net", tmp_path)


def test_a_hub_that_answers_nonsense_is_named(server: Hub, repo: Repo, tmp_path: Path) -> None:
    repo.listing = lambda name: {"id": name, "siblings": [{}]}  # type: ignore[assignment, method-assign]
    with pytest.raises(HubError, match="unexpected response of"):
        resolve.download("org/net", tmp_path)


@pytest.mark.parametrize("how", ["refused", "silent", "dripping", "broken"])
def test_without_the_hub_the_copy_serves_and_is_told(repo: Repo, server: Hub, tmp_path, monkeypatch, how: str) -> None:
    monkeypatch.setattr(fetch, "PROBE_SECONDS", 60.0 if how == "dripping" else 0.1)
    monkeypatch.setattr(pull, "LISTING_SECONDS", 0.2 if how == "dripping" else 60.0)
    folder = resolve.download("org/net", tmp_path) if how != "dripping" else pull_patiently(tmp_path, monkeypatch)
    if how == "refused":
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    elif how == "broken":
        server.status = 503
    else:
        server.silent.add("/api/")
    told: list[str] = []
    assert resolve.download("org/net", tmp_path, tell=told.append) == folder
    assert len(told) == 1
    assert told[0].endswith("; the copy downloaded earlier is used.")
    remedy = "try again later" if how == "broken" else "Check the connection"
    with pytest.raises(HubError, match=remedy):
        resolve.download("org/other", tmp_path)


def pull_patiently(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with monkeypatch.context() as patch:
        patch.setattr(pull, "LISTING_SECONDS", 60.0)
        return resolve.download("org/net", folder)


def test_a_server_that_falls_silent_in_a_file_is_left(repo: Repo, server: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pull, "STALLED_SECONDS", 0.2)
    server.silent.add("/cdn/")
    with pytest.raises(HubError, match="does not answer"):
        resolve.download("org/net", tmp_path)
    assert let_go(server) == 1
    assert names(tmp_path) == []


def let_go(server: Hub) -> int:
    """Let the file come now that nobody waits for it, and wait until all is over; how many pulls were still there."""
    server.silent.clear()
    server.released.set()
    left = [thread for thread in threading.enumerate() if thread.name == "download org/net"]
    for thread in left:
        thread.join(60)
        assert not thread.is_alive()
    return len(left)


def test_an_exception_of_progress_ends_the_pull(repo: Repo, server: Hub, tmp_path: Path) -> None:
    server.silent.add("/cdn/")

    def enough(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve.download("org/net", tmp_path, progress=enough)
    assert let_go(server) == 1
    assert names(tmp_path) == []


def test_a_few_pulls_at_once_and_no_more(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "LISTING_SECONDS", 0.05)
    monkeypatch.setattr(pull, "_SLOTS", threading.BoundedSemaphore(1))
    with pull._SLOTS, pytest.raises(HubError, match="other models are being downloaded"):
        resolve.download("org/net", tmp_path)
    resolve.download("org/net", tmp_path)
    with pull._SLOTS:  # given back
        pass


def test_a_full_disk_is_told_before_anything_is_fetched(repo: Repo, server: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pull, "SPARE", 2**62)
    with pytest.raises(HubError, match="do not fit on the disk"):
        resolve.download("org/net", tmp_path)
    assert files_asked_for(server) == []


def test_what_a_killed_pull_left_is_swept_after_a_day(repo: Repo, tmp_path: Path) -> None:
    unfinished = tmp_path / pull.UNFINISHED
    for name in ("a--b", "a--c"):
        (unfinished / name / "fetched").mkdir(parents=True)
    os.utime(unfinished / "a--b", (0, 0))
    resolve.download("org/net", tmp_path)
    assert sorted(path.name for path in unfinished.iterdir() if path.is_dir()) == ["a--c"]
    assert names(tmp_path) == ["org--net"]


def test_a_given_token_is_sent_to_the_hub_and_not_to_its_file_server(repo: Repo, server: Hub, tmp_path: Path) -> None:
    resolve.download("org/net", tmp_path, token="hf_given")
    sent = {path: dict(headers).get("authorization") for _, path, headers in server.requests}
    assert sent["/api/models/org/net?blobs=true"] == "Bearer hf_given"
    assert [token for path, token in sent.items() if path.startswith("/cdn/")] == [None]


# What a user names as a model ----------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = create(tmp_path / "runs", RunConfig())
    save_checkpoint(made.best, UNet(CONFIG))
    return made


def test_runs_and_folders_come_before_the_hub(run: Run, repo: Repo, server: Hub, tmp_path: Path, monkeypatch) -> None:
    runs_dir = run.folder.parent
    assert resolve.find_checkpoint(run.id, runs_dir) == (run.best, run)
    assert resolve.find_checkpoint(str(run.folder), runs_dir) == (run.best, run)
    save_checkpoint(tmp_path / "org" / "net", UNet(CONFIG))
    monkeypatch.chdir(tmp_path)
    assert resolve.find_checkpoint("org/net", runs_dir) == (Path("org/net"), None)
    assert server.requests == []
    assert resolve.find_checkpoint("hf:org/net", runs_dir) == (runs_dir / "models" / "org--net", None)
    assert resolve.find_checkpoint("org--net", runs_dir) == (runs_dir / "models" / "org--net", None)


def test_a_name_that_is_nothing_here_is_asked_of_the_hub(repo: Repo, tmp_path: Path) -> None:
    assert resolve.find_checkpoint("org/net", tmp_path) == (tmp_path / "models" / "org--net", None)
    with pytest.raises(
        HubError, match=r"^There is no run or checkpoint folder of this name\. On the Hub: org/none: no such"
    ):
        resolve.find_checkpoint("org/none", tmp_path)


@pytest.mark.parametrize("name", ["nothing", "a/b/c", "../x", "/etc/passwd"])
def test_what_can_be_no_model_of_the_hub_is_not_asked_for(server: Hub, tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="neither a run nor a checkpoint folder"):
        resolve.find_checkpoint(name, tmp_path)
    assert server.requests == []


def test_a_folder_that_is_there_but_no_model_is_not_asked_for(server: Hub, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "org" / "net").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError):
        resolve.find_checkpoint("org/net", tmp_path)
    assert server.requests == []


def test_sums_of_ours_are_those_of_the_checkpoint(repo: Repo, files: dict[str, bytes], tmp_path: Path) -> None:
    lines = (resolve.download("org/net", tmp_path) / "sha256").read_text().splitlines()
    wanted = {name for name in files if name != "sha256"}
    assert {line.split("  ")[1] for line in lines} == wanted
    assert all(line == f"{hashlib.sha256(files[name]).hexdigest()}  {name}" for line in lines for name in [line[66:]])
    assert {*BESIDE, "model.safetensors"} == {*wanted, "sha256"} | set(weight_file.EXTRAS)


logging.getLogger("huggingface_hub").setLevel(logging.CRITICAL)  # what is refused here on purpose
