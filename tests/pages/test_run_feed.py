"""One History for all who look at a run: only what is new is read; another life of the file is noticed."""

import itertools
import json

import pytest

from pages.server import run_feed
from pages.server.lru import LRU
from tests.helpers.pages import EPOCH, STARTED, make_run
from unet_core.config.schema import RunConfig
from unet_core.runs import run as runs
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import StepFinished


def append(run: runs.Run, *events) -> None:
    log = EventLog(run.events)
    for event in events:
        log.append(event)
    log.close()


@pytest.fixture
def run(tmp_path) -> runs.Run:
    return runs.create(tmp_path / "runs", RunConfig().replace(root=str(tmp_path), batch_size=3))


def ask(run: runs.Run, since: int = 0, life: int = 0) -> dict:
    return json.loads(run_feed.feed_of(run).encode_news(since, life))


def test_a_run_without_events_has_a_state_already(run):
    answer = ask(run)
    assert (answer["to"], answer["reset"], answer["standing"]["state"]) == (0, True, "starting")
    assert answer["standing"]["active"]


def test_only_what_is_new_is_read(run, monkeypatch):
    append(run, STARTED, StepFinished(1, 1, 0.9, 0.01))
    assert ask(run)["to"] == 2
    offsets = []
    read = run_feed.read_events
    monkeypatch.setattr(run_feed, "read_events", lambda path, offset: offsets.append(offset) or read(path, offset))
    assert ask(run, 2)["to"] == 2 and offsets == []
    size = run.events.stat().st_size
    append(run, EPOCH)
    assert [row[0] for row in ask(run, 2)["epochs"]] == [1]
    assert offsets == [size]
    assert run_feed.history(run).best == EPOCH and offsets == [size]


def test_a_line_that_is_being_written_waits(run):
    append(run, STARTED)
    with run.events.open("ab") as file:
        file.write(b'{"seq": 2, "time": 1.0, "ty')
    assert ask(run)["to"] == 1


def test_another_life_of_the_file_is_noticed(run, monkeypatch):
    clock = itertools.count(1_700_000_000)
    monkeypatch.setattr("unet_core.runs.event_log.time.time", lambda: float(next(clock)))
    append(run, STARTED, StepFinished(1, 1, 0.9, 0.01), EPOCH)
    first = ask(run)
    run.events.rename(run.events.with_suffix(".old"))
    append(run, STARTED, StepFinished(1, 1, 0.9, 0.01), StepFinished(1, 2, 0.9, 0.01), StepFinished(1, 3, 0.8, 0.01))
    second = ask(run, first["to"], first["life"])
    assert second["reset"] and second["steps"]["n"] == [[1, 3]] and "epochs" not in second


def test_a_file_that_shrank_is_read_anew(run):
    append(run, STARTED, StepFinished(1, 1, 0.9, 0.01), EPOCH)
    assert ask(run)["to"] == 3
    lines = run.events.read_bytes().splitlines(keepends=True)
    run.events.write_bytes(lines[0])  # the same file
    answer = ask(run, 3)
    assert answer["to"] == 1 and answer["reset"]


def test_a_run_whose_settings_are_lost_still_has_curves(run):
    append(run, STARTED, StepFinished(1, 1, 0.9, 0.01))
    (run.folder / "config.json").write_text("{")
    assert ask(run)["steps"]["n"] == [[1, 1]]


def test_few_runs_are_remembered(tmp_path, sample_folder, monkeypatch):
    monkeypatch.setattr(run_feed, "_FEEDS", LRU(2))
    made = [make_run(tmp_path / "runs", sample_folder, STARTED) for _ in range(3)]
    first = run_feed.feed_of(made[0])
    assert run_feed.feed_of(made[0]) is first
    run_feed.feed_of(made[1]), run_feed.feed_of(made[2])
    assert run_feed.feed_of(made[0]) is not first
