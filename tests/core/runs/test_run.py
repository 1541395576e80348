"""The run directory: what is in it, what state follows from it, and that an id is never a path."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from unet_core.config.schema import DataConfig, RunConfig, TrainConfig
from unet_core.data.splits import Split
from unet_core.errors import RunError
from unet_core.hub.resolve import local_checkpoint
from unet_core.io.files import write_atomically
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import Event, RunFailed, RunFinished, RunStarted, StepFinished
from unet_core.runs.run import Run, RunState

CONFIG = RunConfig(DataConfig(root="/data/CamVid 12"), train=TrainConfig(loss="bce_dice"))
STARTED = RunStarted("cpu", "fp32", 1, 9, 1, 1, 4, 1, 0, epochs=2, steps_per_epoch=3)
COMPLETED = RunFinished("completed", 1, 0.5, 0.4, 1.0, 2.0)
STOPPED = RunFinished("stopped", 1, None, None, 1.0, 2.0)


class Noon(datetime):
    @classmethod
    def now(cls, tz: object = None) -> "Noon":
        return cls(2026, 11, 20, 14, 25, 30)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands still at 14:25:30."""
    monkeypatch.setattr(runs, "datetime", Noon)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runs.create(tmp_path / "runs", CONFIG)


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() + "/" * path.is_dir() for path in folder.rglob("*"))


def tell(run: Run, *events: Event) -> None:
    log = EventLog(run.events)
    for event in events:
        log.append(event)
    log.close()


