"""The queue on the Train page, by Streamlit's AppTest over fabricated runs."""

import os

import pytest

from tests.helpers.pages import show, texts
from unet_core.config.schema import RunConfig
from unet_core.io.files import write_atomically
from unet_core.runs import queue
from unet_core.runs import run as runs


@pytest.fixture
def queued(place, sample_folder):
    """Three runs in the queue, without any process."""
    made = [runs.create(place, RunConfig().replace(root=str(sample_folder))) for _ in range(3)]
    for run in made:
        queue.join(run)
    return made


def press(app, key):
    next(button for button in app.button if button.key == key).click().run()
    assert not app.exception


def order(app):
    listed = [element.value.replace("\\", "") for element in app.markdown]
    return [text.partition(". ")[2] for text in listed if text[:2] in ("1.", "2.", "3.")]


def test_nobody_waits_and_nothing_is_drawn(place):
    app = show("train")
    assert not [button for button in app.button if button.key.startswith("queue")]


def test_the_queue_is_shown_in_its_order_and_changed_by_buttons(place, queued):
    first, second, third = (run.id for run in queued)
    app = show("train")
    assert not app.exception
    assert order(app) == [first, second, third]
    press(app, f"queue_down:{first}")
    assert order(app) == [second, first, third]
    press(app, f"queue_up:{third}")
    assert order(app) == [second, third, first]
    press(app, f"queue_remove:{third}")
    assert order(app) == [second, first]
    assert not queued[2].folder.exists()
    assert [run.id for run in queue.waiting(place)] == [second, first]


def test_the_whole_queue_is_emptied(place, queued):
    app = show("train")
    press(app, "queue_empty")
    assert queue.waiting(place) == []
    assert runs.find(place) == []


def test_a_removed_run_is_queued_again_in_its_position_by_undo(place, queued, monkeypatch):
    first, second, third = (run.id for run in queued)
    started = stand_in(monkeypatch)
    app = show("train")
    press(app, f"queue_remove:{second}")
    assert f"Run {second} removed" not in texts(app) and f"{second} removed from the queue" in plain(app)
    press(app, "undo-queued run-1")
    (again,) = started
    assert [run.id for run in queue.waiting(place)] == [first, again.id, third]
    assert again.config == queued[0].config


def test_a_cleared_queue_comes_back_in_its_order(place, queued, monkeypatch):
    for run, epochs in zip(queued, (5, 6, 7), strict=True):
        write_atomically(run.folder / "config.json", run.config.replace(epochs=epochs).to_json())
    stand_in(monkeypatch)
    app = show("train")
    press(app, "queue_empty")
    assert "3 runs removed from the queue" in plain(app)
    press(app, "undo-queued run-1")
    assert [run.config.train.epochs for run in queue.waiting(place)] == [5, 6, 7]


def stand_in(monkeypatch) -> list:
    """Runs are queued without a process; those that were."""
    started = []

    def launch_queued(config, runs_dir):
        run = runs.create(runs_dir, config)
        queue.join(run)
        started.append(run)
        return run

    monkeypatch.setattr("unet_core.training.launch.launch", launch_queued)
    return started


def plain(app) -> str:
    return texts(app).replace("\\", "")


def test_an_error_is_shown(place, queued):
    app = show("train")
    (queued[1].folder / "queue").unlink()
    press(app, f"queue_remove:{queued[1].id}")
    assert "is not in the queue" in texts(app)


def test_orphaned_runs_are_shown_and_requeued(place, queued, monkeypatch):
    revived = []
    monkeypatch.setattr("unet_core.runs.queue.restart_orphans", revived.append)
    app = show("train")
    assert "no process" not in texts(app), "their processes may be about to start"
    for run in queued:
        os.utime(run.folder / "queue", (1, 1))
    app.run()
    assert "3 queued runs have no process" in texts(app)
    press(app, "queue_revive")
    assert revived == [place]


def test_a_long_queue_is_folded(place, queued):
    for _ in range(9):
        queue.join(runs.create(place, RunConfig()))
    app = show("train")
    assert not app.exception
    assert len([button for button in app.button if button.key.startswith("queue_remove:")]) == 8
    assert "12. " in texts(app)
