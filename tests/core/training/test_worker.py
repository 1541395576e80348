"""One run in a process of its own: what it writes, how it is started, refused, stopped, and how it tells of errors."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.helpers.processes import (
    ENDLESS,
    ROOT,
    events,
    make_data,
    quick,
    steps,
    sweep,
    trainers,
    wait_for,
    wait_until_over,
)
from unet_core.data.groups import identity
from unet_core.errors import DataError, RunError
from unet_core.io import images
from unet_core.models import checkpoint
from unet_core.runs import queue
from unet_core.runs import run as runs
from unet_core.runs.events import EpochFinished, RunFailed, RunFinished, RunStarted
from unet_core.runs.run import Run, RunState
from unet_core.runs.run_state import HEARTBEAT_SECONDS
from unet_core.training import launch as launching
from unet_core.training import worker

LISTING = [
    "checkpoints",
    "checkpoints/best",
    "checkpoints/best/config.json",
    "checkpoints/best/images.json",
    "checkpoints/best/model.safetensors",
    "checkpoints/best/sha256",
    "checkpoints/best/training.json",
    "checkpoints/last",
    "checkpoints/last/config.json",
    "checkpoints/last/images.json",
    "checkpoints/last/model.safetensors",
    "checkpoints/last/sha256",
    "checkpoints/last/state.json",
    "checkpoints/last/state.safetensors",
    "checkpoints/last.old",
    "checkpoints/last.old/config.json",
    "checkpoints/last.old/images.json",
    "checkpoints/last.old/model.safetensors",
    "checkpoints/last.old/sha256",
    "checkpoints/last.old/state.json",
    "checkpoints/last.old/state.safetensors",
    "config.json",
    "control",
    "events.jsonl",
    "film",
    "film/0-image.png",
    "film/0-truth.png",
    "film/0001-0.png",
    "film/0001.json",
    "film/0002-0.png",
    "film/0002.json",
    "film/probes.json",
    "heartbeat",
    "lock",
    "mask_coding.json",
    "split.json",
    "start.json",
    "worker.log",
]
LAUNCH_AND_HANG = """
import sys, time
from pathlib import Path
from unet_core.training import launch
from unet_core.config.schema import RunConfig
run = launch.launch(RunConfig.from_json(sys.argv[1]), Path(sys.argv[2]))
print(run.folder, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def data(place: Path) -> Path:
    return make_data(place / "data", 7)


@pytest.fixture(scope="module")
def finished(place: Path, data: Path) -> Run:
    """A run of two epochs with two steps each, at its end."""
    return wait_until_over(launching.launch(quick(data, test_fraction=0.2), place / "finished"))


@pytest.fixture(scope="module")
def orphan(place: Path, data: Path) -> Run:
    """A long run in its first epoch, whose launcher was killed once it trained."""
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCH_AND_HANG, quick(data, **ENDLESS).to_json(), str(place / "orphan")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert launcher.stdout is not None
        run = Run(Path(launcher.stdout.readline().strip()))
        wait_for(lambda: steps(run), "the run has made a step")
    finally:
        launcher.kill()
        launcher.communicate()
    return run


def tree(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# ---------------------------------------------------------------------------------------------- a run that finishes


def test_a_finished_run_holds_exactly_these_files(finished):
    second_best = "checkpoints/best.old"  # there where a second epoch was the best so far
    both = sum(event.best for event in events(finished) if isinstance(event, EpochFinished)) > 1
    before = [second_best, *(f"{second_best}/{path.name}" for path in finished.best.iterdir())] if both else []
    assert tree(finished.folder) == sorted(LISTING + before)
    assert sorted(path.name for path in finished.folder.parent.iterdir()) == [".device.lock", finished.id]
    assert finished.state() is RunState.FINISHED


def test_the_events_come_in_this_order_and_are_counted_from_1(finished):
    assert [event.type for event in events(finished)] == [
        "started", "step", "step", "epoch", "step", "step", "epoch", "finished",
    ]  # fmt: skip
    lines = [json.loads(line) for line in finished.events.read_text(encoding="utf-8").splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 9))
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    end = events(finished)[-1]
    assert isinstance(end, RunFinished)
    assert end.reason == "completed"


def test_the_start_event_says_what_trains_on_what(finished):
    start = events(finished)[0]
    assert isinstance(start, RunStarted)
    assert (start.train_images, start.val_images, start.test_images) == (5, 1, 1)
    assert (start.epochs, start.steps_per_epoch, start.first_epoch) == (2, 2, 1)
    assert (start.device, start.precision, start.threads) == ("cpu", "fp32", 1)
    assert (start.in_channels, start.num_classes) == (1, 1)


def test_config_json_is_what_was_given(finished, data):
    assert finished.config == quick(data, test_fraction=0.2)


def test_split_json_names_every_image_once_with_the_hashes_of_its_file_and_its_pixels(finished, data):
    parts = finished.split()
    assert list(parts) == ["train", "val", "test"]
    assert sorted(name for ids in parts.values() for name in ids) == [f"p{number}" for number in range(7)]
    for ids in parts.values():
        for name, record in ids.items():
            path = data / "images" / f"{name}.png"
            digest = identity.key(record, "file").removeprefix("file:")
            assert digest == hashlib.sha256(path.read_bytes()).hexdigest()[: len(digest)]
            assert len(digest) >= 16
            assert identity.key(record, "px") == identity.key(identity.describe_pixels(images.read(path)), "px") != ""


def test_at_the_end_the_lock_is_free_and_the_heart_has_beaten_until_then(finished):
    assert not finished.alive()
    assert runs.find_active(finished.folder.parent) is None
    last = json.loads(finished.events.read_text(encoding="utf-8").splitlines()[-1])["time"]
    beat = (finished.folder / "heartbeat").stat().st_mtime
    assert last - beat < 3 * HEARTBEAT_SECONDS + 2


def test_the_best_checkpoint_is_of_the_epoch_that_the_end_names(finished):
    end = events(finished)[-1]
    assert checkpoint.load_state(finished.last).values["best_epoch"] == end.best_epoch
    model, warning = checkpoint.load_model(finished.best)
    assert warning == ""
    assert (model.config.in_channels, model.config.num_classes) == (1, 1)


# --------------------------------------------------------------------------------------------- launching and refusing


@pytest.mark.parametrize("broken", ["missing folder", "empty folder", "image without mask"])
def test_bad_data_are_refused_before_anything_is_written(tmp_path, broken):
    data = tmp_path / "bad"
    if broken != "missing folder":
        data.mkdir()
    if broken == "image without mask":
        make_data(data)
        (data / "masks" / "p3.png").unlink()
    with pytest.raises(DataError):
        launching.launch(quick(data), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_trainer_that_dies_at_once_is_told_of_with_its_log(place, data, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text("import os\nos.write(2, b'no luck')\nos._exit(7)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = runs.create(place / "stillborn", quick(data))
    with pytest.raises(RunError, match=r"did not start.*worker\.log"):
        launching.start(run)
    assert run.log.read_text() == "no luck"
    assert not run.queued, "a run that could not begin must not be begun by a later server"


def test_of_two_launches_at_the_same_instant_exactly_one_trains_and_the_other_waits(place, data, monkeypatch):
    runs_dir, gate = place / "twice", threading.Barrier(2)
    started: list[Run] = []

    def launch() -> None:
        gate.wait(30)
        started.append(launching.launch(quick(data, **ENDLESS), runs_dir))

    threads = [threading.Thread(target=launch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(started) == 2
    training = wait_for(lambda: runs.find_active(runs_dir), "one of them trains")
    (waiting,) = [run for run in started if run != training]
    wait_for(lambda: steps(training), "it makes a step")
    assert waiting.state() is RunState.QUEUED
    assert queue.waiting(runs_dir) == [waiting]
    assert not waiting.events.exists()
    sweep(runs_dir)


# ---------------------------------------------------------------------------------- a run that outlives its launcher


def test_the_trainer_survives_the_death_of_its_launcher(orphan):
    before = len(steps(orphan))
    wait_for(lambda: len(steps(orphan)) > before + 5, "five more steps are made")
    assert orphan.state() is RunState.RUNNING or orphan.stop_requested()


def test_the_trainer_leaves_the_processor_to_others_first(orphan):
    (pid,) = trainers(orphan.folder)
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + worker.NICE)


def test_a_busy_runs_folder_has_another_run_wait_and_refuses_the_same_one(orphan, data):
    before = sorted(path.name for path in orphan.folder.parent.iterdir())
    other = launching.launch(quick(data), orphan.folder.parent)
    assert other.state() is RunState.QUEUED
    with pytest.raises(RunError, match=f"{other.id} is already in the queue"):
        launching.start(other)
    queue.remove(other)
    with pytest.raises(RunError, match=f"{orphan.id} is already training"):
        launching.start(orphan)
    wait_for(lambda: len(trainers(orphan.folder.parent)) == 1, "who waited is gone")  # it may delete its run itself
    assert sorted(path.name for path in orphan.folder.parent.iterdir()) == before


def test_the_control_file_stops_it_mid_epoch_and_the_best_is_kept(orphan):
    orphan.request_stop()
    wait_until_over(orphan)
    assert orphan.state() is RunState.STOPPED
    *_, epoch, end = events(orphan)
    assert (end.type, end.reason, epoch.type, end.best_epoch) == ("finished", "stopped", "epoch", 1)
    assert len(steps(orphan)) < events(orphan)[0].steps_per_epoch, "it was to be stopped within the first epoch"
    assert checkpoint.load_model(orphan.best)[1] == ""
    assert checkpoint.load_state(orphan.last).values["step"] == steps(orphan)[-1].step


# ----------------------------------------------------------------------------------------------------------- errors


def test_an_error_of_its_own_is_told_without_a_traceback_that_the_log_has(finished, place):
    shutil.copytree(finished.folder, place / "broken" / "run")
    run = Run(place / "broken" / "run")
    (run.folder / "split.json").write_text("[]")
    launching.start(run)
    wait_until_over(run)
    assert run.state() is RunState.FAILED
    failed = events(run)[-1]
    assert isinstance(failed, RunFailed)
    assert str(run.log) in failed.message
    assert "Traceback" not in failed.message
    assert "\n" not in failed.message
    assert "Traceback (most recent call last)" in run.log.read_text()


def test_ctrl_c_during_the_launch_leaves_nothing_in_the_queue(data, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(launching, "_wait_until_alive", interrupted)
    with queue.hold_device(tmp_path), pytest.raises(RunError, match="removed from the queue"):
        launching.launch_all([quick(data)] * 2, tmp_path)
    assert runs.find(tmp_path) == []
    assert queue.waiting(tmp_path) == []
