"""The fault table, one test or more a row: `pytest tests/faults -k A01`. Kills are real, deadlines are the table's."""
# ruff: noqa: N802 - the rows of the table have capital letters

import contextlib
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.helpers.processes import (
    ENDLESS,
    ROOT,
    end,
    events,
    flags,
    make_data,
    picture,
    png,
    quick,
    start_cli,
    steps,
    sweep,
    trainers,
    wait_for,
    wait_until_over,
)
from unet_core.cli.parser import main
from unet_core.config.schema import DataConfig, ModelConfig, RunConfig
from unet_core.data import discovery
from unet_core.data.dataset import load_dataset
from unet_core.errors import DataError, RunError
from unet_core.io import images
from unet_core.models import checkpoint
from unet_core.models.unet import UNet
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, last_event, read_events
from unet_core.runs.events import EpochFinished, Event, RunFailed, RunFinished, RunStarted, StepFinished, Warned
from unet_core.runs.history import History
from unet_core.runs.run import Run, RunState
from unet_core.training import launch, runner, worker
from unet_core.training.loop import train
from unet_core.training.state import TrainerState

LONG = {"epochs": 5, "crops_per_image": 48}  # of 5 training images: 60 steps an epoch, 300 in all
SHORT = {"epochs": 3, "crops_per_image": 2, "lr": 0.05}
EPOCHS_BEFORE = 2  # whole epochs that a run has made when it is killed or ended


# ------------------------------------------------------------------------------------------------- what is compared


def curve(run: Run) -> tuple[list[Any], list[Any]]:
    """The steps and epochs of a run as a page shows them, without what the clock gave."""
    history = History()
    for event, at in read_events(run.events)[0]:
        history.add(event, at)
    timed = ("seconds", "images_per_second")
    return history.steps, [{k: v for k, v in asdict(epoch).items() if k not in timed} for epoch in history.epochs]


def stored(folder: Path) -> dict[str, bytes]:
    """Every tensor of a checkpoint as bytes, those of batch norm and of the optimizer too; and its epoch."""
    found = {name: tensor.numpy().tobytes() for name, tensor in checkpoint.load_model(folder)[0].state_dict().items()}
    if (folder / "state.json").exists():
        state = checkpoint.load_state(folder)
        found |= {name: tensor.numpy().tobytes() for name, tensor in state.tensors.items()}
        found["epoch, step, best"] = repr(
            [state.values[key] for key in ("epoch", "step", "best_epoch", "best_rank", "best_dice")]
        ).encode()
    return found


def assert_same_end(run: Run, reference: Run) -> None:
    assert run.state() is RunState.FINISHED
    assert curve(run) == curve(reference)
    assert stored(run.last) == stored(reference.last)
    assert stored(run.best) == stored(reference.best)


def in_epoch(run: Run, epoch: int) -> bool:
    """Whether a run is some steps inside an epoch, or beyond."""
    made = steps(run)
    return bool(made) and (made[-1].epoch, len([step for step in made if step.epoch == epoch])) >= (epoch, 5)


def until_interrupted(run: Run, number: int) -> float:
    """Send a signal to the trainer of a run; the seconds until the run is shown as interrupted and it is gone."""
    sent = time.monotonic()
    end(trainers(run.folder), number)
    wait_for(lambda: run.state() is RunState.INTERRUPTED and not trainers(run.folder), "the run is interrupted")
    return time.monotonic() - sent


def copy(run: Run, place: Path) -> Run:
    return Run(shutil.copytree(run.folder, place / "runs" / run.id))


def resume_here(run: Run) -> Run:
    """Resume in this process: the trainer without its shell of locks and signals, in a tenth of the time."""
    log = EventLog(run.events)
    try:
        runner.run_to_end(run, log)
    finally:
        log.close()
    return run


@dataclass(frozen=True)
class Killed:
    run: Run
    seconds: float  # until it was shown as interrupted


