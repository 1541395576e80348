"""A trained model goes to a Hub of our own and comes back the same; nothing private leaves; refusals are explained."""

import json
import shutil
import threading
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest

from tests.helpers.hub_push_server import TOKEN, PushHub, PushRepo
from unet_core.cli.parser import main
from unet_core.errors import Cancelled, ConfigError, HubError, RunError
from unet_core.hub import resolve
from unet_core.hub.repo_id import Reference
from unet_core.inference.predictor import load_predictor
from unet_core.io import images
from unet_core.runs.run import Run
from unet_core.sharing import push as pushing
from unet_core.sharing.evidence import Evidence, collect
from unet_core.sharing.hub_errors import explain
from unet_core.sharing.model_card import CardOptions
from unet_core.sharing.push import Plan, make_plan, push
from unet_core.sharing.repository import make_items

FILES = {
    "README.md",
    "config.json",
    "model.safetensors",
    "sha256",
    "training.json",
    "images.json",
    "curves.png",
    "scores.csv",
}


@pytest.fixture(scope="module")
def evidence(trained_once: Path) -> Evidence:
    return collect(Run(next((trained_once / "runs").iterdir())), precision="fp32")


def plan_of(evidence: Evidence, repo: str = "anna/cells", **options: object) -> Plan:
    return make_plan(make_items(evidence, CardOptions("cells", **options), repo), repo, evidence)


def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library waits before it tries again."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)


