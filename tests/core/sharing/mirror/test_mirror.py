"""Runs on a stand-in of the Hub: copied, fetched onto an empty disk, deleted after them; never more, never public."""

import json
import shutil
from pathlib import Path

import pytest

from tests.helpers.browser import poll
from tests.helpers.hub_push_server import TOKEN, PushHub, PushRepo
from unet_core.errors import HubError
from unet_core.models.checkpoint import verify
from unet_core.runs import manage
from unet_core.runs.event_log import read_events
from unet_core.runs.run import Run, RunState, find
from unet_core.sharing.mirror import content
from unet_core.sharing.mirror import mirror as mirrors
from unet_core.sharing.mirror.keeper import Keeper
from unet_core.sharing.mirror.mirror import Mirror

REPO = "anna/runs"


@pytest.fixture
def mirror(run: Run, hub: PushHub) -> Mirror:
    """Of the folder with one finished run."""
    return Mirror(run.folder.parent, REPO, TOKEN)


def elsewhere(tmp_path: Path, token: str = TOKEN) -> Mirror:
    """Of a server with an empty disk."""
    (tmp_path / "empty").mkdir()
    return Mirror(tmp_path / "empty", REPO, token)


def stored(hub: PushHub) -> PushRepo:
    repo = hub.repos[REPO]
    assert isinstance(repo, PushRepo)
    return repo


def files_of(run: Run) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in content.list_files(run).items()}


def test_an_empty_disk_gets_the_runs_back_as_they_were(mirror: Mirror, run: Run, hub: PushHub, tmp_path: Path) -> None:
    manage.write_notes(run, manage.Notes("Nuclei", "the good one"))
    assert mirror.fetch() == [] and stored(hub).private
    assert mirror.save() == [run.id]
    other = elsewhere(tmp_path)
    assert other.fetch() == [run.id]
    back = Run(other.runs_dir / run.id)
    assert files_of(back) == files_of(run)
    assert {"config.json", "split.json", "events.jsonl", "notes.json", "checkpoints/last/sha256"} < files_of(
        back
    ).keys()
    verify(back.best)
    verify(back.last)
    assert (back.state(), manage.label(back)) == (RunState.FINISHED, "Nuclei")
    assert [path.name for path in other.runs_dir.iterdir() if path.name != mirrors.STAGING] == [run.id]


def test_no_image_and_no_log_leaves(mirror: Mirror, run: Run, hub: PushHub) -> None:
    (run.folder / "worker.log").write_text("in /home/anna")
    (run.folder / "film").mkdir(exist_ok=True)
    (run.folder / "film" / "a.png").write_bytes(b"a validation image")
    (run.folder / "key.json").symlink_to("/etc/hostname")
    mirror.fetch()
    mirror.save()
    names = {name.removeprefix(f"runs/{run.id}/") for name in stored(hub).files}
    assert names == content.list_files(run).keys()
    assert not names & {"worker.log", "key.json", "lock", "heartbeat"}
    assert not [name for name in names if name.startswith("film")]


def test_only_what_has_changed_is_sent_again(mirror: Mirror, run: Run, hub: PushHub) -> None:
    mirror.fetch()
    mirror.save()
    sent, asked = len(hub.paths("PUT")), len(hub.requests)
    assert mirror.save() == [] and len(hub.requests) == asked
    manage.write_notes(run, manage.Notes("Nuclei"))
    assert mirror.save() == [run.id]
    assert len(hub.paths("PUT")) == sent  # no weights
    assert json.loads(stored(hub).files[f"runs/{run.id}/notes.json"])["name"] == "Nuclei"
    (run.folder / "notes.json").unlink()
    mirror.save()
    assert f"runs/{run.id}/notes.json" not in stored(hub).files


def test_a_deleted_run_is_deleted_there_and_comes_back_when_it_is_restored(
    mirror: Mirror, run: Run, hub: PushHub
) -> None:
    mirror.fetch()
    mirror.save()
    removed = manage.delete(run)
    assert removed is not None
    assert mirror.save() == [run.id] and stored(hub).files == {}
    assert mirror.save() == []
    manage.restore(run.folder.parent, removed.key)
    assert mirror.save() == [run.id] and f"runs/{run.id}/config.json" in stored(hub).files


def test_a_run_that_was_deleted_just_before_a_restart_does_not_come_back(
    mirror: Mirror, run: Run, hub: PushHub
) -> None:
    mirror.fetch()
    mirror.save()
    manage.delete(run)
    again = Mirror(run.folder.parent, REPO, TOKEN)
    assert again.fetch() == [] and find(run.folder.parent) == []
    assert again.save() == [run.id] and stored(hub).files == {}


def test_an_empty_disk_deletes_nothing_and_runs_of_another_server_stay(
    mirror: Mirror, run: Run, hub: PushHub, tmp_path: Path
) -> None:
    other = elsewhere(tmp_path)
    other.fetch()
    mirror.fetch()
    mirror.save()
    before = dict(stored(hub).files)
    with pytest.raises(HubError, match="have to be fetched before"):
        Mirror(tmp_path / "empty", REPO, TOKEN).save()
    assert other.save() == []
    assert stored(hub).files == before