@pytest.fixture(scope="module")
def reference(place: Path, data: Path) -> Run:
    """An uninterrupted run."""
    return wait_until_over(launch.launch(quick(data, **LONG), place / "reference"))


@pytest.fixture(scope="module")
def killed(place: Path, data: Path) -> Killed:
    """The same run, killed within its third epoch; tests only read it or take copies."""
    run = launch.launch(quick(data, **LONG), place / "killed")
    wait_for(lambda: in_epoch(run, EPOCHS_BEFORE + 1), "the third epoch is under way")
    return Killed(run, until_interrupted(run, signal.SIGKILL))


@pytest.fixture(scope="module")
def brief(place: Path, data: Path) -> Run:
    """An uninterrupted run that is short enough to be repeated many times."""
    return resume_here(runs.create(place / "brief", quick(data, **SHORT)))


# ----------------------------------------------------------------------------------------------------- A  interruptions


def test_A01_kill_mid_epoch(reference, killed, tmp_path):
    run = copy(killed.run, tmp_path)
    before = len(steps(run))
    assert EPOCHS_BEFORE * 60 < before < 300, "the kill was meant to come in the middle"
    try:
        launch.start(run)
        wait_until_over(run)
    finally:
        sweep(tmp_path)
    assert_same_end(run, reference)
    assert any("running_mean" in name for name in stored(run.last))
    assert len(steps(run)) - 300 <= 60, "more than one epoch was trained again"


class Death(BaseException):
    """Stands for the kill: nothing catches it, and what is on the disk at its moment is all that is left."""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("save", range(1, 7))