@contextmanager
def trainer(run: Run) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of a run."""
    program = (
        "import sys; from filelock import FileLock\n"
        "with FileLock(sys.argv[1]): print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", program, str(run.folder / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def grow_old(path: Path) -> None:
    """As if it had last been written in 2001."""
    os.utime(path, (1e9, 1e9))


@pytest.mark.usefixtures("noon")
def test_a_new_run_holds_its_config_and_nothing_else(tmp_path: Path) -> None:
    run = runs.create(tmp_path / "new" / "runs", CONFIG)
    assert run == Run(tmp_path / "new" / "runs" / "20261120-142530-CamVid_12-bce_dice")
    assert run.id == "20261120-142530-CamVid_12-bce_dice"
    assert contents(run.folder) == ["config.json", "control/"]
    assert (run.folder / "config.json").read_text(encoding="utf-8") == CONFIG.to_json()
    assert run.config == CONFIG
    assert (run.has_best, run.has_last, run.has_split, run.stop_requested()) == (False, False, False, False)


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize(
    ("root", "loss", "id_"),
    [
        ("/data/cells", "auto", "20261120-142530-cells"),
        ("/data/../etc", "dice", "20261120-142530-etc-dice"),
        ("/data/été  2 (neu)/", "dice", "20261120-142530-t_2_neu-dice"),
        ("/data/細胞", "dice", "20261120-142530-data-dice"),
        ("/data/\udcff", "dice", "20261120-142530-data-dice"),
        ("/", "dice", "20261120-142530-data-dice"),
        ("/data/" + 99 * "x", "dice", f"20261120-142530-{40 * 'x'}-dice"),
    ],
)
def test_ids_are_plain_names(tmp_path: Path, root: str, loss: str, id_: str) -> None:
    run = runs.create(tmp_path, RunConfig(DataConfig(root=root), train=TrainConfig(loss=loss)))
    assert run.folder == tmp_path / id_
    assert run.config.data.root == root


@pytest.mark.usefixtures("noon")
def test_runs_of_one_second_do_not_share_a_folder(tmp_path: Path) -> None:
    ids = [runs.create(tmp_path, CONFIG).id for _ in range(99)]
    first = "20261120-142530-CamVid_12-bce_dice"
    assert ids == [first, *(f"{first}-{number}" for number in range(2, 100))]
    with pytest.raises(RunError, match="too many runs were started within one second"):
        runs.create(tmp_path, CONFIG)
    assert len(list(tmp_path.iterdir())) == 99


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_where_no_run_can_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError) as refusal:
        runs.create(tmp_path / place, CONFIG)
    message = str(refusal.value)
    assert message.startswith(f"{tmp_path / place}/")
    assert "a run cannot be written there (Not a directory)" in message
    assert "--runs-dir, UNET_RUNS" in message
    assert contents(tmp_path) == ["file"]


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs, "write_atomically", full)
    with pytest.raises(RunError, match=r"cannot be written there \(No space left on device\)\. Free some space"):
        runs.create(tmp_path, CONFIG)
    assert runs.find(tmp_path) == []


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([STARTED, StepFinished(1, 1, 0.5, 0.1), COMPLETED], RunState.FINISHED),
        ([STARTED, STOPPED], RunState.STOPPED),
        ([STARTED, RunFailed("No memory left.")], RunState.FAILED),
        ([RunFailed("No such folder.")], RunState.FAILED),
        ([STARTED, StepFinished(1, 1, 0.5, 0.1)], RunState.INTERRUPTED),
        ([STARTED, STOPPED, STARTED], RunState.INTERRUPTED),
        ([], RunState.INTERRUPTED),
    ],
)
def test_states_of_a_run_that_no_process_holds(run: Run, told: list[Event], state: RunState) -> None:
    run.beat()
    tell(run, *told)
    (run.folder / "lock").touch()  # left behind by a trainer that was killed
    run.request_stop()
    assert not run.alive()
    assert run.state() is state
    assert not state.active
    assert runs.find_active(run.folder.parent) is None


def test_a_torn_last_line_does_not_hide_the_end(run: Run) -> None:
    run.beat()
    tell(run, STARTED, COMPLETED)
    with run.events.open("ab") as file:
        file.write(b'{"seq": 3, "ti')
    assert run.state() is RunState.FINISHED


def test_a_new_run_is_starting_and_an_old_one_that_never_did_is_interrupted(run: Run) -> None:
    assert run.state() is RunState.STARTING
    assert runs.find_active(run.folder.parent) == run
    grow_old(run.folder)
    assert run.state() is RunState.INTERRUPTED


@pytest.mark.parametrize(("seconds", "state"), [(29.0, RunState.STARTING), (30.0, RunState.INTERRUPTED)])
def test_how_long_a_run_may_take_to_start(
    run: Run, monkeypatch: pytest.MonkeyPatch, seconds: float, state: RunState
) -> None:
    grow_old(run.folder)
    monkeypatch.setattr("unet_core.runs.run_state.time.time", lambda: 1e9 + seconds)
    assert run.state() is state


def test_silence_counts_from_the_last_heartbeat(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.beat()
    grow_old(run.folder / "heartbeat")
    monkeypatch.setattr("unet_core.runs.run_state.time.time", lambda: 1e9 + 7.0)
    assert run.silent_for() == 7.0


def test_states_while_a_trainer_lives(run: Run) -> None:
    tell(run, STARTED)
    run.beat()
    with trainer(run):
        assert run.state() is RunState.RUNNING
        assert runs.find_active(run.folder.parent) == run
        run.request_stop()
        assert run.state() is RunState.STOPPING
        run.clear_requests()
        assert run.state() is RunState.RUNNING
        grow_old(run.folder / "heartbeat")
        assert run.silent_for() > runs.SILENT_SECONDS
        assert run.state() is RunState.RUNNING, "it does not answer, but it holds the lock"
    assert run.state() is RunState.INTERRUPTED
    assert (run.folder / "lock").exists()


def test_a_run_taken_up_again_is_running_whatever_it_told_before(run: Run) -> None:
    tell(run, STARTED, STOPPED)
    run.beat()
    with trainer(run):
        assert run.state() is RunState.RUNNING
    assert run.state() is RunState.STOPPED


def test_another_readers_glance_is_no_trainer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that tests the lock holds it for an instant; without a heartbeat it is looked at again."""
    glances = iter([True, False])
    monkeypatch.setattr("unet_core.runs.run_state.is_locked", lambda lock: next(glances))
    monkeypatch.setattr("unet_core.runs.run_state.time.sleep", lambda seconds: None)
    assert not run.alive()


def test_asking_whether_a_run_lives_leaves_no_lock_behind(run: Run) -> None:
    before = contents(run.folder)
    assert not run.alive()
    assert contents(run.folder) == before


def test_requests(run: Run) -> None:
    assert run.silent_for() == float("inf")
    run.clear_requests()
    run.request_stop()
    run.request_stop()
    assert run.stop_requested()
    assert contents(run.folder) == ["config.json", "control/", "control/stop"]
    run.clear_requests()
    assert not run.stop_requested()
    (run.folder / "control").rmdir()
    run.request_stop()
    assert run.stop_requested()


def test_the_split_there_and_back(run: Run) -> None:
    with pytest.raises(RunError, match=rf"Run {run.id} has no readable split\.json "):
        run.split()
    odd = os.fsdecode(b"\xff")
    hashes = {"a": "1", "é\n": "2", odd: "3", "not in it": "4"}
    run.write_split(Split(("a", "é\n"), (odd,), ()), hashes)
    assert run.has_split
    assert run.split() == {"train": {"a": "1", "é\n": "2"}, "val": {odd: "3"}, "test": {}}
    assert list(json.loads((run.folder / "split.json").read_bytes())) == ["train", "val", "test"]
    assert contents(run.folder) == ["config.json", "control/", "split.json"]
    assert run.groups() == {}