def test_a_pushed_model_comes_back_and_predicts_the_same_masks(
    run: Run, hub: PushHub, trained_once: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["push", str(run.folder), "anna/cells", "--license", "mit", "--precision", "fp32", "--yes"]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["pushed"] and result["private"] and result["changed"]
    assert result["address"] == f"{hub.endpoint}/anna/cells"
    repo = hub.repos["anna/cells"]
    assert isinstance(repo, PushRepo) and repo.private
    assert repo.files.keys() > FILES and len(repo.commits) == 1
    assert repo.files["model.safetensors"] == (run.best / "model.safetensors").read_bytes()
    assert result["files"].keys() == repo.files.keys()
    back = resolve.find_checkpoint("anna/cells", tmp_path / "elsewhere", token=TOKEN)[0]
    before, _ = load_predictor(run.best, "cpu", "fp32")
    after, warning = load_predictor(back, "cpu", "fp32")
    assert warning == ""
    for path in sorted((trained_once / "cells" / "images").iterdir()):
        image = images.read(path)
        assert np.array_equal(before.mask(image), after.mask(image))


def test_the_hub_reads_the_card_and_its_results(evidence: Evidence, hub: PushHub) -> None:
    push(plan_of(evidence, license="cc-by-4.0"), token=TOKEN)
    text = hub.repos["anna/cells"].files["README.md"].decode()
    card = huggingface_hub.ModelCard(text)
    assert card.data.license == "cc-by-4.0" and card.data.pipeline_tag == "image-segmentation"
    assert "tensorboard" in card.data.tags
    summary = evidence.summaries()["test"]
    result = next(item for item in card.data.eval_results if item.metric_type == "dice")
    assert result.dataset_split == "test" and result.metric_value == round(summary.mean["dice"], 4)


def test_a_second_push_of_the_same_makes_no_commit(run: Run, evidence: Evidence, hub: PushHub) -> None:
    first = push(plan_of(evidence), token=TOKEN)
    sent = len(hub.paths("PUT"))
    second = push(plan_of(collect(run, precision="fp32")), token=TOKEN)
    assert (first.changed, first.created) == (True, True)
    assert (second.changed, second.created) == (False, False)
    assert second.commit == first.commit
    assert len(hub.repos["anna/cells"].commits) == 1  # type: ignore[attr-defined]
    assert len(hub.paths("PUT")) == sent == 1


def test_what_an_earlier_push_left_is_removed_and_foreign_files_stay(evidence: Evidence, hub: PushHub) -> None:
    hub.repos["anna/cells"] = PushRepo({"notes.txt": b"mine", "scores.csv": b"old", "runs/a.other": b"x"})
    push(plan_of(evidence, per_image=False), token=TOKEN)
    files = hub.repos["anna/cells"].files
    assert "scores.csv" not in files
    assert files["notes.txt"] == b"mine" and files["runs/a.other"] == b"x"


def test_an_existing_public_repository_is_refused_unless_public_is_meant(evidence: Evidence, hub: PushHub) -> None:
    hub.repos["anna/cells"] = PushRepo({"README.md": b"# old"}, private=False)
    with pytest.raises(HubError, match=r"exists and is public.*--public"):
        push(plan_of(evidence), token=TOKEN)
    assert hub.repos["anna/cells"].files == {"README.md": b"# old"}
    assert not push(plan_of(evidence), public=True, token=TOKEN).private


def test_a_private_repository_stays_private(evidence: Evidence, hub: PushHub) -> None:
    hub.repos["anna/cells"] = PushRepo()
    assert push(plan_of(evidence), public=True, token=TOKEN).private


def test_large_files_go_in_parts(evidence: Evidence, hub: PushHub) -> None:
    hub.chunk_size = 10_000
    seen: list[int] = []
    push(plan_of(evidence), token=TOKEN, progress=lambda done, total, name: seen.append(done))
    weights = (evidence.folder / "model.safetensors").read_bytes()
    assert hub.repos["anna/cells"].files["model.safetensors"] == weights
    assert len(hub.paths("PUT")) == -(-len(weights) // 10_000) > 1
    assert seen[-1] >= len(weights)


def test_a_connection_lost_in_the_middle_of_a_file_is_taken_up_again(
    evidence: Evidence, hub: PushHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_waiting(monkeypatch)
    hub.drops = 2
    push(plan_of(evidence), token=TOKEN)
    assert len(hub.paths("PUT")) == 3
    assert hub.repos["anna/cells"].files.keys() > FILES


def test_after_a_failed_commit_the_weights_are_not_sent_again(evidence: Evidence, hub: PushHub) -> None:
    hub.refused["/api/models/anna/cells/commit"] = (500, {})
    with pytest.raises(HubError, match="trouble"):
        push(plan_of(evidence), token=TOKEN)
    assert hub.repos["anna/cells"].files == {}
    hub.refused.clear()
    push(plan_of(evidence), token=TOKEN)
    assert len(hub.paths("PUT")) == 1
    assert hub.repos["anna/cells"].files.keys() > FILES


REFUSALS = [
    (401, r"token is missing, wrong or expired \(401\).*HF_TOKEN"),
    (402, r"paid plan.*\(402\).*--public"),
    (403, r"may not write to anna \(403\).*write access"),
    (404, r"no user or organization anna.*\(404\).*Check the name"),
    (409, r"at the same moment \(409\)\. Push again"),
    (429, r"too many requests \(429\)\. Wait 90 s"),
    (500, r"has trouble \(error 500\)"),
]


@pytest.mark.parametrize(("status", "message"), REFUSALS, ids=[str(status) for status, _ in REFUSALS])
@pytest.mark.parametrize("path", ["/api/repos/create", "/anna/cells.git", "/api/models/anna/cells/commit"])
def test_each_refusal_says_what_to_do(
    evidence: Evidence, hub: PushHub, monkeypatch: pytest.MonkeyPatch, path: str, status: int, message: str
) -> None:
    no_waiting(monkeypatch)
    if path == "/api/repos/create" and status == 409:
        path = "/api/models/anna/cells/preupload"  # a repository that was just made by somebody else is no refusal
    hub.refused[path] = (status, {"Retry-After": "90"})
    with pytest.raises(HubError, match=message) as caught:
        push(plan_of(evidence), token=TOKEN)
    assert TOKEN not in str(caught.value)


def test_a_refusal_of_the_storage_client_is_no_lost_connection() -> None:
    text = (
        "Network error: Request error: HTTP status client error (401 Unauthorized), domain: https://huggingface.co/api"
    )
    error = explain(ConnectionError(text), Reference("anna/cells"), "https://huggingface.co")
    assert "the access token is missing, wrong or expired (401)" in str(error)
    lost = explain(
        ConnectionError("Network error: connection reset"), Reference("anna/cells"), "https://huggingface.co"
    )
    assert "cannot be reached" in str(lost)


def test_a_wrong_token_is_told_from_a_repository_that_is_not_there(evidence: Evidence, hub: PushHub) -> None:
    with pytest.raises(HubError, match=r"wrong or expired \(401\)"):
        push(plan_of(evidence), token="hf_wrong")
    assert not hub.repos


def test_without_a_token_it_says_how_to_get_one(
    evidence: Evidence, hub: PushHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match=r"no access token.*hf auth login"):
        push(plan_of(evidence), token=True)
    assert not hub.repos


def test_without_network_it_says_so(evidence: Evidence, hub: PushHub) -> None:
    with pytest.raises(HubError, match=r"cannot be reached\. Check the connection"):
        push(plan_of(evidence), token=TOKEN, endpoint="http://127.0.0.1:9")


def test_a_silent_hub_is_given_up(evidence: Evidence, hub: PushHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.silent.add("/api/models/")
    monkeypatch.setattr(pushing, "PROBE_SECONDS", 0.3)
    with pytest.raises(HubError, match=r"does not answer|cannot be reached"):
        push(plan_of(evidence), token=TOKEN)


def test_a_hub_that_falls_silent_during_the_upload_is_given_up(
    evidence: Evidence, hub: PushHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.silent.add("/anna/cells.git")
    monkeypatch.setattr(pushing, "SILENT_SECONDS", 0.3)
    with pytest.raises(HubError, match="does not answer"):
        push(plan_of(evidence), token=TOKEN)


def test_a_push_can_be_cancelled_and_shows_nothing(evidence: Evidence, hub: PushHub) -> None:
    hub.silent.add("/anna/cells.git")
    with pytest.raises(Cancelled, match="Nothing of it can be seen"):
        push(
            plan_of(evidence),
            token=TOKEN,
            cancelled=lambda: "/anna/cells.git/info/lfs/objects/batch" in hub.paths("POST"),
        )
    hub.silent.clear()
    hub.released.set()  # the Hub answers now, and the library goes on: it must not come to a commit
    for thread in [thread for thread in threading.enumerate() if thread.name == "push anna/cells"]:
        thread.join(60)
        assert not thread.is_alive()
    assert hub.repos["anna/cells"].files == {}
    assert not [path for path in hub.paths("POST") if "/commit/" in path]


@pytest.mark.parametrize("repo", ["cells", "a/b/c", "anna/../x", "https://example.org/a/b"])
def test_what_is_no_repository_is_refused(evidence: Evidence, repo: str) -> None:
    with pytest.raises(HubError, match="not the name of a model"):
        make_plan([], repo, evidence)


def test_a_revision_is_refused(evidence: Evidence) -> None:
    with pytest.raises(HubError, match="main branch"):
        make_plan([], "anna/cells@v1", evidence)


def test_nothing_private_leaves(
    run: Run, hub: PushHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "hf_" + "canarycanarycanary"
    description = f"made in {run.folder} with {secret}"
    assert main(["push", str(run.folder), "anna/cells", "--description", description, "--yes"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: Nothing was uploaded. Private: README.md: an access token; README.md: a path")
    assert secret not in error
    assert hub.requests == []


def test_the_names_of_user_and_host_are_refused_and_can_be_allowed(
    evidence: Evidence, hub: PushHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "zoe")
    monkeypatch.setattr("socket.gethostname", lambda: "lab-pc7.example.org")
    items = make_items(evidence, CardOptions("cells", description="Ask Zoe at LAB-PC7."), "zoe/cells")
    leaks = make_plan(items, "zoe/cells", evidence).leaks
    assert [(leak.file, leak.kind, leak.text) for leak in leaks] == [
        ("README.md", "the host name", "lab-pc7"),
        ("README.md", "the user name", "zoe"),
    ]
    with pytest.raises(HubError, match="--allow"):
        push(make_plan(items, "zoe/cells", evidence), token=TOKEN)
    assert hub.requests == []
    push(make_plan(items, "zoe/cells", evidence, ["zoe", "lab-pc7"]), token=TOKEN)


def test_no_file_says_where_it_was_made(run: Run, hub: PushHub, tmp_path: Path) -> None:
    assert main(["push", str(run.folder), "anna/cells", "--yes"]) == 0
    sent = b"".join(hub.repos["anna/cells"].files.values())
    for text in (str(tmp_path), str(run.config.data.root), TOKEN):
        assert text.encode() not in sent
    events = [name for name in hub.repos["anna/cells"].files if "tfevents" in name]
    assert len(events) == 1 and events[0].endswith(".unet-studio")


def test_a_dry_run_shows_everything_and_sends_nothing(
    run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", str(run.folder), "anna/cells", "--dry-run"]) == 0
    shown = capsys.readouterr()
    result = json.loads(shown.out.splitlines()[-1])
    assert result["files"].keys() > FILES and result["pushed"] is False and result["private_content"] == []
    for line in ("--- README.md ---", "--- config.json ---", "## Scores", "--- scores.csv ---"):
        assert line in shown.err.splitlines()
    assert "--- model.safetensors ---" not in shown.err
    assert hub.requests == []


def test_without_a_terminal_it_asks_for_yes(run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(run.folder), "anna/cells"]) == 2
    assert "Confirm with --yes." in capsys.readouterr().err
    assert hub.requests == []


def test_without_its_dataset_a_model_is_pushed_without_scores(
    run: Run, hub: PushHub, capsys: pytest.CaptureFixture[str]
) -> None:
    path = run.folder / "config.json"
    path.write_text(path.read_text().replace("cells", "gone"))
    assert main(["push", str(run.folder), "anna/cells", "--yes"]) == 0
    assert "Images cannot be scored" in capsys.readouterr().err
    files = hub.repos["anna/cells"].files
    assert "scores.csv" not in files
    assert b"dataset was not available" in files["README.md"] and b"Validation during training" in files["README.md"]


def test_weights_that_changed_since_they_were_looked_at_are_not_uploaded(run: Run, hub: PushHub) -> None:
    plan = plan_of(collect(run, precision="fp32"))
    path = run.best / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\1\2\3\4")
    with pytest.raises(RunError, match="Look at the files again"):
        push(plan, token=TOKEN)
    assert hub.repos["anna/cells"].files == {}


def test_a_run_without_a_checkpoint_is_refused(run: Run) -> None:
    shutil.rmtree(run.checkpoints)
    with pytest.raises(RunError, match="no checkpoint yet"):
        collect(run)


def test_an_unknown_license_is_refused() -> None:
    with pytest.raises(ConfigError, match="'wtf' is not one of unknown, mit"):
        CardOptions("cells", license="wtf")
