"""What several test files share: a small dataset, one thread, and a cache folder that is not the user's."""

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before anything imports torch
os.environ["HF_HUB_DISABLE_XET"] = "1"  # before huggingface_hub is imported: Xet has servers of its own

import pytest

from tests.helpers.chromium import browser as browser
from tests.helpers.processes import sweep
from tests.helpers.wheel import installed as installed
from tests.helpers.wheel import wheel as wheel
from unet_core.data import synthetic

STAND_IN = """
import sys, time, types

def run_to_end(run, log, recorder=None):
    from unet_core.runs.events import RunFinished, RunStarted, StepFinished
    epochs = run.config.train.epochs
    log.append(RunStarted("cpu", "fp32", 1, 1000, 1, 1, 6, 2, 0, epochs=epochs, steps_per_epoch=1))
    for step in range(1, epochs + 1):
        time.sleep(0.05)
        log.append(StepFinished(step, step, 0.5, 0.1))
    log.append(RunFinished("completed", 1, 0.5, 0.4, 9.0, 1.0))

stand_in = types.ModuleType("unet_core.training.runner")
stand_in.run_to_end = run_to_end
sys.modules["unet_core.training.runner"] = stand_in
"""


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of merged masks, for this session only; no test writes into the home folder."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of the built-in dataset with their masks; for reading only."""
    return synthetic.write(tmp_path_factory.mktemp("data") / "cells", images=8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for a module's runs; no trainer in it outlives the module."""
    folder = tmp_path_factory.mktemp("processes")
    yield folder
    sweep(folder)


@pytest.fixture
def quick_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A trainer that takes a tenth of a second in place of the real one, which imports torch first; its folder."""
    folder = tmp_path / "stand-in"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder
