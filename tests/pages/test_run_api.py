"""The routes of the live parts over fabricated runs, asked as a browser asks."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.server import run_api
from tests.helpers.pages import EPOCH, STARTED, make_run, shoot
from unet_core.runs.event_log import EventLog
from unet_core.runs.events import RunFinished, StepFinished


@pytest.fixture
def runs_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def client():
    return TestClient(Starlette(routes=run_api.routes()))


@pytest.fixture
def run(runs_dir, sample_folder):
    return make_run(runs_dir, sample_folder, STARTED, StepFinished(1, 1, 0.9, 0.01))


def events(client, run, **query):
    return client.get(f"/api/runs/{run.id}/events", params=query)


def test_only_what_is_new(client, run):
    whole = events(client, run)
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "application/json"
    assert whole.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in whole.headers
    answer = whole.json()
    assert answer["reset"] and answer["to"] == 2 and answer["standing"]["state"] == "interrupted"
    log = EventLog(run.events)
    log.append(StepFinished(1, 2, 0.8, 0.01))
    log.append(EPOCH)
    log.close()
    news = events(client, run, since=2, life=answer["life"])
    assert len(news.content) < 1024
    assert news.json()["steps"]["n"] == [[2, 1]] and not news.json()["reset"]
    assert [row[0] for row in news.json()["epochs"]] == [1]


def test_the_last_answer_holds_the_end(client, run):
    log = EventLog(run.events)
    log.append(EPOCH)
    log.append(RunFinished("completed", 1, 0.71, 0.55, 12.5, 4.0))
    log.close()
    answer = events(client, run).json()
    assert answer["standing"]["state"] == "finished" and not answer["standing"]["active"]
    assert answer["standing"]["best"][:3] == [1, 0.71, 0.55]


@pytest.mark.parametrize("since", ["-1", "x", "1.5", "1e3", "", "٣", "9" * 30, "9223372036854775808"])
def test_a_bad_number_is_refused(client, run, since):
    for name in ("since", "life"):
        answer = events(client, run, **{name: since})
        assert answer.status_code == 400
        assert name in answer.json()["error"]


def test_a_number_beyond_the_end_starts_anew(client, run):
    assert events(client, run, since=2**62).json()["reset"]


@pytest.mark.parametrize("path", ["events", "film", "film/probes", "film/1"])
@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e", "..%2F..%2Fetc", "%2Fetc", "a%00b", "x" * 400, "%ff"])
def test_an_unknown_run_is_a_404_with_words(client, run, name, path):
    (run.folder.parent.parent / "config.json").write_text("{}")
    answer = client.get(f"/api/runs/{name}/{path}")
    assert answer.status_code == 404
    if answer.headers["content-type"] == "application/json":  # else it is no route at all: the name held a slash
        assert "There is no run" in answer.json()["error"]
        assert str(run.folder.parent) not in answer.text


def test_nothing_can_be_written(client, run):
    assert client.post(f"/api/runs/{run.id}/events").status_code == 405


def test_a_long_answer_is_squeezed_where_the_browser_can(client, run):
    log = EventLog(run.events)
    for number in range(2, 2000):
        log.append(StepFinished(number // 3 + 1, number, 0.5, 0.01))
    log.close()
    with client.stream("GET", f"/api/runs/{run.id}/events", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
    plain = client.get(f"/api/runs/{run.id}/events", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert len(raw) < len(plain.content) / 4
    assert gzip.decompress(raw)[:60] == plain.content[:60]
    assert "content-encoding" not in events(client, run, since=1999).headers


def test_the_film(client, run):
    shoot(run, 1, [0.5])
    index = client.get(f"/api/runs/{run.id}/film").json()
    assert index["count"] == 1 and index["epochs"][0][:2] == [1, [0.5]]
    assert client.get(f"/api/runs/{run.id}/film", params={"since": index["epochs"][0][2]}).json()["epochs"] == []
    assert client.get(f"/api/runs/{run.id}/film", params={"since": "x"}).status_code == 400
    assert len(client.get(f"/api/runs/{run.id}/film/probes").json()["probes"]) == 1
    assert len(client.get(f"/api/runs/{run.id}/film/1").json()["masks"]) == 1
    assert client.get(f"/api/runs/{run.id}/film/2").json()["masks"] == []
    assert client.get(f"/api/runs/{run.id}/film/-1").status_code == 404


def test_below_a_base_path(run):
    client = TestClient(Starlette(routes=run_api.routes("/studio/")))
    assert client.get(f"/studio/api/runs/{run.id}/events").status_code == 200
    assert client.get(f"/api/runs/{run.id}/events").status_code == 404