def test_a_run_that_trains_is_copied_now_and_then(run: Run, hub: PushHub, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    mirror = Mirror(run.folder.parent, REPO, TOKEN, clock=lambda: now[0])
    monkeypatch.setattr(Run, "alive", lambda self: True)
    with run.events.open("ab") as file:
        file.write(b'{"half an ev')
    mirror.fetch()
    assert mirror.save() == [run.id]  # at once, for the first time
    events = stored(hub).files[f"runs/{run.id}/events.jsonl"]
    assert events.endswith(b"\n") and len(events) == run.events.stat().st_size - len(b'{"half an ev')
    manage.write_notes(run, manage.Notes("later"))
    assert mirror.save() == []
    assert mirror.save(at_once=True) == [run.id]  # the server ends
    manage.write_notes(run, manage.Notes("later still"))
    now[0] = mirrors.ACTIVE_SECONDS + 1
    assert mirror.save() == [run.id]


def test_a_checkpoint_that_is_replaced_meanwhile_is_copied_whole(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, swaps = content._link, [1]

    def replace_once(source: Path, target: Path) -> None:
        link(source, target)
        if swaps and source.parent == run.best:
            swaps.pop()
            shutil.copytree(run.best, run.folder / "new")
            shutil.rmtree(run.best)
            (run.folder / "new").rename(run.best)

    monkeypatch.setattr(content, "_link", replace_once)
    (tmp_path / "staged").mkdir()
    staged = content.stage(run, tmp_path / "staged")
    assert not swaps
    verify(tmp_path / "staged/checkpoints/best")
    assert {name: path.read_bytes() for name, path in staged.items()} == files_of(run)
    assert len(read_events(tmp_path / "staged/events.jsonl")[0]) == len(read_events(run.events)[0])


def test_names_that_lead_elsewhere_are_left_there(hub: PushHub, tmp_path: Path) -> None:
    good = "runs/20260101-120000-cells"
    hub.repos[REPO] = PushRepo(
        {
            f"{good}/config.json": b"{}",
            f"{good}/../../evil.json": b"x",
            f"{good}/film/a.png": b"x",
            f"{good}/.hidden": b"x",
            "runs/models/config.json": b"x",
            "runs/../config.json": b"x",
            "README.md": b"x",
        }
    )
    mirror = elsewhere(tmp_path)
    assert mirror.fetch() == ["20260101-120000-cells"]
    found = [path.relative_to(mirror.runs_dir).as_posix() for path in mirror.runs_dir.rglob("*") if path.is_file()]
    assert found == ["20260101-120000-cells/config.json"]


def test_a_public_repository_is_refused(mirror: Mirror, hub: PushHub) -> None:
    hub.repos[REPO] = PushRepo(private=False)
    with pytest.raises(HubError, match="is public: everybody would see the runs"):
        mirror.fetch()
    assert hub.bodies == []


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, r"token is missing, wrong or expired \(401\)"),
        (402, r"storage is used up\. Remove old private repositories"),
        (403, r"may not write to anna \(403\).*name a repository of your own account"),
        (429, r"Wait 90 s and try again"),
        (500, r"has trouble \(error 500\)\. Wait and try again"),
    ],
)
def test_a_refusal_is_told_and_the_next_time_all_is_copied(
    mirror: Mirror, run: Run, hub: PushHub, monkeypatch: pytest.MonkeyPatch, status: int, message: str
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    mirror.fetch()
    hub.refused[f"/api/models/{REPO}/commit"] = (status, {"Retry-After": "90"})
    with pytest.raises(HubError, match=message) as caught:
        mirror.save()
    assert TOKEN not in str(caught.value)
    hub.refused.clear()
    assert mirror.save() == [run.id]


def test_without_network_it_says_so(run: Run) -> None:
    with pytest.raises(HubError, match=r"cannot be reached\. Check the connection and try again"):
        Mirror(run.folder.parent, REPO, TOKEN, endpoint="http://127.0.0.1:9").fetch()


def test_the_keeper_fetches_keeps_and_copies_once_more_at_the_end(
    mirror: Mirror, run: Run, hub: PushHub, tmp_path: Path
) -> None:
    hub.refused["/api/models/anna"] = (500, {})
    keeper = Keeper(mirror, check=0.02, retry=0.02)
    keeper.start()
    poll(lambda: "has trouble" in keeper.problem, what="a failure that is told")
    assert keeper.fetching
    hub.refused.clear()
    poll(lambda: not keeper.problem and not keeper.fetching, what="a round that went well")
    poll(lambda: f"runs/{run.id}/config.json" in hub.repos[REPO].files, what="the copy")
    manage.write_notes(run, manage.Notes("at the last moment"))
    assert keeper.stop(60)
    assert b"at the last moment" in hub.repos[REPO].files[f"runs/{run.id}/notes.json"]


def test_a_keeper_that_never_fetched_copies_nothing_at_the_end(mirror: Mirror, hub: PushHub) -> None:
    hub.refused["/api/models/anna"] = (500, {})
    keeper = Keeper(mirror, check=0.02, retry=0.02)
    keeper.start()
    poll(lambda: bool(keeper.problem), what="a failure")
    hub.refused.clear()
    hub.refused["/api/models/anna/runs/commit"] = (500, {})
    keeper._stopping.set()
    keeper.join(60)
    assert REPO not in hub.repos or hub.repos[REPO].files == {}
