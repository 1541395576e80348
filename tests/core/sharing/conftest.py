"""A trained run, and a Hub on 127.0.0.1 that takes uploads."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.hub_push_server import TOKEN, PushHub, running_push_hub
from unet_core.config.schema import RunConfig
from unet_core.data import synthetic
from unet_core.runs.event_log import EventLog
from unet_core.runs.run import Run, create
from unet_core.training import runner

SMALL = {"epochs": 2, "base_channels": 2, "depth": 2, "image_size": 32, "crops_per_image": 1, "test_fraction": 0.25}


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `cells` (12 images) and `runs`; for copying."""
    folder = tmp_path_factory.mktemp("shared")
    synthetic.write(folder / "cells", images=12)
    config = RunConfig().replace(root=str(folder / "cells"), precision="fp32", threads=1, **SMALL)
    run = create(folder / "runs", config)
    log = EventLog(run.events)
    runner.run_to_end(run, log)
    log.close()
    return folder


@pytest.fixture
def run(trained_once: Path, tmp_path: Path) -> Run:
    """The trained run in a folder of its own, which a test may change; its dataset is shared and for reading only."""
    folder = next((trained_once / "runs").iterdir())
    shutil.copytree(folder, tmp_path / "runs" / folder.name)
    return Run(tmp_path / "runs" / folder.name)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[PushHub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf-home"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with running_push_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        yield running
