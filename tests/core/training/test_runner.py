"""A run in command: held, changed, stopped, killed and told to go on, by its files and in processes of its own."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.processes import end, events, make_data, quick, steps, trainers, wait_for, wait_until_over
from unet_core.config.schema import RunConfig
from unet_core.data import dataset, discovery
from unet_core.errors import ConfigError, RunError
from unet_core.models import checkpoint
from unet_core.runs import control, snapshots
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog, read_events
from unet_core.runs.events import Event, Paused, RunFinished, RunStarted, StepFinished
from unet_core.runs.history import History
from unet_core.runs.run import Run, RunState
from unet_core.training import launch, runner
from unet_core.training.loop import train
from unet_core.training.state import TrainerState

RELEASE_0_1 = Path(__file__).parents[2] / "golden" / "release_0_1"
HELD_BEATS = 4  # heartbeats for which a held trainer is watched


@pytest.fixture(scope="module")
def cells(place: Path) -> Path:
    return make_data(place / "data", 7)


class Killed(BaseException):
    """As good as SIGKILL for what is on the disk: nobody catches it."""


class Script(EventLog):
    """A log that does something when it has written the event of a step."""

    def __init__(self, run: Run, plan: dict[int, Callable[[], object]]) -> None:
        super().__init__(run.events)
        self.plan = plan

    def append(self, event: Event) -> None:
        super().append(event)
        if isinstance(event, StepFinished) and event.step in self.plan:
            self.plan.pop(event.step)()


def killed() -> None:
    raise Killed


def run_here(run: Run, plan: dict[int, Callable[[], object]] | None = None) -> Run:
    """Train a run in this process, in a tenth of the time of a process of its own."""
    log = Script(run, dict(plan or {}))
    run.beat()
    try:
        runner.run_to_end(run, log)
    except Killed:
        pass
    finally:
        log.close()
    return run


def stored(folder: Path) -> dict[str, Any]:
    """All tensors of a checkpoint and what else its state says but the clock and the wish."""
    state = checkpoint.load_state(folder)
    tensors = {**checkpoint.load_model(folder)[0].state_dict(), **{f"state {k}": v for k, v in state.tensors.items()}}
    values = {key: value for key, value in state.values.items() if key not in ("seconds", "request_id")}
    return {name: tensor.numpy().tobytes() for name, tensor in tensors.items()} | {"values": repr(values)}


def history(run: Run) -> History:
    found = History()
    for event, at in read_events(run.events)[0]:
        found.add(event, at)
    return found


def cpu_ticks(pid: int) -> int:
    """Processor time of a process and its threads, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


# -------------------------------------------------------------------------------------------------------------- pause


def test_a_held_trainer_uses_no_processor_survives_its_end_and_trains_as_if_never_held(place, cells):
    config = quick(cells, epochs=5, crops_per_image=48)
    reference = run_here(runs.create(place / "reference", config))
    run = launch.launch(config, place / "paused")
    wait_for(lambda: steps(run), "the run has made a step")
    run.request_pause()
    asked = time.time()
    wait_for(lambda: events(run)[-1].type == "paused", "it is held")
    late = [event for event, at in read_events(run.events)[0] if isinstance(event, StepFinished) and at > asked]
    assert len(late) <= 2
    assert run.state() is RunState.PAUSED
    (pid,) = trainers(run.folder)
    heartbeat = (run.folder / "heartbeat").stat
    beats = {heartbeat().st_mtime_ns}
    wait_for(lambda: beats.add(heartbeat().st_mtime_ns) or len(beats) > 1, "a first heartbeat: all has settled")
    before = cpu_ticks(pid)
    wait_for(lambda: beats.add(heartbeat().st_mtime_ns) or len(beats) > 1 + HELD_BEATS, "the heart beats on")
    assert cpu_ticks(pid) - before <= 2 * HELD_BEATS, "more than two hundredths of the processor"
    assert isinstance(events(run)[-1], Paused)
    run.request_unpause()
    wait_for(lambda: isinstance(events(run)[-1], StepFinished), "it goes on")
    assert [event.type for event in events(run)].count("unpaused") == 1
    run.request_pause()
    wait_for(lambda: isinstance(events(run)[-1], Paused), "it is held again")
    end([pid], signal.SIGTERM)
    wait_for(lambda: run.state() is RunState.INTERRUPTED, "it has ended")

    launch.start(run)
    assert not (run.control / "pause").exists(), "taken up again it is not held"
    wait_until_over(run)
    assert run.state() is RunState.FINISHED
    assert stored(run.last) == stored(reference.last)
    assert stored_best(run) == stored_best(reference)
    assert history(run).steps == history(reference).steps


def stored_best(run: Run) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in checkpoint.load_model(run.best)[0].state_dict().items()}


def test_it_holds_before_it_makes_another_step_and_obeys_what_is_asked_meanwhile(tmp_path, cells, monkeypatch):
    """Deterministic: what a page does while the trainer sleeps, it does here at the places where the trainer sleeps."""
    run = runs.create(tmp_path, quick(cells, epochs=3, crops_per_image=3))
    meanwhile = iter([lambda: run.request_lr(0.0001), lambda: run.request_epochs(7), run.request_unpause])
    monkeypatch.setattr(control.FileControl, "wait", lambda asked: next(meanwhile)())
    held = [run.request_pause, lambda: [run.request_pause(), run.request_stop()]]
    run_here(run, {7: held[0], 9: held[1]})
    told = [(event.type, getattr(event, "step", None)) for event in events(run)]
    assert told[told.index(("step", 7)) :] == [
        ("step", 7),
        ("paused", 7),
        ("lr_changed", 7),
        ("epochs_changed", 7),
        ("unpaused", 7),
        ("step", 8),
        ("step", 9),
        ("epoch", 9),
        ("finished", None),
    ]
    assert history(run).steps[7].lr == 0.0001
    assert run.state() is RunState.STOPPED


def test_a_stop_ends_it_while_it_is_held(tmp_path, cells, monkeypatch):
    run = runs.create(tmp_path, quick(cells, epochs=3, crops_per_image=3))
    monkeypatch.setattr(control.FileControl, "wait", lambda asked: run.request_stop())
    run_here(run, {7: run.request_pause})
    assert [event.type for event in events(run)][-4:] == ["paused", "unpaused", "epoch", "finished"]
    assert run.state() is RunState.STOPPED


def test_between_two_looks_it_sleeps(monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    control.FileControl(Path()).wait()
    assert slept == [control.POLL_SECONDS]
    assert 0.1 <= control.POLL_SECONDS <= 0.5


# ----------------------------------------------------------------------------------------- changes and what kills do


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine", "constant", "plateau"])
@pytest.mark.parametrize("kills", [[8], [9, 10], [13, 13]])  # steps; an epoch has 5
def test_changes_are_done_again_at_their_steps_after_a_kill(tmp_path, cells, schedule, kills):
    config = quick(cells, epochs=3, crops_per_image=3, schedule=schedule, plateau_patience=1)

    def asked(run: Run) -> dict[int, Callable[[], object]]:
        return {7: lambda: run.request_lr(0.03), 9: lambda: run.request_epochs(4), 12: lambda: run.request_lr(0.01)}

    reference = runs.create(tmp_path / "reference", config)
    run_here(reference, asked(reference))
    assert events(reference)[0].steps_per_epoch == 5
    run = runs.create(tmp_path / "killed", config)
    plan = asked(run)
    for step in kills:
        before = {at: act for at, act in plan.items() if at < step}
        run_here(run, before | {step: killed})
        plan = {at: act for at, act in plan.items() if at not in before}
    run_here(run, plan)
    assert stored(run.last) == stored(reference.last)
    assert stored_best(run) == stored_best(reference)
    assert history(run).steps == history(reference).steps
    kinds = ("lr", "epochs", "best")
    found, expected = ([m for m in history(r).marks if m.kind in kinds] for r in (run, reference))
    assert found == expected
    assert [(mark.step, mark.kind) for mark in found if mark.kind != "best"] == [(7, "lr"), (9, "epochs"), (12, "lr")]
    assert history(run).total_epochs == 4


def test_what_is_out_of_range_is_a_warning_and_no_crash(tmp_path, cells):
    run = runs.create(tmp_path, quick(cells))
    run_here(run, {1: lambda: [(run.control / name).write_text("-5") for name in ("lr", "epochs")]})
    assert run.state() is RunState.FINISHED
    assert [message.partition(" was not changed")[0] for message in history(run).warnings] == [
        "The learning rate",
        "The number of epochs",
    ]
    assert list(run.control.iterdir()) == []


# ------------------------------------------------------------------------------------------------------ going further


def test_three_epochs_and_two_more_in_processes_equal_one_training_in_memory(place, cells):
    config = quick(cells, epochs=3)
    run = wait_until_over(launch.launch(config, place / "further"))
    launch.continue_run(run, 2)
    wait_until_over(run)
    assert run.state() is RunState.FINISHED
    assert list(run.control.iterdir()) == []
    assert run.config == config, "config.json is written once"

    pictures = dataset.load_dataset(discovery.find(cells), config.data, config.model)
    split = run.split()
    training = TrainerState(
        RunConfig(model=pictures.model, train=config.train),
        *(pictures.subset(tuple(split[part])) for part in ("train", "val")),
    )
    list(train(training))
    training.begin_stage(2)
    list(train(training))
    weights = training.model.state_dict()
    found = checkpoint.load_model(run.last)[0].state_dict()
    assert {k: v.numpy().tobytes() for k, v in found.items()} == {k: v.numpy().tobytes() for k, v in weights.items()}
    told = history(run)
    assert [epoch.epoch for epoch in told.epochs] == [1, 2, 3, 4, 5]
    assert [step.step for step in told.steps] == list(range(1, 11))
    assert (told.total_epochs, told.progress) == (5, 1.0)
    assert [(mark.step, mark.kind) for mark in told.marks if mark.kind != "best"] == [(6, "continued")]
    start = [event for event in events(run) if isinstance(event, RunStarted)][-1]
    assert (start.epochs, start.first_epoch, start.first_step, start.stage) == (5, 4, 7, 2)


def further_here(run: Run, epochs: int, lr: float | None = None) -> Run:
    control.request_continue(run.control, epochs, lr)
    return run_here(run)


def test_at_a_constant_rate_three_epochs_and_two_more_are_five(tmp_path, cells):
    plain = run_here(runs.create(tmp_path / "plain", quick(cells, epochs=5, schedule="constant")))
    run = run_here(runs.create(tmp_path / "legs", quick(cells, epochs=3, schedule="constant")))
    further_here(run, 2)
    assert history(run).steps == history(plain).steps
    for folder in ("last", "best"):
        found, expected = (checkpoint.load_model(r.checkpoints / folder)[0].state_dict() for r in (run, plain))
        assert {k: v.tolist() for k, v in found.items()} == {k: v.tolist() for k, v in expected.items()}


def test_a_stop_within_an_epoch_is_where_it_goes_on(tmp_path, cells):
    """Nothing is lost: the epoch that was cut short was judged and saved, and the next one follows it."""
    run = runs.create(tmp_path, quick(cells, epochs=9, crops_per_image=3))
    run_here(run, {7: run.request_stop})
    assert run.state() is RunState.STOPPED
    run.clear_requests()
    further_here(run, 2, lr=0.02)
    assert run.state() is RunState.FINISHED
    told = history(run)
    assert [(epoch.epoch, epoch.step) for epoch in told.epochs] == [(1, 5), (2, 7), (3, 12), (4, 17)]
    assert [step.step for step in told.steps] == list(range(1, 18))
    assert (told.total_epochs, told.total_steps, told.progress) == (4, 17, 1.0)
    assert max(step.lr for step in told.steps[7:]) == pytest.approx(0.02)


def test_a_kill_right_after_the_wish_was_taken_up_does_not_double_it(tmp_path, cells, monkeypatch):
    run = run_here(runs.create(tmp_path, quick(cells, epochs=1)))
    control.request_continue(run.control, 2, None)
    with monkeypatch.context() as patch:
        patch.setattr(control, "clear", lambda *names: killed())
        run_here(run)
    assert checkpoint.load_state(run.last).values["epochs"] == 3
    assert (run.control / "continue").exists()
    run_here(run)
    assert [epoch.epoch for epoch in history(run).epochs] == [1, 2, 3]
    assert checkpoint.load_state(run.last).values["stage"] == 2, "one request, one stage"
    assert list(run.control.iterdir()) == []


def test_a_kill_in_a_later_leg_is_made_good_like_any_other(tmp_path, cells):
    whole, run = (runs.create(tmp_path / name, quick(cells, epochs=1)) for name in ("whole", "killed"))
    for each in (whole, run):
        run_here(each)
        control.request_continue(each.control, 3, 0.02)
    run_here(whole)
    run_here(run, {6: killed})
    assert run.state() is RunState.INTERRUPTED
    run_here(run)
    assert stored(run.last) == stored(whole.last)
    assert history(run).steps == history(whole).steps
    assert [mark.kind for mark in history(run).marks if mark.kind != "best"] == ["continued", "resumed"]


def test_a_run_that_cannot_go_on_says_why_and_keeps_no_wish(tmp_path, cells, monkeypatch):
    run = runs.create(tmp_path, quick(cells, epochs=1))
    (run.folder / "heartbeat").touch()
    with pytest.raises(RunError, match="has no saved epoch to continue from"):
        launch.continue_run(run, 2)
    run_here(run)
    for epochs, lr in ((0, None), (2, 0.0), (100_001, None)):
        with pytest.raises(ConfigError, match="Expected"):
            launch.continue_run(run, epochs, lr)
    monkeypatch.setattr(launch, "start", lambda run: (_ for _ in ()).throw(RunError("no luck")))
    with pytest.raises(RunError, match="no luck"):
        launch.continue_run(run, 2)
    assert list(run.control.iterdir()) == []
    monkeypatch.setattr(Run, "state", lambda run: RunState.RUNNING)
    with pytest.raises(RunError, match=r"is still active\. Change its number of epochs instead"):
        launch.continue_run(run, 2)


# ------------------------------------------------------------------------------------------------- the last release


def test_a_run_of_the_last_release_is_read_and_goes_on(tmp_path):
    run = Run(shutil.copytree(RELEASE_0_1 / "run", tmp_path / "run"))
    told = history(run)
    assert [event.type for event in events(run)] == [
        "started", "step", "step", "epoch", "step", "step", "epoch", "finished",
    ]  # fmt: skip
    assert (told.total_epochs, told.total_steps, told.progress, told.memory_mb) == (2, 4, 1.0, None)
    assert told.best is not None
    assert [mark.kind for mark in told.marks] == ["best", "best"]
    assert run.state() is RunState.FINISHED
    assert run.config.train.init == ""
    assert run.config.train.tensorboard is False
    assert checkpoint.load_model(run.best)[1] == ""

    settings = json.loads((run.folder / "config.json").read_text())
    settings["data"]["root"] = str(RELEASE_0_1 / "data")
    (run.folder / "config.json").write_text(json.dumps(settings))
    further_here(run, 2)
    assert run.state() is RunState.FINISHED
    assert [epoch.epoch for epoch in history(run).epochs] == [1, 2, 3, 4]
    assert snapshots.epochs(run.snapshots) == [1, 2, 3, 4]
    assert [len(list(run.snapshots.glob(f"{epoch:04}-?.png"))) for epoch in (1, 4)] == [4, 4]


def test_an_interrupted_run_of_the_last_release_is_taken_up_again(tmp_path):
    run = Run(shutil.copytree(RELEASE_0_1 / "run", tmp_path / "run"))
    settings = json.loads((run.folder / "config.json").read_text())
    settings["data"]["root"], settings["train"]["epochs"] = str(RELEASE_0_1 / "data"), 3
    (run.folder / "config.json").write_text(json.dumps(settings))
    lines = run.events.read_bytes().splitlines(keepends=True)
    run.events.write_bytes(b"".join(lines[:-1]))
    run_here(run)
    assert [epoch.epoch for epoch in history(run).epochs] == [1, 2, 3]
    end_of_it = events(run)[-1]
    assert isinstance(end_of_it, RunFinished)
    assert end_of_it.reason == "completed"


def test_the_events_of_the_film_and_the_epoch_come_in_this_order(tmp_path, cells, monkeypatch):
    """Best, event, last: a kill in between repeats the epoch, and neither its point nor its weights get lost."""
    order: list[str] = []
    monkeypatch.setattr(checkpoint, "save_checkpoint", lambda folder, *rest: order.append(folder.name))
    monkeypatch.setattr(
        snapshots, "save_snapshots", lambda folder, epoch, mask, pictures, dices: order.append(f"film {len(dices)}")
    )
    append = EventLog.append
    monkeypatch.setattr(EventLog, "append", lambda log, event: (order.append(event.type), append(log, event)))
    run_here(runs.create(tmp_path, quick(cells, epochs=1)))
    assert order == ["started", "step", "step", "best", "film 1", "epoch", "last", "finished"]


def test_how_far_the_reading_is_is_told_while_it_lasts(cells: Path, tmp_path: Path, monkeypatch) -> None:
    run = runs.create(tmp_path, quick(cells))
    counts = []

    def write(path: Path, text: str) -> None:
        path.write_text(text)
        counts.append(run.images_read())

    monkeypatch.setattr(runner, "READING_SECONDS", 0.0)
    monkeypatch.setattr(runner, "write_atomically", write)
    run_here(run)
    assert counts == [(number, 7) for number in range(7)]
    assert not run.reading.exists()
    assert run.images_read() is None
