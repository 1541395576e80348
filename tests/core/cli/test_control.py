"""A run steered from the command line."""

import json
from dataclasses import replace

import pytest

from tests.core.runs.test_history import STARTED, epoch, step
from tests.helpers.processes import make_data, quick
from unet_core.cli import follow
from unet_core.cli.parser import main
from unet_core.runs import control
from unet_core.runs import run as runs
from unet_core.runs.control import FileControl, Requests
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import Event, Paused, Warned
from unet_core.runs.history import History
from unet_core.runs.run import Run, RunState
from unet_core.training import launch, runner


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of one epoch at its end."""
    place = tmp_path_factory.mktemp("commands")
    run = runs.create(place / "runs", quick(make_data(place / "data"), epochs=1))
    run.beat()
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return run


@pytest.fixture
def running(finished: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same as if it were running."""
    monkeypatch.setattr(Run, "alive", lambda run: True)
    return finished


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object], str]:
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else {}, err


def test_pause_unpause_and_set(running: Run, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--runs-dir", str(running.folder.parent)]
    assert say(capsys, "pause", running.id, *where)[:2] == (0, {"run": str(running.folder), "state": RunState.PAUSED})
    asked = FileControl(running.control)
    assert asked.poll(1) == Requests(pause=True)
    assert say(capsys, "unpause", str(running.folder))[:2] == (
        0,
        {"run": str(running.folder), "state": RunState.RUNNING},
    )
    assert asked.poll(1) == Requests()
    assert say(capsys, "set", running.id, "--lr", "0.01", "--epochs", "40", *where)[0] == 0
    assert asked.poll(1) == Requests(lr=0.01, epochs=40)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Nothing to set. Use --lr, --epochs or both."),
        (["--lr", "0"], "Expected lr to be above 0 and at most 10, got 0.0"),
        (["--epochs", "0"], "Expected epochs to be at least 1 and at most 100000, got 0"),
    ],
)
def test_what_cannot_be_set(running: Run, capsys: pytest.CaptureFixture[str], words: list[str], message: str) -> None:
    status, _, err = say(capsys, "set", str(running.folder), *words)
    assert status == 2
    assert f"error: {message}" in err
    assert list(running.control.iterdir()) == []


def test_resume_lets_a_paused_run_continue_in_its_own_process(
    running: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "start", lambda run: pytest.fail("a second process"))
    running.request_pause()
    answer = {"run": str(running.folder), "state": RunState.RUNNING}
    assert say(capsys, "resume", str(running.folder))[:2] == (0, answer)
    assert FileControl(running.control).poll(1) == Requests()


def test_resume_refuses_a_run_that_is_neither_paused_nor_over(running: Run, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = say(capsys, "resume", str(running.folder))
    assert status == 2
    assert "is already training" in err


def test_resume_starts_a_run_again_whose_process_died_while_it_was_paused(
    finished: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Run] = []
    monkeypatch.setattr(launch, "start", lambda run: started.append(run) or run.clear_requests())
    finished.request_pause()
    assert say(capsys, "resume", str(finished.folder))[0] == 0
    assert started == [finished]


@pytest.mark.parametrize("command", ["pause", "unpause", "set"])
def test_a_run_that_is_over_is_not_steered(finished: Run, capsys: pytest.CaptureFixture[str], command: str) -> None:
    status, _, err = say(capsys, command, str(finished.folder))
    assert status == 2
    assert "is not running (it is finished). Use `resume` or `continue`." in err
    assert list(finished.control.iterdir()) == []


def test_continue_goes_on_and_follows(
    finished: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(run: Run) -> None:
        wish = control.read_continue_request(run.control)
        assert wish is not None
        assert (wish.epochs, wish.lr) == (2, 0.03)
        log = EventLog(run.events)
        runner.run_to_end(run, log)
        log.close()

    monkeypatch.setattr(launch, "start", here)
    status, result, err = say(capsys, "continue", str(finished.folder), "--epochs", "2", "--lr", "0.03")
    assert (status, result["epochs"], result["reason"]) == (0, 3, "completed")
    lines = [line.split("  ")[0] for line in err.splitlines()]
    stages = [line.partition(":")[0] for line in lines if not line.startswith(("epoch", "step"))]
    assert stages == ["Reading images (6)", "Preparing the model", "First step"]
    progress = [line for line in lines if line.startswith(("epoch", "step"))]
    assert progress == ["epoch 1/3", "step 2: continued until epoch 3", "epoch 2/3", "epoch 3/3"]
    assert "warning" not in err


def test_twenty_more_epochs_unless_said_otherwise(finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(launch, "continue_run", lambda run, epochs, lr: asked.append((run, epochs, lr)))
    monkeypatch.setattr("unet_core.cli.control.follow", lambda run: {})
    assert main(["continue", str(finished.folder)]) == 0
    assert asked == [(finished, 20, None)]


def test_an_epoch_is_told_once_also_where_a_run_is_taken_up_again() -> None:
    history, told = History(), {}

    def lines(*events: Event) -> list[str]:
        for event in events:
            history.add(event, 0.0)
        return [line.split("  ")[0] for line in follow._new_lines(history, told)]

    assert lines(STARTED, step(5), epoch(1), step(6), Paused(2, 6)) == ["epoch 1/4", "step 6: paused"]
    assert lines(Warned("told at the end")) == []
    assert lines(step(10), epoch(2)) == ["epoch 2/4"]
    again = replace(STARTED, first_epoch=2)
    assert lines(again) == ["step 5: resumed at epoch 2"]
    assert lines(again, step(10), epoch(2)) == ["step 5: resumed at epoch 2", "epoch 2/4"]
    assert lines() == []
