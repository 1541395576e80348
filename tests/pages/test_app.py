"""The server's own part: its routes are there, and at its start the queue goes on."""

import logging

import app
from tests.helpers.loops import run_async


def test_the_queue_is_taken_up_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))
    asked = []
    monkeypatch.setattr("unet_core.runs.queue.restart_orphans", asked.append)

    async def once() -> None:
        async with app.lifespan(app.app):
            assert asked == [tmp_path / "runs"]

    run_async(once())


def test_a_queue_that_cannot_be_read_does_not_keep_the_pages_down(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("UNET_RUNS", str(tmp_path / "runs"))

    def fail(folder) -> None:
        raise PermissionError(folder)

    monkeypatch.setattr("unet_core.runs.queue.restart_orphans", fail)
    with caplog.at_level(logging.ERROR):
        app.resume_queue()
    assert "could not be resumed" in caplog.text
