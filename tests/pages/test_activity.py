"""What the header of every page tells: the run that trains, its end, the jobs of the server; nothing to strangers."""

import threading

import pytest
from filelock import FileLock
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.server import run_api
from pages.server.activity import overview
from pages.server.activity.jobs import Running
from pages.server.background_job import ALL, BackgroundJob
from pages.server.fair_lock import FairLock
from tests.helpers.pages import EPOCH, STARTED, make_run
from unet_core.runs import manage, stages
from unet_core.runs.events import RunFailed, RunFinished, StepFinished

OVER = RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0)
STEPS = [StepFinished(1, n, 0.9, 0.01) for n in (1, 2, 3)]


@pytest.fixture
def runs_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    monkeypatch.delenv("UNET_STUDIO_PUBLIC", raising=False)
    monkeypatch.setattr(overview, "FRESH_SECONDS", -1.0)
    return tmp_path / "runs"


@pytest.fixture
def hold():
    """Locks a run as its trainer would."""
    locks = []

    def lock(run):
        locks.append(FileLock(run.folder / "lock", thread_local=False))
        locks[-1].acquire()
        return run

    yield lock
    for held in locks:
        held.release()


def ask(**query):
    answer = TestClient(Starlette(routes=run_api.routes())).get("/api/activity", params=query)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def test_nothing_goes_on(runs_dir):
    assert ask() == {"run": None, "waiting": 0, "jobs": [], "ended": None}


def test_a_run_that_trains(runs_dir, sample_folder, hold):
    run = hold(make_run(runs_dir, sample_folder, STARTED, *STEPS))
    manage.write_notes(run, manage.Notes("Nuclei"))
    told = ask()["run"]
    assert {name: told[name] for name in ("id", "name", "state", "percent", "stage")} == {
        "id": run.id, "name": "Nuclei", "state": "running", "percent": 50, "stage": ""
    }  # fmt: skip


def test_a_run_that_starts_has_a_stage_and_no_percent(runs_dir, sample_folder, hold):
    run = hold(make_run(runs_dir, sample_folder))
    recorder = stages.Recorder(run.folder)
    recorder.begin(stages.READ)
    recorder.count(180)
    told = ask()["run"]
    assert (told["percent"], told["left"], told["stage"]) == (None, None, "Reading images (180)")


def test_a_queue(runs_dir, sample_folder, hold):
    for place in (1, 2):
        run = make_run(runs_dir, sample_folder)
        (run.folder / "queue").write_text(f"{place:020d}\n")
    assert (ask()["run"], ask()["waiting"]) == (None, 2)


@pytest.mark.parametrize(
    ("events", "state", "dice"),
    [([EPOCH, OVER], "finished", 0.71), ([RunFailed("No.")], "failed", None), ([], "interrupted", None)],
)
def test_the_end_of_a_run_that_a_browser_watched(runs_dir, sample_folder, events, state, dice):
    run = make_run(runs_dir, sample_folder, STARTED, *STEPS, *events)
    assert ask()["ended"] is None
    assert ask(run=run.id)["ended"] == {"id": run.id, "name": run.id, "state": state, "dice": dice}


def test_a_run_that_goes_on_has_no_end(runs_dir, sample_folder, hold):
    run = hold(make_run(runs_dir, sample_folder, STARTED))
    assert ask(run=run.id)["ended"] is None


@pytest.mark.parametrize("name", ["gone", "../../etc", "x" * 5000])
def test_a_run_that_is_not_there(runs_dir, name):
    assert ask(run=name)["ended"] == {"id": name, "name": name, "state": "gone", "dice": None}


def test_strangers_are_told_nothing(runs_dir, sample_folder, hold, monkeypatch):
    run = hold(make_run(runs_dir, sample_folder, STARTED, *STEPS))
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")
    assert ask(run=run.id) == {"run": None, "waiting": 0, "jobs": [], "ended": None}


class Job(BackgroundJob):
    label = "Evaluating"

    def __init__(self) -> None:
        self.now, self.go_on = 0.0, threading.Event()
        super().__init__(FairLock(), clock=lambda: self.now)

    def _count(self):
        return 3, 12, "", 0, 0

    def _work(self) -> None:
        assert self.go_on.wait(30)


def test_a_job_that_lasts(runs_dir):
    job = Job()
    job.start()
    assert ask()["jobs"] == [], "it may be over in a moment"
    job.now = 3.5
    assert ask()["jobs"] == [{"label": "Evaluating", "percent": 25}]
    job.now = 31.0
    assert job._cancelled(), "whoever asks for the header does not look at the job"
    job.go_on.set()
    assert job.wait(30)
    assert job not in [other for other, _ in ALL.listed()]


def test_a_job_that_nobody_holds_drops_out():
    class Thing:
        pass

    running, thing = Running(), Thing()
    running.add(thing, "Working")
    assert [label for _, label in running.listed()] == ["Working"]
    del thing
    assert running.listed() == []