def test_A01_kill_around_every_checkpoint(brief, data, tmp_path, monkeypatch, save, moment):
    """A point of the curve or the weights of the best epoch must not be lost between the two checkpoints."""
    calls = 0
    real = checkpoint.save_checkpoint

    def deadly(*arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if (calls, moment) == (save, "before"):
            raise Death
        real(*arguments)
        if calls == save:
            raise Death

    run = runs.create(tmp_path / "runs", quick(data, **SHORT))
    with monkeypatch.context() as patch, contextlib.suppress(Death):
        patch.setattr(checkpoint, "save_checkpoint", deadly)
        resume_here(run)
    assert calls == save or save > 4, "three epochs save at least four times"
    assert_same_end(resume_here(run), brief)


SAVE_FOR_EVER = """
import os, sys, time
from pathlib import Path
import torch
from unet_core.models import checkpoint
from unet_core.config.schema import ModelConfig
from unet_core.models.unet import UNet
torch.manual_seed(0)
net = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=8, depth=2))
state = checkpoint.SavedState({"epoch": 0}, {"head.bias:exp_avg": torch.zeros(1)})
folder = Path(sys.argv[1])
checkpoint.save_checkpoint(folder, net, state)
for line in sys.stdin:
    child = os.fork()
    if not child:
        for number in range(int(line), 10**9):
            net.head.bias.data.fill_(number)
            checkpoint.save_checkpoint(folder, net, checkpoint.SavedState({"epoch": number}, state.tensors))
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def test_A02_kill_while_a_checkpoint_is_written(tmp_path):
    folder, moments, unreadable, cut = tmp_path / "checkpoints" / "last", random.Random(0), 0, 0
    process = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOR_EVER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for kill in range(20):
            first = (kill + 1) * 1_000_000
            process.stdin.write(f"{first}\n")
            process.stdin.flush()
            child = int(process.stdout.readline())
            wait_for(lambda first=first: saved_number(folder) > first, "some checkpoints were written", 30)
            time.sleep(moments.uniform(0, 0.02))  # a random moment within one or two more
            os.kill(child, signal.SIGKILL)
            assert process.stdout.readline() == "gone\n"
            cut += {path.name for path in folder.parent.iterdir()} != {"last", "last.old"}
            try:
                model, _ = checkpoint.load_model(folder)
                number = checkpoint.load_state(folder).values["epoch"]
                unreadable += not (
                    number > first and float(model.head.bias.detach()[0]) == float(torch.tensor(float(number)))
                )
            except checkpoint.CheckpointError:
                unreadable += 1
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert unreadable == 0
    assert cut > 0, "no kill came while a checkpoint was being written: the test has shown nothing"


def saved_number(folder: Path) -> int:
    try:
        return int(json.loads((folder / "state.json").read_text())["epoch"])
    except (OSError, ValueError):
        return 0


def test_A04_newest_checkpoint_cut_resumes_from_the_one_before(reference, killed, tmp_path):
    run = copy(killed.run, tmp_path)
    os.truncate(run.last / "model.safetensors", 1000)
    try:
        launch.start(run)
        wait_until_over(run)
    finally:
        sweep(tmp_path)
    (warning,) = [event.message for event in events(run) if isinstance(event, Warned)]
    assert "last/model.safetensors: damaged" in warning
    assert "previous checkpoint" in warning
    assert_same_end(run, reference)


def test_A04_newest_checkpoint_cut_at_any_byte_is_found(killed, tmp_path):
    run = copy(killed.run, tmp_path)
    fallen_back = 0
    for name in ("model.safetensors", "state.safetensors", "state.json", "sha256", "config.json"):
        whole = (run.last / name).read_bytes()
        for part in (0, 1, len(whole) // 2, len(whole) - 1):
            (run.last / name).write_bytes(whole[:part])
            fallen_back += checkpoint.usable(run.last)[0] == run.last.with_name("last.old")
        (run.last / name).write_bytes(whole)
    assert fallen_back == 20
    assert checkpoint.usable(run.last) == (run.last, "")


def flip_a_bit(path: Path, where: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(len(content) * where)] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("model.safetensors", 0.0),
        ("model.safetensors", 0.7),
        ("state.safetensors", 0.7),
        ("state.json", 0.5),
        ("config.json", 0.5),
        ("sha256", 0.5),
    ],
)
def test_A05_one_bit_flipped_resumes_from_the_one_before(reference, killed, tmp_path, name, where):
    run = copy(killed.run, tmp_path)
    flip_a_bit(run.last / name, where)
    resume_here(run)
    (warning,) = [event.message for event in events(run) if isinstance(event, Warned)]
    assert "checkpoints/last/" in warning
    assert "damaged" in warning
    assert_same_end(run, reference)


def test_A05_damage_of_both_checkpoints_is_refused_by_name(killed, tmp_path):
    run = copy(killed.run, tmp_path)
    flip_a_bit(run.last / "state.safetensors", 0.5)
    flip_a_bit(run.last.with_name("last.old") / "state.safetensors", 0.5)
    with pytest.raises(checkpoint.CheckpointError, match=r"last/state\.safetensors: damaged"):
        resume_here(run)


@pytest.mark.parametrize("kept", [1, 40, -2])
def test_A06_torn_last_event_line(reference, killed, tmp_path, kept):
    run = copy(killed.run, tmp_path)
    *whole, torn = run.events.read_bytes().splitlines(keepends=True)
    run.events.write_bytes(b"".join(whole) + torn[:kept])
    read, offset = read_events(run.events)
    assert len(read) == len(whole)
    assert offset == len(b"".join(whole))
    assert read_events(run.events, offset) == ([], offset)
    assert last_event(run.events) == read[-1][0]
    assert run.state() is RunState.INTERRUPTED
    resume_here(run)
    assert events(run)[: len(whole)] == [event for event, _ in read]
    again, _ = read_events(run.events, offset)
    assert isinstance(again[0][0], RunStarted), "a reader that waited at the torn line has missed something"
    assert_same_end(run, reference)


@pytest.fixture(scope="module")
def orphan(place: Path, data: Path) -> Run:
    """A long run whose launcher, the command line, was killed with all of its process group."""
    launcher = start_cli("train", data, "--runs-dir", place / "orphan", *flags(**ENDLESS))
    try:
        (run,) = wait_for(lambda: runs.find(place / "orphan"), "the run has begun")
        wait_for(lambda: steps(run), "the run has made a step")
    finally:
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.communicate()
    return run


FIND = """
from pathlib import Path
from unet_core.runs import run as runs
run = runs.find_active(Path({!r}))
print(run.id, run.state())
"""


def test_A07_launcher_killed(orphan):
    began, before = time.monotonic(), len(steps(orphan))
    seen = subprocess.run(
        [sys.executable, "-c", FIND.format(str(orphan.folder.parent))], cwd=ROOT, capture_output=True, text=True
    )
    assert seen.stdout.split() == [orphan.id, "running"]
    assert time.monotonic() - began < 5
    wait_for(lambda: len(steps(orphan)) >= before + 10, "it trains on")
    written = steps(orphan)  # read once: it still grows
    assert [step.step for step in written] == list(range(1, len(written) + 1)), "a step is lost"


def test_A08_sigterm(reference, place, data):
    run = launch.launch(quick(data, **LONG), place / "terminated")
    wait_for(lambda: in_epoch(run, EPOCHS_BEFORE), "the second epoch is under way")
    assert until_interrupted(run, signal.SIGTERM) < 5
    assert run.log.read_text() == ""
    resume_here(run)
    assert_same_end(run, reference)


def test_A08_sigterm_while_it_still_starts(place, data):
    run = launch.launch(quick(data, **LONG), place / "terminated-early")
    assert until_interrupted(run, signal.SIGTERM) < 5
    assert not run.has_last


def test_A09_silent_death_is_shown_as_interrupted(killed):
    assert killed.seconds < 5
    assert killed.run.state() is RunState.INTERRUPTED
    assert runs.find_active(killed.run.folder.parent) is None
    assert isinstance(events(killed.run)[-1], StepFinished | EpochFinished), "it had no time to say anything"


def test_A10_second_trainer_on_one_run_is_refused(orphan):
    (first,) = trainers(orphan.folder)
    with pytest.raises(RunError, match="is already training"):
        launch.start(orphan)
    second = subprocess.run(
        [sys.executable, "-m", "unet_core.training.worker", str(orphan.folder)],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert second.returncode == worker.BUSY
    before = len(steps(orphan))
    wait_for(lambda: len(steps(orphan)) >= before + 10, "the first one trains on")
    assert trainers(orphan.folder) == [first]
    assert [event.type for event in events(orphan)].count("started") == 1
    lines = orphan.events.read_bytes().splitlines(keepends=True)
    numbers = [json.loads(line)["seq"] for line in lines if line.endswith(b"\n")]
    assert numbers == list(range(1, len(numbers) + 1))


# ------------------------------------------------------------------------------------------------------- B  numbers

NAN_AT_STEP = """
from unet_core import losses
real = losses.choose
def choose(*arguments):
    loss, calls = real(*arguments), []
    def planted(logits, target):
        if logits.requires_grad:
            calls.append(1)
        return loss(logits, target) * (float("nan") if len(calls) == {step} else 1.0)
    return planted
losses.choose = choose
"""


def test_B01_nan_loss(place, data, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(NAN_AT_STEP.format(step=16))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = launch.launch(quick(data, epochs=3, crops_per_image=8, lr=0.5), place / "nan")
    wait_until_over(run)
    assert run.state() is RunState.FAILED
    *_, before, failed = events(run)
    assert isinstance(before, StepFinished)
    assert (before.epoch, before.step) == (2, 15), "it went on after the loss was lost"
    assert isinstance(failed, RunFailed)
    assert "step 16" in failed.message
    assert "lower learning rate (lr 0.05)" in failed.message
    named = [name for name in run.split()["train"] if name in failed.message]
    assert 1 <= len(named) <= 4, "the images of the batch are to be named"
    model, warning = checkpoint.load_model(run.best)
    assert warning == ""
    assert all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values())


def train_here(root: Path, **changes: Any) -> tuple[TrainerState, list[Event]]:
    """All events of a training in this process."""
    config = quick(root, **changes)
    pictures = load_dataset(discovery.find(root), config.data, config.model)
    names = [sample.id for sample in pictures.samples]
    training = TrainerState(
        RunConfig(config.data, pictures.model, config.train), pictures.subset(tuple(names[:-1] or names)),
        pictures.subset(tuple(names[-1:] if len(names) > 1 else ())),
    )  # fmt: skip
    return training, list(train(training))


def test_B02_out_of_memory_in_prediction(tmp_path, capsys, monkeypatch):
    """A device that holds 2 tiles of 64 pixels is asked for 16 of 128: it is told what fits, and the mask is whole."""
    torch.manual_seed(0)
    net = UNet(ModelConfig(in_channels=1, num_classes=1, base_channels=2, depth=1)).eval()
    checkpoint.save_checkpoint(tmp_path / "model", net)
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 1), np.uint8)
    (tmp_path / "large.png").write_bytes(png(pixels[:, :, 0]))
    command = ["predict", str(tmp_path / "model"), str(tmp_path / "large.png"), "--device", "cpu", "--tile", "128"]
    assert main([*command, "--output", str(tmp_path / "whole")]) == 0
    forward, held = UNet.forward, []

    def small(self: UNet, x: torch.Tensor) -> Any:
        held.append(len(x) * x.shape[2] * x.shape[3])
        if held[-1] > 2 * 64 * 64:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return forward(self, x)

    monkeypatch.setattr(UNet, "forward", small)
    capsys.readouterr()
    assert main([*command, "--output", str(tmp_path / "tiled")]) == 0
    said = capsys.readouterr().err
    assert "memory of cpu does not hold a tile of" in said and "fits" in said
    whole, tiled = (images.read_mask(tmp_path / name / "large.png") for name in ("whole", "tiled"))
    assert (whole != tiled).mean() < 1e-3
    monkeypatch.setattr(UNet, "forward", lambda self, x: small(self, torch.cat([x] * 1000)))
    assert main([*command, "--output", str(tmp_path / "none")]) == 2
    assert "memory of cpu does not hold a tile" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["background", "ignored"])
@pytest.mark.parametrize("loss", ["bce_dice", "dice", "bce"])
def test_B04_masks_without_anything_to_find(tmp_path, kind, loss):
    root = make_data(tmp_path / "data", 3)
    for path in (root / "masks").iterdir():
        path.write_bytes(png(np.full((24, 24), 0 if kind == "background" else 7, np.uint8)))
    changes = {"ignore_index": 7} if kind == "ignored" else {}
    training, told = train_here(root, loss=loss, epochs=2, num_classes=1, **changes)
    assert isinstance(told[-1], RunFinished)
    assert all(math.isfinite(event.loss) for event in told if isinstance(event, StepFinished))
    epochs = [event for event in told if isinstance(event, EpochFinished)]
    assert len(epochs) == 2
    assert all(math.isfinite(event.train_loss) for event in epochs)
    assert all(bool(tensor.isfinite().all()) for tensor in training.model.state_dict().values())


@pytest.mark.parametrize("size", [(17, 31), (1, 1), (1, 40)])
@pytest.mark.parametrize("count", [1, 2])
def test_B05_few_and_odd_pictures(tmp_path, size, count):
    root = make_data(tmp_path / "data", count, size)
    training, told = train_here(root, batch_size=1, depth=2, epochs=2)
    assert isinstance(told[-1], RunFinished)
    assert [event.type for event in told].count("step") == 2
    mask = training.predictor.mask(images.read(root / "images" / "p0.png"))
    assert mask.shape == size


def test_B05_a_run_of_one_sample(place):
    root = make_data(place / "one", 1, (17, 31))
    assert main(["train", str(root), "--runs-dir", str(place / "one-runs"), *flags(batch_size=1, epochs=1)]) == 0


# --------------------------------------------------------------------------------------------------------- C  the disk


def test_C01_disk_full_at_a_checkpoint(place, data):
    """The limit on the size of its files is set on the living trainer: checkpoints exceed it, events do not."""
    run = launch.launch(quick(data, epochs=8, crops_per_image=16, base_channels=16), place / "full")
    wait_for(lambda: run.has_last and run.has_best, "the first checkpoints are there")
    (pid,) = trainers(run.folder)
    limit = 100_000
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
    wait_until_over(run)
    assert (run.last / "state.safetensors").stat().st_size > limit > run.events.stat().st_size
    told = events(run)
    assert isinstance(told[-1], RunFinished)
    assert (told[-1].reason, len([e for e in told if e.type == "epoch"])) == ("completed", 8)
    warnings = [event.message for event in told if isinstance(event, Warned)]
    assert warnings
    assert all(
        "could not be saved" in text and "File too large" in text and str(run.folder) in text for text in warnings
    )
    kept = checkpoint.load_state(run.last).values["epoch"]
    assert 1 <= kept < 8
    for folder in (run.last, run.best):
        assert checkpoint.usable(folder) == (folder, "")
    assert {path.name for path in run.checkpoints.iterdir()} <= {"best", "best.old", "last", "last.old"}


FILL_UP = """
import resource, sys
from pathlib import Path
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import Warned
log = EventLog(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
for number in range(20):
    log.append(Warned(f"number {number}"))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(Warned("space again"))
"""


def test_C02_disk_full_at_an_event(tmp_path):
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", FILL_UP, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert path.read_bytes().endswith(b"\n")
    lines = path.read_bytes().splitlines()
    lost = 21 - len(lines)
    assert 0 < lost < 20
    told = [event.message for event, _ in read_events(path)[0]]
    assert len(told) == len(lines)
    assert told == [*(f"number {number}" for number in range(20 - lost)), "space again"]
    assert json.loads(lines[-1])["seq"] == 21, "the gap in the numbers shows what was lost"


@pytest.mark.parametrize("what", ["a file in its place", "a file above it", "not permitted"])
def test_C03_run_folder_not_writable(tmp_path, data, what):
    runs_dir = tmp_path / "runs"
    if what == "not permitted":
        if os.geteuid() == 0:
            runs_dir = Path("/proc/self/runs")  # where nobody can write, root neither
        else:
            tmp_path.chmod(0o500)
    elif what == "a file above it":
        runs_dir = tmp_path / "runs" / "deeper"
        (tmp_path / "runs").write_text("")
    else:
        runs_dir.write_text("")
    began = time.monotonic()
    with pytest.raises(RunError, match="cannot be written there") as refused:
        launch.launch(quick(data), runs_dir)
    assert time.monotonic() - began < 2
    assert str(runs_dir) in str(refused.value)
    assert "--runs-dir" in str(refused.value)
    assert not trainers(tmp_path)


def test_C03_a_run_that_has_become_unwritable_is_refused(place, data):
    run = runs.create(place / "became", quick(data))
    run.log.mkdir()
    began = time.monotonic()
    with pytest.raises(RunError, match=run.id):
        launch.start(run)
    assert time.monotonic() - began < 2


# ---------------------------------------------------------------------------------------------------------- D  the data

ODD_NAMES = ["café", "細胞 7", "two\nlines", "a, b; c", "<b>&", "%41", "raw" + os.fsdecode(b"\xff"), "'quoted\"", "-x"]


@pytest.fixture(scope="module")
def odd(place: Path) -> Path:
    """24 pictures, nine of them with odd names; one, with a name that is not UTF-8, is cut in its middle."""
    root = make_data(place / "odd", [*ODD_NAMES, *(f"p{number}" for number in range(24 - len(ODD_NAMES)))])
    cut = root / "images" / f"{ODD_NAMES[6]}.png"
    shutil.copy(cut, place / "whole.png")
    os.truncate(cut, cut.stat().st_size // 2)
    return root


@pytest.fixture(scope="module")
def odd_run(place: Path, odd: Path) -> Run:
    return wait_until_over(launch.launch(quick(odd, epochs=1), place / "odd-runs"))


def test_D01_truncated_image_is_skipped_by_name(odd_run):
    assert odd_run.state() is RunState.FINISHED
    skipped, start, *_ = events(odd_run)
    assert isinstance(skipped, Warned)
    assert ODD_NAMES[6] in skipped.message
    assert "damaged" in skipped.message
    assert isinstance(start, RunStarted)
    assert start.train_images + start.val_images + start.test_images == 23
    assert sum(map(len, odd_run.split().values())) == 23


def test_D01_over_a_tenth_is_refused_with_all_names(tmp_path):
    root = make_data(tmp_path / "data", 20)
    for number in (3, 8, 15):
        os.truncate(root / "images" / f"p{number}.png", 60)
    with pytest.raises(DataError) as refused:
        load_dataset(discovery.find(root), DataConfig(str(root)), ModelConfig())
    assert all(f"p{number}.png" in str(refused.value) for number in (3, 8, 15))
    assert "3 of 20" in str(refused.value)


def test_D02_missing_and_doubled_names_are_listed_at_once(tmp_path):
    root = make_data(tmp_path / "data", 10)
    for name in ("p1", "p2"):
        (root / "masks" / f"{name}.png").unlink()
    (root / "images" / "p5.png").unlink()
    shutil.copy(root / "images" / "p7.png", root / "images" / "p7.bmp")
    shutil.copy(root / "masks" / "p8.png", root / "masks" / "p8_mask.png")
    with pytest.raises(DataError) as refused:
        launch.launch(quick(root), tmp_path / "runs")
    for name in ("p1.png", "p2.png", "p5.png", "p7.bmp", "p7.png", "p8_mask.png"):
        assert name in str(refused.value)
    assert not (tmp_path / "runs").exists()


def test_D02_masks_of_another_size_are_listed_at_once(tmp_path):
    root = make_data(tmp_path / "data", 10)
    for number in (0, 4, 9):
        (root / "masks" / f"p{number}.png").write_bytes(png(picture(number, 24, 20)[1]))
    with pytest.raises(DataError) as refused:
        load_dataset(discovery.find(root), DataConfig(str(root)), ModelConfig())
    assert all(f"p{number}.png" in str(refused.value) for number in (0, 4, 9))


def test_D05_odd_names_train(odd_run):
    assert odd_run.state() is RunState.FINISHED
    names = {name for ids in odd_run.split().values() for name in ids}
    assert names >= {name for name in ODD_NAMES if name != ODD_NAMES[6]}
    assert odd_run.log.read_text() == ""


def test_D05_odd_names_evaluate_and_predict(odd, odd_run, place, capfd):
    shutil.copy(place / "whole.png", odd / "images" / f"{ODD_NAMES[6]}.png")
    scores, out = place / "odd-scores.csv", place / "odd-masks"
    model = ["--device", "cpu", "--output"]
    assert main(["evaluate", str(odd_run.folder), str(odd), "--split", "all", *model, str(scores)]) == 0
    assert main(["predict", str(odd_run.folder), str(odd), *model, str(out)]) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["images"] == 24
    assert sorted(os.listdir(os.fsencode(out))) == sorted(os.listdir(os.fsencode(odd / "images")))  # noqa: PTH208
    table = scores.read_bytes()
    assert all(os.fsencode(name).replace(b'"', b'""') in table for name in ODD_NAMES)


def test_D05_a_folder_whose_name_is_not_utf8_trains_and_predicts(place):
    folder = Path(os.fsdecode(os.fsencode(place) + b"/f\xfc r"))
    root = make_data(folder / "da\nta", 3)
    job = start_cli("train", root, "--runs-dir", folder / "runs", *flags(epochs=1))
    out, err = job.communicate(timeout=60)
    assert job.returncode == 0, err
    run = json.loads(out)["run"]
    assert main(["predict", run, str(root), "--output", str(folder / "out"), "--device", "cpu"]) == 0
    assert len(list((folder / "out").glob("*.png"))) == 3
