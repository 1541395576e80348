"""A server that ends copies its runs once more: what a restart of a Space does."""

import shutil
import signal

from tests.helpers.browser import Server, poll
from tests.helpers.hub_push_server import TOKEN, running_push_hub
from unet_core.runs import manage
from unet_core.runs.run import Run


def test_what_changed_just_before_a_sigterm_is_on_the_hub_and_comes_back_on_an_empty_disk(
    trained, tmp_path, monkeypatch
):
    server = Server(tmp_path)
    shutil.copytree(trained.folder, server.runs_dir / trained.id)
    monkeypatch.setenv("UNET_STUDIO_MIRROR", "anna/runs")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    with running_push_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        server.start()
        poll(lambda: "anna/runs" in hub.repos and hub.repos["anna/runs"].files, what="the first copy")
        manage.write_notes(Run(server.runs_dir / trained.id), manage.Notes("the last moment"))
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
        assert b"the last moment" in hub.repos["anna/runs"].files[f"runs/{trained.id}/notes.json"]
        shutil.rmtree(server.runs_dir)
        server.start()
        poll(lambda: (server.runs_dir / trained.id / "config.json").is_file(), what="the run")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    assert manage.label(Run(server.runs_dir / trained.id)) == "the last moment"
    assert "Traceback" not in server.log.read_text()