def test_the_groups_there_and_back(run: Run) -> None:
    run.write_split(Split(("a", "b"), ("c",), ()), dict.fromkeys("abc", "1"), {"é": ["a", "b"]})
    assert run.groups() == {"é": ["a", "b"]}
    (run.folder / "groups.json").write_text("{")
    with pytest.raises(RunError, match=rf"Run {run.id} has no readable groups\.json"):
        run.groups()


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00"])
def test_a_damaged_split_or_config_is_told_with_the_run(run: Run, data: bytes) -> None:
    for name in ("split.json", "config.json"):
        (run.folder / name).write_bytes(data)
    with pytest.raises(RunError, match=rf"Run {run.id} has no readable split\.json"):
        run.split()
    with pytest.raises(RunError, match=rf"Run {run.id}: config\.json cannot be read"):
        _ = run.config


def test_a_config_of_a_later_release_is_told_with_the_run_and_the_setting(run: Run) -> None:
    (run.folder / "config.json").write_text('{"train": {"warp": 9}}')
    with pytest.raises(RunError, match=rf"Run {run.id}: config\.json cannot be read \(Unknown setting 'warp'"):
        _ = run.config


def test_find_gives_the_newest_first_and_runs_only(tmp_path: Path) -> None:
    assert runs.find(tmp_path / "gone") == []
    for name in ("20261120-142530-a", "20270101-000000-a", "20261120-142531-a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "20280101-000000-empty").mkdir()
    (tmp_path / "note.txt").touch()
    assert [run.id for run in runs.find(tmp_path)] == ["20270101-000000-a", "20261120-142531-a", "20261120-142530-a"]
    assert runs.find(tmp_path / "note.txt") == []


def test_get(run: Run) -> None:
    assert runs.get(run.folder.parent, run.id) == run


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/",
        "no-such-run",
        "../secret",
        "{id}/",
        "./{id}",
        "{id}/.",
        "{folder}",
        "x\0y",
        "x" * 300,
        "\udcff",
    ],
)
def test_an_id_is_never_a_path(run: Run, name: str) -> None:
    runs_dir = run.folder.parent
    for folder in (runs_dir, runs_dir.parent, runs_dir.parent / "secret"):  # each looks like a run
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text("{}")
    asked = name.format(id=run.id, folder=run.folder)
    with pytest.raises(RunError) as refusal:
        runs.get(runs_dir, asked)
    assert str(refusal.value) == f"There is no run {asked!r} in {runs_dir}."


def add_checkpoint(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").touch()
    return folder


def test_a_model_is_named_by_run_or_by_folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_dir = run.folder.parent
    with pytest.raises(RunError) as refusal:
        local_checkpoint(run.id, runs_dir)
    assert str(refusal.value) == f"Run {run.id} has no checkpoint yet; wait for the end of its first epoch."
    best, last = add_checkpoint(run.best), add_checkpoint(run.last)
    assert (run.has_best, run.has_last) == (True, True)
    assert local_checkpoint(run.id, runs_dir) == (best, run)
    assert local_checkpoint(str(run.folder), Path("elsewhere")) == (best, run)
    assert local_checkpoint(str(best), runs_dir) == (best, run)
    assert local_checkpoint(str(last), runs_dir) == (last, run)
    monkeypatch.chdir(run.checkpoints)
    assert local_checkpoint("last", runs_dir) == (Path("last"), run)
    alone = add_checkpoint(tmp_path / "downloaded")
    assert local_checkpoint(str(alone), runs_dir) == (alone, None)


@pytest.mark.parametrize("kept", ["best", "last"])
def test_a_checkpoint_that_is_being_replaced_still_counts(run: Run, kept: str) -> None:
    add_checkpoint(run.checkpoints / f"{kept}.old")
    assert getattr(run, f"has_{kept}")


@pytest.mark.parametrize("name", ["nothing", "", "../nothing", "/nothing/at/all"])
def test_what_is_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError) as refusal:
        local_checkpoint(name, tmp_path / "runs")
    assert str(refusal.value) == (f"{name}: neither a run nor a checkpoint folder (config.json and model.safetensors).")


def test_a_small_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, "old é\n")
    assert path.read_bytes() == "old é\n".encode()

    def torn(self: Path, text: str, encoding: str) -> None:
        with self.open("w") as file:
            file.write(text[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", torn)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new\n")
    monkeypatch.undo()
    assert path.read_bytes() == "old é\n".encode()
    write_atomically(path, "new\n")
    assert contents(tmp_path) == ["a.json"]
